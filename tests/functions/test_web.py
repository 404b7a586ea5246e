from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from functions.web import MAX_BODY_BYTES
from labeling.errors import Unavailable
from labeling.settings import Settings
from labeling.storage import Collision
from tests.functions.conftest import ADMIN, Api, signed_in
from tests.world import STEADY, World, box, decided

NOBODY: dict[str, str] = {}


def principal(text: str) -> dict[str, str]:
    return {"x-ms-client-principal": base64.b64encode(text.encode()).decode()}


ONE = principal('{"identityProvider":"aad","userId":"xy","userRoles":["authenticated"]}')[
    "x-ms-client-principal"
]
assert ONE.endswith("=")


# Who calls.


def test_the_principal_of_these_cases_is_let_in_when_it_is_whole_and_alone(api: Api) -> None:
    assert api("GET", "me", who={"x-ms-client-principal": ONE}).status == 200


@pytest.mark.parametrize(
    "who",
    [
        NOBODY,
        {"x-ms-client-principal": ""},
        {"x-ms-client-principal": "%%%"},
        {"x-ms-client-principal": "é"},
        {"x-ms-client-principal": "abc"},
        {"x-ms-client-principal": base64.b64encode(b"\xff\xfe").decode()},
        principal("null"),
        principal("[]"),
        principal("{}"),
        principal('{"identityProvider":"aad","userId":"","userRoles":["authenticated"]}'),
        principal('{"identityProvider":"aad","userId":"x","userRoles":["anonymous"]}'),
        principal('{"identityProvider":"aad","userId":"x","userRoles":"authenticated"}'),
        {"x-ms-client-principal": f"{ONE},{ONE}"},
        {"x-ms-client-principal": f"{ONE}, {ONE}"},
        {"x-ms-client-principal": f"{ONE},"},
        {"x-ms-client-principal": f"{ONE[:8]} {ONE[8:]}"},
        {"x-ms-client-principal": f"{ONE}\n"},
        {"x-ms-client-principal": ONE.rstrip("=")},
        principal('{"identityProvider":"aad","userId":7,"userRoles":["authenticated"]}'),
        {"x-api-key": "lbl_wrong"},
        {**ADMIN, "x-api-key": "lbl_wrong"},
    ],
)
def test_who_can_not_be_told_is_not_let_in(api: Api, who: dict[str, str]) -> None:
    answer = api("GET", "me", who=who)

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer["type"], answer["retry"]) == ("unauthenticated", "never")


def test_a_person_without_details_is_somebody(api: Api) -> None:
    text = (
        '{"identityProvider":"aad","userId":"x","userDetails":null,"userRoles":["authenticated"]}'
    )

    assert api("GET", "me", who=principal(text)).status == 200


def test_the_sign_in_header_is_believed_only_where_a_setting_says_so() -> None:
    assert Settings(storage="").trust_swa_header is False


@pytest.fixture
def bare() -> World:
    return World(STEADY.model_copy(update={"trust_swa_header": False}))


def test_without_the_setting_the_header_is_nothing(
    bare: World, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    monkeypatch.setattr("functions.web.services", lambda: bare.services)

    assert api("GET", "me").status == 401
    assert api("GET", "health", who=NOBODY).status == 200


def test_me_is_the_same_user_however_often_and_another_for_another(api: Api) -> None:
    users = [
        api("GET", "me", who=who)["user"]
        for who in (ADMIN, ADMIN, signed_in("bob"), signed_in("ada", provider="github"))
    ]

    assert users[0] == users[1]
    assert len(set(users)) == 3


def test_how_long_suggestions_are_looked_at_is_a_setting(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = World(STEADY.model_copy(update={"seen_ms": 2_000}))
    assert api("GET", "me")["seen_ms"] == 400

    monkeypatch.setattr("functions.web.services", lambda: patient.services)

    assert api("GET", "me")["seen_ms"] == 2_000


def test_a_site_admin_is_one_by_role_or_by_setting(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = World(STEADY.model_copy(update={"admins": " Bob@Example.org, x@y.z"}))
    assert api("GET", "me", who=signed_in("bob"))["site_admin"] is False
    assert api("GET", "me")["site_admin"] is True

    monkeypatch.setattr("functions.web.services", lambda: listed.services)

    assert api("GET", "me", who=signed_in("bob"))["site_admin"] is True
    assert api("GET", "me", who=signed_in("eve"))["site_admin"] is False


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "storage/locations", None),
        ("GET", "datasets", None),
        ("POST", "datasets", {"name": "x", "upload": True}),
        ("POST", "projects", {"name": "x", "task_type": "boxes", "dataset_id": "d"}),
        ("GET", "tokens", None),
        ("DELETE", "tokens/abc", None),
    ],
)
def test_what_site_admins_do_is_forbidden_to_others(
    api: Api, method: str, path: str, body: object
) -> None:
    answer = api(method, path, body, who=signed_in("bob"))

    assert (answer.status, answer["type"]) == (403, "forbidden")


