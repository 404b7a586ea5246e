from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from labeling.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from labeling.projects.access import Caller, Invitation, MemberView
from labeling.projects.tokens import DAYS, NewToken, TokenRenewal
from tests.world import ADMIN, Killed, World, person


def test_an_unknown_project_and_one_of_others_look_the_same(world: World) -> None:
    project = world.project()
    stranger = person("stranger")

    with pytest.raises(NotFound) as unknown:
        world.services.projects.open("p-unknown", stranger, "labeler", "looking")
    with pytest.raises(NotFound) as others:
        world.open(project, stranger)

    assert unknown.value.detail == others.value.detail


@pytest.mark.parametrize(("role", "allowed"), [("labeler", 1), ("reviewer", 2), ("admin", 3)])
def test_a_role_may_what_smaller_ones_may(world: World, role: str, allowed: int) -> None:
    project = world.project()
    who = world.member(project, "ann", role)  # type: ignore[arg-type]
    passed = 0

    for least in ("labeler", "reviewer", "admin"):
        with suppress(Forbidden):
            world.open(project, who, least)  # type: ignore[arg-type]
            passed += 1

    assert passed == allowed


def test_site_admins_may_everything_everywhere(world: World) -> None:
    assert world.open(world.project(), ADMIN, "admin").role == "admin"


def test_a_changed_role_counts_within_five_seconds(world: World) -> None:
    project = world.project()
    ann = world.member(project, "ann")
    world.open(project, ann)

    world.other().services.access.put_member(project.project_id, "ann", "reviewer")
    world.wait(5.1)

    assert world.open(project, ann, "reviewer").role == "reviewer"


def test_a_member_who_was_removed_is_out_within_five_seconds_and_the_project_off_their_list(
    world: World,
) -> None:
    project = world.project()
    ann = world.member(project, "ann")
    world.open(project, ann)

    world.other().services.projects.remove_member(project.project_id, "ann")
    world.wait(5.1)

    with pytest.raises(NotFound):
        world.open(project, ann)
    assert world.services.projects.list_for(ann) == []


def test_a_new_role_keeps_the_name_and_the_place_in_the_project(world: World) -> None:
    project = world.project(images=1)
    ann = world.member(project, "ann")
    opened = world.open(project, ann)
    world.services.projects.move_home(opened, ann, 0, None)

    view = world.services.access.put_member(project.project_id, "ann", "reviewer")

    assert (view.name, view.role) == ("Ann", "reviewer")
    assert world.services.access.member(project.project_id, "ann") == view
    assert world.open(project, ann).whereabouts.home == 0


@pytest.mark.parametrize("by_token", [False, True], ids=["a site admin", "a token"])
def test_who_labels_without_being_a_member_is_none_afterwards(world: World, by_token: bool) -> None:
    project = world.project(images=1)
    token = Caller(
        user="robot",
        name="Robot",
        provider="token",
        token_project=project.project_id,
        token_role="reviewer",
    )
    boss = token if by_token else replace(ADMIN, user="boss")

    opened = world.services.projects.move_home(world.open(project, boss), boss, 0, None)

    assert opened.whereabouts.home == 0
    members = world.services.access.members(project.project_id)
    assert boss.user not in [member.member_id for member in members]
    with pytest.raises(NotFound):
        world.open(project, replace(boss, site_admin=False, token_role=None))


def test_members_are_listed_with_those_invited(world: World) -> None:
    project = world.project()
    world.member(project, "zoe")
    world.services.access.invite(project.project_id, Invitation(email="bob@example.org"))

    views = world.services.access.members(project.project_id)

    assert [(view.name, view.role, view.invited) for view in views] == [
        ("Ada", "admin", False),
        ("bob@example.org", "labeler", True),
        ("Zoe", "labeler", False),
    ]


@pytest.mark.parametrize("unknown", ["nobody", "invited:nobody"])
def test_removing_somebody_who_is_not_there_is_a_miss(world: World, unknown: str) -> None:
    with pytest.raises(NotFound):
        world.services.projects.remove_member(world.project().project_id, unknown)


@pytest.mark.parametrize(
    ("invited", "other"),
    [
        ("kim@example.org", "\u212aim@example.org"),  # the sign of Kelvin
        ("straus@example.org", "strau\u017f@example.org"),
        ("strasse@example.org", "stra\u00dfe@example.org"),
    ],
)
def test_an_invitation_is_not_taken_by_who_only_unicode_takes_for_the_same(
    world: World, invited: str, other: str
) -> None:
    project = world.project()
    world.services.access.invite(project.project_id, Invitation(email=invited))
    settings = world.settings.model_copy(update={"admins": invited})

    world.services.access.bind_invitations(replace(person("eve"), email=other))
    world.services.access.bind_invitations(replace(person("ann"), email=invited.upper()))

    assert world.services.access.roles_of("eve") == {}
    assert world.services.access.roles_of("ann") == {project.project_id: "labeler"}
    assert not settings.is_admin(other)
    assert settings.is_admin(invited.upper())


