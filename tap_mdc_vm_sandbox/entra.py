"""Entra ID: discovery and the token endpoint of the client credentials flow, with Entra's errors.

Each way to sign in is really checked: the secret, the signature of a certificate's assertion, the issuer,
subject and audience of a federated one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .server import Request, Response

if TYPE_CHECKING:
    from cryptography import x509

Clock = Callable[[], float]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FEDERATION_AUDIENCE = "api://AzureADTokenExchange"
AZURE_AUDIENCES = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
    "https://management.core.chinacloudapi.cn",
)
"""What clients ask tokens for that believe to talk to Azure's own Resource Manager, in each cloud."""

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_KEY_ID = "sandbox-1"
_CLOCK_SKEW = 300  # seconds that Entra forgives


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Whose tokens an application accepts in place of a secret."""

    issuer: str
    subject: str
    key: rsa.RSAPublicKey
    audience: str = FEDERATION_AUDIENCE


@dataclass(slots=True)
class Application:
    """An app registration. Tests change it while the sandbox runs."""

    tenant_id: str
    client_id: str
    secret: str = field(default_factory=lambda: f"{secrets.token_urlsafe(3)}~{secrets.token_urlsafe(27)}", repr=False)
    secret_expired: bool = False
    disabled: bool = False
    certificates: list[x509.Certificate] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)


class TokenProblem(Exception):  # noqa: N818  # a state of a token, not an error of ours
    """Why ARM does not accept a token.

    Attributes:
        code: ARM's code.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the code."""
        super().__init__(message)
        self.code = code


@cache
def _key() -> rsa.RSAPrivateKey:
    """The key that signs tokens, made once: that takes longer than to start a sandbox."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Tokens:
    """Issues access tokens and recognises them: JWTs, signed with a key of this process.

    Attributes:
        audience: The address of Resource Manager here.
        lifetime: Seconds until a token expires.
    """

    def __init__(self, application: Application, audience: str, *, lifetime: float, clock: Clock) -> None:
        """Prepare to issue.

        Args:
            application: To whom.
            audience: The address of Resource Manager; tokens are accepted that are for it, or for Azure's own.
            lifetime: Seconds until a token expires.
            clock: Seconds since 1970.
        """
        self.audience = audience
        self.lifetime = lifetime
        self._application = application
        self._clock = clock
        self._epoch = 0

    def is_for(self, resource: str) -> bool:
        """Whether a token can be had for a resource."""
        return resource.rstrip("/") in {self.audience, *AZURE_AUDIENCES}

    def issue(self, resource: str | None = None) -> str:
        """A new token for a resource, without one for the address here."""
        now = int(self._clock())
        principal = str(uuid.uuid5(uuid.NAMESPACE_OID, self._application.client_id))
        claims = {
            "aud": resource or self.audience,
            "iss": _issuer(self._application.tenant_id),
            "iat": now,
            "nbf": now,
            "exp": now + int(self.lifetime),
            "appid": self._application.client_id,
            "idtyp": "app",
            "oid": principal,
            "sub": principal,
            "tid": self._application.tenant_id,
            "ver": "1.0",
            "epoch": self._epoch,
            "uti": secrets.token_urlsafe(16),
        }
        signed = f"{_encoded({'typ': 'JWT', 'alg': 'RS256', 'kid': _KEY_ID})}.{_encoded(claims)}"
        signature = _key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def public_keys(self) -> Row:
        """What verifies the tokens, as a JSON Web Key Set."""
        numbers = _key().public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        key = {
            "kty": "RSA",
            "use": "sig",
            "kid": _KEY_ID,
            "n": _base64(numbers.n.to_bytes(size, "big")),
            "e": _base64(numbers.e.to_bytes(3, "big")),
        }
        return {"keys": [key]}

    def check(self, authorization: str | None) -> None:
        """Accept the header of a request.

        Raises:
            TokenProblem: ARM would answer 401.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenProblem("AuthenticationFailed", "Authentication failed.")
        signed, _, signature = token.rpartition(".")
        try:
            good = _is_signed_by(_key().public_key(), {"alg": "RS256"}, signed, _unbase64(signature))
        except (ValueError, binascii.Error):
            good = False
        if not good:
            raise TokenProblem("InvalidAuthenticationToken", "The access token is invalid.")
        claims = _decoded(signed.rpartition(".")[2])
        if not self.is_for(claims["aud"]):
            raise TokenProblem("InvalidAuthenticationTokenAudience", "The access token is for another audience.")
        end = claims["exp"] if claims["epoch"] == self._epoch else claims["iat"]
        if end <= self._clock():
            raise self.expired(end)

    def expire(self) -> None:
        """Let every token issued so far end."""
        self._epoch += 1

    def expired(self, end: float) -> TokenProblem:
        """What ARM says of a token that ended at that moment, in seconds since 1970."""
        expiry, now = _us_time(end), _us_time(self._clock())
        message = f"The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'."
        return TokenProblem("ExpiredAuthenticationToken", message)


