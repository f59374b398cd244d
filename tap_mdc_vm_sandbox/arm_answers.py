"""The form of Azure Resource Manager's answers: headers that each has, errors, and which versions it knows."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import orjson

from .server import Request, Response

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .entra import TokenProblem

JSON = {"Content-Type": "application/json; charset=utf-8"}
_VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")


class ArmRefusedError(Exception):
    """What Resource Manager refuses by itself, in errors that have no `details`.

    Attributes:
        status: HTTP status.
        code: Its code.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep all of it."""
        super().__init__(message)
        self.status, self.code = status, code


def headers() -> dict[str, str]:
    """What each answer has."""
    return {
        **JSON,
        "x-ms-correlation-request-id": str(uuid.uuid4()),
        "x-ms-ratelimit-remaining-tenant-reads": "249",
    }


def refusal(refused: ArmRefusedError, base: Mapping[str, str] | None = None) -> Response:
    """An error of Resource Manager."""
    body = {"error": {"code": refused.code, "message": str(refused)}}
    return Response(refused.status, orjson.dumps(body), base or headers())


def unauthorized(problem: TokenProblem, tenant_id: str, base: Mapping[str, str] | None = None) -> Response:
    """A 401, with where to sign in."""
    challenge = f'Bearer authorization_uri="https://login.microsoftonline.com/{tenant_id}"'
    kept = {name: value for name, value in (base or headers()).items() if "quota" not in name}
    return refusal(ArmRefusedError(401, problem.code, str(problem)), {**kept, "WWW-Authenticate": challenge})


def check_version(request: Request, kind: str, known: Collection[str]) -> str:
    """The api-version of a request about a resource type, such as `Microsoft.ResourceGraph/resources`.

    Raises:
        ArmRefusedError: There is none, it has not the form of one, or the type has no such version.
    """
    asked = {name.lower(): value for name, value in request.parameters.items()}.get("api-version", "")
    if not asked:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmRefusedError(400, "MissingApiVersionParameter", message)
    supported = ",".join(sorted(known))
    if not _VERSION.fullmatch(asked):
        message = f"The api-version '{asked}' is invalid. The supported versions are '{supported}'."
        raise ArmRefusedError(400, "InvalidApiVersionParameter", message)
    if asked not in known:
        namespace, _, name = kind.partition("/")
        message = (
            f"The resource type '{name}' could not be found in the namespace '{namespace}' for api version '{asked}'. "
            f"The supported api-versions are '{supported}'."
        )
        raise ArmRefusedError(400, "InvalidResourceType", message)
    return asked
