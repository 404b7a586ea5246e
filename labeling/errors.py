"""Every failure a caller may cause or meet. Azure's own exceptions stop at the adapters.

`Failure` carries what an RFC 9457 problem needs: a status, a stable `type`, a sentence that says what
to do, and for bad input a JSON pointer to each offending place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import ValidationError

Retry = Literal["never", "same", "later"]


_SAID = 500
"""Characters of a detail: it repeats what was sent, which may be of any length."""


def _in_short(detail: str) -> str:
    """A detail without the middle of a long one: what is wrong stands before it, what to do behind."""
    half = _SAID // 2
    return detail if len(detail) <= _SAID else f"{detail[:half]}…{detail[-half:]}"


@dataclass(frozen=True)
class Fault:
    """One offending place in a request: a JSON pointer (RFC 6901), a stable code, and words."""

    pointer: str
    code: str
    detail: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", _in_short(self.detail))


_UNIONS = ("geometry", "do")
"""Fields of several kinds: of what is wrong in one, pydantic puts the kind behind its name."""


def faults_of(error: ValidationError, prefix: str = "") -> tuple[Fault, ...]:
    """The offending places of a body that does not fit its model, as pointers below `prefix`."""
    return tuple(
        Fault(
            prefix + "".join(f"/{_escaped(part)}" for part in _place(details["loc"])),
            details["type"].replace("_", "-"),
            details["msg"],
        )
        for details in error.errors(include_url=False, include_input=False)
    )


def _place(loc: tuple[str | int, ...]) -> Iterator[str | int]:
    """The fields and indices that lead to a place, as they stand in the request."""
    before: str | int = ""
    for part in loc:
        if before not in _UNIONS:
            yield part
        before = part


def _escaped(part: str | int) -> str:
    whole = str(part)
    shown = whole if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}…"
    return shown.replace("~", "~0").replace("/", "~1")


_SHOWN = 80
"""Characters that are repeated of a field's name: whoever sent a longer one knows it."""


class Failure(Exception):
    """A failure with an HTTP status. `detail` names the thing and the way out."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal"
    retry: ClassVar[Retry] = "never"

    def __init__(
        self, detail: str, *, faults: tuple[Fault, ...] = (), extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = _in_short(detail)
        self.faults = faults
        self.extra = extra or {}


class Malformed(Failure):
    """The body is not JSON, or not what its encoding says."""

    status, type = 400, "malformed"


class Unauthenticated(Failure):
    """Nobody is signed in, and no valid API token was sent."""

    status, type = 401, "unauthenticated"


class Forbidden(Failure):
    """The caller is known, and may not do this."""

    status, type = 403, "forbidden"


class NotFound(Failure):
    """There is no such thing, or the caller may not know that there is."""

    status, type = 404, "not-found"


class Conflict(Failure):
    """The state of the thing forbids this; sending it again will not help."""

    status, type = 409, "conflict"


class PreconditionFailed(Failure):
    """Somebody changed the thing since the caller read it: read it again."""

    status, type, retry = 412, "precondition-failed", "later"


class TooLarge(Failure):
    """Over a limit, which `detail` names."""

    status, type = 413, "too-large"


class UnsupportedMedia(Failure):
    """The body is said to be something else than JSON, or nothing is said."""

    status, type = 415, "unsupported-media-type"


class Invalid(Failure):
    """Understood, but not acceptable; `faults` point at the places."""

    status, type = 422, "invalid"


class PreconditionRequired(Failure):
    """A change was sent without If-Match."""

    status, type = 428, "precondition-required"


class TooManyRequests(Failure):
    """More requests than one token may send in a minute; `retry_after_s` says when to go on."""

    status, type, retry = 429, "too-many-requests", "same"


class Refused(Failure):
    """Storage knows us and does not let us: a role is missing, or its network is closed.

    `code` is the service's own word, like `AuthorizationPermissionMismatch`; empty where it says none.
    """

    status, type, retry = 503, "storage-refused", "later"

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.code = code


class Unavailable(Failure):
    """Storage did not answer. Nothing is lost: send the same request again."""

    status, type, retry = 503, "unavailable", "same"
