-- Findings that were opened, or opened again, in the seven days before the last run. Its day is that of the newest change.
select
    a."statusChangeDate" as opened,
    coalesce(a."riskLevel", a.severity) as risk,
    a."displayName" as finding,
    a."vmName" as machine,
    a."azurePortalLink" as link
from assessments as a
where
    a."statusCode" = 'Unhealthy'
    and a."statusChangeDate" >= (select max("statusChangeDate") from assessments) - interval '7' day
order by a."statusChangeDate" desc, a.id
