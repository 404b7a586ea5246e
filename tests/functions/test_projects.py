from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import quote

from labeling.annotations.shapes import TaskType
from labeling.projects.record import Project
from tests.functions.conftest import ADMIN, Answer, Api, api_of, signed_in
from tests.world import STEADY, World

TAG = {"annotation_id": "a1", "class_id": "c1", "geometry": {"kind": "tag"}}


def test_a_project_is_made_once_with_a_key_and_its_images_are_listed_at_once(api: Api) -> None:
    api.world.upload("a.png")
    source = {"container": "photos", "pattern": "**/*.*"}
    dataset = api("POST", "datasets", {"name": "Photos", "source": source})["dataset_id"]
    body = {"name": "Birds", "task_type": "boxes", "dataset_id": dataset}

    first = api("POST", "projects", body, idempotency_key="k1")
    again = api("POST", "projects", body, idempotency_key="k1")
    twin = api("POST", "projects", {**body, "name": " BIRDS"})
    api.world.drain()
    api.world.wait(6)

    assert (first.status, again.status) == (201, 201)
    assert again["project_id"] == first["project_id"]
    assert (twin.status, twin["errors"][0]["pointer"]) == (422, "/name")
    assert api("GET", f"projects/{first['project_id']}")["state"] == "running"
    assert api("GET", f"projects/{first['project_id']}/progress")["total"] == 1


def test_an_unknown_dataset_is_a_miss(api: Api) -> None:
    body = {"name": "Birds", "task_type": "boxes", "dataset_id": "d-unknown"}

    assert api("POST", "projects", body).status == 404


def test_type_and_dataset_have_no_field_to_change_them(api: Api) -> None:
    project = api.project(1)
    etag = api("GET", f"projects/{project}").headers["etag"]

    for change in ({"task_type": "boxes"}, {"dataset_id": "d"}, {"name": "Cats"}):
        answer = api("PATCH", f"projects/{project}", change, if_match=etag)
        assert (answer.status, answer["errors"][0]["code"]) == (422, "extra-forbidden")


def test_team_and_topics_are_kept_as_they_are_spelled_each_once(api: Api) -> None:
    project = api.project(1, team=" Field  work ", topics=[" Owls", "owls ", "night"])
    etag = api("GET", f"projects/{project}").headers["etag"]

    made = api("GET", f"projects/{project}").body
    changed = api("PATCH", f"projects/{project}", {"team": " "}, if_match=etag)

    assert (made["team"], made["topics"]) == ("Field work", ["Owls", "night"])
    assert (changed["team"], changed["topics"]) == ("", ["Owls", "night"])
    [line] = api("GET", "projects")["items"]
    assert (line["team"], line["topics"]) == ("", ["Owls", "night"])


def test_teams_and_topics_that_can_not_be_are_refused_where_they_are(api: Api) -> None:
    project = api.project(1)
    etag = api("GET", f"projects/{project}").headers["etag"]

    for change, pointer, code in (
        ({"team": "x" * 81}, "/team", "string-too-long"),
        ({"topics": ["owls", "x" * 41]}, "/topics/1", "string-too-long"),
        ({"topics": ["owls, wrens"]}, "/topics/0", "comma"),
        ({"topics": [" "]}, "/topics/0", "string-too-short"),
        ({"topics": [f"topic {number}" for number in range(21)]}, "/topics", "too-long"),
    ):
        answer = api("PATCH", f"projects/{project}", change, if_match=etag)
        assert answer.status == 422
        assert [(one["pointer"], one["code"]) for one in answer["errors"]] == [(pointer, code)]


def test_a_pause_and_a_resume_show_at_once(api: Api) -> None:
    project = api.project(3)

    paused = api("POST", f"projects/{project}/pause")
    none = api("POST", f"projects/{project}/tasks", {"request_id": "r1"})
    running = api("POST", f"projects/{project}/resume")

    assert (paused["state"], running["state"]) == ("paused", "running")
    assert (none["task"], none["why"]) == (None, "paused")
    assert api("POST", f"projects/{project}/tasks", {"request_id": "r1"})["task"]


def test_a_deleted_project_is_gone_everywhere(api: Api) -> None:
    project = api.project(1)

    assert api("DELETE", f"projects/{project}").status == 204

    assert api("GET", f"projects/{project}").status == 404
    assert api("DELETE", f"projects/{project}").status == 404
    assert api("GET", "projects")["items"] == []


