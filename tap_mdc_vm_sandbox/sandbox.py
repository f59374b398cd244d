"""The stand-in as a whole: a tenant, Entra ID and Resource Graph behind one address on loopback.

with Sandbox(Fleet(machines=100)) as sandbox:
    subprocess.run(["tap-mdc-vm", "--test"], env=os.environ | sandbox.environment)
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .certificates import Certificates
from .credentials import AuthMethod, Credentials, Trouble
from .entra import Application, Entra, Tokens
from .faults import Chaos, Fault, Faults
from .fleet import Fleet
from .graph_api import PATH, GraphApi, Limits, Question
from .managed_identity import ManagedIdentity
from .misbehaviour import hit_entra, hit_query
from .proxy import HOSTS, Proxy
from .quota import Meter, Quota
from .resource_manager import ResourceManager
from .server import Request, Response, Server
from .store import HashMode, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import TracebackType

    from .drift import Drift

PREFIX = "TAP_MDC_VM_"
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
AZURE_VARIABLES = {
    "AZURE_TENANT_ID": "tenant_id",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_CLIENT_SECRET": "client_secret",
    "AZURE_CLIENT_CERTIFICATE_PATH": "client_certificate_path",
    "AZURE_FEDERATED_TOKEN_FILE": "federated_token_file",
}
"""What Azure's own libraries read, and the setting of the tap that says the same."""

ABOUT_AZURE = {
    **dict.fromkeys(("CLIENT_SECRET", "CLIENT_SECRET_EXPIRES_ON"), ""),
    **dict.fromkeys(("CLIENT_CERTIFICATE_PATH", "CLIENT_CERTIFICATE_PASSWORD"), ""),
    **dict.fromkeys(("FEDERATED_TOKEN_FILE", "FEDERATED_TOKEN"), ""),
    **dict.fromkeys(("AUTHORITY_HOST", "RESOURCE_MANAGER_URL", "CA_BUNDLE"), ""),
    **dict.fromkeys(("SUBSCRIPTION_IDS", "MANAGEMENT_GROUP_IDS", "RESOURCE_GROUPS"), "[]"),
    "MACHINE_TAGS": "{}",
    "AUTH_METHOD": AuthMethod.CLIENT_SECRET.value,
    "CLOUD": "AzureCloud",
}
"""What may be set for Azure and must not hold here, without its prefix, and its usual value."""

