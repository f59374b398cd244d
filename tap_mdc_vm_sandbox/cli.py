"""The command `tap-mdc-vm-sandbox`: run another command beside the stand-in, or serve until stopped.

tap-mdc-vm-sandbox [OPTIONS] -- COMMAND …
tap-mdc-vm-sandbox serve [OPTIONS]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .credentials import AuthMethod, Trouble
from .drift import Drift
from .faults import Chaos, Fault, Kind
from .fleet import Fleet
from .graph_api import Limits
from .quota import Quota, Window
from .sandbox import ABOUT_AZURE, AZURE_VARIABLES, PREFIX, Sandbox
from .store import HashMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAM = "tap-mdc-vm-sandbox"
_ODD = (
    "the made-up tenant has oddities on purpose, so that warnings about it are meant: "
    "docs/sandbox.md#what-is-odd-in-the-tenant"
)
_NOT_FOUND = 127  # what a shell gives for a command that isn't there
_BY_SIGNAL = 128  # and, plus the number, for one that a signal ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say.

    Returns:
        The exit status: that of the command, or 0 when serving was ended by a signal.
    """
    before, command = _split(list(sys.argv[1:] if arguments is None else arguments))
    serve = before[:1] == ["serve"]
    parser = build_parser()
    options = parser.parse_args(before[1:] if serve else before)
    if serve == bool(command):
        parser.error("give either `serve` or `-- COMMAND …`")
    try:
        sandbox = _sandbox(options)
    except ValueError as error:
        parser.error(str(error))
    with _ended_by_signal(), contextlib.ExitStack() as stack:
        try:
            stack.enter_context(sandbox)
        except OSError as error:
            parser.error(f"port {options.port} can't be had ({error.strerror}): choose another, or leave --port out")
        return _serve(sandbox) if serve else _run(command, sandbox)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Tell our own arguments from the command behind `--`."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def build_parser() -> argparse.ArgumentParser:
    """All options; the page in the docs is compared with them."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [OPTIONS] -- COMMAND …\n       {PROGRAM} serve [OPTIONS]",
        description="A stand-in for Entra ID and Azure Resource Graph on 127.0.0.1, with a made-up tenant.",
    )
    _add_tenant(parser.add_argument_group("the tenant"))
    _add_sign_in(parser.add_argument_group("signing in and rights"))
    _add_service(parser.add_argument_group("the service"))
    _add_misbehaviour(parser.add_argument_group("misbehaviour"))
    return parser


def _add_tenant(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--seed", type=_whole, default=7, metavar="N", help="another seed, another tenant (default: 7)")
    group.add_argument("--machines", type=_natural, default=60, metavar="N", help="virtual machines (default: 60)")
    group.add_argument(
        "--assessments-per-machine", type=_natural, default=20, metavar="N", help="of ordinary ones (default: 20)"
    )
    group.add_argument("--software-per-machine", type=_natural, default=12, metavar="N", help="programs (default: 12)")
    group.add_argument(
        "--row-size", type=_natural, default=0, metavar="BYTES", help="of each ordinary assessment, at least"
    )
    group.add_argument(
        "--subscriptions", type=_positive, default=3, metavar="N", help="beside the odd ones (default: 3)"
    )
    group.add_argument("--as-of", type=_date, metavar="DATE", help="the tenant's today (default: yours, in UTC)")


def _add_sign_in(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--auth-method",
        type=AuthMethod,
        choices=list(AuthMethod),
        default=AuthMethod.CLIENT_SECRET,
        help="what the variables sign in with (default: client_secret)",
    )
    group.add_argument(
        "--trouble", type=Trouble, choices=list(Trouble), default=Trouble.NONE, help="what is wrong with it"
    )
    group.add_argument(
        "--token-lifetime", type=float, default=3599, metavar="SECONDS", help="of an access token (default: 3599)"
    )
    group.add_argument(
        "--unreadable",
        action="append",
        default=[],
        metavar="ID|N",
        help="a subscription without rights, or the first N; repeatable",
    )
    group.add_argument(
        "--denial",
        type=int,
        choices=[400, 403],
        default=400,
        help="status when nothing can be read (default: 400)",
    )


def _add_service(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--proxy", action="store_true", help="lead clients here that talk to Azure's own addresses, by an HTTPS proxy"
    )
    group.add_argument("--port", type=_port, default=0, metavar="N", help="default: a free one")
    group.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="of each query (default: 0)")
    group.add_argument(
        "--quota", type=_quota, default=Quota(), metavar="N/SECONDS", help="queries allowed, or none (default: 15/5)"
    )
    group.add_argument(
        "--quota-window",
        type=Window,
        choices=list(Window),
        default=Window.FIXED,
        help="whether spent queries come back together or one by one (default: fixed)",
    )
    group.add_argument(
        "--payload-limit",
        type=_positive,
        default=Limits().payload,
        metavar="BYTES",
        help="of an answer (default: 16 MiB)",
    )
    group.add_argument(
        "--list-limit",
        type=_positive,
        default=Limits().list_length,
        metavar="N",
        help="elements that make_list() keeps (default: 1048576)",
    )
    group.add_argument(
        "--lacking",
        action="append",
        default=[],
        metavar="NAME",
        help="a table or function that is refused, such as SecurityResources or make_list; repeatable",
    )


def _add_misbehaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--chaos", type=_whole, metavar="SEED", help="faults of every passing kind, by chance")
    group.add_argument("--chaos-share", type=float, default=0.2, metavar="SHARE", help="of the requests (default: 0.2)")
    group.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[:TIMES[:AFTER]]",
        help=f"one fault; TIMES may be `always`; repeatable. Kinds: {', '.join(Kind)}",
    )
    group.add_argument("--drift", type=_whole, metavar="SEED", help="rows come and go between requests")
    group.add_argument(
        "--hash-mode",
        type=HashMode,
        choices=list(HashMode),
        default=HashMode.STABLE,
        help="how `hash()` behaves (default: stable)",
    )


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, such as 2026-11-26") from None


def _natural(text: str) -> int:
    if (number := _whole(text)) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _positive(text: str) -> int:
    if (number := _whole(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _port(text: str) -> int:
    if (number := _whole(text)) not in range(2**16):
        raise argparse.ArgumentTypeError("must be between 0 and 65535")
    return number


def _quota(text: str) -> Quota | None:
    if text == "none":
        return None
    limit, _, seconds = text.partition("/")
    try:
        return Quota(int(limit), float(seconds))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither N/SECONDS nor `none`") from None


def _fault(text: str) -> Fault:
    kind, _, rest = text.partition(":")
    times, _, after = rest.partition(":")
    try:
        return Fault(
            kind=Kind(kind),
            times=None if times == "always" else int(times or 1),
            after=int(after or 0),
        )
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND[:TIMES[:AFTER]]; --help lists the kinds") from None


def _sandbox(options: argparse.Namespace) -> Sandbox:
    fleet = Fleet(
        seed=options.seed,
        machines=options.machines,
        assessments_per_machine=options.assessments_per_machine,
        software_per_machine=options.software_per_machine,
        row_size=options.row_size,
        subscriptions=options.subscriptions,
        as_of=options.as_of or datetime.now(UTC).date(),
    )
    quota: Quota | None = options.quota
    return Sandbox(
        fleet,
        faults=options.fault,
        chaos=None if options.chaos is None else Chaos(seed=options.chaos, share=options.chaos_share),
        drift=None if options.drift is None else Drift(seed=options.drift),
        quota=quota and Quota(quota.limit, quota.seconds, options.quota_window),
        latency=options.latency,
        unreadable=_unreadable(options.unreadable, fleet),
        hash_mode=options.hash_mode,
        limits=Limits(
            payload=options.payload_limit,
            denial=options.denial,
            list_length=options.list_limit,
            lacking=frozenset(name.lower() for name in options.lacking),
        ),
        auth_method=options.auth_method,
        trouble=options.trouble,
        token_lifetime=options.token_lifetime,
        proxy=options.proxy,
        port=options.port,
    )


def _unreadable(values: Sequence[str], fleet: Fleet) -> set[str]:
    named: set[str] = set()
    for value in values:
        named |= {s.id for s in fleet.subscriptions[: int(value)]} if value.isdecimal() else {value}
    return named


def _run(command: Sequence[str], sandbox: Sandbox) -> int:
    if sandbox.fleet.odd:
        sys.stderr.write(f"{PROGRAM}: {_ODD}\n")
    try:
        kept = {name: value for name, value in os.environ.items() if name not in AZURE_VARIABLES}
        environment = kept | _blanks() | sandbox.environment
        process = subprocess.Popen(command, env=environment)  # noqa: S603  # the user's command
    except OSError as error:
        sys.stderr.write(f"{PROGRAM}: {command[0]} can't be started: {error.strerror}\n")
        return _NOT_FOUND
    with process:
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            raise
    return status if status >= 0 else _BY_SIGNAL - status


def _blanks() -> dict[str, str]:
    """What is set for Azure, taken back: its credentials, and which of its resources to read.

    A command may read the file `.env` itself, as Meltano does, where a variable that is there already stands first.
    """
    named = set(os.environ)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        named |= set(re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", Path(".env").read_text("utf-8"), re.MULTILINE))
    return {PREFIX + name: usual for name, usual in ABOUT_AZURE.items() if PREFIX + name in named}


def _serve(sandbox: Sandbox) -> int:
    try:
        for name, value in (_blanks() | sandbox.environment).items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        sys.stdout.flush()
        threading.Event().wait()
    except (KeyboardInterrupt, SystemExit):
        pass
    return 0


@contextlib.contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let SIGTERM end the program as an exception does, so that keys are removed and the command is ended too."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(_BY_SIGNAL + number)

    previous = signal.signal(signal.SIGTERM, leave) if threading.current_thread() is threading.main_thread() else None
    try:
        yield
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)
