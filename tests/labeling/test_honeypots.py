"""Honeypots, from choosing them to what becomes of people who do not know their answers."""

from __future__ import annotations

from typing import Any

import pytest

from labeling.assist.prelabels import PrelabelEnvelope
from labeling.errors import Conflict
from labeling.honeypots import HoneypotReport, HoneypotRequest
from labeling.projects.access import Caller
from labeling.projects.record import Project, ProjectChange
from labeling.quality.honeypots import HoneypotSettings
from labeling.review import ApproveRequest, ItemFilter, RejectRequest
from labeling.tasks.images import SignRequest
from labeling.tasks.messages import ReleaseRequest, ReopenRequest, TaskRequest
from labeling.tasks.views import TaskItem, TaskView
from tests.world import World, decided, person, tag

BOSS = "boss"
KNOWN = 12


def with_honeypots(
    world: World, *, images: int = 60, known: int = KNOWN, shards: int = 1, **settings: Any
) -> Project:
    """A project of which an admin labeled some images, approved them, and has them mixed in."""
    project = world.sharded(shards, images=images)
    boss = world.member(project, BOSS, "admin")
    done = 0
    while done < known:
        task = world.task(project, boss, size=min(12, known - done))
        world.label(project, boss, task, "c1")
        done += len(task.items)
    opened = world.open(project, boss, "admin")
    found = world.services.review.list(opened, ItemFilter(state="labeled", limit=200)).items
    ids = [line.item_id for line in found]
    world.services.review.approve(opened, ApproveRequest(item_ids=ids), by=BOSS)
    answer = world.services.honeypots.choose(opened, HoneypotRequest(item_ids=ids), by=BOSS)
    assert {result.status for result in answer.results} == {"done"}
    return with_settings(world, project, **{"rate": 0.5, **settings})


def with_settings(world: World, project: Project, **settings: Any) -> Project:
    now = world.services.projects.get(project.project_id)
    change = ProjectChange(honeypots=HoneypotSettings(**settings))
    return world.services.projects.patch(project.project_id, change, version=now.version)


def known_ids(world: World, project: Project) -> set[str]:
    return {item.item_id for item in world.items(project).values() if item.honeypot}


def a_page_with_honeypots(world: World, project: Project, who: Caller, least: int = 1) -> TaskView:
    """The next page of somebody that has some of both: whatever comes before is labeled."""
    while True:
        task = world.task(project, who, size=8)
        posed = {item.item_id for item in task.items} & known_ids(world, project)
        if least <= len(posed) <= len(task.items) - least:
            return task
        world.label(project, who, task)


def report(world: World, project: Project) -> HoneypotReport:
    return world.services.honeypots.report(world.open(project, person(BOSS), "admin"))


