"""The labels that ETM knows, as far as the connector's public document names them."""

from __future__ import annotations

from typing import NamedTuple


class Label(NamedTuple):
    """What ETM expects of one label.

    Attributes:
        type: The JSON type of a value that is there.
        required: Whether ETM can't tell without it what a record is about, or whose it is.
    """

    type: str = "string"
    required: bool = False


_REQUIRED = Label(required=True)
_MACHINE = ("assetName", "operatingSystemName", "operatingSystemVersion", "macAddress", "ipAddress")
_FINDING = (
    *("findingSubType", "findingDescription", "findingFirstFoundOn", "updatedOn", "createdBy", "updatedBy"),
    *("recommendation", "remediationStrategy", "impact", "productName", "productVendor", "source"),
    *("policyId", "policyTitle", "policyType", "policyDescription", "policyFindingUrl"),
)
_FINDING_REQUIRED = (
    *("externalFindingId", "externalAssetId", "findingName"),
    *("findingType", "findingStatus", "vendorProductName"),
)

ETM: dict[str, dict[str, Label]] = {
    "etm_assets": dict.fromkeys(_MACHINE, Label())
    | dict.fromkeys(["externalAssetId", "assetName", "source"], _REQUIRED),
    "etm_findings": dict.fromkeys([*_MACHINE, *_FINDING], Label())
    | dict.fromkeys(_FINDING_REQUIRED, _REQUIRED)
    | {"findingSeverity": Label("integer", required=True)},
}