def test_a_deleted_project_comes_back_paused_with_its_labels(api: Api) -> None:
    project = api.project(2)
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 1})["task"]
    item = task["items"][0]["item_id"]
    labeled = {"item_id": item, "outcome": "labeled", "active_ms": 1, "annotations": [TAG]}
    work = {"submission_id": "s1", "classes_version": 1, "items": [labeled]}
    api("POST", f"projects/{project}/tasks/{task['task_id']}/submit", work)
    api("DELETE", f"projects/{project}")
    api.world.upload("late.png")
    [deleted] = api("GET", "deleted_projects")["items"]

    back = api("POST", f"deleted_projects/{project}/restore")
    api.world.drain()

    assert (deleted["project_id"], deleted["name"]) == (project, "Birds")
    assert (back.status, back["state"]) == (200, "paused")
    assert api("GET", "deleted_projects")["items"] == []
    [line] = api("GET", "projects")["items"]
    assert (line["name"], line["state"], line["labeled"]) == ("Birds", "paused", 1)
    progress = api("GET", f"projects/{project}/progress")
    assert (progress["total"], progress["states"]["labeled"]) == (3, 1)
    assert api("POST", f"deleted_projects/{project}/restore").status == 404


def test_classes_are_added_renamed_and_listed(api: Api) -> None:
    project = api.project(1)
    path = f"projects/{project}/classes"

    added = api("POST", path, {"classes": [{"name": "Bird/Heron"}], "then": "continue"})
    missing = api("PATCH", f"{path}/c3", {"name": "Stork"})
    renamed = api("PATCH", f"{path}/c3", {"name": "Stork"}, if_match=added.headers["etag"])
    stale = api("PATCH", f"{path}/c3", {"name": "Crane"}, if_match=added.headers["etag"])
    twin = api("PATCH", f"{path}/c3", {"name": "owl"}, if_match=renamed.headers["etag"])
    odd = api("PATCH", f"{path}/c3", {"name": "a//b"}, if_match=renamed.headers["etag"])

    assert [missing.status, renamed.status, stale.status] == [428, 200, 412]
    assert [(twin.status, twin["errors"][0]["pointer"])] == [(422, "/name")]
    assert [(odd.status, odd["errors"][0]["pointer"])] == [(422, "/name")]
    assert [item["name"] for item in api("GET", path)["items"]] == ["Owl", "Wren", "Stork"]


def test_a_class_is_recoloured_in_exchange_and_retired_without_touching_a_label(api: Api) -> None:
    project = api.project(1)
    path = f"projects/{project}/classes"
    first = api("POST", path, {"classes": [{"name": "Heron"}], "then": "continue"})

    swapped = api("PATCH", f"{path}/c1", {"colour": 2}, if_match=first.headers["etag"])
    retired = api("PATCH", f"{path}/c1", {"retired": True}, if_match=swapped.headers["etag"])
    odd = api("PATCH", f"{path}/c1", {"colour": 24}, if_match=retired.headers["etag"])

    assert [item["colour"] for item in first["items"]] == [0, 1, 2]
    assert [item["colour"] for item in swapped["items"]] == [2, 1, 0]
    assert [item["retired"] for item in retired["items"]] == [True, False, False]
    assert odd.status == 422
    twin = api("POST", path, {"classes": [{"name": "owl"}], "then": "continue"})
    assert (twin.status, twin["errors"][0]["code"]) == (422, "duplicate")
    again = api("PATCH", f"{path}/c1", {"retired": False}, if_match=retired.headers["etag"])
    assert [item["retired"] for item in again["items"]] == [False, False, False]


def test_a_class_asks_for_attributes(api: Api) -> None:
    project = api.project(1)
    path = f"projects/{project}/classes"
    mood = {"name": "mood", "kind": "choice", "choices": ["calm", "wild"], "required": True}
    first = api("POST", path, {"classes": [{"name": "Heron", "attributes": [mood]}]})

    odd = [{"name": "seen", "kind": "yes_no"}, {"name": "age", "kind": "number", "choices": ["1"]}]
    refused = api("PATCH", f"{path}/c1", {"attributes": odd}, if_match=first.headers["etag"])
    set_ = api("PATCH", f"{path}/c1", {"attributes": odd[:1]}, if_match=first.headers["etag"])

    assert first["items"][2]["attributes"] == [mood]
    assert (refused.status, refused["errors"][0]["pointer"]) == (422, "/attributes/1")
    seen = {"name": "seen", "kind": "yes_no", "required": False, "choices": []}
    assert [item["attributes"] for item in set_["items"]] == [[seen], [], [mood]]