# What is sent.


@pytest.mark.parametrize(
    "raw", [b"{", b"nope", b"\xff", b"{'a': 1}", b'{"name": "\\ud800"}', b"[" * 100_000]
)
def test_what_is_not_json_is_malformed(api: Api, raw: bytes) -> None:
    answer = api("POST", "datasets", raw=raw)

    assert (answer.status, answer["type"]) == (400, "malformed")


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'"x"', b"1", b"{}"])
def test_json_of_another_shape_is_refused(api: Api, raw: bytes) -> None:
    answer = api("POST", "datasets", raw=raw)

    assert answer.status == 422
    assert answer["errors"]


def test_a_body_too_large_is_refused_with_the_limit(api: Api) -> None:
    raw = b'{"name": "' + b"x" * MAX_BODY_BYTES + b'"}'

    answer = api("POST", "datasets", raw=raw)

    assert answer.status == 413
    assert "2,000,000" in answer["detail"]


def test_an_unknown_field_is_refused_where_it_stands(api: Api) -> None:
    body = {"name": "x", "source": {"container": "photos", "pattern": "a/", "depth": 3}}

    answer = api("POST", "datasets", body)

    assert answer.status == 422
    assert {error["pointer"]: error["code"] for error in answer["errors"]} == {
        "/source/depth": "extra-forbidden"
    }


def test_every_offending_place_is_named(api: Api) -> None:
    body = {"name": "", "task_type": "circles", "dataset_id": 3, "colour": 1}

    answer = api("POST", "projects", body)

    assert {error["pointer"] for error in answer["errors"]} == {
        "/name",
        "/task_type",
        "/dataset_id",
        "/colour",
    }


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "many"}, {"colour": "red"}])
def test_a_query_that_does_not_fit_is_refused(api: Api, query: dict[str, str]) -> None:
    project = api.project(1)

    answer = api("GET", f"projects/{project}/items", query=query)

    assert answer.status == 422
    assert answer["errors"][0]["pointer"] == f"/{next(iter(query))}"


FORMS = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.mark.parametrize("said", FORMS)
def test_what_a_form_of_another_site_can_send_is_not_read(api: Api, said: str) -> None:
    project = api.project(1)

    paused = api("POST", f"projects/{project}/pause", content_type=said)
    asked = api("POST", f"projects/{project}/tasks", {"request_id": "r1"}, content_type=said)

    assert [(answer.status, answer["type"]) for answer in (paused, asked)] == [
        (415, "unsupported-media-type")
    ] * 2
    assert api("GET", f"projects/{project}")["state"] == "running"


