"""The SDK's own tests of a tap, against the sandbox."""

from __future__ import annotations

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_mdc_vm.tap import TapMdcVm
from tap_mdc_vm_sandbox import Fleet, Sandbox

NOBODY = "00000000-0000-4000-8000-000000000000"
CONFIG: dict[str, object] = {"tenant_id": NOBODY, "client_id": NOBODY, "client_secret": "none yet"}
CONFIG["transform_map"] = "none"  # the suite takes a stream's last map for its only one
"""The SDK wants settings when it makes the tests; the right ones are filled in when the sandbox runs."""


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    with Sandbox(Fleet(machines=50, assessments_per_machine=3), quota=None) as running:
        CONFIG.update(running.config)
        yield


TestTap = get_tap_test_class(TapMdcVm, config=CONFIG, suite_config=SuiteConfig())
