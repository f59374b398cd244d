"""Reads the certificate that an application signs in with: a PEM or PFX file that also holds its key.

The libraries of this module are slow to import: import it where a certificate is needed.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from .secret import Secret


class ClientCertificate(NamedTuple):
    """A key, no longer encrypted, and its certificate, both in PEM; ``expires`` is in UTC."""

    private_key: Secret
    certificate: str
    expires: datetime


def load(path: Path, password: Secret | None) -> ClientCertificate:
    """Read a PEM or PFX (PKCS #12) file with a private key and its certificate, among others in any order.

    Raises:
        ValueError: If the file can't be used, with the reason, without any of its contents.
        OSError: If the file can't be read.
    """
    key, certificates = _contents(path.read_bytes(), password.reveal().encode() if password else None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("holds no RSA private key, the only kind that Entra ID accepts")  # noqa: TRY004 - of the file
    mine = next((each for each in certificates if each.public_key() == key.public_key()), None)
    if mine is None:
        raise ValueError("holds no certificate that belongs to its private key")
    return ClientCertificate(
        Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()),
        mine.public_bytes(Encoding.PEM).decode(),
        mine.not_valid_after_utc,
    )


def _contents(data: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        if b"-----BEGIN" in data:
            # A password for a key in clear is an error to the library; to a user it is one setting too many.
            key = load_pem_private_key(data, password if b"ENCRYPTED" in data else None)
            return key, x509.load_pem_x509_certificates(data)
        found = pkcs12.load_pkcs12(data, password)
        return found.key, [each.certificate for each in (found.cert, *found.additional_certs) if each]
    except TypeError:
        raise ValueError("is encrypted: set client_certificate_password") from None
    except (ValueError, UnsupportedAlgorithm):
        # The library's own text is left out: it can't be known to hold nothing of the file.
        raise ValueError(
            "can't be read as PEM or PFX with a private key and a certificate"
            " (wrong client_certificate_password, or another format)"
        ) from None
