"""tap-mdc-vm with target-jsonl, by ``meltano run``."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from pairs import KEYS, Meltano, Records, Tenant, differences

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path) -> dict[str, list[dict]]:
    """Return the records of each file, by its stream."""
    return {
        path.name.rpartition("-")[0]: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in folder.glob("*.jsonl")
    }


def test_every_file_holds_the_tenant_row_by_row(loaded_files: Path, everything: Records):
    found = read(loaded_files)
    assert found.keys() == {*KEYS, *packaged.EXTRA_STREAMS}
    for stream, expected in everything.items():
        assert differences({row[KEYS[stream]]: row for row in found[stream]}, expected) == []
        assert len(found[stream]) == len(expected)


def test_each_run_makes_files_of_its_own(loaded_files: Path, tenant: Tenant, meltano: Meltano, project: Path):
    shutil.copytree(loaded_files, project / "output" / "sandbox")
    tenant.delete(next(iter(tenant.expected()["virtual_machines"])))
    with Sandbox(tenant, quota=None) as sandbox:
        meltano("run", "tap-mdc-vm", "target-jsonl", environ=sandbox.environment, folder=project)
    paths = sorted((project / "output" / "sandbox").glob("virtual_machines-*.jsonl"))
    earlier, later = (len(path.read_text().splitlines()) for path in paths)
    assert later == earlier - 1
