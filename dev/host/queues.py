"""Queue triggers and queue outputs.

Semantics: Azure/azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Queues and .Common
(QueueListener, QueueProcessor, QueuesOptions), and azure-functions-host (Utility.ApplyBindingData,
FunctionBinding) where named.
"""

import asyncio
import base64
import json
import logging
import math
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.queue import QueueClient, QueueMessage

from dev.host.app import Binding, Function, connection_of
from dev.host.invoke import InvocationFailed, Invoker, datum
from dev.host.listeners import STORAGE_ERRORS, Listener, Timing
from dev.host.settings import Connections, QueueOptions

log = logging.getLogger("dev.host")

Handle = Callable[[QueueMessage, bytes], Awaitable[object]]  # raising means: it failed
Poison = Callable[[str], Awaitable[None]]  # takes the message as it lay in the queue

_LONGEST_NAME = 63  # characters; a limit of the service


class QueueWriter:
    """Sends messages, creates queues on demand, and wakes this host's listeners of the queue."""

    def __init__(self, connections: Connections, options: QueueOptions) -> None:
        self._connections = connections
        self._encodes = options.message_encoding == "base64"
        self._listeners: dict[str, list[Listener]] = defaultdict(list)

    def client(self, connection: str, queue: str) -> QueueClient:
        """The raw client of a queue: messages are as they lie there, still encoded."""
        return self._connections.queues(connection).get_queue_client(queue)

    def wake_on_send(self, queue: QueueClient, listener: Listener) -> None:
        """Wake `listener` whenever this writer sends to `queue` (SharedQueueWatcher)."""
        self._listeners[str(queue.url)].append(listener)

    async def publish(self, binding: Binding, value: Datum) -> None:
        """Write one queue output; a JSON array becomes one message an element.

        Text that looks like JSON is parsed and written again, indented, as the real host does
        with Newtonsoft (FunctionBinding.ReadAsEnumerable); other text goes out as it is.
        """
        queue = self.client(connection_of(binding), binding["queueName"])
        for body in _messages(value):
            await self.send(queue, self.encode(body))

    def encode(self, body: bytes) -> str:
        """The content of a message with this body, by `messageEncoding`."""
        return base64.b64encode(body).decode() if self._encodes else body.decode()

    def decode(self, content: str) -> bytes:
        """The body of a message. Raises ValueError when it is not in `messageEncoding`."""
        return base64.b64decode(content, validate=True) if self._encodes else content.encode()

    async def send(self, queue: QueueClient, content: str) -> None:
        """Send content that is already encoded."""
        await asyncio.to_thread(_send, queue, content)
        for listener in self._listeners[str(queue.url)]:
            listener.wake()


