"""Everything that can go wrong, as a user meets it: one class per cause that a person can act on.

A message is one line: what happened, then what to do, then Azure's own code and correlation id.
"""

from __future__ import annotations


def see(section: str) -> str:
    """Return a pointer to a section of the page on troubleshooting. A test checks that the page has it."""
    return f"See docs/troubleshooting.md#{section}."


class TapError(Exception):
    """Whatever ends a run in a way that a person can act on.

    Args:
        message: One line: what happened.
        remedy: One line: what to do about it.
        code: Azure's own code, such as ``AADSTS7000222`` or ``AccessDenied``.
        correlation_id: What Microsoft's support asks for.
        wait: Seconds that the service asks to wait before the next try; None if it doesn't say.

    Attributes:
        problems: The lines to print; one, unless several settings are wrong.
    """

    def __init__(
        self, message: str, remedy: str = "", *, code: str = "", correlation_id: str = "", wait: float | None = None
    ) -> None:
        self.message, self.remedy, self.code, self.correlation_id = message, remedy, code, correlation_id
        self.wait = wait
        super().__init__(str(self))
        self.problems = [str(self)]

    def __str__(self) -> str:
        """Return the whole as one line, without what a terminal would take for commands."""
        facts = [f"code {self.code}"] if self.code else []
        facts += [f"correlation id {self.correlation_id}"] if self.correlation_id else []
        text = " ".join(part for part in (self.message, self.remedy) if part)
        line = f"{text} ({', '.join(facts)})" if facts else text
        return " ".join("".join(each if each.isprintable() else " " for each in line).split())


class ConfigurationError(TapError):
    """One or more settings are missing, wrong or contradict each other. Nothing was sent.

    Args:
        problems: One line per problem, each naming its setting.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TransformMapError(ConfigurationError):
    """The transform map can't be used as it stands."""


class NetworkError(TapError):
    """No HTTPS conversation took place."""


class HostUnknownError(NetworkError):
    """The host's name does not resolve."""


class ConnectionFailedError(NetworkError):
    """The connection was refused, reset or broke off."""


class ProxyFailedError(NetworkError):
    """The proxy could not be reached or refused to connect."""


class UntrustedCertificateError(NetworkError):
    """The server's certificate is not trusted here."""


class TimedOutError(NetworkError):
    """No answer came within ``request_timeout``."""


class SignInError(TapError):
    """Entra ID gave no token."""


class TokenRefusedError(TapError):
    """Resource Manager refused the token: wrong tenant or cloud, or no service principal."""


class ClaimsRequiredError(TokenRefusedError):
    """Resource Manager wants a token that shows more than this one, as a policy of the tenant says."""


class NoAccessError(TapError):
    """The application may not read what it was asked to read."""


class ScopeTooLargeError(TapError):
    """More subscriptions lie in scope than Azure answers for."""


class ThrottledError(TapError):
    """Azure kept on answering 429."""


class UnavailableError(TapError):
    """Azure or a gateway before it kept on failing (408, 5xx)."""


class UnansweredError(UnavailableError):
    """Resource Graph kept on failing over a question: it is down, or the question is too heavy for it."""


class RequestRefusedError(TapError):
    """Resource Graph does not answer what was asked (400), for a reason of its own."""


class QueryRefusedError(RequestRefusedError):
    """Resource Graph does not understand or allow a query's text: a bug of this tap, or a change at Azure."""


class TableMissingError(RequestRefusedError):
    """This cloud has no table of the name that a query begins with."""


class PayloadTooLargeError(RequestRefusedError):
    """The answer would be larger than 16 MiB, Resource Graph's limit."""


class MalformedAnswerError(TapError):
    """An answer that is not what the protocol promises."""


class IncompleteError(TapError):
    """A stream that can't be proven complete."""
