"""What all models share: strictness, identifiers and times."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b32encode
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


class Model(BaseModel):
    """Immutable, and refuses fields it does not know: a typo in a client is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 12, 31, tzinfo=UTC)


def _to_utc(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ValueError(f"a time lies between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}")
    return value.astimezone(UTC)


UtcTime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware time that can be reckoned with; serialised as RFC 3339 in UTC."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""An opaque identifier. Clients may make their own (a ULID or UUID is a good one)."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
"""A coordinate as a fraction of the upright image's width or height, origin top-left."""


Sent = TypeVar("Sent", bound=BaseModel)


def read(model: type[Sent], content: object) -> Sent:
    """What somebody sent, decoded from JSON, as a model: each field by the type it has in JSON.

    `true` is no number, `"0.5"` is not, and no number is a time.

    Raises:
        ValidationError: it does not fit.
    """
    return model.model_validate_json(json.dumps(content), strict=True)


def digest_id(*parts: str, length: int = 26) -> str:
    """A deterministic identifier: lower-case base32 of SHA-256 over `parts`.

    The same parts give the same identifier, which is what makes creating things idempotent.
    26 characters carry 130 bits.

    >>> digest_id("datasets", "a/b.jpg") == digest_id("datasets", "a/b.jpg")
    True
    """
    whole = hashlib.sha256("\x00".join(parts).encode()).digest()
    return b32encode(whole[: length * 5 // 8 + 1]).decode().lower().rstrip("=")[:length]


def new_id(prefix: str) -> str:
    """A fresh identifier, `{prefix}-{80 random bits in base32}`."""
    return f"{prefix}-{b32encode(secrets.token_bytes(10)).decode().lower()}"


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return int(moment.timestamp() * 1000)


def from_milliseconds(value: int) -> datetime:
    """The aware UTC time of `value` milliseconds since 1970-01-01 UTC."""
    return datetime.fromtimestamp(value / 1000, UTC)


def day_of(ms: int) -> str:
    """The UTC day of `ms` milliseconds since 1970-01-01, as in `20260304`."""
    return f"{from_milliseconds(ms):%Y%m%d}"
