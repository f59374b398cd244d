"""What no single value tells: which settings a way to sign in needs, what excludes what, what lies in files."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tap_mdc_vm.clouds import CLOUDS
from tap_mdc_vm.wording import nearest, shown

from . import ci_services
from .kinds import CATEGORIES, GUID, OVERVIEW

logger = logging.getLogger(__name__)

PREFIX = "TAP_MDC_VM_"
"""What the variable of a setting begins with; its name in capitals follows."""

EXPIRY_NOTICE = timedelta(days=30)

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_TOKEN_FILE_VARIABLE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - its name

_APPLICATION = dict.fromkeys(("tenant_id", "client_id"), OVERVIEW)
NEEDED = {
    "client_secret": {**_APPLICATION, "client_secret": "set it to the value of a client secret of the application"},
    "client_certificate": {
        **_APPLICATION,
        "client_certificate_path": "set it to a PEM or PFX file with a certificate and its key",
    },
    "workload_identity": _APPLICATION,
    "managed_identity": {},
    "azure_cli": {},
}
"""The ways to sign in, what each needs, and where to get it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Applies the rules to values that were read one by one.

    Attributes:
        values: By setting. Those that follow from others are filled in.
        given: Names of what is set, unknown ones too.
        problems: Where to note what is wrong, by setting.
    """

    values: dict[str, Any]
    given: Collection[str]
    problems: dict[str, list[str]]
    environ: Mapping[str, str]
    today: date

    def apply(self) -> None:
        """Apply all of them."""
        self._what_is_needed()
        match self.values["auth_method"]:
            case "client_secret":
                self._client_secret()
            case "client_certificate":
                self._client_certificate()
            case "workload_identity":
                self._workload_identity()
        if self.values["management_group_ids"] and self.values["subscription_ids"]:
            text = "can't be set together with subscription_ids, Azure forbids it: remove one"
            self._problem("management_group_ids", text)
        cloud, addresses = CLOUDS[self.values["cloud"]], ("authority_host", "resource_manager_url")
        given = {name: self.values[name] for name in addresses if self.values[name]}
        self.values["cloud"] = replace(cloud, **given)
        self._ca_bundle()
        self._unknown()

    def _what_is_needed(self) -> None:
        for name, source in NEEDED[self.values["auth_method"]].items() if not self.problems["auth_method"] else ():
            if name not in self.given:
                also = f", or set auth_method to {self._other_method()}" if name == "client_secret" else ""
                self._problem(name, f"is missing: {source} (or set {PREFIX}{name.upper()}){also}")

    def _other_method(self) -> str:
        if "client_certificate_path" in self.given:
            return "client_certificate"
        token = {"federated_token", "federated_token_file"} & set(self.given) or self.environ.get(_TOKEN_FILE_VARIABLE)
        return "workload_identity" if token or ci_services.around(self.environ) else "azure_cli after az login"

    def _client_secret(self) -> None:
        secret = self.values["client_secret"]
        if secret and GUID.fullmatch(secret.reveal()):
            logger.warning("client_secret looks like the secret's ID; Entra ID wants its value")
        if day := self.values["client_secret_expires_on"]:
            self._warn_of_expiry("The client secret", day)

    def _client_certificate(self) -> None:
        from tap_mdc_vm import certificates  # noqa: PLC0415 - slow to import

        name = "client_certificate_path"
        if path := self.values[name]:
            with self._file(name, path):
                day = certificates.load(path, self.values["client_certificate_password"]).expires.date()
                if day < self.today:
                    self._problem(name, f"names a certificate that expired on {day}: renew it")
                else:
                    self._warn_of_expiry("The client certificate", day)

    def _workload_identity(self) -> None:
        """Find the federated token: in a setting, in the file that AKS names, or at the CI service around the tap."""
        name = "federated_token_file"
        if {"federated_token", name} <= set(self.given):
            self._problem(name, "can't be set together with federated_token: remove one")
        elif "federated_token" in self.given:
            if (token := self.values["federated_token"]) and token.reveal().count(".") != 2:
                self._problem("federated_token", "is no token (three parts joined by dots)")
        elif name in self.given:
            self._token_file(name, self.values[name])
        elif variable := self.environ.get(_TOKEN_FILE_VARIABLE):
            self.values[name] = Path(variable)
            self._token_file(_TOKEN_FILE_VARIABLE, self.values[name])
        else:
            try:
                self.values["token_request"] = ci_services.token_request(self.environ)
            except ValueError as error:
                self._problem(name, str(error))

    def _token_file(self, named_by: str, path: Path | None) -> None:
        if path:
            with self._file("federated_token_file", path, named_by):
                token = path.read_text(encoding="utf-8-sig", errors="replace").strip()
                if token.count(".") != 2 or not (token.isascii() and token.isprintable()):
                    raise ValueError("holds no token (three parts joined by dots)")

    def _ca_bundle(self) -> None:
        """Decide once what TLS trusts, as libraries differ in the variables that they read."""
        name, named_by = "ca_bundle", "ca_bundle"
        if name not in self.given and (found := next(filter(self.environ.get, _CA_VARIABLES), None)):
            named_by, self.values[name] = found, Path(self.environ[found])
        if path := self.values[name]:
            self.values[name] = str(path)
            with self._file(name, path, named_by):
                if not path.is_dir():
                    _check_bundle(path)

    def _unknown(self) -> None:
        """Warn of what nobody knows: a setting, or a category, which may be Azure's newest."""
        for name in self.given:
            if name not in self.problems:
                logger.warning("Unknown setting %s is ignored%s", shown(name), nearest(name, self.problems))
        for category in self.values["recommendation_categories"]:
            if category not in CATEGORIES:
                question = nearest(category, CATEGORIES)
                logger.warning("recommendation_categories holds %s, an unknown one%s", shown(category), question)

    def _problem(self, name: str, text: str, named_by: str = "") -> None:
        """Note what is wrong with the setting ``name``, or with the variable that stands for it."""
        self.problems[name].append(f"{named_by or name} {text}")

    @contextmanager
    def _file(self, name: str, path: Path, named_by: str = "") -> Iterator[None]:
        """Note that a file can't be read, or what a ValueError says is wrong with it."""
        try:
            yield
        except OSError as error:
            self._problem(name, f"names {shown(path)}, which can't be read: {error.strerror}", named_by)
        except ValueError as error:
            self._problem(name, f"names {shown(path)}, which {error}", named_by)

    def _warn_of_expiry(self, what: str, day: date) -> None:
        left = (day - self.today).days
        if left < 0:
            logger.warning("%s expired on %s: create a new one", what, day)
        elif left <= EXPIRY_NOTICE.days:
            days = f"{left} day{'s' * (left != 1)}"
            logger.warning("%s expires on %s, in %s: create a new one in time", what, day, days)


def _check_bundle(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:  # which is an OSError, too, and says this in OpenSSL's terms
        raise ValueError("holds no certificate in PEM, or one that is damaged") from None