class _RefusedError(Exception):
    """What the token endpoint refuses."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number = status, error, number


class Entra:
    """Answers the addresses below the authority."""

    def __init__(self, application: Application, tokens: Tokens, *, clock: Clock = time.time) -> None:
        """Serve one directory with one application."""
        self._application = application
        self._tokens = tokens
        self._clock = clock

    def answer(self, request: Request) -> Response | None:
        """Answer; None if the address is none of Entra's."""
        tenant, _, rest = request.path.strip("/").partition("/")
        try:
            if rest == "v2.0/.well-known/openid-configuration":
                return self._configuration(tenant, request)
            if rest == "oauth2/v2.0/token":
                return self._token(tenant, request)
            if rest == "discovery/v2.0/keys":
                return _json(200, self._tokens.public_keys())
        except _RefusedError as refusal:
            return self._refusal(refusal)
        if request.path == "/common/discovery/instance":
            return _json(200, self._instances(request))
        return None

    def _instances(self, request: Request) -> Row:
        """What MSAL asks to find out whether an authority is one."""
        host = request.headers["host"]
        known = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
        configuration = f"https://{host}/{self._application.tenant_id}/v2.0/.well-known/openid-configuration"
        return {"tenant_discovery_endpoint": configuration, "api-version": "1.1", "metadata": [known]}

    def _configuration(self, tenant: str, request: Request) -> Response:
        if tenant.lower() != self._application.tenant_id:
            text = (
                f"Tenant '{tenant}' not found. Check the tenant ID and that you sign in to the right cloud. "
                "It may also be that the tenant has no active subscription."
            )
            raise _RefusedError(400, "invalid_tenant", 90002, text)
        base = f"https://{request.headers['host']}/{tenant}"
        body = {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        }
        return _json(200, body)

    def _token(self, tenant: str, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if tenant.lower() != self._application.tenant_id:
            text = f"Tenant '{tenant}' not found. Check the tenant ID; the tenant may have no active subscription."
            raise _RefusedError(400, "invalid_request", 90002, text)
        if form.get("grant_type") != "client_credentials":
            text = "The grant type is missing or not supported here."
            raise _RefusedError(400, "unsupported_grant_type", 70003, text)
        self._check_application(form)
        resource = self._resource(form.get("scope", ""))
        self._check_credential(form, f"https://{request.headers['host']}/{tenant}")
        token = self._tokens.issue(resource)
        lifetime = int(self._tokens.lifetime)
        body = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        }
        return _json(200, body)

    def _check_application(self, form: Mapping[str, str]) -> None:
        asked = form.get("client_id", "")
        if asked.lower() != self._application.client_id:
            text = (
                f"Application with identifier '{asked}' was not found in the directory 'Sandbox'. Nobody may have "
                "installed it or consented to it there, or the request went to the wrong tenant."
            )
            raise _RefusedError(400, "unauthorized_client", 700016, text)
        if self._application.disabled:
            text = f"Application '{asked}' (sandbox) is disabled."
            raise _RefusedError(400, "unauthorized_client", 7000112, text)

    def _resource(self, scope: str) -> str:
        """What a scope is for."""
        resource, _, permission = scope.rpartition("/")
        if permission != ".default":
            text = f"The value given for scope {scope} is not valid: it must end with /.default here."
            raise _RefusedError(400, "invalid_scope", 1002012, text)
        if not self._tokens.is_for(resource):
            text = f"The resource principal named {resource} was not found in the tenant named Sandbox."
            raise _RefusedError(400, "invalid_resource", 500011, text)
        return resource

    def _check_credential(self, form: Mapping[str, str], authority: str) -> None:
        if "client_secret" in form:
            self._check_secret(form["client_secret"])
        elif form.get("client_assertion_type") == ASSERTION_TYPE and "client_assertion" in form:
            self._check_assertion(form["client_assertion"], authority)
        else:
            text = "The request body must contain client_assertion or client_secret."
            raise _RefusedError(401, "invalid_client", 7000218, text)

    def _check_secret(self, secret: str) -> None:
        client_id = self._application.client_id
        if not hmac.compare_digest(secret.encode(), self._application.secret.encode()):
            text = (
                "Invalid client secret provided. Send the value of the secret, not its id, for a secret "
                f"added to app '{client_id}'."
            )
            raise _RefusedError(401, "invalid_client", 7000215, text)
        if self._application.secret_expired:
            text = f"The provided client secret keys for app '{client_id}' are expired. Create new ones in the portal."
            raise _RefusedError(401, "invalid_client", 7000222, text)

    def _check_assertion(self, assertion: str, authority: str) -> None:
        try:
            signed, _, signature = assertion.rpartition(".")
            header, claims = (_decoded(part) for part in signed.split("."))
            signature_bytes = _unbase64(signature)
        except (ValueError, TypeError, binascii.Error) as error:
            raise _RefusedError(400, "invalid_request", 50027, "JWT token is invalid or malformed.") from error
        if claims.get("iss") == self._application.client_id:
            self._check_certificate(header, claims, signed, signature_bytes, authority)
        else:
            self._check_federation(header, claims, signed, signature_bytes)
        self._check_times(claims)

    def _check_certificate(  # the parts of one assertion
        self, header: Row, claims: Row, signed: str, signature: bytes, authority: str
    ) -> None:
        client_id = self._application.client_id
        certificate = self._registered(header)
        if certificate is None:
            text = (
                "The certificate with identifier used to sign the client assertion is not registered on "
                f"application. [Reason - The key was not found., look up the configured keys for app Id '{client_id}'.]"
            )
            raise _RefusedError(401, "invalid_client", 700027, text)
        if not _is_signed_by(certificate.public_key(), header, signed, signature):
            text = "Client assertion failed signature validation. [Reason - The key was found, but verifying failed.]"
            raise _RefusedError(401, "invalid_client", 700027, text)
        if claims.get("sub") != client_id:
            text = "Client assertion application identifier doesn't match 'client_id' parameter."
            raise _RefusedError(401, "invalid_client", 700021, text)
        if claims.get("aud") not in {f"{authority}/oauth2/v2.0/token", f"{authority}/v2.0"}:
            text = f"Client assertion audience claim does not match Realm issuer: '{claims.get('aud')}'."
            raise _RefusedError(401, "invalid_client", 700023, text)

    def _registered(self, header: Row) -> x509.Certificate | None:
        for certificate in self._application.certificates:
            thumbprints = (
                ("x5t", hashes.SHA1()),  # noqa: S303  # what the header's definition says
                ("x5t#S256", hashes.SHA256()),
            )
            for name, algorithm in thumbprints:
                # msal leaves the padding on, which Entra forgives.
                if str(header.get(name)).rstrip("=") == _base64(certificate.fingerprint(algorithm)):
                    return certificate
        return None

    def _check_federation(self, header: Row, claims: Row, signed: str, signature: bytes) -> None:
        known = self._application.federated
        steps = (
            ("iss", "issuer", 700211, "issuer"),
            ("sub", "subject", 700213, "subject"),
            ("aud", "audience", 700212, "audience"),
        )
        for claim, attribute, number, word in steps:
            known = [credential for credential in known if getattr(credential, attribute) == claims.get(claim)]
            if not known:
                text = (
                    f"No matching federated identity record found for presented assertion {word} "
                    f"'{claims.get(claim)}'. Check Subject, Audience and Issuer of the federated credential."
                )
                raise _RefusedError(401, "invalid_client", number, text)
        if not any(_is_signed_by(credential.key, header, signed, signature) for credential in known):
            raise _RefusedError(401, "invalid_client", 50013, "Assertion failed signature validation.")

    def _check_times(self, claims: Row) -> None:
        now = self._clock()
        if not claims.get("nbf", now) - _CLOCK_SKEW <= now <= claims.get("exp", 0) + _CLOCK_SKEW:
            text = "Client assertion is not within its valid time range."
            raise _RefusedError(401, "invalid_client", 700024, text)

    def _refusal(self, refusal: _RefusedError) -> Response:
        moment = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        text = f"AADSTS{refusal.number}: {refusal} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
        body = {
            "error": refusal.error,
            "error_description": text,
            "error_codes": [refusal.number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refusal.number}",
        }
        return _json(refusal.status, body)


Row = dict[str, Any]


def _issuer(tenant_id: str) -> str:
    return f"https://sts.windows.net/{tenant_id}/"


def _is_signed_by(key: object, header: Row, signed: str, signature: bytes) -> bool:
    """Whether an RSA signature in one of the two forms that Entra takes is right."""
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    paddings: dict[object, padding.AsymmetricPadding] = {"RS256": padding.PKCS1v15(), "PS256": pss}
    if header.get("alg") not in paddings:
        return False
    try:
        key.verify(signature, signed.encode(), paddings[header["alg"]], hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _json(status: int, body: object) -> Response:
    return Response(status, json.dumps(body).encode(), _JSON)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(claims: Mapping[str, object]) -> str:
    return _base64(json.dumps(claims).encode())


def _decoded(part: str) -> Row:
    decoded = json.loads(_unbase64(part))
    return {**decoded}  # a TypeError unless it is an object


def _us_time(seconds: float) -> str:
    """A moment as ARM writes it in the text of a 401."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
