"""An HTTPS proxy on loopback that leads Azure's own host names to the sandbox, and nowhere else.

So a client needs no other address than Azure's: not one line of its code or configuration is about the sandbox.
"""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

HOSTS = (
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "management.azure.com",
    "management.core.windows.net",
    "login.microsoftonline.us",
    "management.usgovcloudapi.net",
    "management.core.usgovcloudapi.net",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
    "management.chinacloudapi.cn",
    "management.core.chinacloudapi.cn",
)
"""Of Entra ID and Resource Manager, in each cloud."""

_HERE = "127.0.0.1"
_PIECE = 65_536


class Proxy:
    """The proxy, listening from the start; use as a context manager."""

    def __init__(self, sandbox_port: int) -> None:
        """Lead to the sandbox on that port."""
        self._server = _Server((_HERE, 0), _Connection)
        self._server.target = (_HERE, sandbox_port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy")
        self._thread.start()
        self.url = f"http://{_HERE}:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and close what is open."""
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler]) -> None:
        self.target = address
        self.stopping = threading.Event()
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about peers that hang up."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server
    timeout = 10  # for the request; what comes then may take its time

    def handle(self) -> None:
        """Read one request, and lead it on or refuse it."""
        method, _, rest = self.rfile.readline().decode("latin-1").partition(" ")
        asked = rest.partition(" ")[0]
        while self.rfile.readline().strip():  # the headers say nothing that matters here
            pass
        host, _, port = asked.partition(":")
        if method == "CONNECT" and host.lower() in HOSTS and port == "443":
            with socket.create_connection(self.server.target) as sandbox:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._relay(sandbox)
            return
        text = f"The sandbox's proxy leads to the sign-in and the Resource Manager of Azure only: {asked} is neither.\n"
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n{text}".encode("latin-1", "replace"))

    def _relay(self, sandbox: socket.socket) -> None:
        """Pass on what either side sends, until one hangs up."""
        client = self.connection
        others = {client: sandbox, sandbox: client}
        with contextlib.suppress(OSError):
            while not self.server.stopping.is_set():
                for sender in select.select(list(others), [], [], 0.1)[0]:
                    piece = sender.recv(_PIECE)
                    if not piece:
                        return
                    others[sender].sendall(piece)
