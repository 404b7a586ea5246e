from __future__ import annotations

import pytest
from pydantic import ValidationError

from labeling import layout
from labeling.errors import Conflict, Invalid, NotFound, PreconditionFailed
from labeling.projects.datasets import (
    Dataset,
    DatasetChange,
    NewDataset,
    Source,
    Upload,
    UploadFile,
    UploadRequest,
)
from labeling.projects.record import NewProject
from tests.world import ADMIN, PHOTOS, World, photo


def made(world: World, name: str = "Photos", key: str | None = None, **more: object) -> Dataset:
    wanted = more or {"source": {"container": PHOTOS, "pattern": "**/*.*"}}
    new = NewDataset.model_validate({"name": name, **wanted})
    return world.services.datasets.create(new, by="ada", idempotency_key=key)


def uploads(world: World, dataset: Dataset, *paths: str, overwrite: bool = False) -> list[Upload]:
    files = [UploadFile(path=path, size=10) for path in paths]
    request = UploadRequest(files=files, overwrite=overwrite)
    return world.services.datasets.uploads(dataset.dataset_id, request).uploads


def test_a_dataset_is_a_name_for_a_container_and_a_pattern(world: World) -> None:
    dataset = made(world)

    assert world.services.datasets.get(dataset.dataset_id) == dataset
    assert [dataset.name for dataset in world.services.datasets.all()] == ["Photos"]


def test_the_same_key_makes_one_dataset_and_no_other(world: World) -> None:
    first = made(world, key="k")

    assert made(world, key="k") == first
    with pytest.raises(Invalid, match="Idempotency-Key"):
        made(world, "Others", key="k")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"upload": True, "source": {"container": PHOTOS, "pattern": "a/"}},
        {"source": {"container": PHOTOS, "pattern": "a/"}, "container": PHOTOS},
        {"source": {"container": PHOTOS, "pattern": "*.png"}},
        {"source": {"container": PHOTOS, "pattern": "/a/"}},
        {"source": {"container": "Photos!", "pattern": "a/"}},
        {"source": {"container": PHOTOS, "pattern": "a/", "account": "x"}},
    ],
)
def test_what_is_no_source_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NewDataset.model_validate({"name": "Photos", **body})


@pytest.mark.parametrize("container", ["missing", layout.EXPORTS, layout.MANIFESTS])
def test_a_container_that_is_not_there_or_is_the_systems_own_is_refused(
    world: World, container: str
) -> None:
    source = {"container": container, "pattern": "**/*.*"}

    with pytest.raises(Invalid) as refused:
        made(world, source=source)
    with pytest.raises(Invalid):
        world.services.datasets.preview(Source.model_validate(source))

    assert refused.value.faults[0].pointer == "/source/container"


def test_only_the_name_can_be_changed_and_only_as_it_was_read(world: World) -> None:
    dataset = made(world)
    change = world.services.datasets.change

    renamed = change(dataset.dataset_id, DatasetChange(name="Images"), version=1)

    assert (renamed.name, renamed.version, renamed.source) == ("Images", 2, dataset.source)
    with pytest.raises(PreconditionFailed):
        change(dataset.dataset_id, DatasetChange(name="Late"), version=1)
    with pytest.raises(ValidationError):
        DatasetChange.model_validate({"name": "x", "source": {}})


def test_a_dataset_in_use_is_kept_until_its_project_is_deleted(world: World) -> None:
    dataset = made(world)
    wanted = NewProject(name="Birds", task_type="boxes", dataset_id=dataset.dataset_id)
    project = world.services.projects.create(wanted, dataset.source, by=ADMIN, idempotency_key=None)
    with pytest.raises(Conflict):
        world.services.datasets.delete(dataset.dataset_id)

    world.services.projects.delete(project.project_id)
    world.services.datasets.delete(dataset.dataset_id)

    with pytest.raises(NotFound):
        world.services.datasets.get(dataset.dataset_id)


NAMES = (
    "top.png",
    "top.txt",
    "noending",
    "birds/a.PNG",
    "birds/b.jpeg",
    "birds/notes.md",
    "birds/2024/c.dcm",
    "birds/2024/",
    "birds/ü 새/d.tif",
    "birds.png",
    "Birds/e.png",
)


