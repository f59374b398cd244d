"""What the made-up Defender for Cloud has always recommended for a machine: a catalogue, as data.

Names and texts are the sandbox's own; what they have of Microsoft's is the shape, the enumerations and the
likely spread of severities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tenant import Tenant

EXPOSURE = ("MaliciousInsider", "AccountBreach")
LOSS = ("DataExfiltration", "DataSpillage")
DISRUPTION = ("DenialOfService", "ElevationOfPrivilege")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One entry; the attributes are those of an assessment's metadata.

    Attributes:
        slug: A name of ours from which the assessment's key is derived.
        name: What the portal would show.
        description: Why it matters.
        remediation: What to do, as HTML.
        severity: Low, Medium, High or Critical.
        categories: Compute, Networking, Data or IdentityAndAccess.
        threats: As they are on the wire: PascalCase.
        tactics: Of MITRE ATT&CK, written with blanks.
        techniques: Likewise.
        impact: Low, Moderate or High: what fixing it does to users.
        effort: Low, Moderate or High.
        cause: Machine-readable cause when unhealthy; "" for none.
        cause_text: The cause in words.
        preview: Whether it is in preview, which its display name shows too.
    """

    slug: str
    name: str
    description: str
    remediation: str
    severity: str = "Medium"
    categories: tuple[str, ...] = ("Compute",)
    threats: tuple[str, ...] = LOSS
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    impact: str = "Low"
    effort: str = "Low"
    cause: str = ""
    cause_text: str = ""
    preview: bool = False


def _steps(*steps: str) -> str:
    return "<br>".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


