"""The wire: whole answers and cut ones, seen by a client of the standard library."""

import gzip
import http.client
import socket
import threading

import pytest

from tap_mdc_vm_sandbox.server import HOST, Request, Response, Server, compress


@pytest.fixture
def serve():
    """A function that starts a server with one answer, and gives a connection to it."""
    open_things = []

    def started(answer, **options):
        application = answer if callable(answer) else lambda _: answer
        server = Server(application, **options)
        connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
        open_things.extend((connection, server))
        return connection

    yield started
    for thing in open_things:
        thing.close()


def ask(connection, body=b"", **headers):
    connection.request("POST", "/path?a=1&b=x%20y", body, {n.replace("_", "-"): v for n, v in headers.items()})
    return connection.getresponse()


def test_the_application_sees_the_request_as_it_was_sent(serve):
    seen = []
    connection = serve(lambda request: (seen.append(request), Response(204))[1])
    assert ask(connection, b"body", X_Odd="1").read() == b""
    (request,) = seen
    assert isinstance(request, Request)
    assert (request.method, request.path, request.body) == ("POST", "/path", b"body")
    assert request.parameters == {"a": "1", "b": "x y"}
    assert request.headers["x-odd"] == "1"


def test_a_body_may_come_in_chunks(serve):
    seen = []
    connection = serve(lambda request: (seen.append(request.body), Response(200, b"ok"))[1])
    for pieces in ([b"one", b" and ", b"two" * 9_000], [], [b"again"]):
        connection.request("POST", "/", iter(pieces), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        assert connection.getresponse().read() == b"ok"
        assert seen.pop() == b"".join(pieces)


def test_chunks_may_have_extensions_and_trailers_and_must_have_sizes(serve):
    seen = []
    connection = serve(lambda request: (seen.append(request.body), Response(200, b"ok"))[1])
    connection.connect()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sock.sendall(head + b"3;a=b\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")
    assert b" 200 " in connection.sock.recv(1000)
    connection.sock.sendall(head + b"many\r\nabc")
    assert b" 400 " in connection.sock.recv(1000)
    assert seen == [b"abc"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD"])
def test_every_method_reaches_the_application(serve, method):
    connection = serve(lambda request: Response(404, request.method.encode()))
    connection.request(method, "/")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (404, b"" if method == "HEAD" else method.encode())


def test_one_connection_serves_many_requests(serve):
    connection = serve(Response(200, b"hello", {"X-Own": "1"}))
    sockets = set()
    for _ in range(3):
        answer = ask(connection)
        assert (answer.status, answer.read(), answer.getheader("X-Own")) == (200, b"hello", "1")
        sockets.add(id(connection.sock))
    assert len(sockets) == 1


BODY = b'{"text": "again and again"}' * 100


@pytest.mark.parametrize("response", [Response(200, BODY), Response(200, compressed=compress(BODY))])
def test_a_long_body_is_compressed_for_who_takes_it(serve, response):
    connection = serve(response)
    small = ask(connection, Accept_Encoding="gzip, deflate")
    assert small.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(small.read()) == BODY
    plain = ask(connection, Accept_Encoding="identity")
    assert (plain.getheader("Content-Encoding"), plain.read()) == (None, BODY)


def test_a_short_body_is_not_compressed(serve):
    assert ask(serve(Response(200, b"{}")), Accept_Encoding="gzip").getheader("Content-Encoding") is None


def test_an_answer_may_be_cut_before_its_first_byte(serve):
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        ask(serve(Response(200, BODY, cut=0.0)))


def test_an_answer_may_be_cut_in_the_middle(serve):
    answer = ask(serve(Response(200, BODY * 1000, cut=0.5)))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        answer.read()


def test_a_delay_is_waited_for_before_the_answer(serve):
    waits = []
    assert ask(serve(Response(200, b"late", delay=7.5), wait=waits.append)).read() == b"late"
    assert waits == [7.5]


def test_closing_ends_those_who_wait_and_those_who_are_idle():
    entered = threading.Event()
    server = Server(lambda _: (entered.set(), Response(200, delay=3600))[1])
    idle = socket.create_connection((HOST, server.port), timeout=5)
    waiting = socket.create_connection((HOST, server.port), timeout=5)
    waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert entered.wait(5)
    server.close()
    assert idle.recv(1) == b""
    idle.close()
    waiting.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, server.port), timeout=5)


def test_nobody_else_on_the_network_can_reach_it(serve):
    connection = serve(Response(200))
    connection.connect()
    assert connection.sock.getpeername()[0] == "127.0.0.1"
