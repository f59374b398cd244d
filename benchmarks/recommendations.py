"""Times findings of tenants that have few and many different recommendations: from an answer's bytes to two lines each.

python benchmarks/recommendations.py
"""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from typing import Any

import msgspec
import orjson

from tap_mdc_vm import packaged
from tap_mdc_vm.azure.resource_graph.model import Row
from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.stream_maps import Mapper, load

_ROWS, _PAGE, _REPEATS = 60_000, 1_000, 3
_PROSE = "Ensure that the machine is set up as recommended, so that nobody gets in who should not. " * 20
_DECODER = msgspec.json.Decoder(list[Row])


def row(number: int, recommendations: int) -> dict[str, Any]:
    """Return a finding of some 3 kB: of each machine one for every recommendation, up to 200."""
    machine, key = divmod(number, min(recommendations, 200))
    key = (key + machine * 200) % recommendations
    chance = random.Random(key)
    machine_id = (
        f"/subscriptions/{uuid.UUID(int=1)}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-{machine}"
    )
    name = str(uuid.UUID(int=chance.getrandbits(128)))
    return {
        "id": f"{machine_id}/providers/Microsoft.Security/assessments/{name}",
        "name": name,
        "type": "microsoft.security/assessments",
        "tenantId": str(uuid.UUID(int=2)),
        "subscriptionId": str(uuid.UUID(int=1)),
        "resourceGroup": "rg",
        "location": "",
        "managedBy": "",
        "properties": {
            "displayName": f"Update software {key}",
            "status": {"code": "Unhealthy", "firstEvaluationDate": "2026-08-28T04:11:02.1234567Z"},
            "resourceDetails": {"Source": "Azure", "Id": machine_id, "ResourceName": f"vm-{machine}"},
            "risk": {
                "level": "High",
                "riskFactors": ["Exposure"],
                "attackPathsReferences": [],
                "isContextualRisk": True,
            },
            "additionalData": {
                "SoftwareName": f"software-{key}",
                "DetectedSoftwareVersions": '["1.0"]',
                "FixedVersion": "1.1",
                "CvesDetails": json.dumps([{"CveId": f"CVE-2026-{each:05}"} for each in range(key % 7)]),
            },
            "metadata": {
                "displayName": f"Update software {key}",
                "severity": "High",
                "recommendationCategory": "SoftwareUpdate",
                "description": _PROSE[: chance.randint(150, 500)],
                "remediationDescription": _PROSE[: chance.randint(300, 1200)],
                "categories": ["Compute"],
                "threats": ["DataExfiltration"],
            },
            "scope": "Subscription",
        },
    }


def main() -> None:
    """Print microseconds of CPU per finding."""
    mapper = Mapper({}, logging.getLogger("benchmark"), load("etm"))
    mapper.register_raw_stream_schema("assessments", packaged.schema("assessments"), ["id"])
    to_etm = mapper.stream_maps["assessments"][1].transform
    context, figures = Context(), {}
    for recommendations in (200, 20_000):
        rows = (row(number, recommendations) for number in range(_ROWS))
        pages = [orjson.dumps([next(rows) for _ in range(_PAGE)]) for _ in range(_ROWS // _PAGE)]
        took = []
        for _ in range(_REPEATS):
            began = time.process_time()
            for page in pages:
                for each in _DECODER.decode(page):
                    record = assessment(each, {}, context)
                    orjson.dumps(record)
                    orjson.dumps(to_etm(record))
            took.append(time.process_time() - began)
        figures[recommendations] = min(took) / _ROWS * 1e6
        print(f"{recommendations:6,} recommendations  {figures[recommendations]:6.2f} µs per finding")
    print(f"{'ratio':22}  {figures[20_000] / figures[200]:6.2f}")


if __name__ == "__main__":
    main()
