"""The proxy that leads Azure's own names to the sandbox: there, and nowhere else."""

import http.client
import socket
import ssl
from urllib.parse import urlsplit

import pytest

from tap_mdc_vm_sandbox.certificates import Certificates
from tap_mdc_vm_sandbox.proxy import HOSTS, Proxy
from tap_mdc_vm_sandbox.server import Response, Server


@pytest.fixture(scope="module")
def stand():
    """Address of a proxy, and the bundle that trusts what it leads to."""
    with (
        Certificates(HOSTS) as certificates,
        Server(
            lambda request: Response(200, request.headers["host"].encode()), context=certificates.server_context
        ) as server,
        Proxy(server.port) as proxy,
    ):
        yield urlsplit(proxy.url), ssl.create_default_context(cafile=certificates.ca_bundle)


@pytest.mark.parametrize("host", HOSTS)
def test_each_of_azures_names_leads_to_the_sandbox(stand, host):
    address, trust = stand
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=trust, timeout=5)
    connection.set_tunnel(host, 443)
    connection.request("GET", "/")
    assert connection.getresponse().read().decode() == host
    connection.close()


def asked(stand, request):
    address, _ = stand
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(request.encode() + b"\r\n\r\n")
        return connection.makefile("rb").read().decode()


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT example.com:443 HTTP/1.1",
        "CONNECT management.azure.com:80 HTTP/1.1",
        "CONNECT evil.management.azure.com:443 HTTP/1.1",
        "CONNECT 127.0.0.1:22 HTTP/1.1",
        "GET http://example.com/ HTTP/1.1",
        "nonsense",
    ],
)
def test_anything_else_is_refused(stand, request_line):
    answer = asked(stand, request_line)
    assert answer.startswith("HTTP/1.1 403 ")
    assert "leads to the sign-in and the Resource Manager of Azure only" in answer


def test_it_stops_while_somebody_is_connected():
    with Certificates(HOSTS) as certificates:
        context = certificates.server_context
        with Server(lambda _: Response(200), context=context) as server, Proxy(server.port) as proxy:
            address = urlsplit(proxy.url)
            connection = socket.create_connection((address.hostname, address.port), timeout=5)
            connection.sendall(b"CONNECT management.azure.com:443 HTTP/1.1\r\n\r\n")
            assert b" 200 " in connection.recv(100)
        assert connection.recv(100) == b""
        connection.close()
