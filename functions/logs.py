"""The log: a sentence, and behind it what it is about as JSON, so that both people and queries can read it.

The host keeps the text of a line and nothing else; in Application Insights
`traces | extend about = parse_json(extract(@"(\\{.*\\})$", 1, message))` has the rest.
"""

from __future__ import annotations

import json
import logging

from labeling import trace

_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class Structured(logging.Filter):
    """Puts what a line is about, and the id of what brought it about, behind its sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record; all are let through."""
        about = {name: var for name, var in vars(record).items() if name not in _OF_EVERY_RECORD}
        if trace.current():
            about["trace"] = trace.current()
        if about:
            said = json.dumps(about, ensure_ascii=False, default=str)
            record.msg, record.args = f"{record.getMessage()} {said}", ()
        return True


def set_up() -> None:
    """Once a process. The SDK tells of every call it makes, at a level that is kept and paid for."""
    log = logging.getLogger("labelry")
    if not any(isinstance(filter_, Structured) for filter_ in log.filters):
        log.addFilter(Structured())
    logging.getLogger("azure").setLevel(logging.WARNING)
