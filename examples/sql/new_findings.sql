-- Open findings that were first seen in the last seven days, newest first.
select a."firstEvaluationDate" as first_seen, a.severity, a."displayName" as finding, a."vmName" as machine, a."azurePortalLink" as link
from assessments as a
where a."statusCode" = 'Unhealthy' and a."firstEvaluationDate" >= current_date - 7
order by a."firstEvaluationDate" desc, a.id
