"""Blob triggers with the Event Grid source, and the Event Grid that a developer does not have.

Semantics: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Blobs
(BlobsExtensionConfigProvider.ProcessEventsAsync, BlobQueueTriggerExecutor) and webjobs
BindingTemplateSource for path tokens.
"""

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from azure.core.exceptions import ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.blob import BlobProperties
from azure.storage.queue import QueueClient, QueueMessage

from dev.host.app import Function
from dev.host.invoke import Invoker, datum
from dev.host.listeners import STORAGE_ERRORS, Listener, Timing
from dev.host.queues import QueueListener, QueueWriter
from dev.host.settings import HOST_STORAGE, BlobOptions, Connections, HostError, QueueOptions

log = logging.getLogger("dev.host")

POISON_QUEUE = "webjobs-blobtrigger-poison"

_SUBJECT = re.compile("/blobServices/default/containers/([^/]+)/blobs/(.+)")
_PATH_PARTS = re.compile(r"\{\{|\}\}|\{(\w+)\}|.", re.DOTALL)


@dataclass(frozen=True)
class BlobPath:
    """A trigger's path, `container/literal{token}literal`; tokens are greedy, also over slashes.

    `uploads/{project}/{name}` reads `uploads/p1/a/b.png` as project `p1/a`, name `b.png`.
    """

    container: str
    literals: tuple[str, ...]
    names: tuple[str, ...]  # of the tokens, one between two literals

    @classmethod
    def parse(cls, path: str) -> "BlobPath":
        """Split a trigger's path. Raises HostError without a literal container."""
        container, _, pattern = path.partition("/")
        if not container or "{" in container:
            raise HostError(f"the blob path {path!r} does not begin with a container's name")
        literals, names = [""], list[str]()
        for part in _PATH_PARTS.finditer(pattern or "{name}"):
            if part[1]:
                names.append(part[1])
                literals.append("")
            else:
                literals[-1] += part[0][0]  # of a doubled brace, one
        return cls(container.lower(), tuple(literals), tuple(names))

    def tokens(self, blob: str) -> dict[str, str]:
        """The tokens of a blob's name; none when it does not match."""
        expression = re.escape(self.literals[0]) + "".join(
            f"(?P<{name}>.*){re.escape(literal)}"
            for name, literal in zip(self.names, self.literals[1:], strict=True)
        )
        match = re.fullmatch(expression, blob, re.DOTALL)
        return match.groupdict() if match else {}


