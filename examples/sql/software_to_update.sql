-- Software and systems by the number of open findings that an update of them closes.
select
    coalesce("softwareName", "displayName") as software,
    max("softwareVendor") as vendor,
    count(distinct "virtualMachineId") as machines,
    count(*) as findings,
    count(*) filter (where lower(coalesce("riskLevel", severity)) = 'critical') as critical,
    count(*) filter (where lower(coalesce("riskLevel", severity)) = 'high') as high,
    count(*) filter (where lower(coalesce("riskLevel", severity)) = 'medium') as medium,
    count(*) filter (where lower(coalesce("riskLevel", severity)) = 'low') as low,
    max("maxCvssScore") as worst_cvss
from assessments
where "statusCode" = 'Unhealthy' and "recommendationCategory" in ('SoftwareUpdate', 'SystemUpdate')
group by 1
order by findings desc, software
