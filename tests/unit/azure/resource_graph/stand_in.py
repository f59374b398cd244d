"""A service in this process that answers as Resource Graph does, evaluates queries on its own, and can do worse."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any

from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.model import Query
from tap_mdc_vm.azure.resource_graph.pacing import Governor
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import ConnectionFailedError

QUERY = Query("things", "Things\n| project id, name, properties\n| order by id asc", "seen")

_ALL = 2**64 - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def _turned(number: int, bits: int) -> int:
    return ((number << bits) | (number >> (64 - bits))) & _ALL


def _round(lane: int, word: int) -> int:
    return _turned((lane + word * _P2) & _ALL, 31) * _P1 & _ALL


@cache
def _hash_of(row_id: str) -> int:
    """The hash of an id in lower case."""
    return xxh64(row_id.lower())


@cache
def xxh64(text: str) -> int:
    """XXH64 with seed 0 by its specification, signed."""
    data = text.encode()
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data) // 8 * 8, 8)]
    done = 0
    if len(data) >= 32:
        lanes = [(_P1 + _P2) & _ALL, _P2, 0, -_P1 & _ALL]
        for at in range(0, len(data) // 32 * 4, 4):
            lanes = [_round(lane, word) for lane, word in zip(lanes, words[at : at + 4], strict=True)]
            done = at + 4
        mixed = sum(_turned(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _ALL
        for lane in lanes:
            mixed = ((mixed ^ _round(0, lane)) * _P1 + _P4) & _ALL
    else:
        mixed = _P5
    mixed = (mixed + len(data)) & _ALL
    for word in words[done:]:
        mixed = (_turned(mixed ^ _round(0, word), 27) * _P1 + _P4) & _ALL
    rest = data[len(words) * 8 :]
    if len(rest) >= 4:
        mixed = (_turned(mixed ^ (int.from_bytes(rest[:4], "little") * _P1 & _ALL), 23) * _P2 + _P3) & _ALL
        rest = rest[4:]
    for byte in rest:
        mixed = _turned(mixed ^ (byte * _P5 & _ALL), 11) * _P1 & _ALL
    mixed = (mixed ^ (mixed >> 33)) * _P2 & _ALL
    mixed = (mixed ^ (mixed >> 29)) * _P3 & _ALL
    mixed ^= mixed >> 32
    return mixed - 2**64 if mixed >= 2**63 else mixed


def ids(count: int, prefix: str = "/x") -> list[str]:
    return [f"{prefix}/Thing-{number:05}" for number in range(count)]


@dataclass
class StandIn:
    """Rows by id, and a way to misbehave.

    Attributes:
        rows: What there is now: the properties of each row by its id. A list of them are several rows with one id.
        hashing: `xxh64`, `other`, `signed` (negative remainders) or `anew` (another with each request).
        longest_list: Elements that `make_list` keeps.
        largest: Bytes that an answer may have.
        refused: Texts that no query may contain.
        failing: Returns whether a query is answered 500.
        drift: Changes the rows before each answer.
        forgetting: Leaves rows out of an answer, and out of all that it counts: is given the query and its rows.
        faults: The share of requests that something happens to, from `kinds`.
    """

    rows: dict[str, Any]
    hashing: str = "xxh64"
    longest_list: int = 1_048_576
    largest: int = 16_777_216
    refused: tuple[str, ...] = ()
    failing: Any = None
    drift: Any = None
    forgetting: Any = None
    faults: float = 0.0
    kinds: tuple[str, ...] = ()
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    _in_a_row: Counter[bytes] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def post(self, url: str, *, body: bytes, headers: Any) -> Answer:
        with self.lock:
            question = json.loads(body)
            self.asked.append(question)
            if self.drift:
                self.drift(self)
            if self.faults and self._is_hit(body) and (hit := self._hit()) is not None:
                return hit
            answer = self._answered(question)
            self.statuses[str(answer.status)] += 1
            return answer

    def texts(self) -> list[str]:
        return [question["query"] for question in self.asked]

    def _is_hit(self, body: bytes) -> bool:
        """Tell whether something happens to a request, three times in a row to the same one at most.

        After as many refused tokens, the tap gives up.
        """
        hit = self.chance.random() < self.faults and self._in_a_row[body] < 3
        self._in_a_row[body] = self._in_a_row[body] + 1 if hit else 0
        return hit

    def _hit(self) -> Answer | None:
        kind = self.chance.choice(self.kinds)
        self.statuses[kind] += 1
        match kind:
            case "reset":
                raise ConnectionFailedError("reset")
            case "429":
                return Answer(429, {}, b"{}")
            case "html":
                return Answer(503, {}, b"<html>")
            case "500":
                return Answer(500, {}, b'{"error": {"code": "x", "message": "no"}}')
            case "expired":
                return Answer(401, {}, b'{"error": {"code": "ExpiredAuthenticationToken", "message": "no"}}')
        self._spoil = kind
        return None

    _spoil = ""

    def _answered(self, question: dict[str, Any]) -> Answer:
        spoil, self._spoil = self._spoil, ""
        text, options = question["query"], question["options"]
        for word in self.refused:
            if word in text:
                return _error(400, "InvalidQuery", f"{word} is not allowed")
        if self.failing and self.failing(text):
            return _error(500, "InternalServerError", "An unexpected error occurred.")
        if spoil == "too large":
            return _error(400, "ResponsePayloadTooLarge", "Response payload size is too much.")
        rows, total = self._evaluated(text)
        start, top = int(options.get("$skipToken", 0)), options["$top"]
        sent = rows[start : start + top]
        token = str(start + len(sent)) if start + len(sent) < len(rows) else None
        result = {"totalRecords": total, "count": len(sent), "data": sent, "facets": [], "resultTruncated": "false"}
        if token is not None:
            result["$skipToken"] = token
        _spoiled(result, spoil, str(start))
        raw = json.dumps(result).encode()
        if len(raw) > self.largest:
            message = f"Response payload size is {len(raw)}, and has exceeded the limit of {self.largest}."
            return _error(400, "ResponsePayloadTooLarge", message)
        return Answer(200, self.headers, raw[: len(raw) // 2] if spoil == "half" else raw)

    def _evaluated(self, text: str) -> tuple[list[dict[str, Any]], int]:
        """The rows of a query's result, and how many there are."""
        number = len(self.asked)
        found, steps = list(self.rows), [step.strip() for step in text.split("\n| ")[1:]]
        for step in steps:
            if match := re.fullmatch(r"where hash\(tolower\(id\)\) % (\d+) == (-?\d+)", step):
                modulus, remainder = map(int, match.groups())
                found = [row_id for row_id in found if self._remainder(row_id, modulus, number) == remainder]
            elif match := re.fullmatch(r"where id in~ \((.*)\)", step):
                wanted = {part.strip(" '").lower() for part in match[1].split(",")}
                found = [row_id for row_id in found if row_id.lower() in wanted]
        rows = [
            {"id": row_id, "name": row_id.rpartition("/")[2], "properties": each}
            for row_id in sorted(found)
            for properties in [self.rows[row_id]]
            for each in (properties if isinstance(properties, list) else [properties])
        ]
        for step in steps:
            if step.startswith("where "):
                continue
            if step in {"project id, name, properties", "project id", "order by id asc"}:
                rows = [{"id": row["id"]} for row in rows] if step == "project id" else rows
            elif step == "count":
                rows = self._remembered(text, rows)
                return [{"Count": len(rows)}], 1
            elif match := re.fullmatch(r"summarize n = count\(\) by part = hash\(tolower\(id\)\) % (\d+)", step):
                rows = self._remembered(text, rows)
                counted = Counter(self._remainder(row["id"], int(match[1]), number) for row in rows)
                return [{"part": part, "n": n} for part, n in counted.items()], len(counted)
            elif step == (
                "summarize n = count(), rows = make_list(pack('id', id, 'name', name, 'properties', properties))"
            ):
                rows = self._remembered(text, rows)
                return [{"n": len(rows), "rows": rows[: self.longest_list]}], 1
            else:
                raise AssertionError(f"not understood: {step}")
        rows = self._remembered(text, rows)
        return rows, len(rows)

    def _remembered(self, text: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self.forgetting(text, rows) if self.forgetting else rows

    def _remainder(self, row_id: str, modulus: int, number: int) -> int:
        hashed = _hash_of(row_id)
        match self.hashing:
            case "xxh64":
                return hashed % modulus
            case "other":
                hashed = hashed * 0x9E3779B1 + 12345
            case "anew":
                hashed = hash((number, hashed))
            case "signed":
                return hashed % modulus if hashed >= 0 else -(-hashed % modulus)
        return hashed % modulus


def _spoiled(result: dict[str, Any], spoil: str, here: str) -> None:
    """Change a result for the worse, where there is something to spoil; rows that are packed are in its only one."""
    rows = result["data"]
    packed = rows[0].get("rows") if rows else None
    holder = packed if isinstance(packed, list) else rows
    match spoil:
        case "short" if holder:
            holder.pop()
            result.pop("$skipToken", None)
        case "doubled" if holder:
            holder.append(holder[-1])
        case "without id" if holder and "id" in holder[0]:
            holder[0] = {**holder[0], "id": None}
        case "truncated":
            result["resultTruncated"] = "true"
        case "empty" if len(rows) > 1:
            result.update({"data": [], "count": 0, "$skipToken": here})


def _error(status: int, code: str, message: str) -> Answer:
    error = {"code": "BadRequest", "message": "…", "details": [{"code": code, "message": message}]}
    return Answer(status, {}, json.dumps({"error": error}).encode())


class Tokens:
    """Hands out tokens that nobody checks."""

    def token(self) -> str:
        return "token"

    def renew(self, refused: str) -> bool:
        return True


@dataclass
class Reading:
    """What came of a reading: rows in order, and why it ended."""

    rows: list[dict[str, Any]]
    reading: Any

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]


def read(
    service: StandIn, *, query: Query = QUERY, scopes: Any, threads: int = 4, tokens: Any = None, **options: Any
) -> Reading:
    """Read a service whole.

    Raises:
        TapError: What ended the reading.
    """
    governor, workers = Governor(), Workers(threads)
    try:
        client = Client("https://arm.example", service, tokens or Tokens(), governor)
        reading = Reader(client, workers, **options).start(query, scopes)
        return Reading([row for rows in reading for row in rows], reading)
    finally:
        governor.close()
        workers.close()
