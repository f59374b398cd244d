"""The wire: TLS on loopback, a thread per connection, answers sent as the application says, whole or not.

What is answered is decided elsewhere; this module only knows HTTP. An answer may also ask to be sent badly
(late, cut short), because that is part of what a client has to live with.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from isal import igzip

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

HOST = "127.0.0.1"
_WORTH_COMPRESSING = 1_400  # bytes: below, an answer fits one packet anyway
_GZIP_LEVEL = 1  # rows of one table repeat themselves: the fastest level already halves them many times


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked: the names of headers in lower case, the query's parameters decoded."""

    method: str
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What to answer.

    Attributes:
        status: HTTP status.
        body: The body, uncompressed.
        headers: Further headers; length, date and connection are the server's.
        delay: Seconds to wait before anything is sent.
        cut: Reset the connection after this share of the body (0: before the first byte); None sends it whole.
        compressed: The body compressed already, if somebody has it; `body` may then be left out.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: float | None = None
    compressed: bytes | None = None


def _chosen(response: Response, *, small: bool) -> bytes:
    """What to send as the body, to a client that may take it compressed."""
    if response.compressed is not None:
        return response.compressed if small else zlib.decompress(response.compressed, wbits=31)
    return compress(response.body) if small and len(response.body) > _WORTH_COMPRESSING else response.body


def compress(body: bytes) -> bytes:
    """Make a body small, fast."""
    return igzip.compress(body, _GZIP_LEVEL)


Application = Callable[[Request], Response]
Wait = Callable[[float], object]


class Server:
    """Serves an application on a loopback port of its own thread; ready when the constructor returns."""

    def __init__(
        self,
        application: Application,
        *,
        context: ssl.SSLContext | None = None,
        port: int = 0,
        wait: Wait | None = None,
    ) -> None:
        """Bind and start.

        Args:
            application: Answers each request; called from many threads.
            context: TLS settings; None serves plain HTTP (the instance metadata endpoint has no TLS).
            port: 0 takes any free one.
            wait: Called with the seconds of a delay; None really waits, and stopping the server ends it.
        """
        self._stopping = threading.Event()
        self._http = _HttpServer((HOST, port), application, context, wait or self._stopping.wait)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="sandbox")
        self._thread.start()
        self.port: int = self._http.server_address[1]
        scheme = "https" if context else "http"
        self.url = f"{scheme}://{HOST}:{self.port}"

    def __enter__(self) -> Server:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    def close(self) -> None:
        """Stop listening, hang up on whoever is connected, and wait for the threads."""
        self._stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them: nothing of a test survives the test
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], application: Application, context: ssl.SSLContext | None, wait: Wait
    ) -> None:
        self.application = application
        self.wait = wait
        self._context = context
        self._open: set[socket.socket] = set()
        self._hung_up = False
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that the standard class does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # the base class's
        """Shake hands here, in the connection's own thread, so that a slow client stops nobody else."""
        connection = self._secured(request)
        if connection is None:
            return
        with self._lock:
            self._open.add(connection)
            if self._hung_up:
                _shut(connection)
        try:
            super().process_request_thread(connection, client_address)
        finally:
            with self._lock:
                self._open.discard(connection)

    def _secured(self, connection: socket.socket) -> socket.socket | None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            return connection
        connection.settimeout(10)
        try:
            secured = self._context.wrap_socket(connection, server_side=True)
        except OSError:  # a client that does not trust us, or a port scan: its problem to report
            connection.close()
            return None
        secured.settimeout(None)
        return secured

    def hang_up(self) -> None:
        """End the connections that clients keep alive, so that their threads end."""
        with self._lock:
            self._hung_up = True
            for connection in self._open:
                _shut(connection)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  # the base class's
        """Close one connection."""
        _shut(request)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # the base class's
        """Stay silent about clients that go away; anything else is a bug and is shown."""
        import sys  # noqa: PLC0415  # needed in this one place

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Write nothing: `Sandbox.requests` is the log."""

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self._send(Response(400), Request(self.command, self.path, {}, {}, b""))
            return
        url = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=url.path,
            parameters=dict(parse_qsl(url.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        self._send(self.server.application(request), request)

    def _body(self) -> bytes | None:
        """The body, in one piece or in chunks (RFC 9112, section 7.1); None if it is neither."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts: list[bytes] = []
        while True:
            try:
                size = int(self.rfile.readline().partition(b";")[0], 16)
            except ValueError:
                self.close_connection = True
                return None
            if size == 0:
                break
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(parts)

    def _send(self, response: Response, request: Request) -> None:
        if response.delay:
            self.server.wait(response.delay)
        headers = dict(response.headers)
        small = "gzip" in request.headers.get("accept-encoding", "")
        body = _chosen(response, small=small)
        if body is not response.body and small:
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        if request.method == "HEAD":
            body = b""
        head = self._head(response.status, headers)
        if response.cut is None:
            self.connection.sendall(head + body)
            return
        if response.cut:
            self.connection.sendall(head + body[: int(len(body) * response.cut)])
        self._reset()

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        reason = self.responses[status][0] if status in self.responses else ""
        lines = [f"HTTP/1.1 {status} {reason}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _reset(self) -> None:
        """Close so that the peer sees a reset, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # gone already
        connection.shutdown(socket.SHUT_RDWR)
