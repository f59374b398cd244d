-- Recommendations by the number of machines that they concern, with how to follow them.
select
    a."displayName" as recommendation,
    a."recommendationCategory" as category,
    count(distinct a."virtualMachineId") as machines,
    count(*) filter (where lower(coalesce(a."riskLevel", a.severity)) = 'critical') as critical,
    count(*) filter (where lower(coalesce(a."riskLevel", a.severity)) = 'high') as high,
    count(*) filter (where lower(coalesce(a."riskLevel", a.severity)) = 'medium') as medium,
    count(*) filter (where lower(coalesce(a."riskLevel", a.severity)) = 'low') as low,
    count(*) as findings,
    max(a."implementationEffort") as effort,
    max(a."remediationDescription") as remediation
from assessments as a
where a."statusCode" = 'Unhealthy'
group by a.name, a."displayName", a."recommendationCategory"
order by machines desc, recommendation