def test_a_class_is_moved_and_keeps_its_id(api: Api) -> None:
    project = api.project(1)
    path = f"projects/{project}/classes"
    added = api("POST", path, {"classes": [{"name": "Heron"}], "then": "continue"})

    first = api("PATCH", f"{path}/c3", {"position": 1}, if_match=added.headers["etag"])
    last = api("PATCH", f"{path}/c1", {"position": 99}, if_match=first.headers["etag"])
    more = api("POST", path, {"classes": [{"name": "Crane"}], "then": "continue"})

    def order(answer: Answer) -> list[str]:
        return [item["class_id"] for item in answer["items"]]

    assert order(first) == ["c3", "c1", "c2"]
    assert order(last) == ["c3", "c2", "c1"]
    assert order(more) == ["c3", "c2", "c1", "c4"]
    odd = api("PATCH", f"{path}/c1", {"position": 0}, if_match=more.headers["etag"])
    assert (odd.status, odd["errors"][0]["pointer"]) == (422, "/position")


def test_refresh_now_finds_what_came(api: Api) -> None:
    project = api.project(1)
    api.world.upload("late.png")

    answer = api("POST", f"projects/{project}/refresh")
    api.world.drain()

    assert answer.status == 202
    progress = api("GET", f"projects/{project}/progress")
    assert (progress["total"], progress["refresh"]["new"]) == (2, 1)


def test_what_admins_do_is_forbidden_to_labelers_and_reviewers(api: Api) -> None:
    project = api.project(1)
    calls: list[tuple[str, str, Any]] = [
        ("POST", "pause", None),
        ("POST", "refresh", None),
        ("POST", "classes", {"classes": [{"name": "x"}]}),
        ("GET", "members", None),
        ("GET", "leases", None),
        ("POST", "invitations", {"email": "x@y.z"}),
    ]
    for role in ("labeler", "reviewer"):
        who = api.member(project, "ann", role)
        for method, path, body in calls:
            assert api(method, f"projects/{project}/{path}", body, who=who).status == 403
        assert api("GET", f"projects/{project}/items", who=who).status == (
            403 if role == "labeler" else 200
        )


def test_a_labeler_is_not_told_where_images_are(api: Api) -> None:
    project = api.project(1)

    assert api("GET", f"projects/{project}", who=api.member(project, "ann"))["source"] is None
    assert api("GET", f"projects/{project}", who=ADMIN)["source"]["container"] == "photos"
    assert api("GET", "projects", who=signed_in("eve"))["items"] == []


def test_containers_are_linked_in_the_portal_where_the_resource_of_their_account_is_known() -> None:
    group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts"
    api = api_of(World(STEADY.model_copy(update={"storage_ids": f"{group}/Memory, {group}/x"})))
    project = api.project(1)
    unknowing = api_of(api.world.other(storage_ids=""))

    known = api("GET", f"projects/{project}/containers").body
    unknown = unknowing("GET", f"projects/{project}/containers").body

    portal = "https://portal.azure.com/#view/Microsoft_Azure_Storage/ContainerMenuBlade/~/overview"
    account = f"{portal}/storageAccountId/{quote(group, safe='')}%2FMemory"
    assert known == {
        "images": {"account": "memory", "container": "photos", "portal": f"{account}/path/photos"},
        "exports": {
            "account": "memory",
            "container": "exports",
            "portal": f"{account}/path/exports",
        },
    }
    assert [one["portal"] for one in unknown.values()] == ["", ""]
    assert unknown["images"]["account"] == "memory"


def test_labelers_see_the_examples_of_classes_that_admins_choose(api: Api) -> None:
    project = api.project(2)
    path = f"projects/{project}/classes"
    ann = api.member(project, "ann")
    etag = api("GET", path).headers["etag"]

    wrong = api("PATCH", f"{path}/c1", {"examples": ["img0009.png"]}, if_match=etag)
    chosen = api("PATCH", f"{path}/c1", {"examples": ["img0001.png"]}, if_match=etag)

    assert (wrong.status, wrong["errors"][0]["pointer"]) == (422, "/examples/0")
    assert chosen.status == 200
    seen = api("GET", path, who=ann)["items"]
    assert [example["path"] for example in seen[0]["examples"]] == ["img0001.png"]
    assert seen[1]["examples"] == []
    shown = api("GET", f"projects/{project}", who=ann)["classes"]
    assert shown[0]["examples"] == ["img0001.png"]
    assert api("PATCH", f"{path}/c1", {"examples": []}, who=ann, if_match=etag).status == 403


