"""Rows that come and go while somebody reads."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from .individual import SECRET, SOFTWARE, SYSTEM
from .store import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .azure_rows import Row

_DRIFTING = {
    "microsoft.compute/virtualmachines",
    "microsoft.network/networkinterfaces",
    "microsoft.network/publicipaddresses",
    "microsoft.security/assessments",
    "microsoft.security/softwareinventories",
}
_GOES_WHEN_FIXED = {SOFTWARE, SYSTEM, SECRET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Rows come and go while somebody reads, the same ones at the same moments for the same seed.

    A finding that is fixed disappears, if it is one of those that do; another turns healthy and keeps its id.

    Attributes:
        seed: Decides which and when.
        share: Of the machines, interfaces, addresses, findings and programs that come, and as many that go.
        within: Number of the query by which all of it has happened.
    """

    seed: int
    share: float = 0.1
    within: int = 40

    def applied(self, table: str, lines: Iterator[bytes], steadfast: set[str]) -> Iterator[bytes]:
        """Give some rows of a table a beginning or an end.

        Args:
            table: Its name.
            lines: Its rows.
            steadfast: Takes the lower-case ids of the rows that neither come, go nor change.
        """
        chance = random.Random(f"{self.seed}/{table}")  # noqa: S311  # not for secrets
        for line in lines:
            row = orjson.loads(line)
            drawn, moment = chance.random(), chance.randint(2, self.within)
            if row["type"] not in _DRIFTING or drawn >= 2 * self.share:
                steadfast.add(row["id"].lower())
                yield line
            elif drawn < self.share:
                yield _between(line, moment, FOREVER)
            else:
                yield _between(line, 0, moment)
                if (healthy := _healthy(row)) is not None:
                    yield _between(healthy, moment, FOREVER)


def _between(line: bytes, born: int, gone: int) -> bytes:
    """The row, there from one query until before another."""
    return b'{"_born":%d,"_gone":%d,%s' % (born, gone, line[1:])


def _healthy(row: Row) -> bytes | None:
    """What an assessment is when it is fixed; None if it is gone then, or is none that can be fixed."""
    properties = row["properties"]
    if row["type"] != "microsoft.security/assessments" or properties["status"]["code"] != "Unhealthy":
        return None
    if properties.get("metadata", {}).get("recommendationCategory") in _GOES_WHEN_FIXED:
        return None
    dates = {name: value for name, value in properties["status"].items() if name.endswith("Date")}
    return orjson.dumps(row | {"properties": properties | {"status": {"code": "Healthy", **dates}}})
