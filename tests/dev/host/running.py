"""A host in this process, and what tests do with its storage account."""

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import azure.functions as func
import httpx
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient, QueueServiceClient

from dev.host.http import Keys
from dev.host.listeners import Timing
from dev.host.runtime import Host

T = TypeVar("T")

KEYS = Keys(master="master", host="host", blobs_extension="events")


def eventually(look: Callable[[], T], *, within_s: float = 15) -> T:
    """The first true value of `look`, which is asked again and again."""
    until = time.monotonic() + within_s
    while not (value := look()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return value


@dataclass
class Account:
    """A storage account; each test has names of its own in it."""

    connection_string: str
    blobs: BlobServiceClient
    queues: QueueServiceClient

    def container(self, name: str) -> ContainerClient:
        container = self.blobs.get_container_client(name)
        container.create_container()
        return container

    def send(self, queue: str, *bodies: str | bytes, encode: bool = True) -> QueueClient:
        """Create the queue if need be, and put messages in it as an SDK client would."""
        client = self.queues.get_queue_client(queue)
        with suppress(ResourceExistsError):
            client.create_queue()
        for body in bodies:
            data = body.encode() if isinstance(body, str) else body
            client.send_message(base64.b64encode(data).decode() if encode else data.decode())
        return client

    def take(self, queue: str) -> list[str]:
        """Remove the visible messages of a queue and return them as they lay there."""
        client = self.queues.get_queue_client(queue)
        try:
            messages = list(client.receive_messages())
        except ResourceNotFoundError:
            return []
        for message in messages:
            client.delete_message(message)
        return [message.content for message in messages]

    def is_empty(self, queue: str) -> bool:
        """Whether a queue holds no message at all, hidden ones included."""
        client = self.queues.get_queue_client(queue)
        return client.get_queue_properties().approximate_message_count == 0


@dataclass
class RunningHost:
    """A host on a thread with a loop of its own. Starts when made; `stop` waits for its end."""

    host: Host
    url: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._stop: Callable[[], Any] = lambda: None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        eventually(lambda: self._started.is_set() or not self._thread.is_alive())
        assert self._thread.is_alive(), "the host did not start"

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with self.host.running(socket.create_server(("127.0.0.1", 0))) as self.url:
            self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
            self._started.set()
            await stopping.wait()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._stop()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the host did not stop"

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@dataclass
class Runner:
    """Makes hosts for a test's app, in a folder with the host.json it wants."""

    directory: Path
    settings: dict[str, str]
    running: list[RunningHost] = field(default_factory=list)

    def write_host_json(self, **extensions: Any) -> None:
        (self.directory / "host.json").write_text(
            json.dumps({"version": "2.0", "extensions": extensions})
        )

    def make(self, app: func.FunctionApp, timing: Timing | None = None, **settings: str) -> Host:
        return Host(app, self.directory, self.settings | settings, keys=KEYS, timing=timing)

    def start(
        self, app: func.FunctionApp, timing: Timing | None = None, **settings: str
    ) -> RunningHost:
        running = RunningHost(self.make(app, timing, **settings))
        self.running.append(running)
        return running
