-- Machines that have one CVE, by the software that brings it. Wants the stream vulnerabilities, and the CVE as `cve`.
select
    coalesce(v."vmName", v."virtualMachineId") as machine, m."publicIPAddress" as address, v."softwareName" as software,
    v."softwareVersions" as installed, v."fixedVersion" as fixed_in, v."cvssScore" as cvss, v."riskLevel" as risk
from vulnerabilities as v
left join virtual_machines as m on m.id = v."virtualMachineId"
where v."cveId" = upper(:'cve') and v."statusCode" = 'Unhealthy'
order by v."cvssScore" desc nulls last, machine, software