def _send(queue: QueueClient, content: str) -> None:
    try:
        queue.send_message(content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(content)


def _messages(value: Datum) -> list[bytes]:
    if value.type == "bytes":
        return [value.value]
    text: str = value.value
    if text[:1] + text[-1:] not in ("{}", "[]"):
        return [text.encode()]
    try:
        parsed = json.loads(text)
    except ValueError:
        return [text.encode()]
    return [_as_text(part).encode() for part in (parsed if isinstance(parsed, list) else [parsed])]


def _as_text(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part, indent=2, ensure_ascii=False)


class QueueListener(Listener):
    """Receives the messages of one queue and handles several at once.

    Fetches a batch whenever no more than `new_batch_threshold` are running; hides each message
    while it runs; deletes it on success; on failure shows it again after `visibility_timeout`,
    or moves it to the poison queue when it has been tried `max_dequeue_count` times.

    Args:
        poison: None for a queue that can have no poison queue: a message that has failed too
            often then stays hidden until its visibility ends, and is tried no more.
    """

    def __init__(
        self,
        queue: QueueClient,
        handle: Handle,
        *,
        decode: Callable[[str], bytes],
        poison: Poison | None,
        options: QueueOptions,
        timing: Timing,
    ) -> None:
        super().__init__()
        self._queue = queue
        self._handle = handle
        self._decode = decode
        self._poison = poison
        self._options = options
        self._timing = timing
        threshold = options.new_batch_threshold
        self._threshold = options.batch_size // 2 if threshold is None else threshold
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        empty_polls = 0
        while not self.stopping:
            while len(self._running) > self._threshold:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            messages = [] if self.stopping else await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            empty_polls = 0 if messages else empty_polls + 1
            if not messages:
                await self.pause(self._back_off_s(empty_polls))
        await asyncio.gather(*self._running)

    def _back_off_s(self, empty_polls: int) -> float:
        """Random and exponential (RandomizedExponentialBackoffStrategy): spreads many hosts."""
        first, longest = self._timing.first_poll_s, self._options.max_polling_interval
        growth = 2 ** min(empty_polls - 1, 20) - 1
        return min(longest, first * (1 + growth * random.uniform(0.8, 1.2)))

    async def _receive(self) -> list[QueueMessage]:
        try:
            return await asyncio.to_thread(self._receive_batch)
        except ResourceNotFoundError:
            return []  # the trigger does not create its queue; whoever sends first does
        except STORAGE_ERRORS as error:
            log.warning("cannot read queue %s: %s", self._queue.queue_name, error)
            return []

    def _receive_batch(self) -> list[QueueMessage]:
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size,
            visibility_timeout=self._timing.receive_visibility_s,
        ).by_page()
        return list(next(pages, ()))

    async def _process(self, message: QueueMessage) -> None:
        try:
            await self._handle_and_complete(message)
        except ResourceNotFoundError:
            log.info("message %s was completed by someone else", message.id)
        except STORAGE_ERRORS as error:
            log.warning("message %s will come again: %s", message.id, error)

    async def _handle_and_complete(self, message: QueueMessage) -> None:
        tries: int = message.dequeue_count or 1
        most = self._options.max_dequeue_count
        try:
            body = self._decode(message.content)
        except ValueError:
            return await self._move_to_poison(message, "it is not base64")
        if tries > most:
            return await self._move_to_poison(message, f"{most} tries ended without an answer")
        if await self._succeeds(message, body):
            await asyncio.to_thread(self._queue.delete_message, message)
        elif tries >= most:
            await self._move_to_poison(message, f"{most} tries failed")
        else:
            await self._hide(message, math.ceil(self._options.visibility_timeout))
        return None

    async def _succeeds(self, message: QueueMessage, body: bytes) -> bool:
        ended = asyncio.Event()
        renewal = asyncio.create_task(self._keep_hidden(message, ended))
        try:
            await self._handle(message, body)
            return True
        except InvocationFailed:
            return False  # logged where it happened
        except Exception:
            log.exception("message %s could not be given to its function", message.id)
            return False
        finally:
            ended.set()
            await renewal  # it may be about to change the receipt that completing needs

    async def _keep_hidden(self, message: QueueMessage, ended: asyncio.Event) -> None:
        visibility_s = self._timing.receive_visibility_s
        while True:
            try:
                await asyncio.wait_for(ended.wait(), visibility_s / 2)
                return
            except TimeoutError:
                pass
            try:
                await self._hide(message, visibility_s)
            except STORAGE_ERRORS as error:
                log.warning("message %s could not be kept hidden: %s", message.id, error)

    async def _hide(self, message: QueueMessage, visibility_s: int) -> None:
        updated = await asyncio.to_thread(
            self._queue.update_message,
            message.id,
            message.pop_receipt,
            visibility_timeout=visibility_s,
        )
        message.pop_receipt = updated.pop_receipt

    async def _move_to_poison(self, message: QueueMessage, reason: str) -> None:
        log.warning("message %s of %s: %s", message.id, self._queue.queue_name, reason)
        if self._poison is not None:
            await self._poison(message.content)
            await asyncio.to_thread(self._queue.delete_message, message)


@dataclass(frozen=True)
class QueueTrigger:
    """A function's queue trigger: what a message becomes for it."""

    function: Function
    writer: QueueWriter
    invoke: Invoker

    def listener(self, options: QueueOptions, timing: Timing) -> QueueListener:
        """The listener that runs the function for each message."""
        name: str = self.function.trigger["queueName"]
        queue = self.writer.client(self.function.connection, name)
        poison_name = f"{name}-poison"
        poison_queue = self.writer.client(self.function.connection, poison_name)
        can_poison = not name.endswith("-poison") and len(poison_name) <= _LONGEST_NAME
        listener = QueueListener(
            queue,
            self.handle,
            decode=self.writer.decode,
            poison=partial(self.writer.send, poison_queue) if can_poison else None,
            options=options,
            timing=timing,
        )
        self.writer.wake_on_send(queue, listener)
        return listener

    async def handle(self, message: QueueMessage, body: bytes) -> None:
        """Run the function. Raises InvocationFailed."""
        await self._run(
            body,
            {
                "Id": message.id,
                "DequeueCount": message.dequeue_count,
                "ExpirationTime": message.expires_on,
                "InsertionTime": message.inserted_on,
                "NextVisibleTime": message.next_visible_on,
                "PopReceipt": message.pop_receipt,
            },
        )

    async def run_by_hand(self, text: str) -> None:
        """Run the function on a text that lies in no queue. Raises InvocationFailed."""
        await self._run(text.encode(), {"Id": "", "DequeueCount": 0, "PopReceipt": ""})

    async def _run(self, body: bytes, properties: dict[str, Any]) -> None:
        text = body.decode("utf-8", "replace")
        is_binary = self.function.trigger.get("dataType") == "BINARY"
        values = {"QueueTrigger": text} | properties
        values |= _fields_of_body(text, values)
        metadata = {name: datum(value) for name, value in values.items()}
        data = Datum(body, "bytes") if is_binary else Datum(text, "string")
        await self.invoke(self.function, data, metadata)


def _fields_of_body(text: str, own: dict[str, Any]) -> dict[str, Any]:
    """The fields of a JSON body, which replace metadata of the same name in any case.

    Surprising but real: a body `{"id": "x"}` makes `msg.id == "x"`.
    Source: azure-functions-host Utility.ApplyBindingData; azure-functions-python-worker #1373.
    """
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(body, dict):
        return {}
    fields: dict[str, Any] = body
    spelling = {name.lower(): name for name in own}
    return {spelling.get(name.lower(), name): value for name, value in fields.items()}
