"""tap-mdc-vm, flat, with target-csv, by ``meltano run``."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pairs import KEYS, Meltano, Records, Tenant, differences, unflattened

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = ("virtual_machines", "network_interfaces", "assessments")


def assert_holds(project: Path, expected: Records) -> None:
    folder = project / "output" / "csv"
    assert {path.stem for path in folder.iterdir()} == KEYS.keys()
    for stream, records in expected.items():
        with (folder / f"{stream}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        found = {row[KEYS[stream]]: unflattened(row, records.get(row[KEYS[stream]], {})) for row in rows}
        assert differences(found, records) == []
        assert len(rows) == len(records)
        if stream in STREAMS:
            assert list(rows[0]) == list(packaged.schema(stream)["properties"])


def test_every_file_holds_the_tenant_row_by_row_and_a_second_run_replaces_it(
    living: Tenant, everything: Records, tenant: Tenant, meltano: Meltano, project: Path
):
    def load(tenant: Tenant) -> None:
        with Sandbox(tenant, quota=None) as sandbox:
            names = ("tap-mdc-vm--flat", "target-csv")
            meltano("run", *names, environ=sandbox.environment, folder=project, environment="prod")

    load(living)
    assert_holds(project, everything)
    tenant.delete(next(iter(tenant.expected()["virtual_machines"])))
    load(tenant)
    assert_holds(project, tenant.expected())
