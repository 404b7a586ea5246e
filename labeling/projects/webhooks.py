"""Telling other systems what happened in a project: one address a project, signed, tried again for hours.

What happens is `told` once, by a key of its own, and then delivered by messages: a delivery may arrive
twice, under the same `webhook-id`. Signatures are those of Standard Webhooks (github.com/standard-webhooks),
for which receivers have libraries. Who may be called is in `labeling/adapters/webhooks.py` (ADR-0026).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from labeling import layout
from labeling.documents import Documents
from labeling.errors import Conflict, NotFound
from labeling.model import Model, UtcTime, digest_id, new_id
from labeling.storage import Collision, Delete, Storage

log = logging.getLogger("labelry")

EventType = Literal["export.finished", "run.finished", "project.done", "ping"]

RETRY_S = (10, 60, 300, 1_800, 7_200, 21_600)
"""How long after each failed try the next one follows: seven tries in some eight hours."""

KEPT = 100
"""Deliveries of a project that are kept, the newest ones."""

_SECRET_BYTES = 32
_SECRET_PREFIX = "whsec_"


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"this is no address: {error}") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise ValueError("give an address such as https://example.org/labelry")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address has no user name or password; the signature proves who calls")
    if parts.fragment or any(not "!" <= character <= "~" for character in url):
        raise ValueError("an address has no fragment, no blank, and nothing but ASCII")
    return url


class NewWebhook(Model):
    """Where to send what happens. `new_secret`: sign by another secret from now on."""

    url: Annotated[str, Field(max_length=1_000), AfterValidator(_address)]
    events: Annotated[
        list[Literal["export.finished", "run.finished", "project.done"]], Field(min_length=1)
    ] = ["export.finished", "run.finished", "project.done"]
    new_secret: bool = False


class Webhook(Model):
    """The webhook of a project, without its secret."""

    url: str
    events: list[EventType]
    changed_at: UtcTime
    changed_by: str


class WebhookMade(Webhook):
    """A webhook with the secret it signs by, where that was made just now: it is shown this once."""

    secret: str | None = None


class _Kept(Webhook):
    schema_version: int = 1
    secret: str


class Delivery(Model):
    """Something that was told, or is still to be told. `status`: what the last try was answered, 0: nothing.

    `problem` says why the last try failed. `next_at`: when the next try is due.
    """

    delivery_id: str
    event: EventType
    state: Literal["waiting", "delivered", "failed"] = "waiting"
    tries: int = 0
    status: int = 0
    problem: str = ""
    created_at: UtcTime
    last_at: UtcTime | None = None
    next_at: UtcTime | None = None


class _KeptDelivery(Delivery):
    schema_version: int = 1
    body: str
    left: int = len(RETRY_S)


class DeliveryList(Model):
    """The newest deliveries of a project, the newest first."""

    items: list[Delivery]


class Deliver(Model):
    """Try a delivery once more, if it was tried `tries` times until now."""

    project_id: str
    delivery_id: str
    tries: int


class Undeliverable(Exception):
    """A webhook was not reached; the text says why, to the project's admins."""


Post = Callable[[str, Mapping[str, str], bytes], int]
"""Sends a body to an address and tells the status of the answer. Raises Undeliverable."""