def test_an_address_of_an_example_is_never_called_current_after_its_end(api: Api) -> None:
    project = api.project(1)
    path = f"projects/{project}/classes"
    etag = api("GET", path).headers["etag"]
    api("PATCH", f"{path}/c1", {"examples": ["img0000.png"]}, if_match=etag)
    first = api("GET", path)
    until = datetime.fromisoformat(first["items"][0]["examples"][0]["expire_at"])

    answers: list[int] = []
    while api.world.clock.now() < until + timedelta(minutes=5):
        again = api("GET", path, if_none_match=first.headers["etag"])
        answers.append(again.status)
        if again.status == 304:
            assert until - api.world.clock.now() >= timedelta(minutes=60)
        else:
            assert (
                again["items"][0]["examples"][0]["url"] != first["items"][0]["examples"][0]["url"]
            )
        api.world.wait(60)

    assert (answers[0], answers[-1]) == (304, 200)
    late = api("PATCH", f"{path}/c1", {"name": "Big owl"}, if_match=first.headers["etag"])
    assert late.status == 200, "an address's end is no change of the classes"


def test_the_kinds_of_projects_are_listed_with_what_an_image_gets(api: Api) -> None:
    listed = {item["task_type"]: item for item in api("GET", "task_types")["items"]}

    assert set(listed) == set(get_args(TaskType))
    assert {kind: (one["geometry"], one["classes"]) for kind, one in listed.items()} == {
        "multiclass": ("tag", "one"),
        "multilabel": ("tag", "several"),
        "boxes": ("box", "several"),
        "polygons": ("polygon", "several"),
    }


def test_a_name_with_a_character_that_nobody_sees_is_refused_wherever_one_is_typed(
    api: Api,
) -> None:
    project = api.project(1)
    source = {"container": "photos", "pattern": "**/*.*"}
    made = {"task_type": "boxes", "dataset_id": api("GET", "datasets")["items"][0]["dataset_id"]}
    user = api("GET", "me", who=signed_in("bob"))["user"]
    unseen = "ca\u200bt"

    refused = [
        api("POST", "datasets", {"name": unseen, "source": source}),
        api("POST", "projects", {"name": unseen, **made}),
        api("POST", "projects", {"name": "Cats", **made, "classes": [{"name": unseen}]}),
        api("POST", f"projects/{project}/classes", {"classes": [{"name": f"Animal/{unseen}"}]}),
        api("PATCH", f"projects/{project}/classes/c1", {"name": unseen}, if_match="1"),
        api("PUT", f"projects/{project}/members/{user}", {"role": "labeler", "name": unseen}),
        api("POST", "tokens", {"name": unseen, "project_id": project}),
        api("POST", f"projects/{project}/exports", {"name": unseen}),
        api("POST", f"projects/{project}/exports", {"options": {"rename": {"c1": unseen}}}),
        api("POST", f"projects/{project}/invitations", {"email": f"{unseen}@example.org"}),
        *(
            api("PATCH", f"projects/{project}/classes/c1", {"attributes": [one]}, if_match="1")
            for one in (
                {"name": unseen, "kind": "text"},
                {"name": "pose", "kind": "choice", "choices": ["sits", unseen]},
            )
        ),
    ]

    assert [(answer.status, answer["errors"][0]["code"]) for answer in refused] == [
        (422, "unseen-character")
    ] * len(refused)
    assert [answer["errors"][0]["pointer"] for answer in refused] == [
        *("/name", "/name", "/classes/0/name", "/classes/0/name", "/name", "/name", "/name"),
        *("/name", "/options/rename/c1", "/email"),
        *("/attributes/0/name", "/attributes/0/choices/1"),
    ]


def test_a_class_of_former_times_with_such_a_name_can_be_renamed(api: Api) -> None:
    project = api.project(1)

    def spoilt(old: Project) -> Project:
        first = old.classes[0].model_copy(update={"name": "ca\u200bt"})
        return old.model_copy(update={"classes": [first, *old.classes[1:]]})

    api.world.services.projects.change(project, spoilt)
    path = f"projects/{project}/classes/c1"
    described = api("PATCH", path, {"description": "meows"}, if_match="1")
    renamed = api("PATCH", path, {"name": "cat"}, if_match=described.headers["etag"])

    assert (described.status, renamed.status) == (200, 200)
    assert (renamed["items"][0]["name"], renamed["items"][0]["description"]) == ("cat", "meows")
