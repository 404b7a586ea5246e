"""`python -m dev.backup save FOLDER`, `restore FOLDER`, `compare FOLDER`: all rows and our own files, and back.

Works on the storage that LABELRY_STORAGE names. Tables become one JSON line a row, by table; of the containers
models, exports, imports and manifests each blob becomes a file. Images stay where they are: what protects
them is the account's own versions and soft delete; a copy has other ETags, and counts as overwritten.
Queues are not saved: the next refresh finds what is missing. Pause projects before: rows are read one by one.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from azure.data.tables import EdmType, EntityProperty, TableServiceClient
from azure.storage.blob import BlobServiceClient, ContentSettings

from labeling import layout
from labeling.adapters.azure import ServiceUris, connection, identity
from labeling.settings import Settings

CONTAINERS = (layout.MODELS, layout.EXPORTS, layout.IMPORTS, layout.MANIFESTS)
AT_ONCE = 100
AT_ONCE_BYTES = 2_000_000
_KEYS = ("PartitionKey", "RowKey")

Line = dict[str, Any]


class CannotRestore(Exception):
    """The message says why, and what to do."""


def save(tables: TableServiceClient, blobs: BlobServiceClient, folder: Path) -> dict[str, int]:
    """Write everything into a folder, which must be new; how many rows and files of each there are.

    Raises:
        FileExistsError: the folder is there.
    """
    folder.mkdir(parents=True)
    counts: dict[str, int] = {}
    for table in layout.TABLES:
        with gzip.open(folder / f"{table}.jsonl.gz", "wt", encoding="utf-8") as out:
            counts[table] = 0
            for line in _rows(tables, table):
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                counts[table] += 1
    for name in CONTAINERS:
        kept = folder / name
        kept.mkdir()
        entries: list[Line] = []
        container = blobs.get_container_client(name)
        for number, blob in enumerate(container.list_blobs()):
            # By number: a blob's name may be none that a file can have.
            data = container.download_blob(blob.name).readall()
            (kept / f"{number:06d}").write_bytes(data)
            entries.append(
                {
                    "path": blob.name,
                    "file": f"{number:06d}",
                    "type": blob.content_settings.content_type or "",
                    "sha256": hashlib.sha256(data).hexdigest(),
                }
            )
        (kept / "index.json").write_text(json.dumps(entries, ensure_ascii=False), "utf-8")
        counts[name] = len(entries)
    return counts


def restore(tables: TableServiceClient, blobs: BlobServiceClient, folder: Path) -> dict[str, int]:
    """Write a saved folder into storage without rows; how many rows and files of each there are.

    Raises:
        CannotRestore: there are rows already, or a file is not what was saved.
    """
    for table in layout.TABLES:
        if next(_rows(tables, table), None) is not None:
            raise CannotRestore(f"table {table} has rows; restore into tables that are empty")
    counts: dict[str, int] = {}
    for name in CONTAINERS:
        container = blobs.get_container_client(name)
        entries = json.loads((folder / name / "index.json").read_text("utf-8"))
        for entry in entries:
            data = (folder / name / Path(entry["file"]).name).read_bytes()
            if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                raise CannotRestore(f"{folder / name / entry['file']} is not what was saved")
            settings = ContentSettings(content_type=entry["type"])
            container.upload_blob(entry["path"], data, overwrite=True, content_settings=settings)
        counts[name] = len(entries)
    for table in layout.TABLES:
        client = tables.get_table_client(table)
        counts[table] = 0
        for some in _batches(_saved(folder, table)):
            client.submit_transaction([("create", _entity(line)) for line in some])
            counts[table] += len(some)
    return counts


def compare(tables: TableServiceClient, folder: Path) -> list[str]:
    """The tables whose rows are not those of a folder."""
    return [
        table
        for table in layout.TABLES
        if _digest(_rows(tables, table)) != _digest(_saved(folder, table))
    ]


def _digest(lines: Iterator[Line]) -> str:
    whole = hashlib.sha256()
    for line in sorted(json.dumps(line, sort_keys=True) for line in lines):
        whole.update(line.encode())
    return whole.hexdigest()


def _rows(tables: TableServiceClient, table: str) -> Iterator[Line]:
    for entity in tables.get_table_client(table).list_entities():
        yield {name: _packed(value) for name, value in entity.items()}


def _saved(folder: Path, table: str) -> Iterator[Line]:
    with gzip.open(folder / f"{table}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def _packed(value: object) -> list[Any]:
    """A cell with its type: of numbers, JSON knows but one."""
    match value:
        case EntityProperty():
            if value.edm_type != EdmType.INT64:
                raise TypeError(f"a cell of type {value.edm_type} is none of ours")
            return ["long", str(value.value)]
        case bool():
            return ["bool", value]
        case int():
            return ["int", value]
        case float():
            return ["float", value.hex()]
        case bytes():
            return ["bytes", base64.b64encode(value).decode()]
        case str():
            return ["str", value]
        case _:
            raise TypeError(f"a cell of type {type(value).__name__} is none of ours")


_UNPACKED: Mapping[str, Callable[[Any], Any]] = {
    "long": lambda value: EntityProperty(int(value), EdmType.INT64),
    "bool": bool,
    "int": int,
    "float": float.fromhex,
    "bytes": base64.b64decode,
    "str": str,
}


def _entity(line: Line) -> dict[str, Any]:
    return {name: _UNPACKED[kind](value) for name, (kind, value) in line.items()}


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Rows that one transaction takes: of one partition, not too many, not too large."""
    for _, rows in groupby(lines, key=lambda line: line["PartitionKey"]):
        some: list[Line] = []
        size = 0
        for row in rows:
            length = len(json.dumps(row))
            if some and (len(some) == AT_ONCE or size + length > AT_ONCE_BYTES):
                yield some
                some, size = [], 0
            some.append(row)
            size += length
        yield some


def services(settings: Settings) -> tuple[TableServiceClient, BlobServiceClient]:
    """The services of the storage that the settings name."""
    found = connection(settings)
    if isinstance(found, ServiceUris):
        signed_in = identity(found.client_id)
        return (
            TableServiceClient(found.table, credential=signed_in),
            BlobServiceClient(found.blob, signed_in),
        )
    return (
        TableServiceClient.from_connection_string(found),
        BlobServiceClient.from_connection_string(found),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it, and print what there was; 1 where it could not be done, or differs."""
    parser = argparse.ArgumentParser(prog="python -m dev.backup", description=__doc__)
    parser.add_argument("what", choices=["save", "restore", "compare"])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    tables, blobs = services(Settings())
    try:
        if options.what == "compare":
            differ = compare(tables, options.folder)
            print(f"different: {', '.join(differ)}" if differ else "the same")
            return int(bool(differ))
        done = (save if options.what == "save" else restore)(tables, blobs, options.folder)
    except (CannotRestore, FileExistsError, FileNotFoundError) as error:
        print(f"not done: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"{name:10} {count}" for name, count in done.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
