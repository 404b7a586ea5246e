"""Holds messages of the queue while their jobs are done, and sees to it that every run has an end.

A message is hidden from others for a minute at a time, which a thread renews as long as this process lives:
when it is killed, another takes the message a minute later and goes on where the files in storage end.
A run that can't end well is failed with its reason; what is nobody's fault is tried again, five times.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Protocol

from pydantic import ValidationError

from gpu_jobs import CannotFinish
from labeling import layout, trace
from labeling.assist.jobs import (
    EncodeSpec,
    FeaturizeSpec,
    JobSpec,
    RunFinished,
    TrainSpec,
    job_spec,
)
from labeling.assist.runs import Runs
from labeling.errors import Failure, NotFound, Unavailable
from labeling.projects.access import Access
from labeling.projects.projects import Projects
from labeling.settings import Settings
from labeling.storage import Received, Storage

HELD_S = 60
MOST_TRIES = 5
_RENEWALS = 4  # in the time a message is held
_POLL_S = 2
_AGAIN_AFTER_S = 10  # times the number of tries

_log = logging.getLogger("gpu_jobs")


class GivenUp(Exception):
    """This process is to stop, or another one has the message."""


class Doing(Protocol):
    """What does the jobs; `gpu_jobs.jobs.Jobs`, which takes seconds to import."""

    def training(self, spec: TrainSpec, alive: Alive) -> None:
        """Train a model."""
        ...

    def featurization(self, spec: FeaturizeSpec, alive: Alive) -> None:
        """Group images."""
        ...

    def encoding(self, spec: EncodeSpec, alive: Alive) -> None:
        """Prepare images for clicks."""
        ...


class Alive(Protocol):
    """Called between steps of a job."""

    def __call__(self) -> None:
        """Raises GivenUp where the job is not to go on here."""
        ...


class Worker:
    """Does the jobs of a queue, one at a time."""

    def __init__(
        self,
        storage: Storage,
        settings: Settings,
        *,
        jobs: Doing | None = None,
        held_s: int = HELD_S,
    ) -> None:
        self._storage = storage
        self._projects = Projects(storage, settings, Access(storage))
        self._runs = Runs(storage)
        self._jobs = jobs
        self._held_s = held_s
        self._stopped = Event()

    def stop(self) -> None:
        """End at the next step of a job; its message is there for others at once."""
        self._stopped.set()

    def work(self, *, watch: bool = False) -> None:
        """Do jobs until there are none, or until told to stop."""
        while not self._stopped.is_set():
            try:
                received = self._storage.queues.receive(layout.GPU_JOBS_QUEUE, self._held_s)
                if received:
                    self._take(received)
                    continue
            except Unavailable as error:
                if not watch:
                    raise
                _log.warning("%s", error)
            if not watch:
                return
            self._stopped.wait(_POLL_S)

    def _take(self, received: Received) -> None:
        try:
            text, brought_about = trace.taken_off(received.text)
            trace.begin(brought_about)
            spec = job_spec(text)
        except ValidationError as error:
            _log.error("a message that is no job is put away: %s", error)
            self._fail_unread(received)
            self._storage.queues.delete(received)
            return
        _log.info("%s of project %s, try %d", spec.run_id, spec.project_id, received.tries)
        with _HeldMessage(self._storage, received, self._held_s, self._stopped) as held:
            try:
                self._do(spec, received.tries, held)
            except GivenUp as why:
                _log.warning("%s stops here: %s", spec.run_id, why)
                held.release(0)
                return
            except CannotFinish as why:
                self._fail(spec, str(why))
            except Exception as error:
                _log.exception("%s, try %d", spec.run_id, received.tries)
                if received.tries < MOST_TRIES:
                    self._note(spec, f"try {received.tries} broke off: {_words(error)}")
                    held.release(_AGAIN_AFTER_S * received.tries)
                    return
                self._fail(spec, f"given up after {MOST_TRIES} tries: {_words(error)}")
            self._tell(spec)
            held.delete()

    def _do(self, spec: JobSpec, tries: int, held: _HeldMessage) -> None:
        """Do a job, unless it is over already, or was begun too often."""
        try:
            runs = [
                self._runs.start(spec.project_id, run_id, tries=tries) for run_id in _run_ids(spec)
            ]
        except NotFound:
            _log.warning("%s: the project is gone, and the run with it", spec.run_id)
            return
        if all(run.over for run in runs):
            return
        if tries > MOST_TRIES:
            said = runs[-1].log[-1].text if runs[-1].log else "nothing"
            raise CannotFinish(
                f"given up: {MOST_TRIES} tries ended without a word, as when memory runs out or the "
                f"machine is taken away; the last thing said was: {said}"
            )
        jobs = self._jobs or self._import()
        with _memory():
            if spec.kind == "training":
                jobs.training(spec, held.check)
            elif spec.kind == "featurization":
                jobs.featurization(spec, held.check)
            else:
                jobs.encoding(spec, held.check)

    def _import(self) -> Doing:
        from gpu_jobs.jobs import Jobs

        self._jobs = Jobs(self._storage, self._projects, self._runs)
        return self._jobs

    def _fail(self, spec: JobSpec, reason: str) -> None:
        _log.error("%s failed: %s", spec.run_id, reason)
        for run_id in _run_ids(spec):
            self._runs.fail(spec.project_id, run_id, reason)

    def _note(self, spec: JobSpec, line: str) -> None:
        try:
            self._runs.note(spec.project_id, spec.run_id, line)
        except Failure:
            _log.exception("nor could that be noted")

    def _tell(self, spec: JobSpec) -> None:
        for run_id in _run_ids(spec):
            self._storage.queues.send(
                layout.RUN_FINISHED_QUEUE, RunFinished(project_id=spec.project_id, run_id=run_id)
            )

    def _fail_unread(self, received: Received) -> None:
        """End the run of a message of another version, where it can be told which."""
        try:
            found = json.loads(received.text)
            project_id, run_id = str(found["project_id"]), str(found["run_id"])
            self._runs.fail(
                project_id, run_id, "the job was asked for by another version of Labelry: ask again"
            )
        except (ValueError, TypeError, KeyError, Failure):
            return


class _HeldMessage:
    """A message held as long as the context lasts."""

    def __init__(self, storage: Storage, received: Received, held_s: int, stopped: Event) -> None:
        self._storage = storage
        self._received = received
        self._held_s = held_s
        self._stopped = stopped
        self._lost = Event()
        self._done = Event()
        self._thread = Thread(target=self._renew, daemon=True)

    def __enter__(self) -> _HeldMessage:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._end()

    def check(self) -> None:
        """Go on only while the message is ours and nobody wants us to stop."""
        if self._lost.is_set():
            raise GivenUp("another process has taken the message")
        if self._stopped.is_set():
            raise GivenUp("asked to stop")

    def release(self, after_s: int) -> None:
        """Let others have it, after so many seconds."""
        self._end()
        if not self._lost.is_set():
            try:
                self._storage.queues.renew(self._received, after_s)
            except Failure:
                _log.warning("the message could not be given back; it will be there in a minute")

    def delete(self) -> None:
        """The job is over."""
        self._end()
        self._storage.queues.delete(self._received)

    def _end(self) -> None:
        self._done.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._done.wait(self._held_s / _RENEWALS):
            try:
                self._received = self._storage.queues.renew(self._received, self._held_s)
            except NotFound:
                self._lost.set()
                return
            except Unavailable:
                continue  # several more renewals fit into the time it is held


@contextmanager
def _memory() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise CannotFinish("the memory of the machine is too small for this job") from error


def _run_ids(spec: JobSpec) -> tuple[str, ...]:
    return (spec.validation_run_id, spec.run_id) if spec.kind == "training" else (spec.run_id,)


def _words(error: Exception) -> str:
    return error.detail if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
