from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from labeling import layout
from labeling.ingest.renditions import Render
from labeling.items.records import Item
from labeling.media.header import Measured
from labeling.projects.record import Project
from tests.labeling.ingest.test_refresh import event, refresh
from tests.world import PHOTOS, World, photo


def large(seed: int = 0, size: tuple[int, int] = (2000, 1500)) -> bytes:
    """A photo that needs both copies."""
    noise = np.random.default_rng(seed).integers(0, 255, (15, 20, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.NEAREST).save(file, "JPEG")
    return file.getvalue()


def copies(world: World) -> list[str]:
    return [blob.path for blob in world.storage.blobs.list(layout.RENDITIONS).blobs]


def place(address: str) -> tuple[str, str]:
    """Container and path of a link."""
    container, _, path = address.removeprefix("memory://").partition("?")[0].partition("/")
    return container, path


def side(world: World, address: str) -> int:
    """The longest side of what a link shows."""
    with Image.open(BytesIO(world.storage.blobs.read(*place(address)))) as image:
        return max(image.size)


def only(world: World, project: Project) -> Item:
    (item,) = world.items(project).values()
    return item


def render(world: World, project: Project) -> None:
    message = Render(project_id=project.project_id, item_ids=[only(world, project).item_id])
    world.services.renditions.on_render(message)


def test_a_labeler_gets_copies_of_three_sizes_and_the_original(world: World) -> None:
    world.upload("a.jpg", data=large())
    project = world.project()

    (item,) = world.task(project, world.member(project, "ann")).items

    assert side(world, item.images.thumbnail) == 400
    assert side(world, item.images.medium) == 800
    assert side(world, item.images.preview) == 1600
    assert place(item.images.full) == (PHOTOS, "a.jpg")


def test_an_image_that_is_small_enough_is_its_own_copy(world: World) -> None:
    world.upload("a.png", data=photo(300, 200))
    project = world.project()

    (item,) = world.task(project, world.member(project, "ann")).items

    assert item.images.thumbnail == item.images.preview == item.images.full
    assert copies(world) == []


def test_images_are_handed_out_before_their_copies_are_made_and_have_them_afterwards(
    world: World,
) -> None:
    world.upload("a.jpg", data=large())
    project = world.project()
    item = only(world, project)
    assert item.renditions
    world.services.projects.items(project).overwritten(item.item_id, "other", 1)  # has none again
    world.services.projects.items(project).overwritten(item.item_id, item.blob_etag, item.size)
    world.services.ingest.measure_items(project, [only(world, project)])
    ann = world.member(project, "ann")

    (before,) = world.task(project, ann).items
    world.drain()

    assert before.images.preview == before.images.full
    (task,) = world.services.tasks.mine(world.open(project, ann), ann).items
    assert side(world, task.items[0].images.preview) == 1600
    assert world.label(project, ann, task) is None
    assert world.counters(project) == world.recount(project)


def test_projects_on_the_same_images_share_their_copies(world: World) -> None:
    world.upload("a.jpg", data=large())
    first = world.project()
    written = world.storage.blobs.list(layout.RENDITIONS).blobs

    second = world.project("Wrens")

    assert only(world, second).renditions == only(world, first).renditions == "1600,800,400"
    assert world.storage.blobs.list(layout.RENDITIONS).blobs == written


def test_copies_that_are_missing_beside_others_are_made(world: World) -> None:
    world.upload("a.jpg", data=large())
    item = only(world, world.project())
    medium = layout.rendition(PHOTOS, "a.jpg", item.blob_etag, 800)
    world.storage.blobs.delete(layout.RENDITIONS, medium)

    world.project("Wrens")

    assert world.storage.blobs.find(layout.RENDITIONS, medium)


def test_the_next_larger_copy_takes_the_place_of_one_that_is_not_there(world: World) -> None:
    world.upload("a.jpg", data=large())
    project = world.project()
    item = replace(only(world, project), renditions="1600,400")

    links = world.services.tasks.images.links(project, item)

    assert [side(world, one) for one in (links.thumbnail, links.medium, links.preview)] == [
        400,
        1600,
        1600,
    ]


def test_an_overwritten_image_forgets_its_copies_and_gets_new_ones(world: World) -> None:
    world.upload("a.jpg", data=large(1))
    project = world.project()
    before = only(world, project)

    world.upload("a.jpg", data=large(2))
    refresh(world, project)

    after = only(world, project)
    assert after.blob_etag != before.blob_etag
    assert after.renditions == "1600,800,400"
    assert len(copies(world)) == 6
    (item,) = world.task(project, world.member(project, "ann")).items
    assert place(item.images.preview)[1] == layout.rendition(PHOTOS, "a.jpg", after.blob_etag, 1600)


def test_a_copy_is_never_made_of_a_newer_image_than_it_is_named_after(world: World) -> None:
    world.upload("a.jpg", data=large(1))
    project = world.project()
    item = only(world, project)
    items = world.services.projects.items(project)
    items.overwritten(item.item_id, "a version between", 1)
    world.services.ingest.measure_items(project, [only(world, project)])
    world.upload("a.jpg", data=large(2))
    before = copies(world)

    render(world, project)

    assert copies(world) == before
    assert only(world, project).renditions == ""


def test_messages_that_come_twice_and_late_change_nothing(world: World) -> None:
    world.upload(*(f"{n}.jpg" for n in range(5)), data=large())
    project = world.project()
    before = world.items(project)

    message = Render(
        project_id=project.project_id, item_ids=[item.item_id for item in before.values()]
    )
    for _ in range(2):
        world.services.renditions.on_render(message)

    assert world.items(project) == before
    assert len(copies(world)) == 15


def test_a_message_that_died_half_way_is_finished_by_its_next_delivery(world: World) -> None:
    world.upload("a.jpg", data=large())
    project = world.project()
    for path in copies(world):
        if path.endswith("/400.webp"):
            world.storage.blobs.delete(layout.RENDITIONS, path)
    item = only(world, project)
    world.services.projects.items(project).overwritten(item.item_id, "x", 1)
    world.services.projects.items(project).overwritten(item.item_id, item.blob_etag, item.size)
    world.services.ingest.measure_items(project, [only(world, project)])

    render(world, project)

    assert only(world, project).renditions == "1600,800,400"
    assert len(copies(world)) == 3


def test_an_image_that_cannot_be_decoded_keeps_its_original_and_no_other_waits_for_it(
    world: World,
) -> None:
    world.upload("a.jpg", data=large()[:9000])
    world.upload("b.jpg", data=large())

    project = world.project()

    found = {path: item.renditions for path, item in world.items(project).items()}
    assert found == {"a.jpg": "", "b.jpg": "1600,800,400"}
    assert world.items(project)["a.jpg"].state == "available"


def test_an_image_that_went_away_holds_nothing_up(world: World) -> None:
    world.upload("a.jpg", data=large(1))
    project = world.project()
    item = only(world, project)
    world.services.projects.items(project).overwritten(item.item_id, "newer", 10_000)
    world.services.projects.items(project).measured(
        0, {item.item_id: Measured("newer", 2000, 1500)}
    )
    world.storage.blobs.delete(PHOTOS, "a.jpg")

    render(world, project)

    assert only(world, project).renditions == ""


def test_an_image_that_lands_gets_its_copies(world: World) -> None:
    world.upload("z.png")
    project = world.project()

    world.upload("a.jpg", data=large())
    event(world, "a.jpg")
    world.drain()

    assert world.items(project)["a.jpg"].renditions == "1600,800,400"


def test_a_project_that_is_gone_needs_no_copies(world: World) -> None:
    world.services.renditions.on_render(Render(project_id="p-none", item_ids=["i"]))

    assert copies(world) == []
