-- Findings that the last run did not bring, for targets that keep what is gone: fixed, or of a machine that was deleted.
-- A row has the time of the run that last brought it. With runs a day apart, what is half a day older than the newest is of an earlier run.
select
    a."_sdc_extracted_at" as last_seen,
    coalesce(a."riskLevel", a.severity) as risk,
    a."displayName" as finding,
    a."vmName" as machine,
    a.id
from assessments as a
where a."_sdc_extracted_at" < (select max("_sdc_extracted_at") from assessments) - interval '12' hour
order by a."_sdc_extracted_at" desc, a.id
