-- Software by the number of different CVEs that it brings. Wants the stream vulnerabilities.
select
    "softwareName" as software, max("softwareVendor") as vendor, count(distinct "cveId") as cves, max("cvssScore") as worst_cvss,
    count(distinct "virtualMachineId") as machines
from vulnerabilities
where "statusCode" = 'Unhealthy'
group by "softwareName"
order by cves desc, machines desc, software