AZURE_QUOTA = Quota()
AZURE_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in the log.

    Attributes:
        at: Seconds since 1970 at which it was answered.
        kind: `query`, `token`, `discovery` or `other`.
        status: What was answered.
        question: Of a query: what it asked for, if it could be read.
        fault: What went wrong, if anything.
    """

    at: float
    kind: str
    status: int
    question: Question | None = None
    fault: Fault | None = None


class Sandbox:
    """A running stand-in; ready when entered.

    Attributes:
        fleet: The tenant.
        application: The one app registration; may be changed while the sandbox runs.
        meter: Counts queries, None without a quota; a test may spend some, as a second client would.
        unreadable: Ids of subscriptions that the application may not read; may be changed too.
        requests: What was asked, in the order of the answers.
        steadfast: Lower-case ids of the rows that are there throughout, by table; filled when rows drift.
        url: Address of both Entra ID and Resource Manager.
    """

    def __init__(  # noqa: PLR0913  # the knobs of a stand-in, each by name
        self,
        fleet: Fleet | None = None,
        *,
        faults: Sequence[Fault] = (),
        chaos: Chaos | None = None,
        drift: Drift | None = None,
        quota: Quota | None = AZURE_QUOTA,
        latency: float = 0.0,
        unreadable: Collection[str] = (),
        hash_mode: HashMode = HashMode.STABLE,
        limits: Limits = AZURE_LIMITS,
        auth_method: AuthMethod = AuthMethod.CLIENT_SECRET,
        trouble: Trouble = Trouble.NONE,
        token_lifetime: float = 3599.0,
        proxy: bool = False,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        meter_clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """Choose how the stand-in behaves; nothing is started yet.

        Args:
            fleet: The tenant; None makes the usual one.
            faults: What goes wrong, by plan.
            chaos: What goes wrong, by chance.
            drift: Rows that come and go.
            quota: Queries allowed; None for any number.
            latency: Seconds that each query takes longer.
            unreadable: Ids of subscriptions that the application may not read.
            hash_mode: How `hash()` behaves.
            limits: Azure's limits.
            auth_method: What `config` and `environment` sign in with.
            trouble: What is wrong with that.
            token_lifetime: Seconds that a token lasts; MSAL keeps none that ends within 300.
            proxy: Whether clients that believe to talk to Azure itself are led here, by an HTTPS proxy.
            port: 0 takes a free one.
            clock: Seconds since 1970, for tokens and the log.
            meter_clock: Seconds, for the quota.
            wait: Called with the seconds of each delay; None really waits.
        """
        self.fleet = fleet or Fleet()
        self.application = Application(self.fleet.tenant_id, self.fleet.client_id)
        self.meter = Meter(quota, clock=meter_clock) if quota else None
        self.unreadable = {name.lower() for name in unreadable}
        self.requests: list[Asked] = []
        self.steadfast: dict[str, set[str]] = {}
        self._faults = Faults(faults, chaos)
        self._steady = not (faults or chaos or drift) and hash_mode is not HashMode.PER_REQUEST
        self._drift = drift
        self._latency = latency
        self._hash_mode = hash_mode
        self._limits = limits
        self._auth_method = auth_method
        self._trouble = trouble
        self._token_lifetime = token_lifetime
        self._has_proxy = proxy
        self._port = port
        self._clock = clock
        self._wait = wait
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._open = ExitStack()

    def __enter__(self) -> Sandbox:
        """Load the tenant and start to listen."""
        with ExitStack() as stack:
            self._start(stack)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and leave nothing behind."""
        self._open.close()

    def _start(self, stack: ExitStack) -> None:
        store = Store(seed=self.fleet.seed, hash_mode=self._hash_mode, list_limit=self._limits.list_length)
        stack.callback(store.close)
        self._load(store)
        certificates = stack.enter_context(Certificates(HOSTS if self._has_proxy else ()))
        self.ca_bundle: Path = certificates.ca_bundle
        self._folder = certificates.folder
        self.credentials = Credentials(
            self.application, self._auth_method, self._trouble, certificates.folder, clock=self._clock
        )
        self._ready = threading.Event()
        context = certificates.server_context
        server = stack.enter_context(Server(self._answer, context=context, port=self._port, wait=self._wait))
        self.url = server.url
        tokens = Tokens(self.application, self.url, lifetime=self._token_lifetime, clock=self._clock)
        self._entra = Entra(self.application, tokens, clock=self._clock)
        self._graph = GraphApi(
            tenant=self.fleet,
            store=store,
            tokens=tokens,
            meter=self.meter,
            limits=self._limits,
            readable=self._readable,
            steady=self._steady,
            drifting=self._drift is not None,
            clock=self._clock,
        )
        self._resource_manager = ResourceManager(self.fleet, tokens, self._readable)
        self._metadata_url = ""
        if self._auth_method is AuthMethod.MANAGED_IDENTITY:
            identity = ManagedIdentity(self.application, tokens, clock=self._clock)
            self._metadata_url = stack.enter_context(Server(identity.answer)).url
        self._proxy_url = stack.enter_context(Proxy(server.port)).url if self._has_proxy else ""
        self._ready.set()

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the tap that lead here; with a proxy, none is about where that is."""
        if self._has_proxy:
            return self.credentials.settings
        addresses = {"authority_host": self.url, "resource_manager_url": self.url, "ca_bundle": str(self.ca_bundle)}
        return self.credentials.settings | addresses

    @property
    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        variables = {PREFIX + name.upper(): value for name, value in self.config.items()}
        if self._metadata_url:  # where MSAL looks for the metadata endpoint
            variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = self._metadata_url
        if self._has_proxy:
            variables |= self._azure_environment()
        return variables

    def _azure_environment(self) -> dict[str, str]:
        """What leads other clients than the tap here: by the proxy, trusting it, signed in by the same credentials."""
        settings = self.credentials.settings
        bundle = dict.fromkeys(_CA_VARIABLES, str(self.ca_bundle))
        proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self._proxy_url)
        no_proxies = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        azure = {variable: settings[name] for variable, name in AZURE_VARIABLES.items() if name in settings}
        extensions = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure", "cliextensions")
        cli = {
            "AZURE_CONFIG_DIR": str(self._folder / "azure-cli"),  # so that nobody is signed out of Azure itself
            "AZURE_EXTENSION_DIR": os.environ.get("AZURE_EXTENSION_DIR") or str(extensions),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
        }
        return bundle | proxies | no_proxies | azure | cli

    def disturb(self, *faults: Fault) -> None:
        """Let these go wrong from now on, in place of what was planned before."""
        self._graph.keep_no_answers()
        self._faults = Faults(faults)

    def _readable(self) -> set[str]:
        return {s.id for s in self.fleet.subscriptions if s.readable} - self.unreadable

    def _answer(self, request: Request) -> Response:
        self._ready.wait()
        with self._lock:
            number = next(self._numbers)
        if request.path.rstrip("/").lower() == PATH and request.method == "POST":
            asked, response = self._query(request, number)
        else:
            asked, response = self._sign_in(request, number)
        with self._lock:
            self.requests.append(asked)
        return response

    def _query(self, request: Request, number: int) -> tuple[Asked, Response]:
        outcome = self._graph.answer(request, number)
        fault = self._faults.for_query(outcome, number)
        response = hit_query(fault, outcome, self._graph) if fault else outcome.response
        asked = Asked(self._clock(), "query", response.status, outcome.question, fault)
        return asked, replace(response, delay=response.delay + self._latency)

    def _sign_in(self, request: Request, number: int) -> tuple[Asked, Response]:
        response = self._entra.answer(request)
        if response is None:
            response = self._resource_manager.answer(request)
            return Asked(self._clock(), "other", response.status), response
        is_token = request.path.endswith("/token")
        fault = self._faults.for_sign_in(number) if is_token else self._faults.for_discovery(number)
        response = hit_entra(fault, response) if fault else response
        kind = "token" if is_token else "discovery"
        return Asked(self._clock(), kind, response.status, fault=fault), response

    def _load(self, store: Store) -> None:
        tables = self.fleet.lines()
        if self._drift is not None:
            for table, lines in tables.items():
                tables[table] = self._drift.applied(table, lines, self.steadfast.setdefault(table, set()))
        store.load(tables)