@pytest.mark.parametrize("said", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read_however_it_is_called(api: Api, said: str) -> None:
    project = api.project(1)

    assert api("POST", f"projects/{project}/pause", content_type=said).status == 200


def test_who_has_a_token_needs_no_type_where_there_is_no_body(api: Api) -> None:
    project = api.project(1)
    token = api("POST", "tokens", {"name": "robot", "project_id": project, "role": "admin"})
    robot = {"x-api-key": token["secret"]}

    paused = api("POST", f"projects/{project}/pause", who=robot, content_type="")
    typed = api("POST", f"projects/{project}/classes", {}, who=robot, content_type="text/plain")

    assert (paused.status, typed.status) == (200, 415)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("tasks", {"request_id": "r1", "size": "3"}, "/size"),
        ("tasks", {"request_id": "r1", "size": True}, "/size"),
        ("tasks", {"request_id": "r1", "size": 3.0}, "/size"),
        ("items/reject", {"item_ids": ["i"], "front": "false"}, "/front"),
        ("items/reject", {"item_ids": ["i"], "revisions": {"i": "1"}}, "/revisions/i"),
        ("exports", {"format": "csv", "as_of": 1_700_000_000}, "/as_of"),
        ("exports", {"format": "csv", "as_of": "0001-01-01T00:00:00+14:00"}, "/as_of"),
        ("exports", {"format": "csv", "as_of": "9999-12-31T23:59:59-14:00"}, "/as_of"),
        ("exports", {"format": "csv", "as_of": "1969-12-31T23:59:59Z"}, "/as_of"),
        ("exports", {"format": "csv", "as_of": "2026-01-01T00:00:00"}, "/as_of"),
        ("prelabels", {"run_id": "r", "items": [{}], "created_at": 1}, "/created_at"),
    ],
)
def test_what_is_sent_is_read_by_its_type(
    api: Api, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = api("POST", f"projects/{api.project(1)}/{path}", body)

    assert (answer.status, [error["pointer"] for error in answer["errors"]]) == (422, [pointer])


def shaped(**change: Any) -> dict[str, Any]:
    return {**box(), "geometry": {**box()["geometry"], **change}}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"active_ms": False}, "/items/0/active_ms"),
        ({"active_ms": "7"}, "/items/0/active_ms"),
        ({"base_revision": 1.0}, "/items/0/base_revision"),
        ({"annotations": [shaped(x0="0.1")]}, "/items/0/annotations/0/geometry/x0"),
        ({"annotations": [shaped(x1=True)]}, "/items/0/annotations/0/geometry/x1"),
    ],
)
def test_so_is_each_image_of_a_submission(api: Api, change: dict[str, Any], pointer: str) -> None:
    project = api.project(2, task_type="boxes")
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1"})["task"]
    one, two = (item["item_id"] for item in task["items"])
    said = {"submission_id": "s1", "classes_version": 1}
    said |= {"items": [decided(one, **change), decided(two, box())]}

    answer = api("POST", f"projects/{project}/tasks/{task['task_id']}/submit", said)

    assert [result["status"] for result in answer["results"]] == ["refused", "saved"]
    assert answer["results"][0]["problem"]["pointer"] == pointer


def test_of_very_many_faults_the_first_are_told_and_how_many_there_are(api: Api) -> None:
    unknown = {f"field-{n}": n for n in range(60_000)} | {"x" * 100_000: 1}

    answer = api("POST", "datasets", {"name": "x", "upload": True, **unknown})
    long = api("POST", "datasets", {"name": "x", "upload": True, "x" * 100_000: 1})

    assert (answer.status, answer["error_count"], len(answer["errors"])) == (422, 60_001, 20)
    assert len(json.dumps([answer.body, long.body])) < 10_000


