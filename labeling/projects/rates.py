"""How often one API token may call: counted by each instance for itself, a minute at a time.

So the limit of a deployment is this number times its instances. It is there against a loop that went wild, not
to bill anybody; nothing is written for it.
"""

from __future__ import annotations

from threading import Lock

from labeling.errors import TooManyRequests

_MOST_KNOWN = 10_000
"""Callers that are remembered within a minute."""


class Rates:
    """Requests of the running minute, by caller; `a_minute` 0: no limit."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._minute = 0
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def count(self, caller: str, now_s: float) -> None:
        """One more request.

        Raises:
            TooManyRequests: the minute's share of this caller is used up.
        """
        if not self._a_minute:
            return
        with self._lock:
            minute = int(now_s // 60)
            if minute != self._minute or len(self._counts) > _MOST_KNOWN:
                self._minute, self._counts = minute, {}
            count = self._counts[caller] = self._counts.get(caller, 0) + 1
        if count > self._a_minute:
            wait_s = 60 - int(now_s % 60)
            raise TooManyRequests(
                f"more than {self._a_minute} requests a minute by this token; go on in {wait_s} s",
                extra={"retry_after_s": wait_s},
            )
