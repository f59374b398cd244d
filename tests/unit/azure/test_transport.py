"""The HTTPS client against real servers that behave, and that don't."""

import gzip
import http.client
import ipaddress
import itertools
import socket
import ssl
import subprocess
import threading
import zlib
from concurrent.futures import CancelledError, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import trustme
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tap_mdc_vm.azure.transport import Transport, failures
from tap_mdc_vm.errors import (
    ConnectionFailedError,
    HostUnknownError,
    NetworkError,
    ProxyFailedError,
    SignInError,
    TimedOutError,
    UntrustedCertificateError,
)

pytestmark = pytest.mark.usefixtures("bare_environment")

TOKEN = {"Authorization": "Bearer not-a-real-token"}


@pytest.fixture
def make(trusted):
    made = []

    def new(**changes):
        made.append(Transport(**({"ca_bundle": trusted, "timeout": 5, "pool_size": 4} | changes)))
        return made[-1]

    yield new
    for transport in made:
        transport.close()


@pytest.fixture
def transport(make):
    return make()


def ok(_):
    return 200, {"X-Answer": "yes"}, b"fine"


WAYS = {
    "reach": lambda transport, url: transport.reach(url),
    "shake_hands": lambda transport, url: transport.shake_hands(url),
    "get": lambda transport, url: transport.get(url, headers={}),
    "post": lambda transport, url: transport.post(url, body=b"{}", headers={}),
}
every_way = pytest.mark.parametrize("way", WAYS)


def failure(kind, way, transport, url):
    with pytest.raises(NetworkError) as caught:
        WAYS[way](transport, url)
    assert type(caught.value) is kind
    return str(caught.value)


# Answers


def test_a_post_sends_body_and_headers_and_brings_back_the_answer(transport, serve):
    server = serve(ok)
    answer = transport.post(f"{server.url}/there?x=1", body=b'{"a": 1}', headers=TOKEN)
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/there?x=1", b'{"a": 1}')
    assert request.headers["Authorization"] == TOKEN["Authorization"]
    assert request.headers["User-Agent"].startswith("tap-mdc-vm/")
    assert (answer.status, answer.headers["x-answer"], answer.body) == (200, "yes", b"fine")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_answer_that_refuses_is_an_answer(status, transport, serve):
    server = serve(lambda _: (status, {"Retry-After": "7"}, b"no"))
    answer = transport.get(server.url, headers={})
    assert (answer.status, answer.headers["Retry-After"], answer.body) == (status, "7", b"no")


BODY = bytes(range(256)) * 10_000


@pytest.mark.parametrize("form", ["plain", "gzip", "gzip in two parts", "deflate", "chunked"])
def test_a_large_body_arrives_whole(form, transport, serve):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    answers = {
        "plain": (200, {}, BODY),
        "gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(BODY, 1)),
        "gzip in two parts": (200, {"Content-Encoding": "gzip"}, gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
        "deflate": (200, {"Content-Encoding": "deflate"}, zlib.compress(BODY, 1)),
        "chunked": chunked,
    }
    server = serve(lambda _: answers[form])
    assert transport.get(server.url, headers={}).body == BODY


def test_a_redirect_is_not_followed(transport, serve):
    elsewhere = serve(ok)
    server = serve(lambda _: (307, {"Location": elsewhere.url}, b""))
    assert transport.post(server.url, body=b"", headers=TOKEN).status == 307
    assert transport.get(server.url, headers=TOKEN).status == 307
    assert elsewhere.requests == []


def test_cookies_are_not_kept(transport, serve):
    server = serve(lambda _: (200, {"Set-Cookie": "who=me; Path=/; Secure"}, b""))
    transport.get(server.url, headers={})
    transport.get(server.url, headers={})
    assert "Cookie" not in server.requests[1].headers


def test_a_netrc_does_not_replace_the_token(transport, serve, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(ok)
    transport.post(server.url, body=b"", headers=TOKEN)
    assert server.requests[0].headers["Authorization"] == TOKEN["Authorization"]


def test_a_connection_is_used_again(transport, serve):
    server = serve(ok)
    for _ in range(5):
        transport.get(server.url, headers={})
    assert server.connections == 1


def test_many_threads_share_as_many_connections_as_the_pool_holds(make, serve):
    gate = threading.Barrier(8)

    def at_once(request):
        if request.path == "/wait":
            gate.wait(10)
        return 200, {}, request.path.encode()

    server = serve(at_once)
    transport = make(pool_size=8)
    with ThreadPoolExecutor(8) as threads:
        ask = lambda path: transport.get(server.url + path, headers={}).body.decode()  # noqa: E731
        assert list(threads.map(ask, ["/wait"] * 8)) == ["/wait"] * 8
        paths = [f"/{number}" for number in range(200)]
        assert list(threads.map(ask, paths)) == paths
    assert server.connections == 8


# No answer


@every_way
def test_a_closed_port_is_named(way, transport, closed_port):
    message = failure(ConnectionFailedError, way, transport, f"https://127.0.0.1:{closed_port}/x?secret=1")
    assert f"127.0.0.1:{closed_port}: Connection refused" in message
    assert "secret" not in message


@every_way
@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 64 + ".invalid", "a..b"])
def test_an_unknown_host_is_named(way, host, transport):
    assert host in failure(HostUnknownError, way, transport, f"https://{host}")


