"""Maps for tests that need no tap."""

from __future__ import annotations

import logging

import pytest

from tap_mdc_vm.stream_maps import Mapper, load
from tap_mdc_vm.stream_maps.cli import main


@pytest.fixture
def run(capsys):
    """Run the command as a user types it; return its status, what it printed, and what it said of errors."""

    def command(*words):
        with pytest.raises(SystemExit) as ended:
            main(words, prog_name="tap-mdc-vm-map")
        return (ended.value.code, *capsys.readouterr())

    return command


@pytest.fixture
def mapper_of():
    """Make a mapper of stream maps, as the tap would have it, with its streams registered."""

    def made(stream_maps, config=None, *, schemas=None, base="none", **plugin_config):
        transform_map = load(base, stream_maps, config, schemas=schemas)
        mapper = Mapper(plugin_config, logging.getLogger("tap-mdc-vm"), transform_map)
        for stream, schema in transform_map.schemas.items():
            mapper.register_raw_stream_schema(stream, schema, ["id"])
        return mapper

    return made