class Webhooks:
    """Webhooks of projects, and what they were told."""

    def __init__(self, storage: Storage, post: Post) -> None:
        self._storage = storage
        self._post = post
        self._hooks = Documents(
            storage, layout.PROJECTS, _Kept, absent="this project has no webhook"
        )
        self._deliveries = Documents(
            storage, layout.PROJECTS, _KeptDelivery, absent="there is no such delivery"
        )

    def get(self, project_id: str) -> Webhook:
        """The webhook of a project.

        Raises:
            NotFound: it has none.
        """
        return _shown(self._hooks.need(project_id, layout.WEBHOOK))

    def put(self, project_id: str, wanted: NewWebhook, *, by: str) -> WebhookMade:
        """Set or change the webhook of a project."""
        secret = _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        fresh = _Kept(
            url=wanted.url,
            events=list(wanted.events),
            changed_at=self._storage.clock.now(),
            changed_by=by,
            secret=secret,
        )

        def changed(old: _Kept) -> _Kept:
            kept = secret if wanted.new_secret else old.secret
            return fresh.model_copy(update={"secret": kept})

        try:
            self._hooks.create(project_id, layout.WEBHOOK, fresh)
            kept = fresh
        except Collision:
            kept = self._hooks.change(project_id, layout.WEBHOOK, changed)
        shown = kept.secret if kept.secret == secret else None
        return WebhookMade(**_shown(kept).model_dump(), secret=shown)

    def delete(self, project_id: str) -> None:
        """Tell nobody any more; what waits to be delivered is not.

        Raises:
            NotFound: the project has no webhook.
        """
        self._hooks.need(project_id, layout.WEBHOOK)
        with suppress(Collision):
            self._hooks.write(project_id, [Delete(layout.WEBHOOK)])

    def told(self, project_id: str, event: EventType, key: str, data: Mapping[str, Any]) -> None:
        """Tell that something happened, if somebody wants to know. Safe to repeat: it is told once.

        Args:
            project_id: where.
            event: what.
            key: the same for the same happening.
            data: about it, as JSON.
        """
        hook = self._hooks.get(project_id, layout.WEBHOOK)
        if hook is None or (event not in hook.events and event != "ping"):
            return
        now = self._storage.clock.now()
        delivery_id = digest_id(event, project_id, key)
        body = {
            "type": event,
            "timestamp": now.isoformat(),
            "data": {"project_id": project_id, **data},
        }
        delivery = _KeptDelivery(
            delivery_id=delivery_id,
            event=event,
            created_at=now,
            next_at=now,
            body=json.dumps(body, ensure_ascii=False),
        )
        try:
            self._deliveries.create(project_id, layout.delivery(delivery_id), delivery)
        except Collision:
            known = self._deliveries.get(project_id, layout.delivery(delivery_id))
            if known is None or known.state != "waiting" or known.tries:
                return
        self._send(project_id, delivery_id, 0)
        self._forget_old(project_id)

    def ping(self, project_id: str) -> Delivery:
        """Deliver a greeting, to see whether it arrives.

        Raises:
            NotFound: the project has no webhook.
        """
        self._hooks.need(project_id, layout.WEBHOOK)
        key = new_id("ping")
        self.told(project_id, "ping", key, {})
        place = layout.delivery(digest_id("ping", project_id, key))
        return _seen(self._deliveries.need(project_id, place))

    def deliveries(self, project_id: str) -> DeliveryList:
        """The newest deliveries."""
        return DeliveryList(
            items=[_seen(delivery) for delivery in self._newest_first(project_id)[:KEPT]]
        )

    def again(self, project_id: str, delivery_id: str) -> Delivery:
        """Begin anew with what could not be delivered.

        Raises:
            NotFound: there is no such delivery.
            Conflict: it was delivered, or is still being tried.
        """

        def anew(old: _KeptDelivery) -> _KeptDelivery:
            if old.state != "failed":
                raise Conflict(f"this delivery is {old.state}; only one that failed is sent again")
            return old.model_copy(
                update={
                    "state": "waiting",
                    "left": len(RETRY_S),
                    "next_at": self._storage.clock.now(),
                }
            )

        one = self._deliveries.change(project_id, layout.delivery(delivery_id), anew)
        self._send(project_id, delivery_id, one.tries)
        return _seen(one)

    def give_up(self, message: Deliver, why: str) -> None:
        """A message failed as often as it may: the delivery has failed, and may be begun anew.

        Args:
            message: what its queue will not bring again.
            why: in words, or the name of what was raised.
        """

        def failed(old: _KeptDelivery) -> _KeptDelivery:
            if old.state != "waiting" or old.tries != message.tries:
                return old
            return old.model_copy(update={"state": "failed", "problem": why, "next_at": None})

        with suppress(NotFound):  # forgotten meanwhile
            self._deliveries.change(
                message.project_id, layout.delivery(message.delivery_id), failed
            )

    def on_deliver(self, message: Deliver) -> None:
        """Try a delivery once; what fails is sent to itself, later. Safe to repeat."""
        project_id, place = message.project_id, layout.delivery(message.delivery_id)
        hook = self._hooks.get(project_id, layout.WEBHOOK)
        delivery = self._deliveries.get(project_id, place)
        if delivery is None or delivery.state != "waiting" or delivery.tries != message.tries:
            return
        status, problem = 0, "the project has no webhook any more"
        if hook:
            status, problem = self._tried(hook, delivery)
        now = self._storage.clock.now()
        wait_s = RETRY_S[-delivery.left] if hook and delivery.left else None
        delivered = not problem
        if not delivered and wait_s is not None:
            # First: were it sent after the record, a process that ends in between would lose it.
            self._send(project_id, message.delivery_id, message.tries + 1, delay_s=wait_s)
        state = "delivered" if delivered else "waiting" if wait_s is not None else "failed"
        later = None if wait_s is None or delivered else now.timestamp() + wait_s

        def noted(old: _KeptDelivery) -> _KeptDelivery:
            if old.tries != message.tries:
                return old
            return old.model_copy(
                update={
                    "state": state,
                    "tries": old.tries + 1,
                    "left": max(0, old.left - 1),
                    "status": status,
                    "problem": problem,
                    "last_at": now,
                    "next_at": now.fromtimestamp(later, now.tzinfo) if later else None,
                }
            )

        with suppress(NotFound):  # forgotten meanwhile
            self._deliveries.change(project_id, place, noted)
        if state == "failed":
            log.warning(
                "a webhook was given up",
                extra={"project_id": project_id, "delivery_id": message.delivery_id},
            )

    def _tried(self, hook: _Kept, delivery: _KeptDelivery) -> tuple[int, str]:
        """The status of an answer, and what is wrong with it."""
        body = delivery.body.encode()
        moment = int(self._storage.clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "Labelry",
            **signed(hook.secret, delivery.delivery_id, moment, body),
        }
        try:
            status = self._post(hook.url, headers, body)
        except Undeliverable as error:
            return 0, str(error)
        if 200 <= status < 300:
            return status, ""
        if 300 <= status < 400:
            return status, f"answered {status}: give the address it leads to; none is followed"
        return status, f"answered {status}"

    def _send(self, project_id: str, delivery_id: str, tries: int, *, delay_s: int = 0) -> None:
        message = Deliver(project_id=project_id, delivery_id=delivery_id, tries=tries)
        self._storage.queues.send(layout.WEBHOOKS_QUEUE, message, delay_s=delay_s)

    def _newest_first(self, project_id: str) -> list[_KeptDelivery]:
        found = self._deliveries.all(project_id, layout.delivery(""))
        return sorted(found, key=lambda delivery: delivery.created_at, reverse=True)

    def _forget_old(self, project_id: str) -> None:
        for delivery in self._newest_first(project_id)[KEPT:]:
            with suppress(Collision):
                place = layout.delivery(delivery.delivery_id)
                self._deliveries.write(project_id, [Delete(place)])


def signed(secret: str, message_id: str, moment: int, body: bytes) -> dict[str, str]:
    """The headers that prove who sends a body, and when (seconds since 1970).

    Source: Standard Webhooks, spec v1: HMAC-SHA-256 of `id.timestamp.body` in base64, behind `v1,`.

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')[
    ...     "webhook-signature"
    ... ]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    content = f"{message_id}.{moment}.".encode() + body
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{digest}",
    }


def _shown(kept: _Kept) -> Webhook:
    return Webhook.model_validate(kept.model_dump(exclude={"secret", "schema_version"}))


def _seen(kept: _KeptDelivery) -> Delivery:
    return Delivery.model_validate(kept.model_dump(exclude={"body", "left", "schema_version"}))