class BlobTriggers:
    """All blob functions of a host: events in, one internal queue, functions out.

    Events are not compared with the path pattern, and a repeated event runs the function again:
    both as in Azure.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        connections: Connections,
        writer: QueueWriter,
        invoke: Invoker,
        host_id: str,
    ) -> None:
        self._functions = {function.id: function for function in functions}
        self._paths = {f.id: BlobPath.parse(f.trigger["path"]) for f in functions}
        self._connections = connections
        self._writer = writer
        self._invoke = invoke
        self._queue_name = f"azure-webjobs-blobtrigger-{host_id}"

    @cached_property
    def _queue(self) -> QueueClient:
        # Not before it is needed: an app without blob functions may have no storage.
        return self._writer.client(HOST_STORAGE, self._queue_name)

    def knows(self, function_id: str) -> bool:
        """Whether `Host.Functions.<name>` is one of these functions."""
        return function_id in self._functions

    async def accept(self, function_id: str, event: Mapping[str, Any]) -> None:
        """Queue one storage event, in the Event Grid or the CloudEvents schema, for a function.

        Raises:
            ValueError: its subject names no blob.
        """
        match = _SUBJECT.fullmatch(event.get("subject", ""))
        if match is None:
            raise ValueError(f"the event's subject {event.get('subject')!r} names no blob")
        message = {
            "Type": "BlobTrigger",
            "FunctionId": function_id,
            "BlobType": event.get("data", {}).get("blobType", "BlockBlob"),
            "ContainerName": match[1],
            "BlobName": match[2],
            "ETag": event.get("data", {}).get("eTag", ""),
        }
        content = self._writer.encode(json.dumps(message).encode())
        await self._writer.send(self._queue, content)

    def listener(self, options: BlobOptions, timing: Timing) -> QueueListener:
        """The listener of the internal queue, shared by all blob functions."""
        at_once = min(options.max_degree_of_parallelism, 32)
        batch = max(1, at_once // 2)
        queue_options = QueueOptions(
            batch_size=batch,
            new_batch_threshold=at_once - batch,
            max_dequeue_count=options.poison_blob_threshold,
        )
        listener = QueueListener(
            self._queue,
            self._handle,
            decode=self._writer.decode,
            poison=self._poison,
            options=queue_options,
            timing=timing,
        )
        self._writer.wake_on_send(self._queue, listener)
        return listener

    def by_hand(self, function: Function) -> Callable[[str], Awaitable[None]]:
        """What runs a function on a blob given as `container/name`."""

        async def run(path: str) -> None:
            container, _, name = path.partition("/")
            await self.run(function, container, name)

        return run

    async def _handle(self, _message: QueueMessage, body: bytes) -> None:
        """Run the function on the blob as it is now. Raises InvocationFailed."""
        message = json.loads(body)
        function = self._functions.get(message["FunctionId"])
        if function is None:
            log.warning("dropped a blob event for %s: no such function", message["FunctionId"])
            return
        await self.run(function, message["ContainerName"], message["BlobName"])

    async def run(self, function: Function, container: str, name: str) -> None:
        """Run the function on a blob; do nothing if there is no such blob.

        The blob is read whole, as text unless the trigger says `data_type=BINARY`: then every
        byte that is not UTF-8 becomes U+FFFD, as in Azure (azure-functions-python-worker #490).

        Raises:
            InvocationFailed: the function failed.
        """
        blob = self._connections.blobs(function.connection).get_blob_client(container, name)
        try:
            download = await asyncio.to_thread(blob.download_blob)
            content = await asyncio.to_thread(download.readall)
        except ResourceNotFoundError:
            log.info("dropped a blob event for %s: %s is gone", function.name, name)
            return
        properties = download.properties
        metadata = {
            "BlobTrigger": f"{container}/{name}",
            "Uri": blob.url,
            "Properties": _properties(properties),
            "Metadata": dict(properties.metadata or {}),
            **self._paths[function.id].tokens(name),
        }
        is_binary = function.trigger.get("dataType") == "BINARY"
        data = (
            Datum(content, "bytes")
            if is_binary
            else Datum(content.decode("utf-8", "replace"), "string")
        )
        await self._invoke(function, data, {key: datum(value) for key, value in metadata.items()})

    async def _poison(self, content: str) -> None:
        """Report a blob that failed too often, in the blob's own account."""
        function_id = json.loads(self._writer.decode(content))["FunctionId"]
        connection = self._functions[function_id].connection
        await self._writer.send(self._writer.client(connection, POISON_QUEUE), content)


def _properties(properties: BlobProperties) -> dict[str, Any]:
    """The members of the .NET BlobProperties that functions read."""
    settings = properties.content_settings
    return {
        "ContentLength": properties.size,
        "ContentType": settings.content_type,
        "ContentEncoding": settings.content_encoding,
        "ETag": properties.etag,
        "LastModified": properties.last_modified,
        "CreatedOn": properties.creation_time,
        "BlobType": properties.blob_type,
    }


class ContainerWatcher(Listener):
    """Stands in for a function's Event Grid subscription: lists the container, posts events.

    New is a (name, ETag) that the listing before did not have; the first look posts nothing.
    What could not be delivered is new again at the next look.

    Args:
        webhook: URL of the host's own Event Grid endpoint, with the function and the key.
    """

    def __init__(
        self, function: Function, connections: Connections, webhook: str, timing: Timing
    ) -> None:
        super().__init__()
        self._path = BlobPath.parse(function.trigger["path"])
        service = connections.blobs(function.connection)
        self._container = service.get_container_client(self._path.container)
        self._webhook = webhook
        self._timing = timing
        self._known: dict[str, str] | None = None

    async def run(self) -> None:
        while not self.stopping:
            began = time.monotonic()
            await self.look()
            # A large container takes long to list; watching it stays below a tenth of the time.
            took_s = time.monotonic() - began
            await self.pause(max(self._timing.blob_watch_s, 9 * took_s))

    async def look(self) -> None:
        """List the container once and deliver what is new."""
        try:
            self._known = await asyncio.to_thread(self._look, self._known)
        except STORAGE_ERRORS as error:
            log.warning("cannot watch container %s: %s", self._path.container, error)

    def _look(self, known: dict[str, str] | None) -> dict[str, str]:
        # The literal ends of the path: a subscription's subjectBeginsWith and subjectEndsWith.
        prefix, suffix = self._path.literals[0], self._path.literals[-1]
        try:
            listed = self._container.list_blobs(name_starts_with=prefix)
            blobs = [blob for blob in listed if blob.name.endswith(suffix)]
        except ResourceNotFoundError:
            return {}
        if known is not None:
            new = [blob for blob in blobs if known.get(blob.name) != blob.etag]
            if new:
                _post(self._webhook, [self._event(blob) for blob in new])
        return {blob.name: blob.etag for blob in blobs}

    def _event(self, blob: BlobProperties) -> dict[str, Any]:
        """Microsoft.Storage.BlobCreated; source: docs event-schema-blob-storage."""
        account = self._container.account_name
        return {
            "topic": "/subscriptions/local/resourceGroups/local/providers/Microsoft.Storage"
            f"/storageAccounts/{account}",
            "subject": f"/blobServices/default/containers/{blob.container}/blobs/{blob.name}",
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": blob.last_modified.isoformat(),
            "id": str(uuid.uuid4()),
            "data": {
                "api": "PutBlob",
                "requestId": str(uuid.uuid4()),
                "eTag": blob.etag,
                "contentType": blob.content_settings.content_type,
                "contentLength": blob.size,
                "blobType": blob.blob_type,
                "url": f"{self._container.url}/{quote(blob.name)}",
            },
            "dataVersion": "",
            "metadataVersion": "1",
        }


def _post(url: str, events: list[dict[str, Any]]) -> None:
    """Deliver events as Event Grid does. Raises OSError when they are refused."""
    headers = {"aeg-event-type": "Notification", "content-type": "application/json"}
    with urlopen(Request(url, json.dumps(events).encode(), headers), timeout=60):
        pass
