"""A cloud on a bad day, for the product's own app and jobs: storage that is busy, slow, or silent after it did
what was asked; messages that come late, twice and in another order; a clock that is wrong.

`LABELRY_FAULTS` is JSON: `{"seed": 1, "skew_s": 0.5}`. With `patience_s`, messages to jobs are lost too, which
storage never does, and a run that is silent is given up after so many seconds; after `untaken_s`, or as
many, one that nobody takes. With `lost`, the first so many of a host's messages are lost, and no others.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import requests
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport, RequestsTransportResponse

from functions import services
from labeling import layout
from labeling.adapters import azure
from labeling.adapters.azure import AzureQueues
from labeling.assist import service
from labeling.model import Model
from labeling.storage import Clock

BUSY = 0.02
"""Of requests to storage are refused with 503."""
SILENT = 0.01
"""Are done, and the connection breaks before the answer."""
SLOW = 0.05
"""Wait up to half a second."""
TWICE = 0.1
"""Of messages are there twice."""
LOST = 0.3
"""Of messages to jobs are lost, where that is wanted."""
LOST_MESSAGE = "a message to the jobs is lost"
"""How such a line of the host's log can be told from others."""
LATE_S = 2
"""Seconds that a message may be late, at most."""

_log = logging.getLogger("dev.simulate")


@dataclass(frozen=True)
class SkewedClock:
    """A clock that is wrong by so many seconds."""

    inner: Clock
    skew_s: float

    def now(self) -> datetime:
        """What it takes the time for."""
        return self.inner.now() + timedelta(seconds=self.skew_s)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.inner.sleep(seconds)


class FaultyTransport(RequestsTransport):
    """Sends requests, most of the time."""

    def __init__(self, chance: random.Random, **more: Any) -> None:
        super().__init__(**more)
        self._chance = chance

    def send(self, request: Any, **more: Any) -> Any:
        """Send one."""
        fate = self._chance.random()
        if fate < BUSY:
            return _busy(request)
        if fate < BUSY + SLOW:
            time.sleep(self._chance.uniform(0, 0.5))
        answer = super().send(request, **more)
        if fate > 1 - SILENT:
            raise ServiceResponseError("the connection broke before the answer")
        return answer


def _busy(request: Any) -> Any:
    answer: Any = requests.Response()
    answer.status_code, answer.reason = 503, "Server Busy"
    answer.headers["x-ms-error-code"] = "ServerBusy"
    answer.headers["Content-Type"] = "application/json"
    answer._content = json.dumps(
        {"odata.error": {"code": "ServerBusy", "message": {"value": "The server is busy."}}}
    ).encode()
    answer.raw = _Nothing()
    return RequestsTransportResponse(request, answer)


class _Nothing:
    """The socket of an answer that never came over one."""

    enforce_content_length = False

    def close(self) -> None:
        """There is nothing to close."""


def break_everything() -> None:
    """Let the product's app work on such a day, from now on."""
    told: dict[str, Any] = json.loads(os.environ["LABELRY_FAULTS"])
    services.connect = break_storage(services.connect)
    if patience_s := told.get("patience_s"):
        service.SILENT = timedelta(seconds=patience_s)
        service.WAITING = timedelta(seconds=told.get("untaken_s", patience_s))


def break_storage(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Let storage have such a day, from now on; what connects to it with a clock that is wrong."""
    told: dict[str, Any] = json.loads(os.environ["LABELRY_FAULTS"])
    chance = random.Random(told["seed"])
    share = 1.0 if "lost" in told else LOST
    left = told.get("lost", math.inf) if "patience_s" in told else 0
    adapter: Any = azure
    send, transport = AzureQueues.send, adapter._transport
    adapter._transport = lambda: FaultyTransport(chance, session=transport().session)

    def skewed(*arguments: Any) -> Any:
        found = connect(*arguments)
        return replace(found, clock=SkewedClock(found.clock, told["skew_s"]))

    def sent(self: AzureQueues, queue: str, message: Model, *, delay_s: int = 0) -> None:
        nonlocal left
        if queue == layout.GPU_JOBS_QUEUE and left > 0 and chance.random() < share:
            left -= 1
            _log.info(LOST_MESSAGE)
            return
        for _ in range(1 + (chance.random() < TWICE)):
            send(self, queue, message, delay_s=delay_s + chance.randrange(LATE_S + 1))

    AzureQueues.send = sent
    return skewed
