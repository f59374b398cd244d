-- Recommendations by the number of machines that they concern, with how to follow them.
select
    a."displayName" as recommendation,
    max(a.severity) as severity,
    count(distinct a."virtualMachineId") as machines,
    max(a."implementationEffort") as effort,
    max(a."remediationDescription") as remediation
from assessments as a
where a."statusCode" = 'Unhealthy'
group by a.name, a."displayName"
order by machines desc, recommendation
