-- Machines with a public address that have open critical or high findings, worst first.
select
    m.name,
    m."publicIPAddress" as address,
    m."subscriptionId" as subscription,
    count(*) filter (where a.severity = 'Critical') as critical,
    count(*) filter (where a.severity = 'High') as high,
    min(a."firstEvaluationDate") as open_since,
    string_agg(distinct a."displayName", '; ' order by a."displayName") as findings
from virtual_machines as m
join assessments as a on a."virtualMachineId" = m.id
where a."statusCode" = 'Unhealthy' and a.severity in ('Critical', 'High') and m."publicIPAddress" is not null
group by m.id, m.name, m."publicIPAddress", m."subscriptionId"
order by critical desc, high desc, m.id
