"""The least that could do the tap's work: one request after the other, and a dict written by hand for each row.

It signs in, follows skip tokens, joins, and writes the same Singer records. It has no settings, no quota, no second
try, no proof that anything is complete, and trusts Azure's types. It is as fast as such a loop gets: rows are decoded
and encoded by orjson, and nothing is looked at twice.

python benchmarks/bare_loop.py [--raw] [PAGES]

in the environment that tap-mdc-vm-sandbox sets; --raw leaves the ETM map out, PAGES ends it after so many pages.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import requests
from rows_by_hand import NO_MACHINE, etm_asset, etm_finding, finding, interface, machine

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERIES = Path(__file__).resolve().parent.parent / "tap_mdc_vm" / "queries"
SETTING = {name: os.environ[f"TAP_MDC_VM_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "CA_BUNDLE")}
AUTHORITY, MANAGER = os.environ["TAP_MDC_VM_AUTHORITY_HOST"], os.environ["TAP_MDC_VM_RESOURCE_MANAGER_URL"]


def signed_in() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would win over verify
    session.verify = SETTING["CA_BUNDLE"]
    form = {
        "grant_type": "client_credentials",
        "client_id": SETTING["CLIENT_ID"],
        "client_secret": SETTING["CLIENT_SECRET"],
        "scope": f"{MANAGER}/.default",
    }
    answer = session.post(f"{AUTHORITY}/{SETTING['TENANT_ID']}/oauth2/v2.0/token", data=form)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    session.headers["Content-Type"] = "application/json"
    return session


PAGES = next((int(word) for word in sys.argv[1:] if word.isdecimal()), sys.maxsize)
asked = 0


def pages(session: requests.Session, name: str) -> Iterator[list[dict[str, Any]]]:
    url = f"{MANAGER}/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
    options = {"$top": 1000, "resultFormat": "objectArray"}
    while True:
        global asked  # noqa: PLW0603 - the whole of the loop's bookkeeping
        if asked == PAGES:
            raise SystemExit
        asked += 1
        query = {"query": (QUERIES / f"{name}.kql").read_text(), "options": options}
        answer = session.post(url, data=orjson.dumps(query))
        answer.raise_for_status()
        page = orjson.loads(answer.content)
        yield page["data"]
        if "$skipToken" not in page:
            return
        options["$skipToken"] = page["$skipToken"]


def main() -> None:  # noqa: C901 - one loop is the point
    session, raw = signed_in(), "--raw" in sys.argv
    write, dumps = sys.stdout.buffer.write, orjson.dumps

    def send(stream: str, record: dict[str, Any], now: str) -> None:
        write(dumps({"type": "RECORD", "stream": stream, "record": record, "time_extracted": now}))
        write(b"\n")

    addresses = {
        row["id"].lower(): row["properties"]["ipAddress"] for rows in pages(session, "public_ips") for row in rows
    }
    interfaces, machines = {}, {}
    for rows in pages(session, "network_interfaces"):
        for row in rows:
            record = interface(row, addresses)
            interfaces[record["id"]] = record
    for rows in pages(session, "virtual_machines"):
        now = datetime.now(UTC).isoformat()
        for row in rows:
            record = machine(row, interfaces)
            machines[record["id"]] = {name: record[name] for name in NO_MACHINE}
            send("virtual_machines", record, now)
            if not raw:
                send("etm_assets", etm_asset(record), now)
    now = datetime.now(UTC).isoformat()
    for record in interfaces.values():
        send("network_interfaces", record, now)
    for rows in pages(session, "assessments"):
        now = datetime.now(UTC).isoformat()
        for row in rows:
            record = finding(row, machines)
            send("assessments", record, now)
            if not raw:
                send("etm_findings", etm_finding(record), now)


if __name__ == "__main__":
    main()
