-- Machines with software that is no longer supported, or soon will not be. Wants the stream software.
select
    "softwareName" as software, version,
    case when lower("endOfSupportStatus") like 'upcoming%' then 'soon' else 'ended' end as support,
    "endOfSupportDate" as support_ends, coalesce("vmName", "virtualMachineId") as machine, "numberOfKnownVulnerabilities" as cves
from software
where lower("endOfSupportStatus") like '%nolongersupported'
order by support, "endOfSupportDate", software, version, machine