def shape(value: Any) -> Any:
    """What kind of thing an answer is, all the way down."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return type(value).__name__


def test_only_final_labels_can_be_known(world: World) -> None:
    project = world.sharded(1, images=2)
    boss = world.member(project, BOSS, "admin")
    task = world.task(project, boss, size=1)
    world.label(project, boss, task)
    ids = [item.item_id for item in world.items(project).values()]
    opened = world.open(project, boss, "admin")

    answer = world.services.honeypots.choose(
        opened, HoneypotRequest(item_ids=[*ids, "nowhere"]), by=BOSS
    )

    labeled = task.items[0].item_id
    assert {result.item_id: result.status for result in answer.results} == {
        labeled: "not_approved",
        next(one for one in ids if one != labeled): "not_settled",
        "nowhere": "unknown",
    }


def test_a_honeypot_is_none_any_more_once_its_labels_change(world: World) -> None:
    project = with_honeypots(world, known=4)
    opened = world.open(project, person(BOSS), "admin")
    ids = sorted(known_ids(world, project))

    back = RejectRequest(item_ids=ids[:1])
    world.services.review.reject(opened, back, by=BOSS)
    unapproved = ApproveRequest(item_ids=ids[1:2], approved=False)
    world.services.review.approve(opened, unapproved, by=BOSS)
    no_longer = HoneypotRequest(item_ids=ids[2:3], honeypot=False)
    world.services.honeypots.choose(opened, no_longer, by=BOSS)

    assert known_ids(world, project) == set(ids[3:])
    assert world.rows(project, "G|") == [f"G|{ids[3]}"]
    assert world.counters(project) == world.recount(project)


def test_a_page_has_the_size_asked_for_and_honeypots_at_the_projects_rate(world: World) -> None:
    project = with_honeypots(world, images=400, known=100, rate=0.25)
    ann = world.member(project, "ann")
    posed = 0
    for _ in range(20):
        task = world.task(project, ann, size=8)
        assert len({item.item_id for item in task.items}) == 8
        posed += len({item.item_id for item in task.items} & known_ids(world, project))
        world.label(project, ann, task)

    assert 20 <= posed <= 60, "of 160 about 40: four standard deviations are 22"


def test_nobody_gets_a_honeypot_twice_nor_one_they_answered_themselves(world: World) -> None:
    project = with_honeypots(world, images=80)
    ann, boss = world.member(project, "ann"), person(BOSS)

    had = world.finish(project, ann, size=5)
    own = world.finish(project, boss, size=5)

    assert len(had) == len(set(had))
    assert set(had) & known_ids(world, project)
    assert not set(own) & known_ids(world, project)


def test_a_second_host_that_does_not_know_of_it_gives_nobody_a_honeypot_twice(
    world: World,
) -> None:
    project = with_honeypots(world, images=80)
    other = world.other()
    ann = world.member(project, "ann")
    had: list[str] = []

    for number in range(12):
        host = (world, other)[number % 2]
        task = host.task(project, ann, size=5, request_id=f"q{number}")
        host.label(project, ann, task)
        had += [item.item_id for item in task.items]

    assert len(had) == len(set(had))
    assert len(set(had) & known_ids(world, project)) > 4


def test_nothing_on_a_page_tells_a_honeypot_from_other_images(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")

    task = a_page_with_honeypots(world, project, ann)

    def without_its_own(item: TaskItem) -> dict[str, Any]:
        shown = item.model_dump(mode="json")
        links = {name: bool(link) for name, link in shown.pop("images").items()}
        return {**shown, "item_id": "", "path": "", "images": links}

    first, *others = [without_its_own(item) for item in task.items]
    assert all(other == first for other in others)
    assert first["revision"] == 0
    assert (first["annotations"], first["defaults"], first["outcome"]) == (None, None, None)


def test_the_answer_to_a_submission_tells_nothing_either(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    task = a_page_with_honeypots(world, project, ann)

    wrong = [decided(item.item_id, tag("c2")) for item in task.items]
    results = world.submit(project, ann, task.task_id, *wrong).results

    assert {(result.status, result.revision, result.by, result.problem) for result in results} == {
        ("saved", 1, None, None)
    }


def test_an_answer_changes_neither_the_image_nor_what_is_counted_of_the_project(
    world: World,
) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    before = world.items(project)
    task = a_page_with_honeypots(world, project, ann)
    counted = world.counters(project)

    world.submit(
        project,
        ann,
        task.task_id,
        *[
            decided(item.item_id, tag("c2"))
            for item in task.items
            if item.item_id in known_ids(world, project)
        ],
    )

    known = known_ids(world, project)
    after = {path: item for path, item in world.items(project).items() if item.item_id in known}
    assert after == {path: before[path] for path in after}
    checks = ("checks:",)
    unchanged = {n: c for n, c in counted.items() if not n.startswith(checks)}
    now = {n: c for n, c in world.counters(project).items() if not n.startswith(checks)}
    assert now == unchanged
    assert world.counters(project) == world.recount(project)


def test_my_work_looks_the_same(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    task = a_page_with_honeypots(world, project, ann)
    world.label(project, ann, task, "c2")

    work = world.services.mine.get(world.open(project, ann), ann)

    page = [item for item in work.recent if item.task_id == task.task_id]
    assert {item.item_id for item in page} == {item.item_id for item in task.items}
    assert {(item.can_reopen, item.open, item.returned, item.outcome) for item in page} == {
        (True, False, None, "labeled")
    }
    assert all([use.class_id for use in item.classes] == ["c2"] for item in page)
    assert work.today.images == len(work.recent)


def test_what_was_answered_can_be_corrected_like_anything_else(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    task = a_page_with_honeypots(world, project, ann)
    world.label(project, ann, task, "c2")
    wrong = report(world, project).people[0]

    opened = world.open(project, ann)
    request = ReopenRequest(request_id="again")
    again = world.services.tasks.reopen(opened, ann, task.task_id, request).task
    assert again
    assert {item.item_id for item in again.items} == {item.item_id for item in task.items}
    assert {(item.revision, item.outcome) for item in again.items} == {(1, "labeled")}
    assert all(
        item.annotations and [each.class_id for each in item.annotations] == ["c2"]
        for item in again.items
    )
    world.label(project, ann, again, "c1")

    better = report(world, project).people[0]
    posed = {item.item_id for item in task.items} & known_ids(world, project)
    assert better.answers == wrong.answers
    assert round(better.accuracy * better.answers) == round(
        wrong.accuracy * wrong.answers + len(posed)
    )
    assert world.counters(project) == world.recount(project)


def test_why_an_image_can_not_be_corrected_tells_no_honeypot(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    page = a_page_with_honeypots(world, project, ann, least=2)
    posed = known_ids(world, project) & {item.item_id for item in page.items}
    other = {item.item_id for item in page.items} - posed
    given_back, opened = (min(posed), min(other)), (max(posed), max(other))
    access, tasks = world.open(project, ann), world.services.tasks
    tasks.release(access, ann, page.task_id, ReleaseRequest(items=list(given_back)))
    left = [item for item in page.items if item.item_id not in given_back]
    world.submit(project, ann, page.task_id, *(decided(item.item_id, tag()) for item in left))
    for number, one in enumerate(opened):
        request = ReopenRequest(request_id=f"o{number}", items=[one])
        assert tasks.reopen(access, ann, page.task_id, request).task

    def why(item_id: str) -> str:
        request = ReopenRequest(request_id=f"w{item_id[:20]}", items=[item_id])
        with pytest.raises(Conflict) as refused:
            tasks.reopen(access, ann, page.task_id, request)
        return refused.value.faults[0].code

    assert {why(one) for one in given_back} == {"waits-again"}
    assert {why(one) for one in opened} == {"open-elsewhere"}


@pytest.mark.parametrize("how", ["released", "expired"])
def test_a_page_given_back_leaves_nothing_of_a_honeypot(world: World, how: str) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    task = a_page_with_honeypots(world, project, ann)
    held = {item.item_id for item in task.items} & known_ids(world, project)
    rows = len(world.rows(project, "Q|"))
    items = world.services.projects.items(project)
    now = items.task(ann.user, task.task_id)
    assert now

    items.give_back(now, how)  # type: ignore[arg-type]

    assert len(world.rows(project, "Q|")) == rows - len(held)
    assert world.counters(project) == world.recount(project)


def test_work_that_comes_late_is_kept_as_that_on_other_images(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    task = a_page_with_honeypots(world, project, ann)
    items = world.services.projects.items(project)
    now = items.task(ann.user, task.task_id)
    assert now
    items.give_back(now, "expired")

    late = [decided(item.item_id, tag("c1")) for item in task.items]
    results = world.submit(project, ann, task.task_id, *late, submission="late").results
    again = world.submit(project, ann, task.task_id, *late, submission="late").results

    assert {result.status for result in results} == {"saved_late"}
    assert again == results
    assert world.counters(project) == world.recount(project)


def test_people_are_told_how_far_a_project_is_as_if_honeypots_were_part_of_it(
    world: World,
) -> None:
    project = with_honeypots(world, images=200)
    ann = world.member(project, "ann")

    def left() -> int:
        seen = world.services.progress.get(world.open(project, ann))
        return seen.states.get("available", 0) + seen.states.get("leased", 0)

    before, done = left(), 0
    for _ in range(4):
        task = world.task(project, ann, size=7)
        assert left() == before - done
        world.label(project, ann, task)
        done += 7
        assert left() == before - done
    lines = world.services.projects.list_for(ann)
    assert [line.my_role for line in lines] == ["labeler"]
    seen = world.services.progress.get(world.open(project, ann))
    assert (seen.classes, seen.queues, seen.days) == ([], {}, [])


def test_admins_see_who_knows_the_answers_and_what_was_said_instead(world: World) -> None:
    project = with_honeypots(world, images=120)
    for name, says in (("ann", "c1"), ("bob", "c2")):
        who = world.member(project, name)
        for _ in range(4):
            world.label(project, who, world.task(project, who, size=8), says)

    found = report(world, project)

    assert found.honeypots == KNOWN
    assert [(one.name, one.accuracy) for one in found.people] == [("Bob", 0.0), ("Ann", 1.0)]
    bob = found.people[0]
    assert sum(day.answers for day in bob.days) == bob.answers > 0
    assert bob.low == 0 < bob.high < 1
    opened = world.open(project, person(BOSS), "admin")
    checks = world.services.honeypots.checks(opened, "bob").items
    assert len(checks) == bob.answers
    assert {(check.score, check.said[0].class_id, check.known[0].class_id) for check in checks} == {
        (0.0, "c2", "c1")
    }


def test_who_knows_too_little_is_paused_until_an_admin_lets_them(world: World) -> None:
    project = with_honeypots(world, images=120, after=3, below="pause")
    ann, bob = world.member(project, "ann"), world.member(project, "bob")
    for who, says in ((ann, "c1"), (bob, "c2")):
        for _ in range(5):
            task = world.ask(project, who, size=8).task
            if task:
                world.label(project, who, task, says)

    held = world.ask(project, bob)
    fine = world.ask(project, ann)

    assert (held.task, held.why, held.look_again) == (None, "held_back", True)
    assert fine.task
    assert not fine.look_again
    assert {one.name: one.standing for one in report(world, project).people} == {
        "Ann": "",
        "Bob": "paused",
    }
    world.wait(1)
    world.services.honeypots.let_go_on(world.open(project, person(BOSS), "admin"), "bob")
    assert world.ask(project, bob).task


def test_who_knows_too_little_is_told_until_they_know_more(world: World) -> None:
    project = with_honeypots(world, images=300, known=60, after=3, below="tell")
    bob = world.member(project, "bob")

    def until(told: bool, says: str) -> None:
        for _ in range(12):
            answer = world.ask(project, bob, size=8)
            assert answer.task
            world.label(project, bob, answer.task, says)
            if answer.look_again is told:
                return
        raise AssertionError("it never came")

    until(told=True, says="c2")
    until(told=False, says="c1")


@pytest.mark.parametrize("shards", [1, 16])
def test_handing_out_costs_no_more_calls_once_the_honeypots_are_known(
    world: World, shards: int
) -> None:
    project = with_honeypots(world, images=600, known=100, shards=shards)
    ann = world.member(project, "ann")
    while not known_ids(world, project) & {*had(world, project)}:  # chance gives the first one
        world.label(project, ann, world.task(project, ann, size=4))
    costs: list[int] = []

    for _ in range(4):
        world.open(project, ann)
        world.watch.reset()
        task = world.task(project, ann, size=4)
        costs.append(world.watch.calls)
        world.label(project, ann, task)

    assert max(costs) <= 3, costs


def test_a_honeypot_is_given_wherever_it_is_and_its_picture_is_signed_again(
    world: World,
) -> None:
    project = with_honeypots(world, images=300, known=20, shards=16)
    ann = world.member(project, "ann")
    items = world.services.projects.items(project)
    far: set[tuple[str, str]] = set()
    for _ in range(6):
        task = world.task(project, ann, size=4)
        held = items.task(ann.user, task.task_id)
        assert held
        far |= {
            (task.task_id, item.item.item_id)
            for item in held.held
            if items.shard_of(item.item.item_id) != held.shard
        }
        ids = [item.item_id for item in task.items]
        signed = world.services.tasks.images.sign(
            world.open(project, ann), ann, SignRequest(item_ids=ids)
        )
        assert signed.images.keys() == set(ids)
        world.label(project, ann, task)

    assert far
    task_id = min(far)[0]
    again = world.services.tasks.reopen(
        world.open(project, ann), ann, task_id, ReopenRequest(request_id="again")
    ).task
    assert again
    reopened = {item.item_id for item in again.items}
    assert reopened >= {item_id for name, item_id in far if name == task_id}


def had(world: World, project: Project) -> list[str]:
    return [key.split("|")[2] for key in world.rows(project, "Q|")]


def test_a_request_that_comes_twice_gets_the_same_page(world: World) -> None:
    project = with_honeypots(world)
    ann = world.member(project, "ann")
    task = world.task(project, ann, request_id="twice", size=8)

    opened = world.open(project, ann)
    again = world.services.tasks.hand_out(opened, ann, TaskRequest(request_id="twice", size=8)).task

    assert again
    assert [item.item_id for item in again.items] == [item.item_id for item in task.items]


def test_on_a_page_of_suggestions_a_honeypot_has_one_too_as_if_of_the_same_run(
    world: World,
) -> None:
    project = world.project(images=60)
    boss = world.member(project, BOSS, "admin")
    opened = world.open(project, boss, "admin")

    def suggest(run: str, paths: list[str]) -> None:
        said = [{"path": path, "annotations": [{"class": "Owl"}]} for path in paths]
        batch = PrelabelEnvelope.model_validate({"run_id": run, "items": said})
        world.services.prelabels.put(opened, batch, by=BOSS)

    paths = list(world.items(project))
    suggest("older", paths[:12])
    task = world.task(project, boss, size=12)
    world.label(project, boss, task)
    ids = [item.item_id for item in task.items]
    world.services.review.approve(opened, ApproveRequest(item_ids=ids), by=BOSS)
    world.services.honeypots.choose(opened, HoneypotRequest(item_ids=ids), by=BOSS)
    suggest("newer", paths[12:])
    with_settings(world, project, rate=0.5)
    ann = world.member(project, "ann")

    page = a_page_with_honeypots(world, project, ann)

    assert page.kind == "prelabeled"
    assert [item.prelabel.run_id if item.prelabel else "" for item in page.items] == ["newer"] * 8
