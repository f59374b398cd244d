"""A throw-away certificate authority for one run, so that TLS is verified as it would be against Azure.

Nothing here outlives the process: the keys lie in a temporary folder that only the user can read.
"""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIFETIME = timedelta(days=7)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Signed:
    """A key and the certificate that goes with it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


class Certificates:
    """A certificate authority, a server certificate for loopback and other names, and the folder that holds both.

    Use as a context manager; leaving it removes the folder.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Make the keys and write them down; `names` are further hosts that the server stands for."""
        self._temporary = tempfile.TemporaryDirectory(prefix="tap-mdc-vm-sandbox-")  # mode 0700
        self.folder = Path(self._temporary.name)
        authority = _authority()
        server = _server(authority, names)
        self.ca_bundle = self._write("ca.pem", authority.certificate_pem)
        self._chain = self._write("server.pem", server.certificate_pem + server.key_pem)

    def __enter__(self) -> Certificates:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the keys."""
        self.close()

    def close(self) -> None:
        """Remove the keys."""
        self._temporary.cleanup()

    @cached_property
    def server_context(self) -> ssl.SSLContext:
        """The TLS settings of a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._chain)
        return context

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(content)
        return path


def _authority() -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("tap-mdc-vm sandbox CA")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _Signed(key, builder.sign(key, hashes.SHA256()))


def _server(authority: _Signed, names: Sequence[str]) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, ("localhost", *names))]
    issuer_key = authority.key.public_key()
    builder = (
        _builder(_name("localhost"), authority.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )
    return _Signed(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
