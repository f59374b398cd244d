"""Azure's clouds, each an island: its own sign-in address, its own Resource Manager, its own portal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where one cloud answers. Addresses have no slash at their end.

    Attributes:
        name: What the setting ``cloud`` and the Azure CLI call it.
        authority_host: Entra ID, which hands out tokens.
        resource_manager_url: Azure Resource Manager, behind which Resource Graph answers.
        portal: The portal's host, for links.
    """

    name: str
    authority_host: str
    resource_manager_url: str
    portal: str

    @property
    def scope(self) -> str:
        """Return what a token for Resource Manager is asked for; a slash too many makes Entra refuse it."""
        return f"{self.resource_manager_url}/.default"


PUBLIC = Cloud("AzureCloud", "https://login.microsoftonline.com", "https://management.azure.com", "portal.azure.com")
US_GOVERNMENT = Cloud(
    "AzureUSGovernment",
    "https://login.microsoftonline.us",
    "https://management.usgovcloudapi.net",
    "portal.azure.us",
)
CHINA = Cloud(
    "AzureChinaCloud",
    "https://login.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
    "portal.azure.cn",
)

CLOUDS = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}
