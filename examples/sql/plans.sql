-- The plans that matter to machines, per subscription that has some. Wants the stream defender_plans.
select
    m."subscriptionId" as subscription,
    count(distinct m.id) as machines,
    coalesce(max(case when p.name = 'FoundationalCspm' and p."pricingTier" = 'Standard' then 'on' end), 'off') as foundational_cspm,
    coalesce(max(case when p.name = 'CloudPosture' and p."pricingTier" = 'Standard' then 'on' end), 'off') as defender_cspm,
    coalesce(max(case when p.name = 'VirtualMachines' and p."pricingTier" = 'Standard' then coalesce(p."subPlan", 'on') end), 'off') as servers
from virtual_machines as m
left join defender_plans as p on p."subscriptionId" = m."subscriptionId"
group by m."subscriptionId"
order by machines desc, subscription
