from __future__ import annotations

import pytest

from labeling import layout
from labeling.errors import Conflict, Invalid, NotFound
from labeling.projects.datasets import Dataset, NewDataset, Source
from labeling.projects.locations import NewAccount
from tests.world import PHOTOS, World

THERE = "lab2/scans"
UPLOADED = NewDataset(name="Scans", upload=True, container=THERE)


@pytest.fixture
def world() -> World:
    """A world with a second account beside the system's own."""
    world = World()
    world.storage.blobs.create(THERE)
    world.storage.blobs.create("lab2/azure-webjobs-hosts")
    world.upload("owl.png", container=THERE)
    return world


def register(world: World, account: str = "lab2") -> None:
    world.services.locations.register(NewAccount(account=account), by="ada")


def dataset(world: World, container: str = THERE) -> Dataset:
    new = NewDataset(name="Scans", source=Source(container=container, pattern="**/*.*"))
    return world.services.datasets.create(new, by="ada", idempotency_key=None)


def refused(world: World, container: str = THERE) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        dataset(world, container)
    (fault,) = caught.value.faults
    return fault.code, fault.detail


def test_browsing_shows_folders_and_files_but_nothing_of_our_own(world: World) -> None:
    world.upload("a/b/c.png", "a/d.png", "e.png")
    locations = world.services.locations

    page = locations.browse(PHOTOS, "a/", None)

    assert [folder.prefix for folder in page.folders] == ["a/b/"]
    assert [blob.path for blob in page.blobs] == ["a/d.png"]
    assert PHOTOS in [location.location for location in locations.all()]
    assert not {location.location for location in locations.all()} & {layout.EXPORTS, layout.MODELS}
    for hidden in (layout.EXPORTS, "missing"):
        with pytest.raises(NotFound):
            locations.browse(hidden, "", None)


def test_a_registered_account_is_listed_browsed_and_used_like_our_own(world: World) -> None:
    register(world)
    register(world)

    own, other = world.services.locations.accounts()

    assert (own.own, other.account, other.containers) == (True, "lab2", [THERE])
    assert world.services.locations.browse(THERE, "", None).blobs[0].path == "owl.png"
    preview = world.services.datasets.preview(dataset(world).source)
    assert preview.images == 1
    assert preview.first[0].url.startswith(f"memory://{THERE}/owl.png")


def test_a_container_is_named_with_the_account_it_is_in(world: World) -> None:
    locations = world.services.locations

    names = [(one.account, one.container) for one in map(locations.container, (PHOTOS, THERE))]

    assert names == [("memory", PHOTOS), ("lab2", "scans")]


def test_an_account_nobody_registered_is_not_looked_into(world: World) -> None:
    assert refused(world)[0] == "not-registered"
    with pytest.raises(Invalid, match="not registered"):
        world.services.locations.browse(THERE, "", None)
    with pytest.raises(Invalid, match="not registered"):
        world.services.locations.create("lab3/new")


def test_an_account_that_does_not_answer_is_not_registered(world: World) -> None:
    with pytest.raises(Invalid, match="no storage account 'lab9' answers"):
        register(world, "lab9")

    assert len(world.services.locations.accounts()) == 1


def test_our_own_account_needs_no_registration(world: World) -> None:
    register(world, world.storage.blobs.account)

    assert [account.own for account in world.services.locations.accounts()] == [True]


@pytest.mark.parametrize(
    ("call", "role"),
    [
        ("list", "Storage Blob Data Reader"),
        ("read", "Storage Blob Data Reader"),
        ("link", "Storage Blob Delegator"),
    ],
)
@pytest.mark.parametrize("place", [THERE, "lab2"])
def test_the_role_that_is_missing_is_named_before_anything_is_made(
    world: World, place: str, call: str, role: str
) -> None:
    register(world)
    world.storage.blobs.refuse(place, call)

    code, detail = refused(world)

    assert code == "missing-role"
    assert role in detail
    assert THERE in detail
    assert world.services.datasets.all() == []


@pytest.mark.parametrize(
    ("call", "role"),
    [
        ("list", "Storage Blob Data Reader"),
        ("link", "Storage Blob Delegator"),
        ("write", "Storage Blob Data Contributor"),
        ("delete", "Storage Blob Data Contributor"),
    ],
)
def test_uploads_are_let_into_no_container_that_could_not_take_them(
    world: World, call: str, role: str
) -> None:
    register(world)
    world.storage.blobs.refuse(THERE, call)

    with pytest.raises(Invalid, match=role) as caught:
        world.services.datasets.create(UPLOADED, by="ada", idempotency_key=None)

    (fault,) = caught.value.faults
    assert (fault.pointer, fault.code) == ("/container", "missing-role")
    assert world.services.datasets.all() == []


def test_finding_out_whether_uploads_may_come_leaves_nothing_behind(world: World) -> None:
    register(world)

    world.services.datasets.create(UPLOADED, by="ada", idempotency_key=None)

    assert [blob.path for blob in world.storage.blobs.list(THERE).blobs] == ["owl.png"]


@pytest.mark.parametrize(
    ("container", "code"),
    [
        (THERE, "not-registered"),
        ("lab2/azure-webjobs-hosts", "reserved"),
        (layout.EXPORTS, "reserved"),
        ("missing", "unknown"),
    ],
)
def test_uploads_go_into_registered_containers_alone(
    world: World, container: str, code: str
) -> None:
    new = NewDataset(name="Scans", upload=True, container=container)

    with pytest.raises(Invalid) as caught:
        world.services.datasets.create(new, by="ada", idempotency_key=None)

    assert [fault.code for fault in caught.value.faults] == [code]


def test_a_closed_network_is_told_from_a_missing_role(world: World) -> None:
    register(world)
    world.storage.blobs.refuse(THERE, "list", code="AuthorizationFailure")

    assert refused(world)[0] == "closed-network"


def test_an_account_that_refuses_its_list_says_so_beside_the_others(world: World) -> None:
    register(world)
    world.storage.blobs.refuse("lab2", "containers")

    own, other = world.services.locations.accounts()

    assert PHOTOS in own.containers
    assert other.containers == []
    assert "Storage Blob Data Reader" in other.problem


def test_a_container_is_made_in_either_account(world: World) -> None:
    register(world)

    for location in ("new", "lab2/new"):
        world.services.locations.create(location)

    assert {"new", "lab2/new"} <= {location.location for location in world.services.locations.all()}
    world.storage.blobs.refuse("lab2", "create")
    with pytest.raises(Invalid, match="Storage Blob Data Contributor"):
        world.services.locations.create("lab2/more")
    with pytest.raises(Invalid, match="the system's own"):
        world.services.locations.create("azure-webjobs-more")


def test_an_account_that_a_project_uses_is_not_forgotten(world: World) -> None:
    register(world)
    project = world.new(container=THERE)

    with pytest.raises(Conflict, match="lab2/scans"):
        world.services.locations.forget("lab2")
    world.services.projects.delete(project.project_id)
    world.services.locations.forget("lab2")

    assert len(world.services.locations.accounts()) == 1
