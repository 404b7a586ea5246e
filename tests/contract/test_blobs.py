from __future__ import annotations

import io
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.azurite import OTHER_ACCOUNT
from labeling.errors import NotFound, PreconditionFailed, Refused, Unavailable
from tests.contract.conftest import Place


def _write(place: Place, path: str, data: bytes = b"x") -> None:
    place.storage.blobs.write(place.container, path, data, content_type="image/png")


@pytest.fixture
def folder(place: Place) -> str:
    """A prefix nobody has used."""
    return f"{uuid.uuid4().hex}/"


def test_a_blob_comes_back_as_it_was_written(place: Place, folder: str) -> None:
    path = f"{folder}ein Bild ü 漢 %20+#.png"

    _write(place, path, b"0123456789")

    blob = place.storage.blobs.find(place.container, path)
    assert blob is not None
    assert (blob.path, blob.size, blob.content_type) == (path, 10, "image/png")
    assert place.storage.blobs.read(place.container, path) == b"0123456789"


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 4, b"0123"), (3, 4, b"3456"), (8, 100, b"89"), (4, None, b"456789"), (10, 5, b"")],
)
def test_a_range_is_read_and_ends_where_the_blob_does(
    place: Place, folder: str, start: int, length: int | None, expected: bytes
) -> None:
    _write(place, f"{folder}a", b"0123456789")

    found = place.storage.blobs.read(place.container, f"{folder}a", start=start, length=length)

    assert found == expected


@pytest.mark.parametrize("length", [None, 100])
def test_an_empty_blob_reads_as_nothing(place: Place, folder: str, length: int | None) -> None:
    _write(place, f"{folder}a", b"")

    assert place.storage.blobs.read(place.container, f"{folder}a", length=length) == b""


def test_a_stream_is_written_in_blocks(place: Place, folder: str) -> None:
    data = bytes(range(256)) * 40_000  # 10 MB, more than two blocks

    place.storage.blobs.write(
        place.container, f"{folder}a", io.BytesIO(data), content_type="application/zip"
    )

    assert place.storage.blobs.read(place.container, f"{folder}a") == data


def test_writing_again_replaces_a_blob_and_its_etag(place: Place, folder: str) -> None:
    _write(place, f"{folder}a", b"old")
    before = place.storage.blobs.find(place.container, f"{folder}a")

    _write(place, f"{folder}a", b"newer")

    after = place.storage.blobs.find(place.container, f"{folder}a")
    assert before
    assert after
    assert after.etag != before.etag
    assert place.storage.blobs.read(place.container, f"{folder}a") == b"newer"


def test_what_the_owner_wrote_about_a_blob_is_in_the_listing(place: Place, folder: str) -> None:
    place.storage.blobs.write(
        place.container,
        f"{folder}a",
        b"x",
        content_type="image/png",
        metadata={"external_id": "case 7", "Site": "north"},
    )

    page = place.storage.blobs.list(place.container, prefix=folder)

    assert page.blobs[0].metadata == {"external_id": "case 7", "Site": "north"}
    assert page.blobs == [place.storage.blobs.find(place.container, f"{folder}a")]


def test_a_listing_tells_the_same_of_a_blob_as_a_look_at_it(place: Place, folder: str) -> None:
    _write(place, f"{folder}a")

    page = place.storage.blobs.list(place.container, prefix=folder)

    assert page.blobs == [place.storage.blobs.find(place.container, f"{folder}a")]
    assert not page.blobs[0].etag.startswith('"')


def test_pages_of_a_listing_have_every_blob_once_in_order(place: Place, folder: str) -> None:
    names = [f"{folder}{n:02d}/x" for n in range(7)]
    for name in names:
        _write(place, name)
    _write(place, f"other-{folder}x")

    found: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        page = place.storage.blobs.list(place.container, prefix=folder, cursor=cursor, limit=3)
        found += [blob.path for blob in page.blobs]
        cursor = page.cursor
        pages += 1

    assert found == names
    assert pages == 3


def test_browsing_shows_what_is_directly_in_a_folder(place: Place, folder: str) -> None:
    for name in ("b.png", "a/1.png", "a/2.png", "a/deep/3.png", "c/4.png"):
        _write(place, folder + name)

    page = place.storage.blobs.browse(place.container, prefix=folder)

    assert [blob.path for blob in page.blobs] == [f"{folder}b.png"]
    assert page.folders == [f"{folder}a/", f"{folder}c/"]
    assert page.cursor is None


def test_pages_of_a_folder_have_every_entry_once(place: Place, folder: str) -> None:
    for name in ("a/1", "a/2", "b", "c/1", "d"):
        _write(place, folder + name)

    first = place.storage.blobs.browse(place.container, prefix=folder, limit=2)
    second = place.storage.blobs.browse(
        place.container, prefix=folder, limit=2, cursor=first.cursor
    )

    entries = [*first.folders, *(b.path for b in first.blobs)]
    entries += [*second.folders, *(b.path for b in second.blobs)]
    assert sorted(entries) == [f"{folder}a/", f"{folder}b", f"{folder}c/", f"{folder}d"]
    assert first.cursor
    assert second.cursor is None


