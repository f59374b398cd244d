-- Open findings that were first seen in the seven days before the last run, newest first. Azure has the day of the last run
-- as that of the newest change.
select
    a."firstEvaluationDate" as first_seen, coalesce(a."riskLevel", a.severity) as risk, a."displayName" as finding, a."vmName" as machine,
    a."azurePortalLink" as link
from assessments as a
where
    a."statusCode" = 'Unhealthy'
    and a."firstEvaluationDate" >= (select max(greatest("firstEvaluationDate", "statusChangeDate")) from assessments) - interval '7' day
order by a."firstEvaluationDate" desc, a.id
