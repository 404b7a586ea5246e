from __future__ import annotations

import pytest

from tests.functions.conftest import Api, api_of, signed_in
from tests.world import STEADY, World


def test_an_invited_person_is_a_member_after_the_first_me(api: Api) -> None:
    project = api.project(1)
    body = {"email": "Bob@example.org", "role": "reviewer"}
    made = api("POST", f"projects/{project}/invitations", body)
    bob = signed_in("bob")
    assert (made.status, made["invited"]) == (201, True)
    assert api("GET", f"projects/{project}", who=bob).status == 404

    user = api("GET", "me", who=bob)["user"]
    api.world.wait(6)

    assert api("GET", f"projects/{project}", who=bob)["my_role"] == "reviewer"
    assert api("GET", f"projects/{project}/members/{user}")["role"] == "reviewer"


def test_a_member_is_changed_and_removed(api: Api) -> None:
    project = api.project(1)
    who = api.member(project, "ann")
    user = api("GET", "me", who=who)["user"]
    path = f"projects/{project}/members/{user}"

    assert api("PUT", path, {"role": "admin"})["name"] == "ann"
    assert api("DELETE", path).status == 204
    assert api("DELETE", path).status == 404
    assert api("GET", f"projects/{project}", who=who).status == 404


def test_images_are_given_to_who_carries_the_tag_until_an_admin_gives_them_to_everybody(
    api: Api,
) -> None:
    project = api.project(4)
    base = f"projects/{project}"
    ann, rae = api.member(project, "ann"), api.member(project, "rae")
    user = api("GET", "me", who=rae)["user"]
    carries = {"role": "labeler", "tags": ["Radiologist"]}

    def gets(who: dict[str, str], request_id: str) -> int:
        task = api("POST", f"{base}/tasks", {"request_id": request_id}, who=who)["task"]
        if task:
            api("POST", f"{base}/tasks/{task['task_id']}/release", {}, who=who)
        return len(task["items"]) if task else 0

    def ruled(*rules: dict[str, object]) -> None:
        etag = api("GET", base).headers["etag"]
        changed = api("PATCH", base, {"assignments": list(rules)}, if_match=etag)
        assert len(changed["assignments"]) == len(rules)
        api.world.wait(6)
        api.world.drain()

    assert api("PUT", f"{base}/members/{user}", carries)["tags"] == ["Radiologist"]
    ruled({"tag": "radiologist", "share": 1})

    assert (gets(ann, "r1"), gets(rae, "r1")) == (0, 4)
    assert api("GET", base, who=ann)["assignments"] is None
    told = api("GET", f"{base}/progress")["assigned"]
    assert told == [{"tag": "radiologist", "waiting": 4, "people": 1}]
    ruled()
    assert gets(ann, "r2") == 4


def test_a_rule_that_says_nothing_is_refused(api: Api) -> None:
    project = api.project(1)
    etag = api("GET", f"projects/{project}").headers["etag"]

    for rule in ({"tag": "a"}, {"tag": "a", "class_id": "c9"}, {"tag": "", "share": 1}):
        answer = api("PATCH", f"projects/{project}", {"assignments": [rule]}, if_match=etag)
        assert answer.status == 422
        assert answer["errors"][0]["pointer"].startswith("/assignments/0")


def test_what_was_returned_to_who_is_removed_is_for_others(api: Api) -> None:
    project = api.project(2)
    who = api.member(project, "ann")
    base = f"projects/{project}"
    task = api("POST", f"{base}/tasks", {"request_id": "r1"}, who=who)["task"]
    ids = [item["item_id"] for item in task["items"]]
    tag = [{"annotation_id": "a1", "class_id": "c1"}]
    items = [{"item_id": one, "outcome": "labeled", "annotations": tag} for one in ids]
    body = {"submission_id": "s1", "classes_version": 1, "items": items}
    api("POST", f"{base}/tasks/{task['task_id']}/submit", body, who=who)
    rejected = api("POST", f"{base}/items/reject", {"item_ids": ids, "to": "same_labeler"})
    assert [result["status"] for result in rejected["results"]] == ["rejected"] * 2

    user = api("GET", "me", who=who)["user"]
    api("DELETE", f"{base}/members/{user}")

    again = api("POST", f"{base}/tasks", {"request_id": "r2"})["task"]
    assert {item["item_id"] for item in again["items"]} == set(ids)


def test_a_role_or_an_address_that_is_none_is_refused(api: Api) -> None:
    project = api.project(1)

    for body in ({"role": "king"}, {}, {"role": "labeler", "more": 1}):
        assert api("PUT", f"projects/{project}/members/abc", body).status == 422
    for email in ("bob", "a b@c", "", "@"):
        answer = api("POST", f"projects/{project}/invitations", {"email": email})
        assert (answer.status, answer["errors"][0]["pointer"]) == (422, "/email")
    assert api("PUT", f"projects/{project}/members/invited:x", {"role": "admin"}).status == 404


