"""Programs that the made-up machines have, the updates that they lack, and the CVEs that those fix.

Each program is released once in a while, for all machines at once; a release fixes CVEs, some of which it shares with
other programs of that month, as libraries do that are built into many. The names of programs are real ones or could
be; what is said of them is not. Numbers of CVEs start at 900,000, which nobody has assigned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .azure_rows import moment
from .chance import mixed, renewed, share

_DAY = 86_400
_MONTH = 30 * _DAY
_NEW_YEAR_2026 = 1_767_225_600
_SHARED_CVES = 40  # of a month: fixed by several programs

# Name, vendor, major and minor version, and where it comes from.
_COMMON = {
    "Linux": (
        ("openssl", "openssl", "3.0", "OS"),
        ("curl", "haxx", "8.5", "OS"),
        ("linux-image-azure", "linux", "6.8", "OS"),
        ("glibc", "gnu", "2.39", "OS"),
        ("openssh-server", "openbsd", "9.6", "OS"),
        ("sudo", "sudo_project", "1.9", "OS"),
        ("nginx", "f5", "1.24", "OS"),
        ("python3", "python", "3.12", "OS"),
        ("bind9-libs", "isc", "9.18", "OS"),
        ("vim", "vim", "9.1", "OS"),
        ("git", "git", "2.43", "OS"),
        ("expat", "libexpat_project", "2.6", "OS"),
        ("log4j-core", "apache", "2.20", "maven"),
        ("lodash", "lodash", "4.17", "npm"),
        ("requests", "python", "2.31", "pypi"),
        ("postgresql-16", "postgresql", "16.2", "OS"),
    ),
    "Windows": (
        ("edge_chromium-based", "microsoft", "131.0", ""),
        (".net_runtime", "microsoft", "8.0", ""),
        ("openssl", "openssl", "3.0", ""),
        ("7-zip", "7-zip", "23.01", ""),
        ("sql_server_management_studio", "microsoft", "20.1", ""),
        ("powershell", "microsoft", "7.4", ""),
        ("visual_c++_redistributable", "microsoft", "14.38", ""),
        ("notepad++", "notepad-plus-plus", "8.6", ""),
        ("teams", "microsoft", "24.1", ""),
        ("tomcat", "apache", "9.0", ""),
        ("java_se", "oracle", "17.0", ""),
        ("curl", "haxx", "8.5", ""),
        ("newtonsoft.json", "newtonsoft", "13.0", "nuget"),
        ("log4j-core", "apache", "2.20", "maven"),
        ("git", "git", "2.43", ""),
        ("winscp", "winscp", "6.1", ""),
    ),
}
_RARE = {
    "Linux": (
        ("lib{}", "{}_project", "OS"),
        ("python3-{}", "{}", "OS"),
        ("{}-utils", "{}", "OS"),
        ("@{}/core", "{}", "npm"),
    ),
    "Windows": (("{}_client", "{}", ""), ("{}.core", "{}", "nuget"), ("{}_agent", "{}", ""), ("{}_viewer", "{}", "")),
}
_STEMS = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbor", "iris", "juniper", "larch")
_LANGUAGES = {"npm": "JavaScript", "pypi": "Python", "maven": "Java", "nuget": ".NET"}


@dataclass(frozen=True, slots=True)
class Cve:
    """A vulnerability that somebody published."""

    id: str
    score: float
    published: int

    @property
    def severity(self) -> str:
        """Of its score, by the bounds of CVSS 3."""
        return severity_of(self.score)

    @property
    def vector(self) -> str:
        """A vector; that of its score only by and large."""
        impact = {"Critical": "H/I:H/A:H", "High": "H/I:H/A:N", "Medium": "L/I:L/A:N", "Low": "N/I:L/A:N"}
        return f"CVSS:3.1/AV:N/AC:{'L' if self.score >= 7 else 'H'}/PR:N/UI:N/S:U/C:{impact[self.severity]}"


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
        number: Among those of its operating system; the first ones are everywhere.
        name: As Defender spells it.
        vendor: Likewise.
        series: Major and minor version.
        package: Where it comes from: OS, npm, pypi, maven, nuget or "".
        salt: Of the tenant.
    """

    number: int
    name: str
    vendor: str
    series: str
    package: str
    salt: int

    @property
    def language(self) -> str:
        """Of a library; "" of others."""
        return _LANGUAGES.get(self.package, "")

    @cached_property
    def rhythm(self) -> tuple[int, int]:
        """Seconds from release to release, and by how many they are late."""
        drawn = mixed(self.salt, 1)
        return (20 + drawn % 70) * _DAY + drawn % 7_000, drawn % (90 * _DAY)

    def release(self, now: int) -> tuple[int, int]:
        """Number and moment of the latest release."""
        return renewed(now, *self.rhythm)

    def version(self, release: int) -> str:
        """Its number in full."""
        patch = release % 60 + 1
        return f"{self.series}.{patch}-{1 + self.salt % 4}" if self.package == "OS" else f"{self.series}.{patch}"

    def fixes(self, release: int) -> list[Cve]:
        """The CVEs that a release fixes: mostly a handful, of a kernel or a browser a hundred."""
        released = release * self.rhythm[0] + self.rhythm[1]
        drawn = mixed(self.salt, 2, release)
        many = 60 + drawn % 60 if self.number == 2 and release % 3 == 0 else 1 + drawn % (2 + drawn % 7)
        found = {cve.id: cve for cve in (self._cve(released, release, index) for index in range(many))}
        return list(found.values())

    def _cve(self, released: int, release: int, index: int) -> Cve:
        month = released // _MONTH
        drawn = mixed(self.salt, 3, release, index)
        number = mixed(month, drawn % _SHARED_CVES) if drawn >> 40 & 1 else drawn
        score = round(2.5 + 7.4 * share(number) ** 1.7, 1)
        published = month * _MONTH - _DAY * (1 + number % 30)
        return Cve(f"CVE-{moment(published)[:4]}-{900_000 + number % 99_991}", score, published)

    def end_of_support(self, now: int) -> tuple[str, int | None]:
        """What is said about the end of its support, and when that is; of most nothing is said."""
        drawn = mixed(self.salt, 4)
        end = _NEW_YEAR_2026 + (drawn % 700 - 350) * _DAY
        if drawn >> 16 & 7 or end > now + 180 * _DAY:
            return "None", None
        what = "NoLongerSupported" if drawn >> 20 & 1 else "VersionNoLongerSupported"
        return (f"upcoming{what}" if end > now else what[0].lower() + what[1:]), end


def program(salt: int, system: str, number: int) -> Program:
    """A program for Linux or Windows: common ones first, then as many as one likes."""
    common = _COMMON[system]
    own = mixed(salt, len(system), number)
    if number < len(common):
        name, vendor, series, package = common[number]
        return Program(number, name, vendor, series, package, own)
    form, vendor, package = _RARE[system][own % 4]
    stem = f"{_STEMS[number % len(_STEMS)]}{number}"
    return Program(number, form.format(stem), vendor.format(stem), f"{own % 9 + 1}.{own >> 8 & 15}", package, own)


def severity_of(score: float) -> str:
    """Low, Medium, High or Critical, by the bounds of CVSS 3."""
    return "Critical" if score >= 9 else "High" if score >= 7 else "Medium" if score >= 4 else "Low"