CATALOGUE: tuple[Recommendation, ...] = (
    Recommendation(
        slug="management-ports",
        name="Remote administration ports should not be reachable from everywhere",
        description="SSH or RDP on this machine answers to any address on the internet. Password guessing against "
        "such ports starts within minutes of a machine's first boot and never stops.",
        remediation=_steps(
            "Open the network security group of the machine.",
            "Restrict the inbound rule to the addresses of your administrators, or remove it.",
            'Consider <a href="https://example.com/bastion">a bastion</a> instead of a public port.',
        ),
        severity="High",
        categories=("Networking",),
        threats=EXPOSURE,
        tactics=("Initial Access", "Credential Access"),
        techniques=("Brute Force", "External Remote Services"),
        impact="High",
        cause="ManagementPortsAreOpenToAllSources",
        cause_text="An inbound rule allows every source to reach an administration port.",
    ),
    Recommendation(
        slug="nsg-missing",
        name="Machines with a public address should stand behind a network security group",
        description="Neither the interface nor the subnet of this machine filters traffic, so each service that it "
        "starts is on the internet at once.",
        remediation=_steps("Create a network security group.", "Attach it to the subnet of the machine."),
        severity="High",
        categories=("Networking",),
        threats=EXPOSURE,
        tactics=("Initial Access",),
        techniques=("Exploit Public-Facing Application",),
        impact="Moderate",
        effort="Moderate",
    ),
    Recommendation(
        slug="adaptive-ports",
        name="Inbound rules should allow only the ports that are in use",
        description="Rules of this machine allow ports on which nothing has listened for a month.",
        remediation=_steps("Compare the rules with the ports in use.", "Remove what nobody needs."),
        categories=("Networking",),
        threats=EXPOSURE,
        tactics=("Lateral Movement",),
        techniques=("Remote Services",),
        impact="Moderate",
        effort="Moderate",
    ),
    Recommendation(
        slug="ip-forwarding",
        name="IP forwarding should be off unless the machine is an appliance",
        description="A machine that forwards packets can be used to pass by the rules of its network.",
        remediation=_steps("Open the interface of the machine.", "Turn IP forwarding off and save."),
        categories=("Networking",),
        threats=EXPOSURE,
        tactics=("Command and Control",),
        techniques=("Proxy",),
    ),
    Recommendation(
        slug="just-in-time",
        name="Administration ports should open only on request",
        description="The ports for administration stay open around the clock although sessions are rare.",
        remediation=_steps("Select the machine under just-in-time access.", "Choose ports, sources and hours."),
        severity="High",
        categories=("Networking", "Compute"),
        threats=EXPOSURE,
        tactics=("Initial Access",),
        techniques=("Valid Accounts",),
        impact="Moderate",
    ),
    Recommendation(
        slug="disk-encryption",
        name="Temporary disks and caches should be encrypted at the host",
        description="Data in caches and on temporary disks leaves the host's memory unencrypted.",
        remediation=_steps("Stop the machine.", "Turn on encryption at host.", "Start it again."),
        severity="High",
        categories=("Data", "Compute"),
        threats=LOSS,
        tactics=("Collection",),
        techniques=("Data from Local System",),
        impact="Moderate",
        effort="Moderate",
    ),
    Recommendation(
        slug="updates-missing",
        name="Missing operating system updates should be installed",
        description="Updates rated critical or security-relevant by the vendor are not installed here.",
        remediation=_steps("Review the list of updates.", "Install them in the next maintenance window."),
        severity="Critical",
        threats=DISRUPTION,
        tactics=("Execution",),
        techniques=("Exploitation for Client Execution",),
        impact="Moderate",
        effort="Moderate",
    ),
    Recommendation(
        slug="updates-periodic",
        name="Machines should look for missing updates every day",
        description="Nobody knows which updates this machine lacks, because it never looks.",
        remediation=_steps("Turn periodic assessment on in the update settings of the machine."),
        severity="Low",
        threats=DISRUPTION,
    ),
    Recommendation(
        slug="reboot-pending",
        name="Machines with a pending restart should be restarted",
        description="Updates are installed but not in force until the machine is restarted.",
        remediation=_steps("Plan a restart.", "Check that services come back."),
        severity="Low",
        impact="High",
    ),
    Recommendation(
        slug="endpoint-protection",
        name="An endpoint protection product should be installed",
        description="No supported product against malware was found on this machine.",
        remediation=_steps("Choose a product.", "Roll it out by policy, so that new machines get it too."),
        severity="High",
        threats=DISRUPTION,
        tactics=("Defense Evasion", "Execution"),
        techniques=("User Execution",),
    ),
    Recommendation(
        slug="endpoint-health",
        name="Endpoint protection should report in good health",
        description="The endpoint protection on this machine is installed but has stopped reporting, or its "
        "signatures are older than a week.",
        remediation=_steps("Open the product's console.", "Follow its advice for the machine."),
        threats=DISRUPTION,
        tactics=("Defense Evasion",),
        techniques=("Impair Defenses",),
    ),
    Recommendation(
        slug="vulnerability-scanner",
        name="Machines should be covered by a vulnerability scanner",
        description="Without a scanner, known holes in installed software stay unknown to you.",
        remediation=_steps("Enable the scanner for the subscription.", "Wait a day for the first results."),
        threats=LOSS,
    ),
    Recommendation(
        slug="vulnerabilities",
        name="Vulnerabilities that the scanner found should be fixed",
        description="Installed software has published holes for which a fix exists.",
        remediation=_steps("Open the list of findings below.", "Start with those that are exploited already."),
        severity="High",
        threats=(*LOSS, *DISRUPTION),
        tactics=("Initial Access", "Privilege Escalation"),
        techniques=("Exploitation for Privilege Escalation",),
        effort="High",
        impact="Moderate",
    ),
    Recommendation(
        slug="secrets-on-disk",
        name="Plain-text secrets on disks should be removed",
        description="Keys or passwords that open other resources lie readable on a disk of this machine.",
        remediation=_steps("Revoke the secret.", "Move its successor into a vault.", "Delete the file."),
        severity="Critical",
        categories=("Compute", "IdentityAndAccess"),
        threats=(*EXPOSURE, *LOSS),
        tactics=("Credential Access", "Lateral Movement"),
        techniques=("Unsecured Credentials",),
        effort="Moderate",
    ),
    Recommendation(
        slug="guest-configuration-agent",
        name="The configuration agent should be installed",
        description="Settings inside the operating system can't be checked without the agent.",
        remediation=_steps("Assign the policy that installs the agent.", "Run a remediation task for old machines."),
        severity="Low",
    ),
    Recommendation(
        slug="guest-configuration-identity",
        name="Machines with the configuration agent should have a managed identity",
        description="The agent is there but has no identity with which to report.",
        remediation=_steps("Turn on the system-assigned identity of the machine."),
        categories=("IdentityAndAccess",),
    ),
    Recommendation(
        slug="baseline",
        name="The operating system should meet the hardening baseline",
        description="Some settings differ from the hardening baseline of this operating system.",
        remediation=_steps("Open the list of rules that failed.", "Fix the image first, then the machine."),
        severity="Low",
        effort="High",
        impact="Moderate",
    ),
    Recommendation(
        slug="ssh-keys",
        name="Linux machines should accept SSH keys only",
        description="This machine still takes passwords on SSH.",
        remediation=_steps("Distribute keys.", "Set PasswordAuthentication to no.", "Reload the daemon."),
        categories=("IdentityAndAccess", "Compute"),
        threats=EXPOSURE,
        tactics=("Credential Access",),
        techniques=("Brute Force",),
        effort="Moderate",
    ),
    Recommendation(
        slug="local-administrators",
        name="Local administrator accounts should be few and named",
        description="More than two local accounts have administrative rights on this machine.",
        remediation=_steps("Review the accounts.", "Remove those without an owner."),
        categories=("IdentityAndAccess",),
        threats=EXPOSURE,
        tactics=("Privilege Escalation", "Persistence"),
        techniques=("Valid Accounts", "Account Manipulation"),
    ),
    Recommendation(
        slug="secure-boot",
        name="Secure Boot should be on where the machine can do it",
        description="Boot loaders that were tampered with go unnoticed on this machine.",
        remediation=_steps("Stop the machine.", "Turn Secure Boot on.", "Start it and check its drivers."),
        severity="Low",
        tactics=("Persistence",),
        techniques=("Pre-OS Boot",),
        impact="High",
        preview=True,
    ),
    Recommendation(
        slug="virtual-tpm",
        name="A virtual TPM should be on where the machine can do it",
        description="Without it the state of the boot can't be measured.",
        remediation=_steps("Stop the machine.", "Turn the virtual TPM on.", "Start it."),
        severity="Low",
        tactics=("Persistence",),
        techniques=("Pre-OS Boot",),
        impact="Moderate",
        preview=True,
    ),
    Recommendation(
        slug="boot-attestation",
        name="Boot attestation should report in good health",
        description="The last boot of this machine could not be proven untouched.",
        remediation=_steps("Compare kernel modules with the image.", "Rebuild the machine if in doubt."),
        preview=True,
        tactics=("Persistence", "Defense Evasion"),
        techniques=("Rootkit",),
    ),
    Recommendation(
        slug="unmanaged-disks",
        name="Machines should use managed disks",
        description="Disks in storage accounts lack snapshots, encryption sets and fine-grained rights.",
        remediation=_steps("Stop the machine.", "Migrate its disks.", "Start it."),
        categories=("Data",),
        impact="High",
        effort="High",
    ),
    Recommendation(
        slug="backup",
        name="Backup should be on",
        description="There is no recovery point of this machine to return to after an accident or an extortion.",
        remediation=_steps("Choose a vault and a policy.", "Run the first backup.", "Try a restore."),
        severity="Low",
        categories=("Data",),
        threats=DISRUPTION,
        tactics=("Impact",),
        techniques=("Data Encrypted for Impact",),
    ),
    Recommendation(
        slug="disk-public-access",
        name="Disks should not be exportable from public networks",
        description="Anybody with a link can download the disks of this machine from anywhere.",
        remediation=_steps("Set the network access of each disk to private or none."),
        categories=("Data", "Networking"),
        threats=LOSS,
        tactics=("Exfiltration",),
        techniques=("Transfer Data to Cloud Account",),
    ),
    Recommendation(
        slug="log-agent",
        name="A log agent should collect security events",
        description="Events of this machine are kept on the machine only, where an intruder can delete them.",
        remediation=_steps("Create a data collection rule.", "Associate the machine with it."),
        threats=EXPOSURE,
        tactics=("Defense Evasion",),
        techniques=("Indicator Removal",),
    ),
    Recommendation(
        slug="change-tracking",
        name="Changes of files and registry keys should be tracked",
        description="Nobody would see a change of the files that matter on this machine.",
        remediation=_steps("Choose the files.", "Turn tracking on."),
        severity="Low",
        preview=True,
        effort="Moderate",
    ),
    Recommendation(
        slug="application-control",
        name="Only known applications should run",
        description="This machine runs the same few programs each day; a list of those would stop all others.",
        remediation=_steps("Review the proposed list.", "Audit for a week, then enforce."),
        threats=DISRUPTION,
        tactics=("Execution",),
        techniques=("Command and Scripting Interpreter",),
        impact="High",
        effort="High",
    ),
    Recommendation(
        slug="classic-resources",
        name="Machines should be on the current resource model",
        description="Traces of the retired resource model keep this machine from current access control.",
        remediation=_steps("Plan the migration.", "Validate, prepare, commit."),
        severity="High",
        effort="High",
        impact="High",
    ),
    Recommendation(
        slug="end-of-support",
        name="Operating systems out of support should be replaced",
        description="The vendor of this operating system publishes no security updates any more.",
        remediation=_steps("Move the workload to a supported release.", "Delete the machine."),
        severity="High",
        threats=DISRUPTION,
        tactics=("Initial Access", "Execution"),
        techniques=("Exploitation of Remote Services",),
        effort="High",
        impact="High",
    ),
    Recommendation(
        slug="sql-vulnerabilities",
        name="Findings of SQL servers on machines should be resolved",
        description="The database server on this machine has settings that its vendor advises against.",
        remediation=_steps("Open the findings.", "Apply the fix or accept it as the baseline."),
        categories=("Data",),
        threats=LOSS,
        tactics=("Collection",),
        techniques=("Data from Information Repositories",),
        effort="Moderate",
    ),
    Recommendation(
        slug="tls",
        name="Web servers should speak current TLS only",
        description="A web server on this machine still offers protocol versions that are broken.",
        remediation=_steps("Turn off TLS 1.0 and 1.1.", "Check the clients that remain."),
        categories=("Networking",),
        tactics=("Credential Access",),
        techniques=("Adversary-in-the-Middle",),
        impact="Moderate",
    ),
    Recommendation(
        slug="exploit-guard",
        name="Exploit protection should be on",
        description="The mitigations that this operating system brings along are switched off.",
        remediation=_steps("Turn them on by policy, in audit mode first."),
        threats=DISRUPTION,
        tactics=("Defense Evasion",),
        techniques=("Exploitation for Defense Evasion",),
    ),
    Recommendation(
        slug="metadata-service",
        name="Access to the metadata service should be restricted",
        description="Each process on this machine can fetch tokens of its managed identity.",
        remediation=_steps("Find out who needs tokens.", "Block the address for all other users."),
        severity="High",
        categories=("IdentityAndAccess",),
        threats=EXPOSURE,
        tactics=("Credential Access",),
        techniques=("Cloud Instance Metadata API",),
        effort="Moderate",
    ),
    Recommendation(
        slug="over-permissive-identity",
        name="Managed identities of machines should have the least rights",
        description="The identity of this machine may change resources that it has never touched.",
        remediation=_steps("Compare its rights with what it used.", "Remove what is left over."),
        severity="High",
        categories=("IdentityAndAccess",),
        threats=EXPOSURE,
        tactics=("Privilege Escalation", "Lateral Movement"),
        techniques=("Valid Accounts",),
        effort="Moderate",
    ),
    Recommendation(
        slug="ddos",
        name="Networks of public machines should have DDoS protection",
        description="A flood of traffic against this machine would take its neighbours down too.",
        remediation=_steps("Create a protection plan.", "Attach the virtual network."),
        categories=("Networking",),
        threats=("DenialOfService",),
        tactics=("Impact",),
        techniques=("Network Denial of Service",),
    ),
)


