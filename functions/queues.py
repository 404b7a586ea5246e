"""What the handlers of queues share: the connection, and which try is the last.

A handler that raises is called again; after as many tries as host.json says, the host puts the message
into the queue's `-poison`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel

from functions import metrics
from labeling import trace
from labeling.errors import Failure

CONNECTION = "LABELRY_STORAGE"

_OVER_HOST_JSON = "AzureFunctionsJobHost__extensions__queues__maxDequeueCount"
_HOST_JSON = Path(__file__).parent.parent / "host.json"


def most_tries() -> int:
    """How often the host calls a handler for one message: `maxDequeueCount` of host.json.

    Source: docs functions-host-json, "Override host.json values", for the setting that wins over the file.
    """
    if setting := os.environ.get(_OVER_HOST_JSON):
        return int(setting)
    content = json.loads(_HOST_JSON.read_text("utf-8"))
    return int(content["extensions"]["queues"]["maxDequeueCount"])


Message = TypeVar("Message", bound=BaseModel)


def received(model: type[Message], msg: func.QueueMessage) -> Message:
    """What a message says. From here on the log names what brought it about."""
    text, brought_about = trace.taken_off(msg.get_body())
    trace.begin(brought_about)
    metrics.received(model.__name__, msg)
    return model.model_validate_json(text)


def last_try(msg: func.QueueMessage) -> bool:
    """Whether this message is not going to come again: what waits for it is to be told when it fails."""
    return (msg.dequeue_count or 1) >= most_tries()


@contextmanager
def giving_up(msg: func.QueueMessage, tell: Callable[[str], object]) -> Generator[None]:
    """After the last try of a message, why it failed is told to where people look."""
    try:
        yield
    except Exception as error:
        if last_try(msg):
            tell(in_words(error))
        raise


def in_words(error: Exception) -> str:
    """What a person is told of an error that ended a job: its own words where it is meant for people."""
    return error.detail if isinstance(error, Failure) else f"{type(error).__name__}, see the log"
