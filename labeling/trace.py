"""What brought something about: one id of a request or an event, carried through messages into the log.

The id stands beside the fields of a message and is no part of it: whoever reads messages takes it off first.
"""

from __future__ import annotations

import json
import re
import secrets
from contextvars import ContextVar

_FIELD = "trace"
_ID = re.compile(r"[0-9a-f]{32}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")

_current: ContextVar[str] = ContextVar("_current", default="")


def current() -> str:
    """The id of what this thread is doing; empty before anything began."""
    return _current.get()


def begin(trace: str = "") -> str:
    """Begin something that was brought about by `trace`; by nothing that is known where it is no id."""
    found = trace if _ID.fullmatch(trace) else secrets.token_hex(16)
    _current.set(found)
    return found


def of_parent(header: str) -> str:
    """The id in a header `traceparent` (W3C Trace Context); empty where it has none.

    >>> of_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    '0af7651916cd43dd8448eb211c80319c'
    """
    found = _PARENT.fullmatch(header.strip())
    return found[1] if found else ""


def stamped(text: str) -> str:
    """A message, which is a JSON object, with the current id beside its fields."""
    if not _current.get():
        return text
    return f'{text[:-1]}{"" if text == "{}" else ","}"{_FIELD}":"{_current.get()}"}}'


def taken_off(text: str | bytes) -> tuple[str, str]:
    """A message without its id, and the id; what is no JSON object is left as it is.

    >>> taken_off('{"project_id":"p-1","trace":"0af7651916cd43dd8448eb211c80319c"}')
    ('{"project_id": "p-1"}', '0af7651916cd43dd8448eb211c80319c')
    """
    plain = text if isinstance(text, str) else text.decode()
    try:
        content = json.loads(plain)
    except ValueError:
        return plain, ""
    if not isinstance(content, dict) or _FIELD not in content:
        return plain, ""
    trace = content.pop(_FIELD)
    return json.dumps(content, ensure_ascii=False), trace if isinstance(trace, str) else ""
