from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import backup
from dev.azurite import Azurite
from functions.services import compose
from labeling import layout
from labeling.adapters.azure import AzureStorage, connect
from labeling.settings import Settings
from labeling.storage import Create

ODD = {"t": "한글 \n \"'", "n": 2**62, "f": 0.1, "b": True, "x": b"\x00\xff", "empty": ""}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two storage accounts, of which the second is empty."""
    logs = tmp_path_factory.mktemp("logs")
    running = [Azurite.start(folder=None, name=name, logs=logs) for name in ("one", "two")]
    try:
        for azurite in running:
            connect(azurite.connection_string).create_all()
        yield [azurite.connection_string for azurite in running]
    finally:
        for azurite in running:
            azurite.stop()


def filled(text: str) -> AzureStorage:
    storage = connect(text)
    rows = [Create(f"I|{number:04d}", {**ODD, "n": number}) for number in range(230)]
    for start in range(0, len(rows), 100):
        storage.tables.transact(layout.ITEMS, "p-1|00", rows[start : start + 100])
    large = {f"c{number}": "x" * 30_000 for number in range(12)}
    for number in range(8):
        storage.tables.transact(layout.ITEMS, "p-1|01", [Create(f"I|{number}", large)])
    storage.tables.transact(layout.PROJECTS, "p-1", [Create("p", ODD)])
    storage.blobs.write(layout.MODELS, "p-1/한글 #1.onnx", b"model", content_type="x/y")
    return storage


def test_what_was_saved_is_restored_elsewhere_row_by_row(two: list[str], tmp_path: Path) -> None:
    storage = filled(two[0])
    folder = tmp_path / "kept"

    saved = backup.save(*backup.services(Settings(storage=two[0])), folder)
    there = backup.services(Settings(storage=two[1]))
    restored = backup.restore(*there, folder)

    assert saved == restored
    assert (saved[layout.ITEMS], saved[layout.MODELS]) == (238, 1)
    assert backup.compare(there[0], folder) == []
    copy = connect(two[1])
    for table, partition, key in (
        (layout.ITEMS, "p-1|00", "I|0229"),
        (layout.ITEMS, "p-1|01", "I|7"),
        (layout.PROJECTS, "p-1", "p"),
    ):
        mine, theirs = (one.tables.get(table, partition, key) for one in (storage, copy))
        assert mine
        assert theirs
        assert mine.cells == theirs.cells
    assert copy.blobs.read(layout.MODELS, "p-1/한글 #1.onnx") == b"model"

    with pytest.raises(backup.CannotRestore, match="has rows"):
        backup.restore(*there, folder)
    copy.tables.transact(layout.PROJECTS, "p-1", [Create("q", {"a": 1})])
    assert backup.compare(there[0], folder) == [layout.PROJECTS]
    with pytest.raises(FileExistsError):
        backup.save(*there, folder)


def test_a_file_that_changed_since_is_noticed_before_a_row_is_written(
    two: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    backup.save(*backup.services(Settings(storage=two[0])), folder)
    for file in (folder / layout.MODELS).glob("0*"):
        os.truncate(file, 1)
    tables, blobs = backup.services(Settings(storage=two[1]))
    for table in layout.TABLES:
        tables.delete_table(table)
        tables.create_table(table)

    with pytest.raises(backup.CannotRestore, match="not what was saved"):
        backup.restore(tables, blobs, folder)
    assert backup.compare(tables, folder) != []
    assert compose(connect(two[1]), Settings()).projects.directory.deleted() == []
