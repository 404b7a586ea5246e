"""Files up and down: uploads that go on where they stopped, exports that are checked."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from . import routes
from .api import TRIES, Api, ApiError

FILES_A_CALL = 500
AT_ONCE = 8
_PIECE = 1 << 20

Sent = Callable[[int], None]
"""Is told of bytes that arrived."""


@dataclass(frozen=True)
class Uploaded:
    """What became of files: how many were sent now and how many were there, and which were neither.

    `refused` is why files are left out, and `codes` how many for each reason; `differing` are there with
    another size.
    """

    sent: int
    there: int
    refused: dict[str, str]
    codes: Counter[str]
    differing: list[str]


def files_below(folder: Path) -> dict[str, Path]:
    """The files below a folder, by their path in it, in the order of a listing; no hidden ones.

    Raises:
        ApiError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ApiError(f"{folder} is no folder")
    found = {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(folder).parts)
    }
    if not found:
        raise ApiError(f"there are no files in {folder}")
    return dict(sorted(found.items()))


def upload(
    api: Api,
    dataset_id: str,
    files: dict[str, Path],
    *,
    overwrite: bool = False,
    progress: Sent = lambda size: None,
) -> Uploaded:
    """Put files into a dataset. What is there already is not sent again: run it again to go on.

    With `overwrite` what is there with another size is sent again.

    Args:
        api: where the dataset is.
        dataset_id: of uploads.
        files: the file on this machine, by its path in the dataset.
        overwrite: whether files that are there with another size are replaced.
        progress: is told the size of each file that is done with.

    Raises:
        ApiError: the API or storage refused; what was sent until then is there.
    """
    sent = there = 0
    refused: dict[str, str] = {}
    codes: Counter[str] = Counter()
    differing: list[str] = []

    def put(upload: routes.Upload) -> bool:
        assert upload.url
        fresh = _put(api.storage, upload.url, files[upload.path])
        progress(files[upload.path].stat().st_size)
        return fresh

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for paths in _chunks(list(files)):
            sizes = {path: files[path].stat().st_size for path in paths}
            asked = [routes.UploadFile(path=path, size=size) for path, size in sizes.items()]
            answers = _asked(api, dataset_id, asked, overwrite=False)
            other = [file for file in asked if answers[file.path].differs]
            if overwrite and other:
                answers |= _asked(api, dataset_id, other, overwrite=True)
            for answer in answers.values():
                if answer.refused:
                    refused[answer.path] = answer.refused
                    codes[answer.code or "refused"] += 1
                if answer.differs:
                    differing.append(answer.path)
                if not answer.url:
                    progress(sizes[answer.path])
            done = list(
                pool.map(put, (answer for answer in answers.values() if answer.url))
            )  # raises the first
            sent += sum(done)
            there += len(done) - sum(done)
            there += sum(answer.exists and not answer.differs for answer in answers.values())
    return Uploaded(sent, there, refused, codes, differing)


def _asked(
    api: Api, dataset_id: str, wanted: Sequence[routes.UploadFile], *, overwrite: bool
) -> dict[str, routes.Upload]:
    """What the API says to each file, by its path."""
    answer = api.call(
        routes.REQUEST_UPLOADS,
        routes.UploadRequest(files=list(wanted), overwrite=overwrite),
        key="uploads",  # signs addresses: safe to repeat
        dataset_id=dataset_id,
    )
    return {one.path: one for one in answer.uploads}


def _chunks(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    return (paths[start : start + FILES_A_CALL] for start in range(0, len(paths), FILES_A_CALL))


def send(api: Api, url: str, file: Path) -> None:
    """Put a file where a signed address says."""
    _put(api.storage, url, file)


def _put(storage: httpx.Client, url: str, file: Path) -> bool:
    """Send a file; whether it was not there. A blob is there whole or not at all."""
    headers = {
        "x-ms-blob-type": "BlockBlob",
        "Content-Type": mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        "Content-Length": str(file.stat().st_size),
    }
    why = ""
    for number in range(1, TRIES + 1):
        try:
            with file.open("rb") as content:
                response = storage.put(url, content=content, headers=headers)
        except httpx.TransportError as error:
            why = f"storage does not answer: {error}"
        else:
            if response.status_code < 300:
                return True
            code = response.headers.get("x-ms-error-code", "")
            if code in ("BlobAlreadyExists", "UnauthorizedBlobOverwrite"):
                return False  # another upload was first, or an answer was lost
            why = f"storage refused it: {response.status_code} {code}"
            if response.status_code < 500:
                break
        time.sleep(2 ** (number - 1) / 2)
    raise ApiError(f"{file}: {why}. Run the same command again to go on")


def pull(api: Api, project_id: str, export: routes.Export, folder: Path) -> list[Path]:
    """Download the files of an export that is done, and check them. What is there and right is kept.

    Raises:
        ApiError: a file is not what the export says.
    """
    return [_download(api, project_id, export, file, folder) for file in export.files]


def _download(
    api: Api, project_id: str, export: routes.Export, file: routes.ExportFile, folder: Path
) -> Path:
    target = folder.joinpath(*PurePosixPath(file.name).parts)
    if not target.resolve().is_relative_to(folder.resolve()) or "\\" in file.name:
        raise ApiError(f"{file.name!r} would be written outside of {folder}")
    if target.exists() and _digest(target) == file.sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    link = api.call(
        routes.LINK_EXPORT,
        routes.LinkRequest(name=file.name),
        key="link",  # signs an address: safe to repeat
        project_id=project_id,
        export_id=export.export_id,
    )
    try:
        with api.storage.stream("GET", link.url) as response, part.open("wb") as out:
            if response.status_code >= 400:
                raise ApiError(f"{file.name}: storage refused it: {response.status_code}")
            for piece in response.iter_bytes(_PIECE):
                out.write(piece)
    except httpx.TransportError as error:
        raise ApiError(f"{file.name}: storage does not answer: {error}. Run it again") from None
    if _digest(part) != file.sha256:
        part.unlink()
        raise ApiError(f"{file.name} did not arrive as it was made; run it again")
    os.replace(part, target)
    return target


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
