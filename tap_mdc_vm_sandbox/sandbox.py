"""The stand-in as a whole: a tenant, Entra ID and Resource Graph behind one address on loopback.

with Sandbox(Fleet(machines=100)) as sandbox:
    subprocess.run(["tap-mdc-vm", "--test"], env=os.environ | sandbox.environment)
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .certificates import Certificates
from .entra import Application, Entra, Tokens
from .fleet import Fleet
from .graph_api import PATH, GraphApi, Limits, Question
from .quota import Meter, Quota
from .server import Request, Response, Server
from .store import HashMode, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

PREFIX = "TAP_MDC_VM_"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in the log.

    Attributes:
        at: Seconds since 1970.
        kind: `graph`, `token`, `discovery` or `other`.
        status: What was answered.
        question: Of a query: what it asked for, if it could be read.
    """

    at: float
    kind: str
    status: int
    question: Question | None = None


class Sandbox:
    """A running stand-in; ready when entered.

    Attributes:
        fleet: The tenant.
        application: The one app registration; may be changed while the sandbox runs.
        meter: Counts queries, None without a quota; tests may spend some as a second client would.
        unreadable: Subscriptions that the application may not read; may be changed too.
        requests: What was asked, in the order of the answers.
    """

    def __init__(  # noqa: PLR0913  # the knobs of a stand-in, each by name
        self,
        fleet: Fleet | None = None,
        *,
        quota: Quota | None = Quota(),  # noqa: B008  # frozen
        latency: float = 0.0,
        unreadable: set[str] | frozenset[str] = frozenset(),
        hash_mode: HashMode = HashMode.STABLE,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        token_lifetime: float = 3599.0,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """Choose how the stand-in behaves; nothing is started yet."""
        self.fleet = fleet or Fleet()
        self.application = Application(self.fleet.tenant_id, self.fleet.client_id)
        self.meter = Meter(quota) if quota else None
        self.unreadable = set(unreadable)
        self.requests: list[Asked] = []
        self._latency = latency
        self._hash_mode = hash_mode
        self._limits = limits
        self._token_lifetime = token_lifetime
        self._port = port
        self._clock = clock
        self._wait = wait
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __enter__(self) -> Sandbox:
        """Load the tenant and start to listen."""
        self._store = Store(seed=self.fleet.seed, hash_mode=self._hash_mode)
        numbers = itertools.count(1)
        for table, lines in self.fleet.lines().items():
            self._store.load(table, _numbered(lines, numbers))
        self._store.lock()
        self._certificates = Certificates()
        context = self._certificates.server_context
        self._server = Server(self._answer, context=context, port=self._port, wait=self._wait)
        self.url = self._server.url
        tokens = Tokens(self.application, self.url, lifetime=self._token_lifetime, clock=self._clock)
        self._entra = Entra(self.application, tokens, clock=self._clock)
        self._graph = GraphApi(
            fleet=self.fleet,
            store=self._store,
            tokens=tokens,
            meter=self.meter,
            limits=self._limits,
            readable=self._readable,
            clock=self._clock,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and leave nothing behind."""
        self._server.close()
        self._certificates.close()
        self._store.close()

    @property
    def ca_bundle(self) -> Path:
        """The certificate to trust."""
        return self._certificates.ca_bundle

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the tap that lead here."""
        return {
            "tenant_id": self.application.tenant_id,
            "client_id": self.application.client_id,
            "client_secret": self.application.secret,
            "authority_host": self.url,
            "resource_manager_url": self.url,
            "ca_bundle": str(self.ca_bundle),
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        return {PREFIX + name.upper(): value for name, value in self.config.items()}

    def _readable(self) -> set[str]:
        return {s.id for s in self.fleet.subscriptions if s.readable} - {name.lower() for name in self.unreadable}

    def _answer(self, request: Request) -> Response:
        if request.path.lower() == PATH and request.method == "POST":
            with self._lock:
                number = next(self._numbers)
            response, question = self._graph.answer(request, number)
            kind = "graph"
        else:
            response, question = self._entra.answer(request) or Response(404), None
            kind = "token" if request.path.endswith("/token") else "discovery"
        with self._lock:
            self.requests.append(Asked(self._clock(), kind, response.status, question))
        if self._wait is None and self._latency and kind == "graph":
            return Response(response.status, response.body, response.headers, delay=self._latency)
        return response


def _numbered(lines: Iterator[bytes], numbers: Iterator[int]) -> Iterator[bytes]:
    for line in lines:
        yield b'{"_row":%d,%s' % (next(numbers), line[1:])
