"""The webhook of a project: where it is told what happens, and what became of each telling."""

from __future__ import annotations

from functools import partial

import azure.functions as func

from functions.queues import CONNECTION, giving_up, received
from functions.services import services
from functions.web import Call, endpoint
from labeling import layout
from labeling.projects.webhooks import (
    Deliver,
    Delivery,
    DeliveryList,
    NewWebhook,
    Webhook,
    WebhookMade,
)

bp = func.Blueprint()

_PLACE = "projects/{project_id}/webhook"


@endpoint(bp, "GET", _PLACE, role="admin", doing="seeing the webhook")
def get_webhook(call: Call[None]) -> Webhook:
    """Where a project's events are sent to."""
    return call.services.webhooks.get(call.project.project_id)


@endpoint(bp, "PUT", _PLACE, role="admin", doing="changing the webhook")
def put_webhook(call: Call[NewWebhook]) -> WebhookMade:
    """Send a project's events somewhere; the secret they are signed by is shown once, when it is made."""
    return call.services.webhooks.put(call.project.project_id, call.body, by=call.caller.user)


@endpoint(bp, "DELETE", _PLACE, role="admin", doing="changing the webhook")
def delete_webhook(call: Call[None]) -> None:
    """Send events no more."""
    call.services.webhooks.delete(call.project.project_id)


@endpoint(bp, "POST", f"{_PLACE}/ping", role="admin", doing="trying the webhook", status=202)
def ping_webhook(call: Call[None]) -> Delivery:
    """Send a greeting, to see whether it arrives."""
    return call.services.webhooks.ping(call.project.project_id)


@endpoint(bp, "GET", f"{_PLACE}/deliveries", role="admin", doing="seeing the webhook")
def list_deliveries(call: Call[None]) -> DeliveryList:
    """The newest deliveries, and what became of them."""
    return call.services.webhooks.deliveries(call.project.project_id)


@endpoint(
    bp,
    "POST",
    f"{_PLACE}/deliveries/{{delivery_id}}/again",
    role="admin",
    doing="trying the webhook",
    status=202,
)
def send_delivery_again(call: Call[None]) -> Delivery:
    """Begin anew with a delivery that was given up."""
    return call.services.webhooks.again(call.project.project_id, call.path["delivery_id"])


@bp.queue_trigger(arg_name="msg", queue_name=layout.WEBHOOKS_QUEUE, connection=CONNECTION)
def on_webhook(msg: func.QueueMessage) -> None:
    """Try a delivery once."""
    message, own = received(Deliver, msg), services().webhooks
    with giving_up(msg, partial(own.give_up, message)):
        own.on_deliver(message)
