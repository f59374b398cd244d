"""Reads the certificate that an application signs in with: a PEM or PFX file that also holds its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .secret import Secret

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its key, both in PEM, whatever the file held.

    Attributes:
        private_key: The key, no longer encrypted.
        certificate: The one certificate that belongs to the key.
        expires: When Entra ID stops accepting it (UTC).
    """

    private_key: Secret
    certificate: str
    expires: datetime


def load(path: Path, password: Secret | None) -> ClientCertificate:
    """Read ``path``.

    Args:
        path: A PEM or PFX (PKCS #12) file with a private key and its certificate.
        password: What the key is encrypted with; None for a key in clear.

    Raises:
        ValueError: If the file can't be used, with the reason, without any of its contents.
        OSError: If the file can't be read.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - slow to import, and rarely needed
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key, certificates = _contents(path.read_bytes(), password.reveal().encode() if password else None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("holds no RSA private key, the only kind that Entra ID accepts")  # noqa: TRY004 - of the file
    mine = _matching(key, certificates)
    return ClientCertificate(
        Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()),
        mine.public_bytes(Encoding.PEM).decode(),
        mine.not_valid_after_utc,
    )


def _contents(data: bytes, password: bytes | None) -> tuple[object, list[Certificate]]:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12  # noqa: PLC0415

    try:
        if b"-----BEGIN" in data:
            # A password for a key in clear is an error to the library; to a user it is one setting too many.
            key: object = load_pem_private_key(data, password if b"ENCRYPTED" in data else None)
            found = x509.load_pem_x509_certificates(data)
        else:
            key, certificate, others = pkcs12.load_key_and_certificates(data, password)
            found = [*([certificate] if certificate else []), *others]
    except TypeError:
        raise ValueError("is encrypted: set client_certificate_password") from None
    except (ValueError, UnsupportedAlgorithm):
        # The library's own text is left out: it can't be known to hold nothing of the file.
        raise ValueError(
            "can't be read as PEM or PFX with a private key and a certificate"
            " (wrong client_certificate_password, or another format)"
        ) from None
    return key, found


def _matching(key: RSAPrivateKey, certificates: list[Certificate]) -> Certificate:
    """Return the certificate of this key: a file may hold the issuer's too, in any order."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    def public(holder: RSAPrivateKey | Certificate) -> bytes:
        return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    for certificate in certificates:
        if public(certificate) == public(key):
            return certificate
    raise ValueError("holds no certificate that belongs to its private key")