def test_an_invited_address_is_bound_to_the_person_at_the_first_sign_in(world: World) -> None:
    first, second = world.project("One"), world.new("Two")
    access = world.services.access
    access.invite(first.project_id, Invitation(email="Bob@Example.org", role="reviewer"))
    access.invite(second.project_id, Invitation(email=" bob@example.org "))
    bob = person("bob")

    access.bind_invitations(bob)
    access.bind_invitations(bob)

    assert access.roles_of("bob") == {first.project_id: "reviewer", second.project_id: "labeler"}
    assert not any(member.invited for member in access.members(first.project_id))
    assert world.open(first, bob, "reviewer").role == "reviewer"


def test_nobody_else_is_bound_to_an_invitation(world: World) -> None:
    project = world.project()
    world.services.access.invite(project.project_id, Invitation(email="bob@example.org"))

    world.services.access.bind_invitations(person("eve"))
    world.services.access.bind_invitations(Caller(user="bob", name="bob", provider="test"))

    assert world.services.access.roles_of("eve") == {}
    assert world.services.access.roles_of("bob") == {}


def test_an_invitation_takes_no_role_away(world: World) -> None:
    project = world.project()
    ann = world.member(project, "ann", "admin")
    world.services.access.invite(project.project_id, Invitation(email="ann@example.org"))

    world.services.access.bind_invitations(ann)

    assert world.services.access.member(project.project_id, "ann").role == "admin"


def test_an_invitation_that_was_taken_back_binds_nobody(world: World) -> None:
    project = world.project()
    access = world.services.access
    made = access.invite(project.project_id, Invitation(email="bob@example.org"))

    world.services.projects.remove_member(project.project_id, made.member_id)
    access.bind_invitations(person("bob"))

    assert access.roles_of("bob") == {}


BOB = Invitation(email="bob@example.org", role="reviewer")


def step(world: World, project: str, what: str) -> None:
    access = world.services.access
    if what == "invite":
        access.invite(project, BOB)
    elif what == "bind":
        access.bind_invitations(person("bob"))
    elif what == "put":
        access.put_member(project, "bob", "reviewer")
    elif what == "remove":
        world.services.projects.remove_member(project, "bob")
    else:
        world.services.projects.remove_member(project, others(world, project)[0].member_id)


def others(world: World, project: str) -> list[MemberView]:
    return [member for member in world.services.access.members(project) if member.name != "Ada"]


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("what", ["invite", "bind", "put", "remove", "take_back"])
def test_whatever_is_killed_between_two_calls_is_mended_by_asking_again(
    stage: str, what: str
) -> None:
    position = 0
    killed = True
    gone = what in ("remove", "take_back")
    while killed:
        position += 1
        world = World()
        project = world.project().project_id
        if what in ("bind", "take_back"):
            step(world, project, "invite")
        if what == "remove":
            step(world, project, "put")
        world.watch.kill(position, stage)
        try:
            step(world, project, what)
            killed = False
        except Killed:
            world.watch.reset()
            if not gone or others(world, project):  # who is gone from sight is not removed again
                step(world, project, what)
        world.watch.reset()

        if what == "invite":
            step(world, project, "bind")
        expected = {} if gone else {project: "reviewer"}
        for _ in range(2):
            assert world.services.access.roles_of("bob") == expected, (what, position)
            step(world, project, "bind")
        assert [other.role for other in others(world, project)] == ([] if gone else ["reviewer"])

    assert position > 1


def admins(world: World, project: str) -> list[str]:
    return [
        member.member_id
        for member in world.services.access.members(project)
        if member.role == "admin"
    ]


@pytest.mark.parametrize("way", ["removed", "given a smaller role"])
def test_the_last_admin_stays_until_another_is_named(world: World, way: str) -> None:
    project = world.project().project_id
    access = world.services.access
    (first,) = admins(world, project)

    def leave(user: str) -> None:
        if way == "removed":
            world.services.projects.remove_member(project, user)
        else:
            access.put_member(project, user, "reviewer")

    access.put_member(project, "token", "admin", provider="token")
    access.invite(project, Invitation(email="bob@example.org", role="admin"))
    with pytest.raises(Conflict, match="last admin"):
        leave(first)
    assert first in admins(world, project), "no other person is an admin here yet"
    access.put_member(project, "ann", "admin")
    leave(first)
    with pytest.raises(Conflict, match="last admin"):
        leave("ann")

    assert first not in admins(world, project)


