"""API tokens: callers that are no people, for one project and role or for all that site admins do.

Only hashes of their secrets are kept. They expire and can be renewed, and tell when they were last used.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, cast

from pydantic import Field, model_validator

from labeling import layout
from labeling.errors import Invalid, NotFound, Unauthenticated
from labeling.model import Id, Model, UtcTime, digest_id, from_milliseconds, milliseconds
from labeling.names import Name
from labeling.projects.access import TOKEN, Caller, Role
from labeling.projects.rates import Rates
from labeling.settings import Settings
from labeling.storage import Collision, Create, Delete, Merge, Operation, Range, Row, Storage

DAYS = 90
"""How long a token is valid, when nothing else is said."""

_USE_NOTED_EVERY = timedelta(hours=1)
"""How exact the last use is: noting it takes a call."""

Days = Annotated[int, Field(ge=1, le=366)]


class NewToken(Model):
    """An API token to be made: for one project and role, or with `site_admin` for all that site admins do.

    It is named so that its use can be told, and valid for so many `days`.
    """

    name: Name
    project_id: Id | None = None
    role: Role = "labeler"
    site_admin: bool = False
    days: Days = DAYS

    @model_validator(mode="after")
    def _is_for_one_thing(self) -> NewToken:
        if self.site_admin == (self.project_id is not None):
            raise ValueError("a token is for one project (project_id), or for all (site_admin)")
        return self


class TokenRenewal(Model):
    """For how many days from now a token is to be valid; it keeps its secret."""

    days: Days = DAYS


class TokenView(Model):
    """A token as it is listed: never the secret. `project_id` is null where it is a site admin's.

    `used_at`: its last use, to an hour; null while there was none.
    """

    token_id: str
    name: str
    project_id: str | None
    role: Role
    site_admin: bool = False
    created_at: UtcTime
    expires_at: UtcTime
    used_at: UtcTime | None = None
    expired: bool = False


class TokenMade(TokenView):
    """A new token with its secret, shown this once."""

    secret: str


class Tokens:
    """API tokens."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._storage = storage
        self._settings = settings
        self._known: dict[str, tuple[Row, float]] = {}
        self._rates = Rates(settings.token_requests_a_minute)

    def make(self, new: NewToken) -> TokenMade:
        """Make a token; only a hash of its secret is kept."""
        secret = f"lbl_{secrets.token_urlsafe(32)}"
        now = self._storage.clock.now()
        cells = {
            "hash": hashlib.sha256(secret.encode()).hexdigest(),
            "name": new.name,
            "project": new.project_id or "",
            "role": new.role,
            "site_admin": new.site_admin,
            "created_ms": milliseconds(now),
            "expires_ms": milliseconds(now + timedelta(days=new.days)),
        }
        token_id = _token_id(secret)
        self._write(Create(token_id, cells))
        made = self._view(Row(token_id, "", cells))
        return TokenMade(**made.model_dump(), secret=secret)

    def all(self, project_id: str | None = None) -> list[TokenView]:
        """All tokens, or those of a project; newest first."""
        rows = self._storage.rows(layout.DIRECTORY, Range(layout.TOKENS, "", layout.END))
        views = [
            self._view(row)
            for row in rows
            if project_id is None or row.text("project") == project_id
        ]
        return sorted(views, key=lambda view: view.created_at, reverse=True)

    def renew(self, token_id: str, renewal: TokenRenewal) -> TokenView:
        """Let a token be valid from now on for so many days, whether it has expired or not.

        Raises:
            NotFound: there is no such token.
        """
        until = self._storage.clock.now() + timedelta(days=renewal.days)
        self._known.pop(token_id, None)
        try:
            self._write(Merge(token_id, {"expires_ms": milliseconds(until)}))
        except Collision:
            raise _absent() from None
        return self._view(self._need(token_id))

    def delete(self, token_id: str, *, project_id: str | None = None) -> None:
        """Make a token useless: everywhere within five seconds.

        Raises:
            NotFound: there is no such token, or none of this project.
        """
        if project_id is not None and self._need(token_id).text("project") != project_id:
            raise _absent()
        self._known.pop(token_id, None)
        try:
            self._write(Delete(token_id))
        except Collision:
            raise _absent() from None

    def caller(self, secret: str, worker: str) -> Caller:
        """Who a token stands for; `worker` tells several users of one token apart.

        Raises:
            Unauthenticated: the token is unknown, was deleted or has expired.
            TooManyRequests: it called too often within this minute.
        """
        row = self._read(_token_id(secret))
        digest = hashlib.sha256(secret.encode()).hexdigest()
        if row is None or not hmac.compare_digest(row.text("hash"), digest):
            raise Unauthenticated("this API token is not valid; ask an admin for a new one")
        view = self._view(row)
        if view.expired:
            raise Unauthenticated("this API token has expired; ask a site admin to renew it")
        if len(worker) > 100:
            raise Invalid("X-Worker has at most 100 characters")
        self._rates.count(view.token_id, self._storage.clock.now().timestamp())
        return Caller(
            user=layout.user_key(TOKEN, f"{view.token_id}/{worker}"),
            name=f"{view.name}/{worker}" if worker else view.name,
            provider=TOKEN,
            site_admin=view.site_admin,
            token_project=view.project_id or "",
            token_role=None if view.site_admin else view.role,
        )

    def _read(self, token_id: str) -> Row | None:
        now = self._storage.clock.now()
        row, read_at = self._known.get(token_id, (None, 0.0))
        if row and now.timestamp() - read_at <= self._settings.cache_seconds:
            return row
        row = self._storage.tables.get(layout.DIRECTORY, layout.TOKENS, token_id)
        if row:
            self._known[token_id] = (row, now.timestamp())
            if milliseconds(now - _USE_NOTED_EVERY) >= row.number("used_ms"):
                with suppress(Collision):  # it was deleted just now
                    self._write(Merge(token_id, {"used_ms": milliseconds(now)}))
        return row

    def _need(self, token_id: str) -> Row:
        row = self._storage.tables.get(layout.DIRECTORY, layout.TOKENS, token_id)
        if row is None:
            raise _absent()
        return row

    def _write(self, operation: Operation) -> None:
        self._storage.tables.transact(layout.DIRECTORY, layout.TOKENS, [operation])

    def _view(self, row: Row) -> TokenView:
        made = row.number("created_ms")
        # One made before tokens expired has as long as any.
        until = row.number("expires_ms") or made + DAYS * 86_400_000
        used = row.number("used_ms")
        return TokenView(
            token_id=row.key,
            name=row.text("name"),
            project_id=row.text("project") or None,
            role=cast(Role, row.text("role")),
            site_admin=bool(row.cells.get("site_admin")),
            created_at=from_milliseconds(made),
            expires_at=from_milliseconds(until),
            used_at=from_milliseconds(used) if used else None,
            expired=milliseconds(self._storage.clock.now()) >= until,
        )


def _absent() -> NotFound:
    return NotFound("there is no such token")


def _token_id(secret: str) -> str:
    return digest_id("token", secret, length=16)