def test_a_token_works_until_it_is_deleted_and_its_workers_are_users(api: Api) -> None:
    project = api.project(4)
    made = api("POST", "tokens", {"name": "robot", "project_id": project})
    one = {"x-api-key": made["secret"], "x-worker": "1"}
    two = {"x-api-key": made["secret"], "x-worker": "2"}

    first = api("POST", f"projects/{project}/tasks", {"request_id": "r", "size": 2}, who=one)
    second = api("POST", f"projects/{project}/tasks", {"request_id": "r", "size": 2}, who=two)

    assert first["task"]["task_id"] != second["task"]["task_id"]
    assert "secret" not in api("GET", "tokens")["items"][0]
    assert api("GET", "me", who=one)["token_project"] == project
    assert api("POST", "tokens", {"name": "x", "project_id": project}, who=one).status == 403
    assert api("DELETE", f"tokens/{made['token_id']}").status == 204
    assert api("GET", "me", who=one).status == 401


def test_a_token_of_a_site_admin_does_what_they_do_but_make_tokens(api: Api) -> None:
    made = api("POST", "tokens", {"name": "pipeline", "site_admin": True})
    pipeline = {"x-api-key": made["secret"]}

    dataset = api("POST", "datasets", {"name": "d", "upload": True}, who=pipeline)
    project = api.project(1)
    more = api("POST", "tokens", {"name": "x", "project_id": project}, who=pipeline)

    assert (dataset.status, made["project_id"]) == (201, None)
    assert api("GET", f"projects/{project}", who=pipeline)["my_role"] == "admin"
    assert (more.status, more["type"]) == (403, "forbidden")
    assert api("DELETE", f"tokens/{made['token_id']}", who=pipeline).status == 204
    assert api("GET", "me", who=pipeline).status == 401


def test_an_admin_of_a_project_sees_and_revokes_its_tokens_and_no_others(api: Api) -> None:
    project, other = api.project(1), api.project(1, "Other")
    bob = api.member(project, "bob", "admin")
    ann = api.member(project, "ann", "reviewer")
    mine, theirs = (
        api("POST", "tokens", {"name": "robot", "project_id": one, "days": 7})
        for one in (project, other)
    )
    place = f"projects/{project}/tokens"

    listed = api("GET", place, who=bob)["items"]
    foreign = api("DELETE", f"{place}/{theirs['token_id']}", who=bob)
    renewed = api("POST", f"tokens/{mine['token_id']}/renew", {"days": 30})
    by_bob = api("POST", f"tokens/{mine['token_id']}/renew", {}, who=bob)
    revoked = api("DELETE", f"{place}/{mine['token_id']}", who=bob)

    assert [one["token_id"] for one in listed] == [mine["token_id"]]
    assert "secret" not in listed[0]
    assert api("GET", place, who=ann).status == 403
    assert (foreign.status, by_bob.status, revoked.status) == (404, 403, 204)
    assert renewed["expires_at"] > listed[0]["expires_at"]
    assert api("GET", "me", who={"x-api-key": mine["secret"]}).status == 401
    assert api("GET", "me", who={"x-api-key": theirs["secret"]}).status == 200


def test_a_token_renews_no_tokens_and_none_is_for_ever(api: Api) -> None:
    made = api("POST", "tokens", {"name": "pipeline", "site_admin": True})
    renew = f"tokens/{made['token_id']}/renew"

    assert api("POST", renew, {}, who={"x-api-key": made["secret"]}).status == 403
    assert api("POST", renew, {"days": 100_000}).status == 422


def test_a_token_that_calls_too_often_waits_and_others_do_not() -> None:
    api = api_of(World(STEADY.model_copy(update={"token_requests_a_minute": 3})))
    one, two = (
        {"x-api-key": api("POST", "tokens", {"name": name, "site_admin": True})["secret"]}
        for name in ("one", "two")
    )

    answers = [api("GET", "me", who=one) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert (answers[-1]["type"], answers[-1]["retry"]) == ("too-many-requests", "same")
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert api("GET", "me", who=two).status == 200
    api.world.wait(60)
    assert api("GET", "me", who=one).status == 200


@pytest.mark.parametrize("body", [{}, {"site_admin": True, "project_id": "p-1"}])
def test_a_token_is_for_a_project_or_for_all_and_never_so_by_omission(
    api: Api, body: dict[str, object]
) -> None:
    assert api("POST", "tokens", {"name": "x", **body}).status == 422


def test_a_token_for_a_project_that_is_not_there_is_a_miss(api: Api) -> None:
    assert api("POST", "tokens", {"name": "x", "project_id": "p-unknown"}).status == 404


def test_an_address_counts_only_from_a_provider_that_a_setting_names(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = api.project(1)
    api("POST", f"projects/{project}/invitations", {"email": "bob@example.org"})
    elsewhere = signed_in("bob", provider="github")

    api("GET", "me", who=elsewhere)
    stranger = api("GET", f"projects/{project}", who=elsewhere)
    listed = api.world.other(admins="bob@example.org")
    monkeypatch.setattr("functions.web.services", lambda: listed.services)

    assert stranger.status == 404
    assert api("GET", "me", who=elsewhere)["site_admin"] is False
    assert api("GET", "me", who=signed_in("bob"))["site_admin"] is True