def keyed(tenant: Tenant, number: int) -> tuple[str, Recommendation]:
    """A recommendation and its key in a tenant; beyond the catalogue, variants of the first ones."""
    entry = CATALOGUE[number % len(CATALOGUE)]
    if number >= len(CATALOGUE):
        variant = number // len(CATALOGUE) + 1
        entry = replace(entry, slug=f"{entry.slug}-{variant}", name=f"{entry.name} (rule {variant})")
    return tenant.guid("assessment", entry.slug), entry


def metadata(tenant: Tenant, recommendation: Recommendation) -> dict[str, Any]:
    """The metadata of each assessment made by a recommendation."""
    policy = tenant.guid("policy", recommendation.slug)
    found: dict[str, Any] = {
        "displayName": recommendation.name,
        "assessmentType": "BuiltIn",
        "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{policy}",
        "description": recommendation.description,
        "remediationDescription": recommendation.remediation,
        "categories": recommendation.categories,
        "severity": recommendation.severity,
        "userImpact": recommendation.impact,
        "implementationEffort": recommendation.effort,
        "threats": recommendation.threats,
    }
    if recommendation.tactics:
        found |= {"tactics": recommendation.tactics, "techniques": recommendation.techniques}
    if recommendation.preview:
        found["preview"] = True
    return found
