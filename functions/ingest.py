"""What reacts: refreshes, blobs, starting over, counters to fold, the minute's upkeep. A raise means: retry."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from urllib.parse import unquote, urlsplit

import azure.functions as func

from functions.queues import CONNECTION, giving_up, received
from functions.services import services
from labeling import layout, trace
from labeling.ingest.refresh import QUEUE_OF, BlobEvent, Measure, Refresh, Register, Step
from labeling.ingest.renditions import Render
from labeling.ingest.turns import NotNow
from labeling.progress import Compact
from labeling.projects.asking import Ask
from labeling.projects.starting_over import StartOver
from labeling.sweeps import SweepOn

bp = func.Blueprint()


@contextmanager
def _giving_up(msg: func.QueueMessage, step: Step) -> Generator[None]:
    """After the last try of a message, what it was for is told to people. Waiting for a turn is no try."""
    with giving_up(msg, partial(services().ingest.give_up, step)):
        try:
            yield
        except NotNow:
            services().turns.put_back(QUEUE_OF[type(step)], step)


@bp.queue_trigger(arg_name="msg", queue_name=layout.REFRESH_QUEUE, connection=CONNECTION)
def on_refresh(msg: func.QueueMessage) -> None:
    """List some pages of a container, or compare the listing with what is known."""
    with _giving_up(msg, step := received(Refresh, msg)):
        services().ingest.on_refresh(step)


@bp.queue_trigger(arg_name="msg", queue_name=layout.REGISTER_QUEUE, connection=CONNECTION)
def on_register(msg: func.QueueMessage) -> None:
    """Make items of a batch of new blobs."""
    with _giving_up(msg, step := received(Register, msg)):
        services().ingest.on_register(step)
    services().assist.on_images(step.project_id)


@bp.queue_trigger(arg_name="msg", queue_name=layout.MEASURE_QUEUE, connection=CONNECTION)
def on_measure(msg: func.QueueMessage) -> None:
    """Read the headers of some images."""
    with _giving_up(msg, step := received(Measure, msg)):
        services().ingest.on_measure(step)
    services().assist.on_images(step.project_id)


@bp.queue_trigger(arg_name="msg", queue_name=layout.RENDITIONS_QUEUE, connection=CONNECTION)
def on_render(msg: func.QueueMessage) -> None:
    """Make smaller copies of some images."""
    with _giving_up(msg, step := received(Render, msg)):
        services().renditions.on_render(step)


@bp.queue_trigger(arg_name="msg", queue_name=layout.START_OVER_QUEUE, connection=CONNECTION)
def on_start_over(msg: func.QueueMessage) -> None:
    """Have some items of a project labeled again."""
    message, own = received(StartOver, msg), services().starting_over
    with giving_up(msg, partial(own.give_up, message)):
        own.on_start_over(message)


@bp.queue_trigger(arg_name="msg", queue_name=layout.ASK_QUEUE, connection=CONNECTION)
def on_ask(msg: func.QueueMessage) -> None:
    """Have some items of a project labeled by as many people as it wants."""
    with _giving_up(msg, step := received(Ask, msg)):
        services().asking.on_ask(step)


@bp.queue_trigger(arg_name="msg", queue_name=layout.SWEEP_QUEUE, connection=CONNECTION)
def on_sweep(msg: func.QueueMessage) -> None:
    """Go through some items of a project with a change of many."""
    message, own = received(SweepOn, msg), services().sweeps
    with giving_up(msg, partial(own.give_up, message)):
        own.on_sweep(message)


@bp.queue_trigger(arg_name="msg", queue_name=layout.COMPACT_QUEUE, connection=CONNECTION)
def on_compact(msg: func.QueueMessage) -> None:
    """Fold a shard's counters."""
    services().progress.on_compact(received(Compact, msg))


@bp.blob_trigger(
    arg_name="blob",
    path=f"{layout.DATASETS}/{{name}}",
    connection=CONNECTION,
    source=func.BlobSource.EVENT_GRID,
    data_type=func.DataType.BINARY,
)
def on_dataset_blob(blob: func.InputStream) -> None:
    """A blob landed in our own container: it becomes an item where a project watches it."""
    trace.begin()
    container, _, path = (blob.name or "").partition("/")
    if container == layout.DATASETS:  # the path is not checked on this way: a wide subscription
        _take_up(BlobEvent(container=container, path=path))


@bp.queue_trigger(arg_name="msg", queue_name=layout.BLOB_EVENTS_QUEUE, connection=CONNECTION)
def on_blob_event(msg: func.QueueMessage) -> None:
    """Events of other containers and of deletions, sent here by Event Grid (or by ourselves, later)."""
    text, brought_about = trace.taken_off(msg.get_body())
    trace.begin(brought_about)
    for event in _events(json.loads(text)):
        _take_up(event)


def _take_up(event: BlobEvent) -> None:
    try:
        services().ingest.on_blob_event(event)
    except NotNow:
        services().turns.put_back(layout.BLOB_EVENTS_QUEUE, event)


_SUBJECT = re.compile(r"/blobServices/\w+/containers/[^/]+/blobs/.")


def _events(content: object) -> list[BlobEvent]:
    """Blob events of a message: our own, or one or several of Event Grid's (either schema)."""
    if isinstance(content, list):
        return [event for part in content for event in _events(part)]
    if isinstance(content, dict) and "container" in content:
        return [BlobEvent.model_validate(content)]
    if not isinstance(content, dict):
        return []
    kind = str(content.get("eventType") or content.get("type") or "")
    subject = str(content.get("subject", ""))
    url = str((content.get("data") or {}).get("url", ""))
    if not kind.startswith("Microsoft.Storage.Blob") or not _SUBJECT.match(subject):
        return []
    container = subject.split("/containers/", 1)[1].split("/", 1)[0]
    path = unquote(urlsplit(url).path).split(f"/{container}/", 1)[-1] if url else ""
    path = path or subject.split("/blobs/", 1)[1]
    # The account's resource id: the topic of Event Grid's own schema, the source of a CloudEvent.
    topic = str(content.get("topic") or content.get("source") or "")
    account = topic.rpartition("/storageAccounts/")[2] if "/storageAccounts/" in topic else ""
    if account not in ("", services().storage.blobs.account):
        container = f"{account}/{container}"
    return [BlobEvent(container=container, path=path, deleted=kind.endswith("Deleted"))]


@bp.timer_trigger(arg_name="timer", schedule="0 * * * * *")
def on_tick(timer: func.TimerRequest) -> None:
    """Once a minute: leases, list, refreshes that are due."""
    trace.begin()
    services().progress.on_tick()