def test_a_server_that_says_nothing_times_out(make, serve):
    release = threading.Event()
    server = serve(lambda _: release.wait(10) and (200, {}, b""))
    try:
        message = failure(TimedOutError, "get", make(timeout=0.05), server.url)
    finally:
        release.set()
    assert "0.05 seconds" in message
    assert "request_timeout" in message


def test_a_body_that_stops_coming_times_out(make, serve):
    release = threading.Event()

    def stall(_):
        return 200, {"Content-Length": "100"}, b"half"

    class Stalling:
        """Answers half, then waits before the connection goes on to its next request."""

        def __call__(self, request):
            if request.path == "/":
                return stall(request)
            release.wait(10)
            return b""

    server = serve(Stalling())
    failure(TimedOutError, "get", make(timeout=0.2), server.url + "/")
    release.set()


TRICKLES = {
    "plain": [b"Content-Length: 300\r\n\r\n", *[b"x"] * 300],
    "until the end": [b"\r\n", *[b"x"] * 300],
    "chunked": [b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 300, b"0\r\n\r\n"],
}


@pytest.mark.parametrize("form", TRICKLES)
@pytest.mark.parametrize(("timeout", "longest"), [(5, 120), (90, 180)])
def test_a_body_that_trickles_times_out_as_a_whole(form, timeout, longest, make, serve):
    server = serve(lambda _: [HEAD, *TRICKLES[form]])
    looks = itertools.count()  # a second passes from one look at the clock to the next
    message = failure(TimedOutError, "get", make(timeout=timeout, clock=lambda: float(next(looks))), server.url)
    assert f"for the whole of an answer {longest}" in message
    assert next(looks) == longest + 2


def test_a_body_that_takes_its_time_is_whole(make, serve):
    server = serve(lambda _: [HEAD, *TRICKLES["plain"]])
    looks = itertools.count(0, 0.3)
    assert make(clock=lambda: next(looks)).get(server.url, headers={}).body == b"x" * 300


HEAD = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b"a body" * 100)
SPOILT = PACKED[:12] + b"\xff" * 8 + PACKED[20:]
WRONG = PACKED[:-8] + b"\x00" * 8


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 20",
        b"SSH-2.0-OpenSSH\r\n",
        HEAD + b"Content-Length: 10\r\n\r\nhalf",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnothex\r\n",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + PACKED[:20],
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(SPOILT) + SPOILT,
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(WRONG) + WRONG,
    ],
    ids=[
        *("nothing", "half a line", "not HTTP", "short", "short chunk", "bad chunk"),
        *("no gzip", "short gzip", "spoilt gzip", "gzip of something else"),
    ],
)
def test_an_answer_that_breaks_off_is_no_answer(sent, transport, serve):
    server = serve(lambda _: sent)
    message = failure(ConnectionFailedError, "get", transport, server.url)
    assert f"No conversation with 127.0.0.1:{server.server_port}" in message
    assert "0x" not in message


