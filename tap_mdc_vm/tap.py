"""The Singer tap: its settings, streams and transform map, and the record that a run leaves in its log."""

from __future__ import annotations

import copy
import time
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.helpers._util import load_json
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import _ConfigInput
from typing_extensions import override

from tap_mdc_vm import connection_test, events, stream_maps
from tap_mdc_vm.connection import Connection
from tap_mdc_vm.coverage import check, survey
from tap_mdc_vm.inventory import FINDINGS, Inventory
from tap_mdc_vm.settings import CONFIG_SCHEMA, OF_THE_SDK, Settings, filled_in, gathered
from tap_mdc_vm.streams import STREAMS, ResourceStream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from tap_mdc_vm.coverage import Coverage


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

    _unassessed: Sequence[str] = ()

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

        Args:
            config: The settings by name.
            parse_env_config: Whether the environment fills in what ``config`` leaves out.
            validate_config: False for ``--discover``, which needs none.
            more: As the SDK's tap.

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
        return [kind(self, self) for kind in STREAMS]

    @property
    @override
    def streams(self) -> dict[str, ResourceStream]:  # type: ignore[override]
        """The streams in the order in which they go out; the SDK's own is by name."""
        by_name = super().streams
        return {kind.name: by_name[kind.name] for kind in STREAMS}  # type: ignore[misc]

    @override
    def setup_mapper(self) -> None:
        """Set up the transform map with the user's stream maps over it."""
        self._mapper = stream_maps.Mapper(self.config, self.logger, self._map)
        self._mapper.register_raw_streams_from_catalog(self.catalog)

    # A run

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
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
            state=None if state is None else load_json(state.read()),
            catalog=None if catalog is None else load_json(catalog.read()),
        )
        cls.print_version(print_fn=cls.logger.info)
        try:
            tap.sync_all()
        finally:
            tap.close()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Run the five checks of Test Connection, then the SDK's own test; ``--test=schema`` is all the SDK's."""
        if value != "all":
            super().cb_test(ctx, param, value)
            return
        config: _ConfigInput = ctx.params.get("config", _ConfigInput())
        tap = cls(config=config.config)
        connection_test.run(tap.settings)
        tap.run_connection_test()
        ctx.exit()

    @cached_property
    def _connection(self) -> Connection:
        self._began = time.monotonic()
        events.emit(events.ConnectorState("Processing"))
        return Connection(self.settings)

    @cached_property
    def coverage(self) -> Coverage:
        """What the run covers, which may be nothing.

        Raises:
            TapError: Azure can't be asked.
        """
        return survey(self._connection.reader, self.settings)

    @cached_property
    def inventory(self) -> Inventory:
        """The records of this run; to ask for it is to begin to read.

        Raises:
            NoAccessError: Nothing can be read, or, unless ``on_incomplete`` is ``warn``, less than was asked for.
            TapError: Azure can't be asked.
        """
        coverage = self.coverage
        check(coverage, tolerant=self.settings.on_incomplete == "warn")
        if coverage.unreadable:
            events.emit(events.SubscriptionsUnreadable(coverage.unreadable))
        if disabled := [f"{each.id} ({each.state})" for each in coverage.readable if each.state not in {"", "Enabled"}]:
            events.emit(events.SubscriptionsDisabled(tuple(disabled)))
        wanted = {name for name, stream in self.streams.items() if stream.selected}
        return Inventory(self._connection.reader, coverage, self.settings, wanted)

    def close(self) -> None:
        """End the run: let go of its threads and, if anything was asked for, log its summary."""
        if "_connection" in self.__dict__:
            self._summarise()
            self._connection.close()
        if "inventory" in self.__dict__:
            self.inventory.close()

    def stream_is_done(self, name: str) -> None:
        """Log what is known once a stream is written."""
        assets = [stream for stream in self.streams.values() if stream.selected and stream.name != FINDINGS]
        if assets and assets[-1].name == name:
            events.emit(events.ConnectorState("Processed"))
        if name == FINDINGS:
            self._unassessed = self.inventory.subscriptions_without_assessments()
            if self._unassessed:
                events.emit(events.SubscriptionsWithoutAssessments(tuple(self._unassessed)))

    def _summarise(self) -> None:
        client, governor = self._connection.client, self._connection.governor
        coverage: Coverage | None = self.__dict__.get("coverage")
        inventory: Inventory | None = self.__dict__.get("inventory")
        selected = [stream for stream in self.streams.values() if stream.selected]
        lost = inventory.lost_access if inventory else ()
        events.emit(
            events.SyncSummary(
                streams={stream.name: self._figures(stream, inventory) for stream in selected},
                subscriptions={
                    "requested": coverage.requested if coverage else len(self.settings.subscription_ids),
                    "readable": len(coverage.readable) - len(lost) if coverage else 0,
                    "unreadable": [*coverage.unreadable, *lost] if coverage else [],
                    "withoutAssessments": list(self._unassessed),
                },
                requests=client.requests.total(),
                throttled=governor.throttled_answers,
                waited_seconds=round(governor.waited_seconds, 3),
                seconds=round(time.monotonic() - self._began, 3),
                complete=coverage is not None and all(stream.complete for stream in selected),
            )
        )

    def _figures(self, stream: ResourceStream, inventory: Inventory | None) -> dict[str, int]:
        expected, duplicates = inventory.counts(stream.name) if inventory else (0, 0)
        return {
            "expected": expected,
            "emitted": stream.emitted,
            "duplicates": duplicates,
            "requests": self._connection.client.requests[stream.name],
        }

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End with the status that shells expect of a run that was stopped; the SDK's is 0, as if it were complete."""
        self.logger.error("Stopped by signal %d before every stream was complete.", signum)
        raise SystemExit(128 + signum)