ODD = ["a#b", "a?b", "a\\b", "a\tb", "a b", "a'b", "é", "x" * 600, "..", "~", "a|b", "%00"]
PLACES = [
    ("GET", "projects/{}"),
    ("GET", "projects/{}/tasks"),
    ("DELETE", "projects/{}"),
    ("GET", "datasets/{}"),
    ("DELETE", "tokens/{}"),
    ("GET", "projects/P/tasks/{}"),
    ("POST", "projects/P/tasks/{}/renew"),
    ("GET", "projects/P/items/{}"),
    ("GET", "projects/P/items/{}/history"),
    ("GET", "projects/P/exports/{}"),
    ("GET", "projects/P/members/{}"),
    ("DELETE", "projects/P/members/{}"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_an_id_that_none_can_have_is_a_miss(api: Api, method: str, path: str) -> None:
    project = api.project(1)

    for odd in ODD:
        answer = api(method, path.replace("P", project, 1).format(odd))
        assert (answer.status, answer["type"]) == (404, "not-found"), odd


@pytest.mark.parametrize("odd", ["a#b", "a/b", "x" * 600, "", "a\x00b"])
def test_an_id_in_a_body_that_none_can_have_is_refused(api: Api, odd: str) -> None:
    project = {"name": "x", "task_type": "boxes", "dataset_id": odd}

    assert api("POST", "projects", project).status == 422
    assert api("POST", "tokens", {"name": "x", "project_id": odd}).status == 422


# What is answered.


def test_what_was_read_and_did_not_change_is_not_sent_again(api: Api) -> None:
    project = api.project(3)

    for path in (f"projects/{project}", f"projects/{project}/progress", "projects", "datasets"):
        first = api("GET", path)
        again = api("GET", path, if_none_match=first.headers["etag"])
        weak = api("GET", path, if_none_match=f"W/{first.headers['etag']}")
        assert (again.status, again.body, again.headers["etag"]) == (
            304,
            None,
            first.headers["etag"],
        )
        assert weak.status == 304, "a proxy on the way may have compressed it"
        assert api("GET", path, if_none_match='"other"').status == 200


def test_progress_that_did_not_change_is_not_sent_again_however_late(api: Api) -> None:
    project = api.project(3)
    first = api("GET", f"projects/{project}/progress")
    api.world.wait(2)

    assert (
        api("GET", f"projects/{project}/progress", if_none_match=first.headers["etag"]).status
        == 304
    )


def test_an_etag_follows_all_that_is_shown_not_only_the_version(api: Api) -> None:
    project = api.project(2)
    who = api.member(project, "ann")
    first = api("GET", f"projects/{project}", who=who)

    api.member(project, "ann", "reviewer")
    second = api("GET", f"projects/{project}", who=who, if_none_match=first.headers["etag"])

    assert second.status == 200
    assert (first["my_role"], second["my_role"]) == ("labeler", "reviewer")


def test_an_item_is_sent_anew_when_the_addresses_of_its_images_are_new(api: Api) -> None:
    project = api.project(1)
    item = api("GET", f"projects/{project}/items")["items"][0]["item_id"]
    first = api("GET", f"projects/{project}/items/{item}")

    api.world.wait(3_600)
    later = api("GET", f"projects/{project}/items/{item}", if_none_match=first.headers["etag"])

    assert later.status == 200
    assert later["images"]["expire_at"] > first["images"]["expire_at"]


def test_a_change_wants_to_know_what_was_read(api: Api) -> None:
    project = api.project(1)
    path, change = f"projects/{project}", {"incremental_refresh": False}
    etag = api("GET", path).headers["etag"]

    missing = api("PATCH", path, change)
    changed = api("PATCH", path, change, if_match=etag)
    stale = api("PATCH", path, {"incremental_refresh": True}, if_match=etag)

    assert (missing.status, missing["type"]) == (428, "precondition-required")
    assert changed.status == 200
    assert (stale.status, stale["retry"]) == (412, "later")
    assert api("GET", path)["incremental_refresh"] is False


@pytest.mark.parametrize("sent", ["*", '"x"', "W/", '""', "-1", "1e9", "9" * 5_000, "٣"])
def test_an_etag_that_was_never_given_is_stale_or_missing(api: Api, sent: str) -> None:
    project = api.project(1)

    answer = api("PATCH", f"projects/{project}", {"incremental_refresh": False}, if_match=sent)

    assert answer.status in (412, 428)


def test_a_number_instead_of_an_etag_is_understood(api: Api) -> None:
    project = api.project(1)
    version = api("GET", f"projects/{project}")["version"]

    answer = api(
        "PATCH", f"projects/{project}", {"incremental_refresh": False}, if_match=f'"{version}"'
    )

    assert answer.status == 200


def test_answers_are_for_the_caller_alone(api: Api) -> None:
    assert api("GET", "me").headers["cache-control"] == "private, no-cache"


# When storage does not answer.


def broken(api: Api, error: Exception) -> None:
    def fail(number: int, name: str, stage: str) -> None:
        raise error

    api.world.watch.hook = fail


def test_when_storage_does_not_answer_the_same_request_is_to_be_sent_again(api: Api) -> None:
    broken(api, Unavailable("storage did not answer; send the same request again"))

    answer = api("GET", "projects")

    assert (answer.status, answer["retry"]) == (503, "same")
    assert answer.headers["content-type"] == "application/problem+json"


def test_when_another_writer_was_first_the_same_request_is_to_be_sent_again(api: Api) -> None:
    broken(api, Collision("m|ann"))

    answer = api("GET", "projects")

    assert (answer.status, answer["retry"]) == (503, "same")


def test_what_nobody_expected_is_a_problem_too_and_shows_nothing_of_inside(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    broken(api, RuntimeError("secret connection string"))

    answer = api("GET", "projects")

    assert answer.status == 500
    assert "secret" not in json.dumps(answer.body)
    assert "secret" in caplog.text


@pytest.mark.parametrize("position", range(1, 5))
def test_a_submission_that_fails_on_the_way_leaves_nothing_half_written(
    api: Api, position: int
) -> None:
    project = api.project(4)
    task = api("POST", f"projects/{project}/tasks", {"request_id": "r1", "size": 3})["task"]
    items: list[dict[str, Any]] = [
        {
            "item_id": item["item_id"],
            "outcome": "labeled",
            "annotations": [{"annotation_id": "a1", "class_id": "c1"}],
        }
        for item in task["items"]
    ]
    body = {"submission_id": "s1", "classes_version": 1, "items": items}
    path = f"projects/{project}/tasks/{task['task_id']}/submit"
    failures: list[int] = []

    def fail(number: int, name: str, stage: str) -> None:
        if number == position and stage == "before":
            failures.append(number)
            raise Unavailable("storage did not answer")

    api.world.watch.reset()
    api.world.watch.hook = fail
    first = api("POST", path, body)
    api.world.watch.reset()
    states = api("GET", f"projects/{project}/progress")["states"]

    assert first.status == (503 if failures else 200)
    assert states.get("labeled", 0) == (0 if failures else 3)
    assert api("POST", path, body).status == 200
    assert api("GET", f"projects/{project}/progress")["states"]["labeled"] == 3


def test_the_number_of_calls_is_told_only_where_a_setting_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "x-labelry-calls" not in api("GET", "me").headers

    counted = World(STEADY.model_copy(update={"count_calls": True}))
    monkeypatch.setattr("functions.web.services", lambda: counted.services)

    assert api("GET", "me").headers["x-labelry-calls"] == "0"


def test_a_pointer_has_the_fields_of_the_request_whatever_kinds_there_are_of_one(api: Api) -> None:
    project = f"projects/{api.project(1)}"

    sweep = {"sweep_id": "w1", "filter": {}, "do": {"what": "relabel", "into": 7}}
    rule = {"tag": "", "share": 0.5}

    assert [
        api("POST", f"{project}/sweeps", sweep)["errors"][0]["pointer"],
        api("PATCH", project, {"assignments": [rule]}, if_match="1")["errors"][0]["pointer"],
        api("PATCH", project, {"assignments": [{**rule, "tag": 7}]}, if_match="1")["errors"][0][
            "pointer"
        ],
    ] == ["/do/into", "/assignments/0/tag", "/assignments/0/tag"]


def test_no_answer_repeats_all_of_what_was_sent(api: Api) -> None:
    project = f"projects/{api.project(1)}"
    long, label = "z" * 100_000, {"class": "k" * 2_000}
    batch = {
        "run_id": "m1",
        "items": [{"path": f"{n}.png", "annotations": [label]} for n in range(500)],
    }
    sweep = {"sweep_id": "w1", "filter": {"class_id": long}, "do": {"what": "approve"}}

    format = api("POST", f"{project}/exports", {"format": long})
    labels = api("POST", f"{project}/prelabels", batch)
    filtered = api("POST", f"{project}/sweeps", sweep)

    assert len(json.dumps(format.body)) < 2_000
    assert format["detail"].endswith(
        "there are coco, azureml, csv, yolo, imagenet, voc, label_studio, cvat"
    )
    assert len(json.dumps(labels.body)) < 500 * 1_000
    assert (filtered.status, filtered["errors"][0]["pointer"]) == (422, "/filter/class_id")