@pytest.mark.parametrize("status", [200, 404, 429, 503])
def test_nothing_that_is_called_gzip_is_nothing(status, transport, serve):
    server = serve(lambda _: (status, {"Content-Encoding": "gzip", "Retry-After": "7"}, b""))
    answer = transport.get(server.url, headers={})
    assert (answer.status, answer.headers["Retry-After"], answer.body) == (status, "7", b"")


@pytest.mark.parametrize(
    "value", ["Bearer not-a-real\ntoken", "Bearer not-a-real-token\r\nX-More: 1", "Bearer not-a-real-tök\u20acn"]
)
def test_a_header_that_cannot_be_sent_is_told_without_its_value(value, transport, serve):
    server = serve(ok)
    with pytest.raises(SignInError, match=r"The header Authorization for 127\.0\.0\.1:\d+ can't be sent") as caught:
        transport.get(server.url, headers={"Authorization": value})
    assert "not-a-real" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert server.requests == []


def test_after_a_failure_the_next_request_has_a_connection_that_works(transport, serve):
    answers = iter([HEAD + b"Content-Length: 10\r\n\r\nhalf", (200, {}, b"fine")])
    server = serve(lambda _: next(answers))
    failure(ConnectionFailedError, "get", transport, server.url)
    assert transport.get(server.url, headers={}).body == b"fine"


@pytest.mark.parametrize("way", ["shake_hands", "get", "post"])
def test_a_port_without_tls_is_told_apart(way, transport, serve):
    server = serve(ok, tls=False)
    message = failure(ConnectionFailedError, way, transport, server.url.replace("http:", "https:"))
    assert "SSL" in message
    assert "_ssl.c" not in message


# Trust


tls_ways = pytest.mark.parametrize("way", ["shake_hands", "get", "post"])


@tls_ways
def test_a_certificate_that_is_not_trusted_names_its_issuer_and_ca_bundle(way, make, serve):
    server = serve(ok)
    message = failure(UntrustedCertificateError, way, make(ca_bundle=None), server.url)
    assert f"127.0.0.1:{server.server_port}, issued by " in message
    assert "O=Contoso Inspection" in message
    assert "ca_bundle" in message
    assert server.requests == []


@tls_ways
def test_a_certificate_of_another_host_is_not_trusted(way, transport, serve, authority):
    server = serve(ok, certificate=authority.issue_cert("elsewhere.example"))
    message = failure(UntrustedCertificateError, way, transport, server.url)
    assert "not valid for '127.0.0.1'. If" in message
    assert "if it is of another name, check the address" in message


@tls_ways
def test_a_certificate_that_has_expired_is_not_trusted(way, transport, serve, authority):
    old = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    message = failure(UntrustedCertificateError, way, transport, serve(ok, certificate=old).url)
    assert "certificate has expired" in message
    assert "clock" in message


@every_way
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_bundle_that_was_resolved_wins_over_the_environment(way, variable, transport, serve, monkeypatch):
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    WAYS[way](transport, serve(ok).url)


