"""The command tap-mdc-vm-map, within the process of the tests."""

from __future__ import annotations

import pytest

from tap_mdc_vm.stream_maps.cli import main


@pytest.fixture
def run(capsys):
    """Run the command as a user types it; return its status, what it printed, and what it said of errors."""

    def command(*words):
        with pytest.raises(SystemExit) as ended:
            main(words, prog_name="tap-mdc-vm-map")
        return (ended.value.code, *capsys.readouterr())

    return command
