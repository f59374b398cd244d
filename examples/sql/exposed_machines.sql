-- Machines that an attacker reaches first: with open findings of critical or high risk, and on an attack path or with a public address.
with exposed as (
    select
        a."virtualMachineId" as id,
        max(a."subscriptionId") as subscription,
        max(coalesce(m.name, a."resourceName")) as machine,
        max(m."publicIPAddress") as address,
        count(*) filter (where cast(a."attackPaths" as varchar) not in ('[]', '{}')) as on_attack_paths,
        count(*) filter (where lower(coalesce(a."riskLevel", a.severity)) = 'critical') as critical,
        count(*) filter (where lower(coalesce(a."riskLevel", a.severity)) = 'high') as high,
        min(a."firstEvaluationDate") as open_since
    from assessments as a
    left join virtual_machines as m on m.id = a."virtualMachineId"
    where a."statusCode" = 'Unhealthy' and lower(coalesce(a."riskLevel", a.severity)) in ('critical', 'high')
    group by a."virtualMachineId"
)
select machine, address, on_attack_paths, critical, high, cast(open_since as date) as open_since, subscription
from exposed
where address is not null or on_attack_paths > 0
order by (address is not null and on_attack_paths > 0) desc, critical desc, high desc, id
