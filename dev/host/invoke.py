"""Run one function once: Microsoft's converters in and out, on a thread or on the loop."""

import asyncio
import inspect
import json
import logging
import secrets
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from dev.host.app import RETURN, Binding, Function, converter_of

log = logging.getLogger("dev.host")
invocations = logging.getLogger("dev.host.invocations")

Metadata = Mapping[str, Datum]
Publish = Callable[[Binding, Datum], Awaitable[None]]

_worker_storage = threading.local()


class InvocationFailed(Exception):
    """The function raised, ran out of time, or gave something its bindings cannot carry."""


def datum(value: Any) -> Datum:
    """A value of trigger metadata in the form the host sends it: text as it is, else JSON."""
    if isinstance(value, str):
        return Datum(value, "string")
    return Datum(json.dumps(value, default=datetime.isoformat), "json")


@dataclass(frozen=True)
class TraceContext:
    """W3C trace context; `trace_parent` is the caller's for HTTP, else new."""

    trace_parent: str
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class RetryContext:
    """Always the first try: this host runs no retry policies."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


@dataclass(frozen=True)
class Context:
    """What a parameter called `context` receives; the members of `func.Context`."""

    function_name: str
    function_directory: str
    invocation_id: str
    trace_context: TraceContext
    retry_context: RetryContext = RetryContext()
    thread_local_storage: threading.local = _worker_storage


class _Out(func.Out[Any]):
    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class Invoker:
    """Runs functions: sync ones on the thread pool, async ones on the running loop.

    Args:
        threads: where sync functions run (PYTHON_THREADPOOL_THREAD_COUNT of them).
        timeout_s: `functionTimeout` of host.json; None is no limit. A sync function that runs
            out of time counts as failed but keeps its thread, where Azure would kill the worker.
        publish: writes one output binding's value, after the function has succeeded.
    """

    def __init__(self, threads: Executor, timeout_s: float | None, publish: Publish) -> None:
        self._threads = threads
        self._timeout_s = timeout_s
        self._publish = publish

    async def __call__(
        self,
        function: Function,
        data: Datum,
        metadata: Metadata | None = None,
        trace_parent: str | None = None,
    ) -> Datum | None:
        """Run the function and write its outputs; log one JSON line.

        Returns:
            What it returned, encoded by the `$return` binding's converter; None for None.

        Raises:
            InvocationFailed: for whatever went wrong, which the log then tells.
        """
        invocation_id = str(uuid.uuid4())
        began = time.perf_counter()
        status = "failed"
        deadline = asyncio.timeout(self._timeout_s)
        try:
            async with deadline:
                context = self._context(function, invocation_id, trace_parent)
                outputs, returned = await self._call(function, data, metadata or {}, context)
                for binding, value in outputs:
                    await self._publish(binding, value)
            status = "ok"
            return returned
        # SystemExit too: in Azure it ends one worker, here it would end everyone's host.
        except (Exception, SystemExit) as error:
            if deadline.expired():
                status = "timeout"
            log.error("function %s failed", function.name, exc_info=error)
            raise InvocationFailed(f"function {function.name}: {error!r}") from error
        finally:
            line = {
                "function": function.name,
                "invocation_id": invocation_id,
                "trigger": function.trigger["type"],
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "status": status,
            }
            invocations.info(json.dumps(line))

    async def _call(
        self, function: Function, data: Datum, metadata: Metadata, context: Context
    ) -> tuple[list[tuple[Binding, Datum]], Datum | None]:
        converter = converter_of(function.trigger)
        outs = {name: _Out() for name in function.outputs if name != RETURN}
        arguments: dict[str, Any] = {
            function.trigger["name"]: converter.decode(data, trigger_metadata=metadata),
            **outs,
        }
        if function.wants_context:
            arguments["context"] = context
        if inspect.iscoroutinefunction(function.code):
            returned = await function.code(**arguments)
        else:
            loop = asyncio.get_running_loop()
            returned = await loop.run_in_executor(
                self._threads, _run_in_thread, function.code, arguments, context
            )

        values = {name: out.get() for name, out in outs.items()} | {RETURN: returned}
        encoded: dict[str, Datum] = {}
        for name, value in values.items():
            if value is None:
                continue
            if name not in function.outputs:
                raise TypeError("it returned a value but has no $return binding")
            writer = converter_of(function.outputs[name])
            encoded[name] = writer.encode(value, expected_type=None)
        written = [
            (function.outputs[name], value)
            for name, value in encoded.items()
            if function.outputs[name]["type"] != "http"
        ]
        return written, encoded.get(RETURN)

    def _context(self, function: Function, invocation_id: str, trace_parent: str | None) -> Context:
        parent = trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        return Context(function.name, str(function.directory), invocation_id, TraceContext(parent))


def _run_in_thread(code: Callable[..., Any], arguments: dict[str, Any], context: Context) -> Any:
    _worker_storage.invocation_id = context.invocation_id
    return code(**arguments)
