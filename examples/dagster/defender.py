"""Loads the findings of many tenants every day: one partition per Meltano environment, each run's figures beside it."""

import json
import os
import subprocess
from pathlib import Path

import dagster as dg

PROJECT = Path(os.environ.get("MELTANO_PROJECT_ROOT", "."))
MELTANO = os.environ.get("MELTANO", "meltano")
ENVIRONMENTS = os.environ.get("DEFENDER_ENVIRONMENTS", "prod").split(",")
LOADER = os.environ.get("DEFENDER_LOADER", "target-jsonl")
# Meltano's own files: a folder for each environment, or two runs at the same time would overwrite each other's.
FOLDERS = Path(os.environ.get("DEFENDER_FOLDERS", PROJECT / ".meltano" / "environments")).absolute()

environments = dg.StaticPartitionsDefinition(ENVIRONMENTS)


@dg.asset(
    partitions_def=environments,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=600),  # a run only reads: to repeat it is safe
    group_name="defender",
)
def defender(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Machines, interfaces and findings of one tenant, complete or not at all."""
    command = [MELTANO, "--environment", context.partition_key, "--log-format", "plain", "run", "tap-mdc-vm", LOADER]
    environ = os.environ | {"MELTANO_SYS_DIR_ROOT": str(FOLDERS / context.partition_key)}
    with subprocess.Popen(command, cwd=PROJECT, env=environ, stderr=subprocess.PIPE, text=True) as run:
        summary = {}
        for line in run.stderr or ():
            context.log.info(line.rstrip())
            if "Sync summary: " in line:
                summary = json.loads(line.partition("Sync summary: ")[2])
    if run.returncode or not summary.get("complete"):
        raise dg.Failure("The run is not complete; its log says why.", metadata={"summary": summary})
    rows = {f"rows in {stream}": figures["emitted"] for stream, figures in summary["streams"].items()}
    return dg.MaterializeResult(metadata={**rows, "requests": summary["requests"], "seconds": summary["seconds"]})


@dg.schedule(target=defender, cron_schedule="30 5 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def daily(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Start one run per environment, at half past five."""
    day = context.scheduled_execution_time.date()
    return [dg.RunRequest(run_key=f"{day} {name}", partition_key=name) for name in ENVIRONMENTS]


definitions = dg.Definitions(assets=[defender], schedules=[daily])
