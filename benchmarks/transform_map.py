"""Times the ETM map: compiled, as the SDK runs it, and as a hand-written function of the same labels.

python benchmarks/transform_map.py
"""

from __future__ import annotations

import logging
import timeit
from typing import TYPE_CHECKING, Any

from rows_by_hand import etm_finding
from singer_sdk.mapper import PluginMapper

from tap_mdc_vm import packaged
from tap_mdc_vm.stream_maps import Mapper, load

if TYPE_CHECKING:
    from collections.abc import Callable

_REPEATS, _SECONDS = 5, 0.2


def microseconds(function: Callable[[dict[str, Any]], Any], record: dict[str, Any]) -> float:
    """Return the time of one call, the best of several repeats."""
    timer = timeit.Timer(lambda: function(record))
    calls = max(1, int(_SECONDS * timer.autorange()[0] / timer.autorange()[1]))
    return min(timer.repeat(_REPEATS, calls)) / calls * 1e6


def main() -> None:
    """Print the figures."""
    schema = packaged.schema("assessments")
    record = {name: f"some {name}" for name in schema["properties"]} | {"severity": "High", "statusCode": "Healthy"}
    transform_map = load("etm")
    sdk = {"stream_maps": dict(transform_map.stream_maps), "stream_map_config": dict(transform_map.stream_map_config)}
    logger = logging.getLogger("benchmark")
    functions = {}
    for name, mapper in (("compiled", Mapper({}, logger, transform_map)), ("sdk", PluginMapper(sdk, logger))):
        mapper.register_raw_stream_schema("assessments", schema, ["id"])
        functions[name] = mapper.stream_maps["assessments"][1].transform
    functions["by hand"] = etm_finding
    if not functions["compiled"](record) == functions["sdk"](record) == etm_finding(record):
        raise SystemExit("the three do not give the same record")
    figures = {name: microseconds(function, record) for name, function in functions.items()}
    print(f"SDK ÷ compiled        {figures['sdk'] / figures['compiled']:6.1f}")
    print(f"compiled ÷ by hand    {figures['compiled'] / figures['by hand']:6.2f}")
    for name, figure in figures.items():
        print(f"{name:20}  {figure:6.2f} µs per finding, {len(etm_finding(record))} labels")


if __name__ == "__main__":
    main()
