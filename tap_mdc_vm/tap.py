"""The Singer tap: its settings, streams, transform map and state."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property
from types import FrameType
from typing import Any, ClassVar, TextIO

import click
import msgspec
from singer_sdk import Tap
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import _ConfigInput
from typing_extensions import override

from tap_mdc_vm import connection_test, events, packaged, stream_maps
from tap_mdc_vm.covered import Covered
from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.run import Run
from tap_mdc_vm.settings import CONFIG_SCHEMA, OF_THE_SDK, SETTINGS, Settings, filled_in, gathered, object_in
from tap_mdc_vm.sources import STREAMS
from tap_mdc_vm.streams import ResourceStream
from tap_mdc_vm.wording import shown


class _Schema(msgspec.Struct, frozen=True):
    properties: dict[str, Any] = {}


class _Entry(msgspec.Struct):
    tap_stream_id: str
    schema: _Schema = _Schema()
    metadata: list[dict[str, Any]] = []


class _Catalog(msgspec.Struct):
    """What the SDK takes for granted of a catalog."""

    streams: list[_Entry] = []


def _catalog_in(file: TextIO) -> dict[str, Any]:
    """Return the catalog that a file holds, with the tap's own schema where an entry written by hand has none.

    Raises:
        ConfigurationError: It holds none.
    """
    held = object_in("--catalog", file.name, file.buffer.read)
    try:
        entries = msgspec.convert(held, _Catalog).streams
    except msgspec.ValidationError as error:
        problem = f"--catalog {shown(file.name)} is no catalog ({error}): make a new one with --discover"
        raise ConfigurationError([problem]) from error
    for number, entry in enumerate(entries):
        if entry.tap_stream_id in STREAMS and not entry.schema.properties:
            held["streams"][number]["schema"] = packaged.schema(entry.tap_stream_id)
    return held


class TapMdcVm(Tap):
    """Virtual machines, network interfaces and findings of Microsoft Defender for Cloud."""

    name = "tap-mdc-vm"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(CONFIG_SCHEMA)  # the SDK adds its own to it
    # No BATCH: the SDK's batches pass by stream maps and by what the catalog selects.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    # Settings

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        **more: Any,  # noqa: ANN401 - the SDK's
    ) -> None:
        """Check settings and transform map first of all, so that what is wrong is the first line printed.

        ``validate_config`` is False for ``--discover``, which needs none.

        Raises:
            ConfigurationError: If a setting is missing or wrong.
            TransformMapError: If the map can't be used.
        """
        config = filled_in(config or {}) if parse_env_config else config or {}
        if validate_config:
            settings = self.settings = Settings.from_config(config)
            self._map = stream_maps.load(settings.transform_map, settings.stream_maps, settings.stream_map_config)
            # The SDK takes each value as it is, be it "false" or "1"
            config = {name: config[name] for name in config if name not in OF_THE_SDK} | settings.of_the_sdk()
        super().__init__(config=config, validate_config=validate_config, **more)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Fill in defaults; ours is the check, as the SDK's would print a secret that has the wrong type."""
        self.append_builtin_config(self.config_jsonschema)
        for name, setting in self.config_jsonschema["properties"].items():
            if "default" in setting:
                self._config.setdefault(name, setting["default"])
        return []

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        """Read the configuration files, and what they leave out from the environment (the SDK's ``ENV``, too).

        Raises:
            ConfigurationError: If a file can't be read.
        """
        return _ConfigInput(config=gathered(path for path in value if path != "ENV"))

    # Streams and their maps

    @override
    def discover_streams(self) -> Sequence[ResourceStream]:
        """Return the streams; nothing is asked of Azure for that."""
        return [ResourceStream(self, name) for name in self._names]

    @property
    @override
    def streams(self) -> dict[str, ResourceStream]:  # type: ignore[override]
        """The streams in the order in which they go out; the SDK's own is by name."""
        by_name = super().streams
        return {name: by_name[name] for name in self._names}  # type: ignore[misc]

    @cached_property
    def _names(self) -> Sequence[str]:
        """The streams that there are, in the order in which they go out. Discovery needs no other setting."""
        extra = SETTINGS["extra_streams"].kind.read(self.config.get("extra_streams") or [])
        return [name for name in STREAMS if name in packaged.STREAMS or name in extra]

    @override
    def setup_mapper(self) -> None:
        """Set up the transform map with the user's stream maps over it."""
        self._mapper = stream_maps.Mapper(self.config, self.logger, self._map)
        self._mapper.register_raw_streams_from_catalog(self.catalog)

    # State

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state, of which the SDK takes the bookmarks alone.

        Raises:
            ConfigurationError: It holds something that can't be read.
        """
        self._covered = Covered.in_state(state)
        super().load_state(state)
        if self._covered:
            self.state.update(self._covered.as_state())  # type: ignore[typeddict-item]

    # A run

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: TextIO | None = None,
        catalog: TextIO | None = None,
    ) -> None:
        """Sync every selected stream, and leave a summary, however the run ends.

        Raises:
            TapError: A stream can't be read or proven complete.
        """
        if about:
            cls.print_about(about_format)
            return
        tap = cls(
            config=(config or _ConfigInput()).config,
            state=None if state is None else object_in("--state", state.name, state.buffer.read),
            catalog=None if catalog is None else _catalog_in(catalog),
        )
        cls.print_version(print_fn=cls.logger.info)
        with tap.run:
            tap.sync_all()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Run the five checks of Test Connection, and go on with the SDK's own test unless a person is watching.

        ``--test=schema`` is all the SDK's.
        """
        if value != "all":
            super().cb_test(ctx, param, value)
            return
        with closing(ctx):  # click leaves it open here, and with it the files of options, such as --catalog
            config: _ConfigInput = ctx.params.get("config", _ConfigInput())
            tap = cls(config=config.config)
            connection_test.run(tap.settings)
            if not connection_test.is_watched():
                with tap.run:
                    tap.run_connection_test()
            ctx.exit()

    @cached_property
    def run(self) -> Run:
        """The run that the streams are part of; nothing is asked of Azure before they ask for records."""
        wanted = [name for name, stream in self.streams.items() if stream.selected]
        if not wanted:
            events.emit(events.NothingSelected())
        return Run(self.settings, wanted, self._covered)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End with the status that shells expect of a run that was stopped; the SDK's is 0, as if it were complete."""
        self.logger.error("Stopped by signal %d before every stream was complete.", signum)
        raise SystemExit(128 + signum)
