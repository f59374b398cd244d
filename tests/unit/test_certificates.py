"""A certificate to sign in with, from any of the files that people have it in."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tap_mdc_vm import certificates
from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.secret import Secret
from tap_mdc_vm.settings import Settings

EXPIRES = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
PASSWORD = "correct horse"


def issue(key, name="tap"):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(EXPIRES - timedelta(days=365))
        .not_valid_after(EXPIRES)
        .sign(key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def certificate(key):
    return issue(key)


@pytest.fixture(scope="module")
def another():
    """A certificate of somebody else, as the issuer's in a chain."""
    return issue(rsa.generate_private_key(65537, 2048), "another")


def pem_of(key, password=None, form=PrivateFormat.PKCS8):
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption)


def pfx_of(key, certificate, password=None, others=None):
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"tap", key, certificate, others, encryption)


def load(tmp_path, content, password=None):
    path = tmp_path / "app"
    path.write_bytes(content)
    return certificates.load(path, Secret(password) if password else None)


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize(
    "kind", ["pem", "openssl's pem", "pem with the certificate first", "pem with a chain", "pfx", "pfx with a chain"]
)
def test_key_and_certificate_come_out_of_every_kind_of_file(kind, password, tmp_path, *, key, certificate, another):
    mine, others = certificate.public_bytes(Encoding.PEM), another.public_bytes(Encoding.PEM)
    content = {
        "pem": lambda: pem_of(key, password) + mine,
        "openssl's pem": lambda: pem_of(key, password, PrivateFormat.TraditionalOpenSSL) + mine,
        "pem with the certificate first": lambda: mine + pem_of(key, password),
        "pem with a chain": lambda: others + mine + pem_of(key, password),
        "pfx": lambda: pfx_of(key, certificate, password),
        "pfx with a chain": lambda: pfx_of(key, certificate, password, [another]),
    }[kind]()
    loaded = load(tmp_path, content, password)
    assert loaded.certificate.encode() == mine
    loaded_key = serialization.load_pem_private_key(loaded.private_key.reveal().encode(), None)
    assert loaded_key.private_numbers() == key.private_numbers()
    assert loaded.expires == EXPIRES


def test_a_password_that_is_not_needed_is_no_obstacle(tmp_path, key, certificate):
    content = pem_of(key) + certificate.public_bytes(Encoding.PEM)
    assert load(tmp_path, content, PASSWORD).expires == EXPIRES


@pytest.mark.parametrize("password", [None, "wrong"])
@pytest.mark.parametrize("form", ["pem", "pfx"])
def test_a_missing_or_wrong_password_is_told_without_showing_it(form, password, tmp_path, key, certificate):
    content = (
        pem_of(key, PASSWORD) + certificate.public_bytes(Encoding.PEM)
        if form == "pem"
        else pfx_of(key, certificate, PASSWORD)
    )
    with pytest.raises(ValueError, match="client_certificate_password") as caught:
        load(tmp_path, content, password)
    assert "wrong client" in str(caught.value) or "encrypted" in str(caught.value)


def test_a_key_that_entra_id_would_refuse_is_refused_here(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ValueError, match="no RSA private key"):
        load(tmp_path, pem_of(key) + issue(key).public_bytes(Encoding.PEM))


def test_a_certificate_of_another_key_is_refused(tmp_path, key, another):
    with pytest.raises(ValueError, match="no certificate that belongs to its private key"):
        load(tmp_path, pem_of(key) + another.public_bytes(Encoding.PEM))


@pytest.mark.parametrize(
    "content", [b"", b"hunter2", b"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"]
)
def test_something_else_is_refused_without_its_contents(content, tmp_path):
    with pytest.raises(ValueError, match="can't be read as PEM or PFX") as caught:
        load(tmp_path, content)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_certificate_without_its_key_is_refused(tmp_path, certificate):
    with pytest.raises(ValueError, match="can't be read as PEM or PFX with a private key"):
        load(tmp_path, certificate.public_bytes(Encoding.PEM))


def test_the_key_does_not_print_itself(tmp_path, key, certificate):
    loaded = load(tmp_path, pem_of(key) + certificate.public_bytes(Encoding.PEM))
    assert "PRIVATE" not in repr(loaded)


# As the settings see it


def settings_of(path, today, **more):
    ids = dict.fromkeys(("tenant_id", "client_id"), "6f1d2c3b-0000-4000-8000-00000000000a")
    config = {"auth_method": "client_certificate", "client_certificate_path": str(path), **ids, **more}
    return Settings.from_config(config, {}, today)


@pytest.fixture
def path(tmp_path, key, certificate):
    path = tmp_path / "app.pem"
    path.write_bytes(pem_of(key, PASSWORD) + certificate.public_bytes(Encoding.PEM))
    return path


def test_settings_take_a_certificate_that_can_be_used(path, caplog):
    settings = settings_of(path, date(2031, 1, 1), client_certificate_password=PASSWORD)
    assert settings.client_certificate_path == path
    assert caplog.text == ""


def test_settings_refuse_a_certificate_that_has_expired(path):
    with pytest.raises(ConfigurationError, match="expired on 2031-05-06: renew it"):
        settings_of(path, date(2031, 5, 7), client_certificate_password=PASSWORD)


def test_settings_warn_of_a_certificate_close_to_its_end(path, caplog):
    settings_of(path, date(2031, 5, 1), client_certificate_password=PASSWORD)
    assert caplog.messages == ["The client certificate expires on 2031-05-06, in 5 days: create a new one in time"]


@pytest.mark.parametrize("password", [None, "wrong password"])
def test_settings_name_the_file_and_not_the_password(path, password):
    with pytest.raises(ConfigurationError) as caught:
        settings_of(path, date(2031, 1, 1), client_certificate_password=password)
    (problem,) = caught.value.problems
    assert problem.startswith(f"client_certificate_path names {str(path)!r}, which ")
    assert "wrong password" not in problem
