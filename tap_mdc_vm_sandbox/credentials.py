"""What a client needs to sign in: secret, certificate or federated token, made for one run."""

from __future__ import annotations

import base64
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from .entra import FEDERATION_AUDIENCE, Application, FederatedCredential

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ISSUER = "https://issuer.sandbox.invalid"
SUBJECT = "system:serviceaccount:default:tap-mdc-vm"


class AuthMethod(StrEnum):
    """How a client is meant to sign in; the names are those of the tap's setting."""

    CLIENT_SECRET = "client_secret"  # noqa: S105  # a name
    CLIENT_CERTIFICATE = "client_certificate"
    WORKLOAD_IDENTITY = "workload_identity"
    MANAGED_IDENTITY = "managed_identity"


class Trouble(StrEnum):
    """What may be wrong with signing in."""

    NONE = "none"
    WRONG_SECRET = "wrong-secret"  # noqa: S105  # a name
    EXPIRED_SECRET = "expired-secret"  # noqa: S105  # a name
    DISABLED_APPLICATION = "disabled-application"
    UNKNOWN_APPLICATION = "unknown-application"
    UNKNOWN_TENANT = "unknown-tenant"


class Credentials:
    """The client's side of an application."""

    def __init__(
        self,
        application: Application,
        method: AuthMethod,
        trouble: Trouble,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make what the method needs and register it with the application.

        Args:
            application: Where to sign in.
            method: How.
            trouble: What shall be wrong.
            folder: Where files go; whoever made it removes it.
            clock: Seconds since 1970.
        """
        self._application = application
        self._method = method
        self._trouble = trouble
        self._folder = folder
        self._clock = clock
        application.secret_expired = trouble is Trouble.EXPIRED_SECRET
        application.disabled = trouble is Trouble.DISABLED_APPLICATION
        if method is AuthMethod.CLIENT_CERTIFICATE:
            self._make_certificate()
        if method is AuthMethod.WORKLOAD_IDENTITY:
            application.federated.append(FederatedCredential(ISSUER, SUBJECT, self._key.public_key()))
            self.write_federated_token()

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's settings for it."""
        stranger = str(uuid.uuid5(uuid.NAMESPACE_DNS, "stranger"))
        settings = {"tenant_id": self._application.tenant_id, "client_id": self._application.client_id}
        if self._trouble is Trouble.UNKNOWN_TENANT:
            settings["tenant_id"] = stranger
        if self._trouble is Trouble.UNKNOWN_APPLICATION:
            settings["client_id"] = stranger
        if self._method is not AuthMethod.CLIENT_SECRET:
            settings["auth_method"] = self._method.value
        return settings | self._proof()

    def _proof(self) -> dict[str, str]:
        match self._method:
            case AuthMethod.CLIENT_SECRET:
                wrong = self._trouble is Trouble.WRONG_SECRET
                return {"client_secret": stranger_secret() if wrong else self._application.secret}
            case AuthMethod.CLIENT_CERTIFICATE:
                return {"client_certificate_path": str(self._folder / "client.pem")}
            case AuthMethod.WORKLOAD_IDENTITY:
                return {"federated_token_file": str(self._token_file)}
            case AuthMethod.MANAGED_IDENTITY:
                return {}

    def write_federated_token(self, *, expires_in: float = 3600, subject: str = SUBJECT) -> None:
        """Put a new token into the file, as the platform of a workload does from time to time."""
        now = int(self._clock())
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": FEDERATION_AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + int(expires_in),
            "jti": str(uuid.uuid4()),
        }
        signed = ".".join(_encoded(part) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self._write(self._token_file, f"{signed}.{_base64(signature)}".encode())

    @property
    def _token_file(self) -> Path:
        return self._folder / "federated-token"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _make_certificate(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tap-mdc-vm")])
        now = datetime.fromtimestamp(self._clock(), UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._write(self._folder / "client.pem", key + certificate.public_bytes(serialization.Encoding.PEM))
        self._application.certificates.append(certificate)

    def _write(self, path: Path, content: bytes) -> None:
        path.touch(mode=0o600)
        path.write_bytes(content)


def stranger_secret() -> str:
    """A secret that no application here has."""
    return "Qx8~not-the-secret-of-this-application"


def _encoded(claims: dict[str, Any]) -> str:
    return _base64(json.dumps(claims).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
