-- Subscriptions with machines for which no plan is on that looks into machines. Wants the stream defender_plans.
select m."subscriptionId" as subscription, count(*) as machines
from virtual_machines as m
where not exists (
    select 1 from defender_plans as p
    where p."subscriptionId" = m."subscriptionId" and p."pricingTier" = 'Standard' and p.name in ('CloudPosture', 'VirtualMachines')
)
group by m."subscriptionId"
order by machines desc, subscription
