"""The worker: messages held, given back and put away, whatever becomes of a job."""

from __future__ import annotations

from threading import Thread
from time import monotonic, sleep

import pytest

from gpu_jobs import CannotFinish
from gpu_jobs.worker import MOST_TRIES, Worker
from labeling import layout
from labeling.errors import Unavailable
from labeling.model import Model
from labeling.projects.projects import Project
from tests.gpu_jobs.conftest import ask_to_group, ask_to_train
from tests.world import World


class Does:
    """Jobs that do what a test wants."""

    def __init__(self, what=lambda alive: None) -> None:
        self.what = what
        self.done: list[str] = []

    def training(self, spec, alive):
        self.done.append(spec.run_id)
        self.what(alive)

    featurization = training


@pytest.fixture
def place() -> tuple[World, Project]:
    world = World()
    return world, world.project(images=4)


def fails_with(error):
    def what(alive):
        raise error

    return Does(what)


def work(world: World, jobs: Does) -> None:
    Worker(world.storage, world.settings, jobs=jobs).work()


def waiting(world: World, queue: str) -> int:
    return len(world.storage.queues.sent[queue])


def test_an_empty_queue_ends_it(place):
    world, _ = place
    jobs = Does()
    work(world, jobs)
    assert jobs.done == []


def test_it_drains_the_queue_and_tells_the_app_of_each_run(place):
    world, project = place
    grouping, training = ask_to_group(world, project), ask_to_train(world, project)
    jobs = Does()

    work(world, jobs)

    assert jobs.done == [grouping.run_id, training.run_id]
    assert waiting(world, layout.GPU_JOBS_QUEUE) == 0
    told = [one.message.run_id for one in world.storage.queues.sent[layout.RUN_FINISHED_QUEUE]]
    assert told == [grouping.run_id, training.validation_run_id, training.run_id]


def test_what_can_not_end_well_fails_the_run_at_once(place):
    world, project = place
    spec = ask_to_train(world, project)
    jobs = fails_with(CannotFinish("labels of one class only"))

    work(world, jobs)

    for run_id in (spec.run_id, spec.validation_run_id):
        run = world.services.runs.get(project.project_id, run_id)
        assert (run.state, run.reason) == ("failed", "labels of one class only")
    assert waiting(world, layout.GPU_JOBS_QUEUE) == 0
    assert waiting(world, layout.RUN_FINISHED_QUEUE) == 2


def test_what_is_nobodys_fault_is_tried_five_times_and_then_given_up_visibly(place):
    world, project = place
    spec = ask_to_group(world, project)
    jobs = fails_with(Unavailable("storage did not answer"))

    for _ in range(2 * MOST_TRIES):
        work(world, jobs)
        world.wait(60)

    assert len(jobs.done) == MOST_TRIES
    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "failed"
    assert run.reason == "given up after 5 tries: storage did not answer"
    assert run.log[0].text == "try 1 broke off: storage did not answer"
    assert world.services.runs.state(project.project_id).active == {}


def test_a_process_that_is_killed_each_time_ends_with_a_run_that_says_so(place):
    class Dies(BaseException):
        """What no process survives."""

    world, project = place
    spec = ask_to_group(world, project)
    jobs = fails_with(Dies())
    for _ in range(MOST_TRIES):
        with pytest.raises(Dies):
            work(world, jobs)
        world.wait(61)

    work(world, jobs)

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "failed"
    assert "5 tries ended without a word" in run.reason
    assert len(jobs.done) == MOST_TRIES


def test_nobody_else_sees_a_message_while_its_job_takes_longer_than_it_is_held(place):
    world, project = place
    ask_to_group(world, project)
    seen: list[bool] = []

    def slow(alive):
        for _ in range(5):
            world.wait(0.5)  # the clock of the storage goes on, faster than ours
            sleep(0.3)
            seen.append(world.storage.queues.receive(layout.GPU_JOBS_QUEUE, 60) is not None)
            alive()

    Worker(world.storage, world.settings, jobs=Does(slow), held_s=1).work()

    assert seen == [False] * 5
    assert waiting(world, layout.GPU_JOBS_QUEUE) == 0


def test_a_job_whose_message_another_took_stops_and_leaves_everything_to_the_other(place):
    world, project = place
    spec = ask_to_group(world, project)

    def overtaken(alive):
        world.wait(61)
        assert world.storage.queues.receive(layout.GPU_JOBS_QUEUE, 60)
        until = monotonic() + 5
        while monotonic() < until:
            sleep(0.05)
            alive()
        raise AssertionError("nobody stopped it")

    Worker(world.storage, world.settings, jobs=Does(overtaken), held_s=1).work()

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.state == "running"
    assert waiting(world, layout.GPU_JOBS_QUEUE) == 1
    assert waiting(world, layout.RUN_FINISHED_QUEUE) == 0


def test_asked_to_stop_it_gives_its_message_back_at_once(place):
    world, project = place
    spec = ask_to_group(world, project)
    jobs = Does(lambda alive: (worker.stop(), alive()))
    worker = Worker(world.storage, world.settings, jobs=jobs)

    worker.work(watch=True)

    assert world.services.runs.get(project.project_id, spec.run_id).state == "running"
    assert world.storage.queues.receive(layout.GPU_JOBS_QUEUE, 60) is not None


def test_while_watching_it_takes_what_comes_later(place):
    world, project = place
    jobs = Does()
    worker = Worker(world.storage, world.settings, jobs=jobs)
    thread = Thread(target=lambda: worker.work(watch=True))
    thread.start()
    spec = ask_to_group(world, project)
    until = monotonic() + 10
    while not jobs.done and monotonic() < until:
        sleep(0.05)
    worker.stop()
    thread.join(10)
    assert jobs.done == [spec.run_id]


class Strange(Model):
    """A message of another version."""

    kind: str = "tuning"
    project_id: str
    run_id: str


def test_a_job_of_another_version_fails_its_run_and_holds_up_no_other(place):
    world, project = place
    run_id = world.services.runs.new_id()
    world.services.runs.create(project.project_id, {"training": run_id}, asked_by="admin")
    strange = Strange(project_id=project.project_id, run_id=run_id)
    world.storage.queues.send(layout.GPU_JOBS_QUEUE, strange)
    spec = ask_to_group(world, project)
    jobs = Does()

    work(world, jobs)

    run = world.services.runs.get(project.project_id, run_id)
    assert run.state == "failed"
    assert "another version" in run.reason
    assert jobs.done == [spec.run_id]


def test_the_job_of_a_project_that_is_gone_is_put_away(place):
    world, project = place
    spec = ask_to_group(world, project)
    gone = spec.model_copy(update={"project_id": "p-gone"})
    world.storage.queues.sent[layout.GPU_JOBS_QUEUE].clear()
    world.storage.queues.send(layout.GPU_JOBS_QUEUE, gone)
    jobs = Does()

    work(world, jobs)

    assert jobs.done == []
    assert waiting(world, layout.GPU_JOBS_QUEUE) == 0


def test_too_little_memory_is_a_reason_and_no_riddle(place):
    world, project = place
    spec = ask_to_group(world, project)

    work(world, fails_with(MemoryError()))

    run = world.services.runs.get(project.project_id, spec.run_id)
    assert run.reason == "the memory of the machine is too small for this job"
