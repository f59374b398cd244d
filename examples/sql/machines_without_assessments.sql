-- Machines that Defender for Cloud says nothing about, neither good nor bad: it is off there, or they are new.
select m.name, m."powerState" as power, m."subscriptionId" as subscription, m."resourceGroup" as resource_group, m."timeCreated" as created
from virtual_machines as m
where not exists (select 1 from assessments as a where a."virtualMachineId" = m.id)
order by m."subscriptionId", m.id