@pytest.mark.parametrize(
    "pattern", ["**/*.*", "/", "birds/", "birds/**", "birds/2024/**", "birds/ü 새/", "none/"]
)
def test_a_preview_tells_what_ingestion_takes_and_leaves_out(world: World, pattern: str) -> None:
    world.upload(*NAMES)
    empty = {"birds/2024/", "noending"}
    for name in empty:
        world.upload(name, data=b"")

    preview = world.services.datasets.preview(Source(container=PHOTOS, pattern=pattern))
    project = world.project(pattern=pattern)

    state = world.services.ingest.state(project.project_id)
    items = world.services.projects.items(project)
    found = [row.item.path for shard in range(project.shards) for row in items.all_rows(shard)]
    assert state
    assert {skipped.reason: skipped.count for skipped in preview.skipped} == state.skipped
    assert sorted(image.path for image in preview.first) == sorted(found)
    assert preview.images == len(found)
    assert all(len(skipped.paths) == skipped.count for skipped in preview.skipped)


def test_uploads_go_into_the_datasets_own_folder_and_become_its_images(world: World) -> None:
    dataset = made(world, upload=True)

    answer = uploads(world, dataset, "a/새 #1.png")[0]

    assert answer.url
    assert answer.url.startswith(f"memory://{layout.DATASETS}/{dataset.dataset_id}/a/")
    world.upload(f"{dataset.dataset_id}/a/새 #1.png", container=layout.DATASETS)
    assert world.services.datasets.preview(dataset.source).images == 1


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../x.png", "dot"),
        ("a/./x.png", "dot"),
        ("/x.png", "empty part"),
        ("a//x.png", "empty part"),
        ("a\\x.png", "backslash"),
        ("a\nx.png", "U+000A"),
        ("x.exe", "not an accepted type"),
    ],
)
def test_a_file_that_is_not_wanted_is_refused_with_a_reason_and_holds_up_no_other(
    world: World, path: str, why: str
) -> None:
    dataset = made(world, upload=True)

    bad, good = uploads(world, dataset, path, "good.png")

    assert why in (bad.refused or "")
    assert bad.url is None
    assert good.url


def test_a_file_that_is_there_is_not_sent_again_unless_it_shall_be(world: World) -> None:
    dataset = made(world, upload=True)
    world.upload(f"{dataset.dataset_id}/a.png", container=layout.DATASETS)

    kept, fresh = uploads(world, dataset, "a.png", "b.png")

    assert (kept.exists, kept.url, fresh.exists) == (True, None, False)
    assert uploads(world, dataset, "a.png", overwrite=True)[0].url


def test_a_file_that_is_there_with_another_size_is_told_apart(world: World) -> None:
    dataset = made(world, upload=True)
    world.upload(f"{dataset.dataset_id}/a.png", container=layout.DATASETS)
    size = len(photo())
    files = [UploadFile(path="a.png", size=size), UploadFile(path="a.png", size=size + 1)]

    same, other = world.services.datasets.uploads(
        dataset.dataset_id, UploadRequest(files=files)
    ).uploads

    assert (same.exists, same.differs) == (True, False)
    assert (other.exists, other.differs, other.url) == (True, True, None)


def test_uploads_into_a_container_of_ones_choice_are_a_dataset_like_any_other(world: World) -> None:
    world.upload("there/before.png")
    dataset = made(world, upload=True, container=PHOTOS)

    (fresh,) = uploads(world, dataset, "a/1.png")

    assert fresh.url
    assert fresh.url.startswith(f"memory://{PHOTOS}/{dataset.dataset_id}/a/1.png")
    world.upload(f"{dataset.dataset_id}/a/1.png")
    assert uploads(world, dataset, "a/1.png")[0].exists
    preview = world.services.datasets.preview(dataset.source)
    assert (preview.images, preview.skipped) == (1, [])
    assert dataset.source.shown(f"{dataset.dataset_id}/a/1.png") == "a/1.png"


def test_what_a_dataset_is_said_to_hold_can_be_said_anew(world: World) -> None:
    dataset = made(world, upload=True, description=" Owls of 2026 ")

    changed = world.services.datasets.change(
        dataset.dataset_id, DatasetChange(description="Owls"), version=1
    )

    assert dataset.description == "Owls of 2026"
    assert (changed.name, changed.description, changed.version) == ("Photos", "Owls", 2)


def test_nothing_is_uploaded_to_where_others_keep_their_images(world: World) -> None:
    with pytest.raises(Conflict):
        uploads(world, made(world), "a.png")


def test_no_more_than_five_hundred_files_are_asked_for_at_once() -> None:
    with pytest.raises(ValidationError):
        UploadRequest(files=[UploadFile(path=f"{n}.png", size=1) for n in range(501)])