@pytest.mark.parametrize("position", range(1, 8))
def test_of_two_admins_who_leave_at_once_one_stays(world: World, position: int) -> None:
    project = world.project().project_id
    (first,) = admins(world, project)
    world.services.access.put_member(project, "ann", "admin")
    other = world.other()

    def leave_too() -> None:
        with suppress(Conflict):
            other.services.projects.remove_member(project, "ann")

    world.watch.reset()
    world.watch.at(position, leave_too)
    with suppress(Conflict):
        world.services.projects.remove_member(project, first)
    world.watch.reset()

    assert len(admins(world, project)) >= 1


# API tokens.


def token(world: World, project_id: str, role: str = "labeler") -> tuple[str, str]:
    made = world.services.tokens.make(
        NewToken(name="robot", project_id=project_id, role=role)  # type: ignore[arg-type]
    )
    return made.secret, made.token_id


def test_a_token_has_its_role_in_its_project_and_none_elsewhere(world: World) -> None:
    first, second = world.project("One"), world.project("Two")
    secret, _ = token(world, first.project_id, "reviewer")

    robot = world.services.tokens.caller(secret, "")

    assert world.open(first, robot, "reviewer").role == "reviewer"
    with pytest.raises(Forbidden):
        world.open(first, robot, "admin")
    with pytest.raises(NotFound):
        world.open(second, robot)
    assert [line.project_id for line in world.services.projects.list_for(robot)] == [
        first.project_id
    ]


def test_workers_of_a_token_are_users_of_their_own(world: World) -> None:
    project = world.project(images=4)
    secret, _ = token(world, project.project_id)
    one, two, same = (world.services.tokens.caller(secret, n) for n in ("1", "2", "1"))

    mine = world.task(project, one, size=2)
    yours = world.task(project, two, size=2)

    assert one == same
    assert not {i.item_id for i in mine.items} & {i.item_id for i in yours.items}
    with pytest.raises(NotFound):
        world.services.tasks.get(world.open(project, two), two, mine.task_id)


def test_a_deleted_token_is_useless_at_once_here_and_within_five_seconds_elsewhere(
    world: World,
) -> None:
    secret, token_id = token(world, "p-1")
    other = world.other()
    other.services.tokens.caller(secret, "")

    world.services.tokens.delete(token_id)

    with pytest.raises(Unauthenticated):
        world.services.tokens.caller(secret, "")
    world.wait(5.1)
    with pytest.raises(Unauthenticated):
        other.services.tokens.caller(secret, "")
    with pytest.raises(NotFound):
        world.services.tokens.delete(token_id)


@pytest.mark.parametrize("secret", ["", "lbl_wrong", "비밀", "x" * 5_000])
def test_a_secret_that_was_never_given_is_nobody(world: World, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        world.services.tokens.caller(secret, "")


def test_a_worker_has_a_name_of_some_length(world: World) -> None:
    secret, _ = token(world, "p-1")

    with pytest.raises(Invalid, match="100"):
        world.services.tokens.caller(secret, "x" * 101)


def test_the_secret_is_kept_nowhere_and_listed_nowhere(world: World) -> None:
    secret, token_id = token(world, "p-1")

    listed = world.services.tokens.all()

    assert [(one.token_id, one.name) for one in listed] == [(token_id, "robot")]
    assert secret not in repr(world.storage.tables.snapshot("directory"))


def test_a_token_expires_and_works_again_once_it_is_renewed(world: World) -> None:
    secret, token_id = token(world, "p-1")
    tokens = world.services.tokens
    made = tokens.all()[0]

    world.wait(DAYS * 86_400 - 1)
    tokens.caller(secret, "")
    world.wait(1)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.caller(secret, "")
    expired = tokens.all()[0]
    renewed = tokens.renew(token_id, TokenRenewal(days=2))
    tokens.caller(secret, "")

    assert (made.expires_at - made.created_at).days == DAYS
    assert (expired.expired, renewed.expired) == (True, False)
    with pytest.raises(NotFound):
        tokens.renew("unknown", TokenRenewal())


def test_the_last_use_of_a_token_is_known_to_an_hour_for_a_call_an_hour(world: World) -> None:
    secret, _ = token(world, "p-1")
    tokens = world.services.tokens
    before = tokens.all()[0].used_at
    calls: list[str] = []

    world.watch.reset()
    world.watch.hook = lambda _number, name, _stage: calls.append(name)
    for _ in range(10):
        tokens.caller(secret, "")
        world.wait(30)
    world.watch.reset()
    used = tokens.all()[0].used_at
    world.wait(3600)
    tokens.caller(secret, "")
    later = tokens.all()[0].used_at

    assert before is None
    assert calls.count("transact") <= 2, "before and after the one call"
    assert used
    assert later
    assert (later - used).total_seconds() >= 3600
