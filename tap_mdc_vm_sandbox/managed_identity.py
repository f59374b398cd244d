"""The instance metadata endpoint of a virtual machine: plain HTTP, a header that proves a local caller, a token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .server import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from .entra import Application, Tokens

PATH = "/metadata/identity/oauth2/token"
_JSON = {"Content-Type": "application/json; charset=utf-8"}


class ManagedIdentity:
    """Answers the endpoint, for a machine with a system-assigned identity and the application as user-assigned one."""

    def __init__(self, application: Application, tokens: Tokens, *, clock: Callable[[], float]) -> None:
        """Give out tokens of this application."""
        self._application = application
        self._tokens = tokens
        self._clock = clock

    def answer(self, request: Request) -> Response:
        """Answer as the endpoint of a machine would."""
        if request.path.rstrip("/") != PATH or request.method != "GET":
            return Response(404)
        if request.headers.get("metadata", "").lower() != "true":
            return _refusal("Required metadata header not specified")
        if "api-version" not in request.parameters:
            return _refusal("Required query variable 'api-version' is missing")
        resource = request.parameters.get("resource", "")
        if not self._tokens.is_for(resource):
            return _refusal("The resource principal was not found in the tenant", "invalid_resource")
        asked = request.parameters.get("client_id", self._application.client_id)
        if asked.lower() != self._application.client_id:
            return _refusal("Identity not found")
        now = int(self._clock())
        lifetime = int(self._tokens.lifetime)
        body = {  # numbers are strings here, other than at the token endpoint
            "access_token": self._tokens.issue(resource),
            "client_id": self._application.client_id,
            "expires_in": str(lifetime),
            "expires_on": str(now + lifetime),
            "ext_expires_in": str(lifetime),
            "not_before": str(now),
            "resource": resource,
            "token_type": "Bearer",
        }
        return Response(200, json.dumps(body).encode(), _JSON)


def _refusal(text: str, error: str = "invalid_request") -> Response:
    return Response(400, json.dumps({"error": error, "error_description": text}).encode(), _JSON)