def test_a_deleted_blob_is_gone_and_may_be_deleted_again(place: Place, folder: str) -> None:
    _write(place, f"{folder}a")

    place.storage.blobs.delete(place.container, f"{folder}a")
    place.storage.blobs.delete(place.container, f"{folder}a")

    assert place.storage.blobs.find(place.container, f"{folder}a") is None
    with pytest.raises(NotFound):
        place.storage.blobs.read(place.container, f"{folder}a")


def test_a_container_that_is_not_there_is_not_found(place: Place) -> None:
    with pytest.raises(NotFound):
        place.storage.blobs.list("no-such-container")
    with pytest.raises(NotFound):
        place.storage.blobs.browse("no-such-container")
    with pytest.raises(NotFound):
        place.storage.blobs.read("no-such-container", "a")
    with pytest.raises(NotFound):
        place.storage.blobs.write("no-such-container", "a", b"", content_type="a/b")
    assert place.storage.blobs.find("no-such-container", "a") is None


def test_containers_are_listed_in_order(place: Place) -> None:
    found = place.storage.blobs.containers()

    assert place.container in found
    assert list(found) == sorted(found)


def test_a_link_is_the_same_within_a_window_and_carries_the_version(
    place: Place, folder: str
) -> None:
    first = place.storage.blobs.link(place.container, f"{folder}a", etag="0x8D")
    again = place.storage.blobs.link(place.container, f"{folder}a", etag="0x8D")
    other = place.storage.blobs.link(place.container, f"{folder}a", etag="0x8E")

    assert first == again or first[1] < again[1]  # unless a window ended in between
    assert first[0] != other[0]
    assert parse_qs(urlsplit(first[0]).query)["v"] == ["0x8D"]


def test_links_are_valid_for_an_hour_at_least(place: Place, folder: str) -> None:
    now = place.storage.clock.now()

    _, end = place.storage.blobs.link(place.container, f"{folder}a")
    _, upload_end = place.storage.blobs.upload_link(place.container, f"{folder}a", overwrite=False)

    assert 3600 <= (end - now).total_seconds() <= 5400
    assert 7190 <= (upload_end - now).total_seconds() <= 7210


def test_another_account_is_reached_by_its_name_before_the_containers(place: Place) -> None:
    blobs, name = place.storage.blobs, f"c{uuid.uuid4().hex[:12]}"
    there = f"{OTHER_ACCOUNT}/{name}"

    blobs.create(there)
    blobs.create(there)
    blobs.write(there, "a/b.png", b"0123", content_type="image/png")

    assert name in blobs.containers(OTHER_ACCOUNT)
    assert name not in blobs.containers()
    assert [blob.path for blob in blobs.list(there).blobs] == ["a/b.png"]
    assert blobs.browse(there).folders == ["a/"]
    assert blobs.read(there, "a/b.png", start=1, length=2) == b"12"
    assert f"/{OTHER_ACCOUNT}/{name}/a/b.png?" in blobs.link(there, "a/b.png")[0]
    copy = f"{uuid.uuid4().hex}.png"
    blobs.copy(there, "a/b.png", place.container, copy)
    assert blobs.read(place.container, copy) == b"0123"
    assert blobs.find(place.container, "a/b.png") is None


def test_an_account_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises((Unavailable, Refused, NotFound)):
        place.storage.blobs.containers("nosuchaccount")


def test_storage_copies_a_blob_with_what_is_known_of_it(place: Place, folder: str) -> None:
    blobs = place.storage.blobs
    path, to = f"{folder}ein Bild ü %20+#.png", f"{folder}copies/ü %20.png"
    blobs.write(place.container, path, b"0123", content_type="image/png", metadata={"who": "ada"})
    blob = blobs.find(place.container, path)
    assert blob

    blobs.copy(place.container, path, place.container, to, etag=blob.etag)

    assert blobs.read(place.container, to) == b"0123"
    copied = blobs.find(place.container, to)
    assert copied
    assert (copied.content_type, dict(copied.metadata)) == ("image/png", {"who": "ada"})


def test_a_blob_is_copied_once(place: Place, folder: str) -> None:
    blobs = place.storage.blobs
    _write(place, f"{folder}a", b"first")
    blobs.copy(place.container, f"{folder}a", place.container, f"{folder}b")
    before = blobs.find(place.container, f"{folder}b")

    blobs.copy(place.container, f"{folder}a", place.container, f"{folder}b")

    assert blobs.find(place.container, f"{folder}b") == before


def test_a_blob_that_is_gone_or_has_changed_is_not_copied(place: Place, folder: str) -> None:
    blobs = place.storage.blobs
    _write(place, f"{folder}a", b"first")
    blob = blobs.find(place.container, f"{folder}a")
    assert blob
    _write(place, f"{folder}a", b"second")

    with pytest.raises(PreconditionFailed, match="has changed"):
        blobs.copy(place.container, f"{folder}a", place.container, f"{folder}b", etag=blob.etag)
    with pytest.raises(NotFound):
        blobs.copy(place.container, f"{folder}c", place.container, f"{folder}b")
    assert blobs.find(place.container, f"{folder}b") is None