def test_a_directory_of_certificates_is_used(make, serve, authority, tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    # OpenSSL finds a certificate in a directory by the hash of its subject; this is `openssl rehash`.
    authority.cert_pem.write_to_path(str(folder / f"{subject_hash(authority)}.0"))
    server = serve(ok)
    for way in WAYS.values():
        way(make(ca_bundle=str(folder)), server.url)


def subject_hash(authority):
    asked = ["openssl", "x509", "-noout", "-subject_hash"]
    return (
        subprocess.run(asked, input=authority.cert_pem.bytes(), capture_output=True, check=True).stdout.decode().strip()
    )


ROOTS = {
    "not critical": {"critical": False},
    "no key identifier": {"identifiers": False},
    "neither": {"critical": False, "identifiers": False},
}


def corporate(path, *, critical=True, identifiers=True):
    """Write a root as companies have them to ``path``, and return a certificate of it for this machine."""
    now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Contoso Root")])
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

    def certificate(subject, key, extensions):
        builder = (
            x509.CertificateBuilder(name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, is_critical)
        return builder.sign(keys[0], hashes.SHA256())

    identity = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
    root = certificate(
        name, keys[0], [(x509.BasicConstraints(True, None), critical), *([(identity, False)] if identifiers else [])]
    )
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = certificate(x509.Name([]), keys[1], [(host, True), *([(issued_by, False)] if identifiers else [])])
    path.write_bytes(root.public_bytes(Encoding.PEM))
    key = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return trustme.LeafCert(key, leaf.public_bytes(Encoding.PEM), [])


@pytest.mark.parametrize("kind", ROOTS)
@tls_ways
def test_a_root_that_the_user_named_is_trusted_as_it_is(way, kind, make, serve, tmp_path):
    path = tmp_path / "root.pem"
    server = serve(ok, certificate=corporate(path, **ROOTS[kind]))
    WAYS[way](make(ca_bundle=str(path)), server.url)


def test_a_named_root_does_not_make_another_trusted(make, serve, tmp_path):
    corporate(tmp_path / "root.pem")
    failure(UntrustedCertificateError, "get", make(ca_bundle=str(tmp_path / "root.pem")), serve(ok).url)


def test_a_rule_of_newer_pythons_is_told_as_such():
    error = ssl.SSLCertVerificationError("x")
    error.verify_code, error.verify_message = 85, "Missing Authority Key Identifier"
    message = str(failures.network_error(error, "https://host", "", str))
    assert "not trusted: Missing Authority Key Identifier (a rule of Python 3.13 and later" in message
    assert "ca_bundle" in message


# The end of a run


def test_a_closed_transport_asks_nothing_more(transport, serve):
    server = serve(ok)
    transport.close()
    with pytest.raises(CancelledError):
        transport.get(server.url, headers={})
    assert server.requests == []


def test_a_request_that_is_under_way_when_the_transport_is_closed_leaves_no_connection_open(transport, serve):
    def answer(_):
        transport.close()
        return ok(_)

    server = serve(answer)
    assert transport.get(server.url, headers={}).body == b"fine"
    (connection,) = server.sockets
    connection.settimeout(5)
    assert connection.recv(1) == b""  # the client hung up


# Proxies


@pytest.fixture
def proxied(serve, monkeypatch):
    """Start a proxy and name it in the environment."""

    def start(answer=lambda _: None, *, tls=False, user=""):
        proxy = serve(answer, tls=tls)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", f"//{user}"))
        return proxy

    return start


@every_way
@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
def test_a_proxy_is_gone_through(way, tls, transport, serve, proxied):
    proxy, server = proxied(tls=tls, user="me:p%40ss@"), serve(ok)
    WAYS[way](transport, server.url)
    assert transport.proxy(server.url) == f"127.0.0.1:{proxy.server_port}"
    if way == "reach" and tls:  # what such a proxy is asked is asked by TLS
        assert proxy.accepted.wait(10)
        assert proxy.requests == []
        return
    (connect, *_) = proxy.requests
    assert (connect.method, connect.path) == ("CONNECT", f"127.0.0.1:{server.server_port}")
    assert connect.headers["Proxy-Authorization"] == "Basic bWU6cEBzcw=="  # me:p@ss
    assert len(server.requests) == (way in {"get", "post"})


@every_way
def test_no_proxy_is_honoured(way, transport, serve, proxied, monkeypatch):
    proxy, server = proxied(), serve(ok)
    monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.1")
    WAYS[way](transport, server.url)
    assert proxy.requests == []
    assert transport.proxy(server.url) is None


@every_way
@pytest.mark.parametrize("refusal", [(407, "Proxy Authentication Required"), (403, "Forbidden"), (502, "Bad Gateway")])
def test_a_proxy_that_refuses_is_named_with_what_it_said(way, refusal, transport, proxied):
    proxy = proxied(lambda _: refusal, user="me:hunter2@")
    message = failure(ProxyFailedError, way, transport, "https://management.azure.com/x")
    assert f"The proxy 127.0.0.1:{proxy.server_port} did not connect to management.azure.com:443" in message
    assert f"{refusal[0]} {refusal[1]}" in message
    assert "hunter2" not in message


@every_way
@pytest.mark.parametrize("address", ["http://me:hunter2@127.0.0.1:{port}", "127.0.0.1:{port}"])
def test_a_proxy_that_is_not_there_is_named(way, address, transport, closed_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", address.format(port=closed_port))
    message = failure(ProxyFailedError, way, transport, "https://management.azure.com")
    assert f"The proxy 127.0.0.1:{closed_port}" in message
    assert "Connection refused" in message
    assert "HTTPS_PROXY" in message
    assert "hunter2" not in message


UNUSABLE_PROXIES = [
    *("http://me:hunter2#x@127.0.0.1:8080", "http://me:hunter2/x@127.0.0.1:8080", "http://me:hunter2?@127.0.0.1:8080"),
    *("http://127.0.0.1:hunter2", "http://127.0.0.1:80800", "http://127.0.0.1:8080\r", "http://[::1", "http://"),
    *("http:127.0.0.1:8080", "'http://127.0.0.1:8080'", "http://a proxy:8080"),
    *("socks5://127.0.0.1:8080", "ftp://127.0.0.1:8080"),
]


@every_way
@pytest.mark.parametrize("address", UNUSABLE_PROXIES)
def test_an_address_that_no_proxy_can_have_is_told_without_its_password(way, address, transport, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ProxyFailedError, match="HTTPS_PROXY") as caught:
        WAYS[way](transport, "https://management.azure.com")
    assert "The proxy's address in the environment is none" in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None  # whose text has parts of the address


@every_way
def test_an_untrusted_server_behind_a_proxy_is_told_apart_from_the_proxy(way, make, serve, proxied):
    proxied()
    server = serve(ok)
    if way == "reach":
        WAYS[way](make(ca_bundle=None), server.url)
    else:
        assert "O=Contoso Inspection" in failure(UntrustedCertificateError, way, make(ca_bundle=None), server.url)


def test_plain_http_on_this_machine_goes_past_the_proxy(transport, serve, proxied, monkeypatch):
    proxy, endpoint = proxied(), serve(ok, tls=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert transport.get(endpoint.url, headers={"Metadata": "true"}).body == b"fine"
    assert proxy.requests == []


# The table

# What happens in ways of use that are not this module's: pools that block, redirects, retries.
NEVER = {"EmptyPoolError", "FullPoolError", "ClosedPoolError", "HostChangedError", "ResponseError", "TimeoutStateError"}
# What is nothing without the cause that it carries, or stands for several others.
NEVER |= {"ConnectTimeoutError", "TimeoutError"}
KINDS = {
    "Proxy": ProxyFailedError,
    "Timeout": TimedOutError,
    "NameResolution": HostUnknownError,
    "Location": HostUnknownError,
    "URLScheme": HostUnknownError,
}
OF_URLLIB3 = {
    name: each
    for name, each in vars(urllib3.exceptions).items()
    if isinstance(each, type) and issubclass(each, Exception) and not issubclass(each, Warning)
    if each.__module__ == "urllib3.exceptions" and name not in NEVER
}


def meaning(raised):
    return type(failures.network_error(raised, "https://host", "5 seconds", str))


@pytest.mark.parametrize("name", OF_URLLIB3)
def test_every_exception_of_the_library_means_what_its_name_says(name):
    raised = OF_URLLIB3[name].__new__(OF_URLLIB3[name])
    vars(raised).update(partial=0, expected=1, length=b"")
    kind = next((kind for word, kind in KINDS.items() if word in name), ConnectionFailedError)
    assert isinstance(raised, failures.LIBRARY_ERRORS)
    assert meaning(raised) is kind


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ssl.SSLEOFError("x"), ConnectionFailedError),
        (ConnectionResetError("x"), ConnectionFailedError),
        (http.client.BadStatusLine("x"), ConnectionFailedError),
        (socket.herror("x"), ConnectionFailedError),
        (socket.gaierror("x"), HostUnknownError),
        (TimeoutError("x"), TimedOutError),
        (urllib3.exceptions.ConnectTimeoutError("x", TimeoutError("y")), TimedOutError),
        (ssl.SSLCertVerificationError("x"), UntrustedCertificateError),
        (urllib3.exceptions.ProxyError("x", TimeoutError("y")), ProxyFailedError),
        (urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("x")), UntrustedCertificateError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_happens_means_to_a_user(raised, kind):
    assert isinstance(raised, failures.LIBRARY_ERRORS)
    assert meaning(raised) is kind
