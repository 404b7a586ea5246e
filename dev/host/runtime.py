"""One running host: an app, its listeners and its HTTP server, started and stopped together."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import azure.functions as func
import uvicorn

from dev.host.app import Function, functions_of
from dev.host.blobs import BlobPath, BlobTriggers, ContainerWatcher
from dev.host.http import DEFAULT_BODY_LIMIT, Keys, RunByHand, WebHost, http_functions
from dev.host.invoke import Invoker
from dev.host.listeners import Listener, Timing
from dev.host.queues import QueueTrigger, QueueWriter
from dev.host.settings import HOST_STORAGE, Connections, host_id, read_host_options
from dev.host.timers import TimerTrigger, schedule_of

log = logging.getLogger("dev.host")

# Storage calls of all listeners together; they wait on the network, not for a core.
_STORAGE_THREADS = 32
_KEEP_ALIVE_S = 130  # Kestrel's


class Host:
    """Runs an app's functions.

    Args:
        directory: of the app; host.json is read from it.
        settings: the app settings, usually the environment.
        keys: which keys requests must carry.
        timing: the host's clocks; tests shorten them.

    Raises:
        HostError: the app or its settings cannot be hosted.
    """

    def __init__(
        self,
        app: func.FunctionRegister,
        directory: Path,
        settings: Mapping[str, str],
        *,
        keys: Keys,
        timing: Timing | None = None,
    ) -> None:
        self.functions = functions_of(app, settings, directory)
        self._routed = http_functions(self.functions)
        for function in self._of_type("timerTrigger"):
            schedule_of(function.trigger["schedule"])
        for function in self._of_type("blobTrigger"):
            BlobPath.parse(function.trigger["path"])
        self.keys = keys
        self._settings = settings
        self._options = read_host_options(directory, settings)
        self._timing = timing or Timing()
        self._connections = Connections(settings)
        self._host_id = host_id(directory, settings)

    @contextlib.asynccontextmanager
    async def running(self, address: socket.socket) -> AsyncGenerator[str]:
        """Serve on a bound socket; gives the base URL once requests are answered.

        Leaving starts nothing more and waits for everything that runs.
        """
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_STORAGE_THREADS))
        count = self._settings.get("PYTHON_THREADPOOL_THREAD_COUNT")
        threads = ThreadPoolExecutor(int(count) if count else None, "function")
        # Else an answer's body waits 40 ms for the client's delayed ACK of its headers.
        address.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name, port = address.getsockname()[:2]
        url = f"http://{name}:{port}"

        extensions = self._options.extensions
        writer = QueueWriter(self._connections, extensions.queues)
        invoke = Invoker(threads, self._options.function_timeout, writer.publish)
        blobs = BlobTriggers(
            self._of_type("blobTrigger"),
            connections=self._connections,
            writer=writer,
            invoke=invoke,
            host_id=self._host_id,
        )
        queues = [QueueTrigger(f, writer, invoke) for f in self._of_type("queueTrigger")]
        timers = [self._timer(f, invoke) for f in self._of_type("timerTrigger")]
        listeners: list[Listener] = [*timers]
        listeners += [queue.listener(extensions.queues, self._timing) for queue in queues]
        if self._of_type("blobTrigger"):
            listeners.append(blobs.listener(extensions.blobs, self._timing))
        by_hand: dict[str, RunByHand] = {
            trigger.function.name.lower(): trigger.run_by_hand for trigger in (*queues, *timers)
        }
        by_hand |= {f.name.lower(): blobs.by_hand(f) for f in self._of_type("blobTrigger")}
        web = WebHost(
            self.functions,
            routed=self._routed,
            prefix=extensions.http.route_prefix.strip("/"),
            keys=self.keys,
            invoke=invoke,
            blobs=blobs,
            by_hand=by_hand,
            body_limit=int(
                self._settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", DEFAULT_BODY_LIMIT)
            ),
        )
        watchers = [
            ContainerWatcher(
                function,
                self._connections,
                f"{url}/runtime/webhooks/blobs?"
                + urlencode({"functionName": function.id, "code": self.keys.blobs_extension}),
                self._timing,
            )
            for function in self._of_type("blobTrigger")
        ]
        # Before the first request: a blob that a caller then uploads is a new one.
        await asyncio.gather(*(watcher.look() for watcher in watchers))
        config = uvicorn.Config(
            web.app,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[address]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        listening = [asyncio.create_task(_watched(listener)) for listener in listeners]
        watching = [asyncio.create_task(_watched(watcher)) for watcher in watchers]
        try:
            yield url
        finally:
            for listener in (*listeners, *watchers):
                listener.stop()
            await asyncio.gather(*watching)  # they may be delivering to this server
            server.should_exit = True
            await asyncio.gather(serving, *listening)
            self._connections.close()
            threads.shutdown(wait=False)  # all that is left has run out of time

    def _of_type(self, trigger_type: str) -> list[Function]:
        return [f for f in self.functions if f.trigger["type"] == trigger_type]

    def _timer(self, function: Function, invoke: Invoker) -> TimerTrigger:
        return TimerTrigger(
            function,
            invoke=invoke,
            storage=self._connections.blobs(HOST_STORAGE),
            host_id=self._host_id,
            timing=self._timing,
        )


async def _watched(listener: Listener) -> None:
    """Tell at once, not when the host stops, that a listener has died of a fault of the host."""
    try:
        await listener.run()
    except Exception:
        log.exception("a %s has died", type(listener).__name__)
        raise


class _Server(uvicorn.Server):
    """uvicorn, except that signals are the caller's: uvicorn would die of SIGTERM, not exit 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
