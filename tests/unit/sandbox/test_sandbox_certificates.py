"""Keys for one run: trusted by whoever has the bundle, readable by nobody else, gone afterwards."""

import ssl
import stat

import pytest
from cryptography import x509

from tap_mdc_vm_sandbox.certificates import Certificates


@pytest.fixture
def certificates():
    with Certificates() as certificates:
        yield certificates


def handshake(certificates, host, *, trust=None):
    """Shake hands in memory, as a client that verifies."""
    client_side = ssl.create_default_context(cafile=trust or certificates.ca_bundle)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    server = certificates.server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.version()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_server_is_trusted_under_both_names_of_loopback(certificates, host):
    assert handshake(certificates, host) in {"TLSv1.2", "TLSv1.3"}


def test_no_other_name_is_trusted(certificates):
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(certificates, "login.microsoftonline.com")


def test_another_run_is_not_trusted(certificates):
    with Certificates() as others, pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificates, "127.0.0.1", trust=others.ca_bundle)


def test_the_files_are_the_users_alone_and_go_with_the_run():
    with Certificates() as certificates:
        folder = certificates.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert not folder.exists()


def test_the_bundle_holds_no_key(certificates):
    text = certificates.ca_bundle.read_bytes()
    assert b"PRIVATE" not in text
    assert x509.load_pem_x509_certificate(text).extensions.get_extension_for_class(x509.BasicConstraints).value.ca
