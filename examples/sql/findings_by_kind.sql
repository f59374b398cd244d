-- Open findings by kind and risk. A finding without a level of risk has its severity's: so does Azure without Defender CSPM.
with open_findings as (
    select
        case
            when "recommendationCategory" in ('SoftwareUpdate', 'ServiceUpgrade', 'CodeVulnerabilities', 'ApiVulnerabilities')
                then 'Vulnerabilities'
            when "recommendationCategory" = 'SystemUpdate' then 'Missing updates'
            when "recommendationCategory" = 'ExposedSecrets' then 'Exposed secrets'
            else 'Misconfigurations'
        end as kind,
        lower(coalesce("riskLevel", severity, 'none')) as risk,
        "virtualMachineId" as machine
    from assessments
    where "statusCode" = 'Unhealthy'
)
select
    kind,
    count(distinct machine) as machines,
    count(*) as findings,
    count(*) filter (where risk = 'critical') as critical,
    count(*) filter (where risk = 'high') as high,
    count(*) filter (where risk = 'medium') as medium,
    count(*) filter (where risk = 'low') as low
from open_findings
group by kind
order by findings desc, kind
