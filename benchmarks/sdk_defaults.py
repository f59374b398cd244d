"""The tap as people write it with the Meltano SDK's defaults: a RESTStream per query, one page after the other.

Everything that the SDK offers is the SDK's: sign-in, requests, pages, JSONPath, records to the schema, messages, and
the ETM map, which is the tap's own file, given as stream maps. Rows become the same records as the tap's, by the
functions of rows_by_hand.py. Nothing proves that they are complete.

python benchmarks/sdk_defaults.py

in the environment that tap-mdc-vm-sandbox sets.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rows_by_hand import NO_MACHINE, finding, interface, machine
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator

if TYPE_CHECKING:
    from singer_sdk import Stream
    from singer_sdk.helpers.types import Context

ROOT = Path(__file__).resolve().parent.parent
QUERIES, SCHEMAS = ROOT / "tap_mdc_vm" / "queries", ROOT / "schemas"
ETM = ROOT / "tap_mdc_vm" / "maps" / "etm.yml"

Record = dict[str, Any]


class EntraAuthenticator(OAuthAuthenticator):
    """Signs in with a client secret."""

    def __init__(self, *, ca_bundle: str, **options: Any) -> None:  # noqa: ANN401 - the SDK's
        super().__init__(**options)
        self._session.trust_env = False  # or REQUESTS_CA_BUNDLE would win over verify
        self._session.verify = ca_bundle

    @property
    def oauth_request_body(self) -> dict[str, Any]:
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.oauth_scopes,
        }


class ResourceGraphStream(RESTStream):
    """One query."""

    path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
    http_method = "POST"
    primary_keys = ("id",)
    records_jsonpath = "$.data[*]"
    next_page_token_jsonpath = "$.'$skipToken'"

    def __init__(self, tap: SdkDefaultsTap) -> None:
        self.tap = tap
        super().__init__(tap)
        self.requests_session.trust_env = False
        # Given to the session itself: the SDK sends prepared requests, for which requests looks at no variable.
        self.requests_session.verify = self.config["ca_bundle"]

    @property
    def url_base(self) -> str:
        return str(self.config["resource_manager_url"])

    @cached_property
    def authenticator(self) -> EntraAuthenticator:
        return EntraAuthenticator(
            auth_endpoint=f"{self.config['authority_host']}/{self.config['tenant_id']}/oauth2/v2.0/token",
            oauth_scopes=f"{self.config['resource_manager_url']}/.default",
            client_id=self.config["client_id"],
            client_secret=self.config["client_secret"],
            ca_bundle=self.config["ca_bundle"],
        )

    def prepare_request_payload(self, context: Context | None, next_page_token: str | None) -> dict[str, Any]:  # noqa: ARG002 - the SDK's
        options = {"$top": 1000, "resultFormat": "objectArray"}
        if next_page_token:
            options["$skipToken"] = next_page_token
        return {"query": (QUERIES / f"{self.name}.kql").read_text(), "options": options}


class PublicIps(ResourceGraphStream):
    """Read for its addresses, and not sent."""

    name = "public_ips"
    schema = th.PropertiesList(th.Property("id", th.StringType)).to_dict()


class NetworkInterfaces(ResourceGraphStream):
    name = "network_interfaces"
    schema = json.loads((SCHEMAS / "network_interfaces.json").read_text())

    def post_process(self, row: Record, context: Context | None = None) -> Record:  # noqa: ARG002 - the SDK's
        record = interface(row, self.tap.addresses)
        self.tap.interfaces[record["id"]] = record
        return record


class VirtualMachines(ResourceGraphStream):
    name = "virtual_machines"
    schema = json.loads((SCHEMAS / "virtual_machines.json").read_text())

    def post_process(self, row: Record, context: Context | None = None) -> Record:  # noqa: ARG002 - the SDK's
        record = machine(row, self.tap.interfaces)
        self.tap.machines[record["id"]] = {name: record[name] for name in NO_MACHINE}
        return record


class Assessments(ResourceGraphStream):
    name = "assessments"
    schema = json.loads((SCHEMAS / "assessments.json").read_text())

    def post_process(self, row: Record, context: Context | None = None) -> Record:  # noqa: ARG002 - the SDK's
        return finding(row, self.tap.machines)


class SdkDefaultsTap(Tap):
    name = "tap-mdc-vm"  # whose variables it reads
    config_jsonschema = th.PropertiesList(
        *(
            th.Property(name, th.StringType, required=True)
            for name in (
                "tenant_id",
                "client_id",
                "client_secret",
                "authority_host",
                "resource_manager_url",
                "ca_bundle",
            )
        )
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        self.interfaces: dict[str, Record] = {}
        self.machines: dict[str, Record] = {}
        return [NetworkInterfaces(self), VirtualMachines(self), Assessments(self)]

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in this order, where the SDK's is by name: each is joined to the one before."""
        by_name = super().streams
        return {kind.name: by_name[kind.name] for kind in (NetworkInterfaces, VirtualMachines, Assessments)}

    @cached_property
    def addresses(self) -> dict[str, str]:
        return {row["id"].lower(): row["properties"]["ipAddress"] for row in PublicIps(self).get_records(None)}


def main() -> None:
    SdkDefaultsTap(config=yaml.safe_load(ETM.read_text()), parse_env_config=True).sync_all()


if __name__ == "__main__":
    main()
