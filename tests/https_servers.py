"""Fixtures for tests of the network: HTTPS servers on loopback, proxies, and an environment without any."""

import contextlib
import select
import socket
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

ENVIRONMENT = [
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"),
    *("AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"),
]


@pytest.fixture
def bare_environment(monkeypatch):
    """Keep this machine's proxies, certificates and identities out of the tests."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@dataclass
class Request:
    """What a server was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, dict(self.headers), body)
        self.server.requests.append(request)
        answer = self.server.answer(request)
        if isinstance(answer, bytes | list):  # the whole of what goes over the wire, whatever it is, or its parts
            for part in [answer] if isinstance(answer, bytes) else answer:
                self.wfile.write(part)
            self.close_connection = True
        else:
            status, headers, content = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    do_GET = do_POST = handle_any  # noqa: N815 - the names that the library calls

    def do_CONNECT(self):
        self.server.requests.append(Request("CONNECT", self.path, dict(self.headers), b""))
        refusal = self.server.answer(self.path)
        if refusal:
            self.send_response(*refusal)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            near = self.connection
            pipes = {near: far, far: near}
            while True:
                # A TLS connection may hold bytes that select() knows nothing of.
                ready = [near] if getattr(near, "pending", int)() else select.select(pipes, [], [], 10)[0]
                for side in ready:
                    content = side.recv(65536)
                    if not content:
                        self.close_connection = True
                        return
                    pipes[side].sendall(content)

    def log_message(self, *_):
        """Keep quiet."""


def hang_up(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadingHTTPServer):
    """Answers each request by a function of the test.

    Attributes:
        requests: What was asked, in order.
        connections: How many were opened.
        accepted: Set with the first of them.
    """

    def __init__(self, answer, certificate):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests = []
        self.sockets = []
        self.accepted = threading.Event()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(self.context)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_port}"

    def process_request(self, request, client_address):
        self.sockets.append(request.dup())
        self.accepted.set()
        super().process_request(request, client_address)

    def finish_request(self, request, client_address):
        request.settimeout(10)
        try:
            if self.context:
                request = self.context.wrap_socket(request, server_side=True)
            Handler(request, client_address, self)
        finally:
            hang_up(request)
            request.close()

    @property
    def connections(self):
        return len(self.sockets)

    def stop(self):
        """Hang up, as clients keep their connections, and wait until every thread has ended."""
        self.shutdown()
        for each in self.sockets:
            with each:
                hang_up(each)
        self.server_close()

    def handle_error(self, *_):
        """Keep quiet: clients that hang up, or that don't trust us, are what the tests are about."""


@pytest.fixture(scope="session")
def authority():
    return trustme.CA(organization_name="Contoso Inspection")


@pytest.fixture
def trusted(authority, tmp_path):
    """A PEM file with the authority's certificate."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def serve(authority):
    """Return a function that starts a server; all are stopped at the end."""
    servers = []

    def start(answer, *, tls=True, certificate=None):
        server = Server(answer, (certificate or authority.issue_cert("127.0.0.1")) if tls else None)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def closed_port():
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]
