"""Timer triggers: NCRONTAB schedules, one run over all hosts, missed runs made up once.

Semantics: Azure/azure-webjobs-sdk-extensions, Extensions/Timers (TimerListener, ScheduleMonitor,
StorageScheduleMonitor) and webjobs SingletonManager for the lock.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.blob import BlobLeaseClient, BlobServiceClient
from croniter import CroniterError, croniter

from dev.host.app import Function
from dev.host.invoke import InvocationFailed, Invoker
from dev.host.listeners import STORAGE_ERRORS, Listener, Timing
from dev.host.settings import HostError, seconds

log = logging.getLogger("dev.host")

Schedule = Callable[[datetime], datetime]  # the first occurrence after a moment
Status = dict[str, str]  # Last, Next and LastUpdated, in ISO format

_HOST_CONTAINER = "azure-webjobs-hosts"
_NEVER = "0001-01-01T00:00:00+00:00"  # DateTime.MinValue, what .NET stores before the first run
_SHORTEST_MONITORED = timedelta(minutes=1)


def schedule_of(expression: str) -> Schedule:
    """Read `{second} {minute} {hour} {day} {month} {weekday}`, five fields, or a `hh:mm:ss` span.

    Raises:
        HostError: it is none of these.
    """
    try:
        every = timedelta(seconds=seconds(expression))
    except ValueError:
        pass
    else:
        return lambda after: after + every
    try:
        # NCrontab wants both the day and the weekday to match, where cron takes either.
        cron = croniter(expression, second_at_beginning=True, day_or=False)
    except CroniterError as error:
        raise HostError(f"the schedule {expression!r} cannot be read: {error}") from None
    return lambda after: cron.get_next(datetime, start_time=after)


class TimerTrigger(Listener):
    """Runs one function on its schedule, on the one host that holds the function's lock."""

    def __init__(
        self,
        function: Function,
        *,
        invoke: Invoker,
        storage: BlobServiceClient,
        host_id: str,
        timing: Timing,
    ) -> None:
        super().__init__()
        self.function = function
        self._invoke = invoke
        self._timing = timing
        self._next_after = schedule_of(function.trigger["schedule"])
        self._run_on_startup = bool(function.trigger.get("runOnStartup"))
        self._holds_lock = False
        self._container = container = storage.get_container_client(_HOST_CONTAINER)
        name = f"{function.id}.Listener"
        self._lock = container.get_blob_client(f"locks/{host_id}/{name}")
        self._status = container.get_blob_client(f"timers/{host_id}/{name}/status")
        first = self._next_after(timing.now())
        is_slow = self._next_after(first) - first >= _SHORTEST_MONITORED
        self._is_monitored = is_slow and function.trigger.get("useMonitor") is not False

    async def run(self) -> None:
        while not self.stopping:
            lease = await self._lease()
            if lease is None:
                await self.pause(self._timing.lock_retry_s)
                continue
            self._holds_lock = True
            renewal = asyncio.create_task(self._renew(lease))
            try:
                await self._serve()
            except STORAGE_ERRORS as error:
                log.warning("cannot read the schedule of %s: %s", self.function.name, error)
                await self.pause(self._timing.lock_retry_s)
            renewal.cancel()
            with suppress(*STORAGE_ERRORS):
                await asyncio.to_thread(lease.release)

    async def run_by_hand(self, _text: str) -> None:
        """Run the function now, beside its schedule. Raises InvocationFailed."""
        await self._invoke(self.function, self._info(None, past_due=False))

    async def _serve(self) -> None:
        """Run the function when it is due, for as long as this host holds the lock."""
        now = self._timing.now()
        status = await asyncio.to_thread(self._read) if self._is_monitored else None
        if status is not None and self._is_past_due(status, now):
            status = await self._fire(status, past_due=True)
        elif self._run_on_startup:
            status = await self._fire(status, past_due=False)
        elif self._is_monitored:
            last = status["Last"] if status else _NEVER
            status = await self._record(last, now)
        while self._holds_lock and not self.stopping:
            due = self._next_after(self._timing.now())
            while (wait_s := (due - self._timing.now()).total_seconds()) > 0:
                await self.pause(wait_s)
                if self.stopping or not self._holds_lock:
                    return
            status = await self._fire(status, past_due=False)

    def _is_past_due(self, status: Status, now: datetime) -> bool:
        """Whether a run was missed; a changed schedule misses nothing (ScheduleMonitor)."""
        began = status["LastUpdated"] if status["Last"] == _NEVER else status["Last"]
        promised = datetime.fromisoformat(status["Next"])
        is_unchanged = self._next_after(datetime.fromisoformat(began)) == promised
        return is_unchanged and promised <= now

    async def _fire(self, status: Status | None, *, past_due: bool) -> Status | None:
        began = self._timing.now()
        with suppress(InvocationFailed):  # logged; the next occurrence is the next try
            await self._invoke(self.function, self._info(status, past_due=past_due))
        return await self._record(began.isoformat(), began) if self._is_monitored else None

    def _info(self, status: Status | None, *, past_due: bool) -> Datum:
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status,
            "IsPastDue": past_due,
        }
        return Datum(json.dumps(info), "json")

    async def _record(self, last: str, updated: datetime) -> Status:
        status = {
            "Last": last,
            "Next": self._next_after(updated).isoformat(),
            "LastUpdated": updated.isoformat(),
        }
        try:
            content = json.dumps(status).encode()
            await asyncio.to_thread(self._status.upload_blob, content, overwrite=True)
        except STORAGE_ERRORS as error:
            log.warning("cannot store the schedule of %s: %s", self.function.name, error)
        return status

    def _read(self) -> Status | None:
        try:
            return json.loads(self._status.download_blob().readall())
        except ResourceNotFoundError:
            return None

    async def _lease(self) -> BlobLeaseClient | None:
        """The function's lock, or None while another host holds it."""
        try:
            return await asyncio.to_thread(self._acquire)
        except STORAGE_ERRORS as error:
            if getattr(error, "status_code", None) != HTTPStatus.CONFLICT:
                log.warning("cannot lock the timer %s: %s", self.function.name, error)
            return None

    def _acquire(self) -> BlobLeaseClient:
        with suppress(ResourceExistsError):
            self._container.create_container()
        with suppress(ResourceExistsError):
            self._lock.upload_blob(b"")
        return self._lock.acquire_lease(self._timing.lock_s)

    async def _renew(self, lease: BlobLeaseClient) -> None:
        while True:
            await asyncio.sleep(self._timing.lock_s / 2)
            try:
                await asyncio.to_thread(lease.renew)
            except STORAGE_ERRORS as error:
                log.warning("lost the lock of timer %s: %s", self.function.name, error)
                self._holds_lock = False
                self.wake()
                return
