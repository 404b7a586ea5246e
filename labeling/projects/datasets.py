"""Datasets: a named reference to a container and a path pattern, and uploads into a folder of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import commonprefix
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from labeling import layout
from labeling.documents import Documents
from labeling.errors import Conflict, Invalid, PreconditionFailed
from labeling.media.patterns import Pattern, Refusal, judge, unstorable
from labeling.model import Model, UtcTime, digest_id, new_id
from labeling.names import Name
from labeling.projects.locations import ContainerName, Locations
from labeling.storage import Blob, Collision, Delete, Range, Storage

PREVIEW_PAGES = 10
"""Pages of 5,000 blobs a preview looks at; the whole listing is the refresh's work."""

NAMED = 20
"""How many of the files that are left out, for each reason, a preview names."""


class Source(Model):
    """Where images are: a container and a pattern: `folder/`, `folder/**` or `**/*.*`."""

    container: ContainerName
    pattern: Annotated[str, Field(max_length=1024)]

    @field_validator("pattern")
    @classmethod
    def _readable(cls, pattern: str) -> str:
        Pattern.parse(pattern)
        return pattern

    @property
    def unseen(self) -> str:
        """What names of blobs begin with and nobody typed: the folder of a dataset of uploads; else empty."""
        return layout.upload_folder_of(self.pattern)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What people may leave out of a path, and what remains means the same; empty first."""
        return tuple(dict.fromkeys(("", self.unseen, Pattern.parse(self.pattern).prefix)))

    def shown(self, path: str) -> str:
        """The path that people know a blob by: as they uploaded it, elsewhere as it is in its container."""
        return path.removeprefix(self.unseen)

    def meant(self, path: str) -> str:
        """The blob of this source that a path from people means, with or without the source's folder.

        Every image of the source is in its folder: what does not begin so can only be meant from there.
        """
        folder = Pattern.parse(self.pattern).prefix
        readings = (begin + path for begin in self.left_out)
        return next(reading for reading in readings if reading.startswith(folder))


Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class NewDataset(Model):
    """A dataset to be made: of images in storage (`source`), or of uploads to come (`upload`).

    Uploads go into a folder of their own: of the system's container for them, or of `container`.
    """

    name: Name
    description: Description = ""
    source: Source | None = None
    upload: bool = False
    container: ContainerName | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> NewDataset:
        if (self.source is None) == (not self.upload):
            raise ValueError("give either a source or upload: true")
        if self.container and not self.upload:
            raise ValueError("a container is for uploads; the source names its own")
        return self


class Dataset(Model):
    """A named reference to images."""

    schema_version: int = 1
    dataset_id: str
    name: str
    description: str = ""
    source: Source
    upload: bool
    created_at: UtcTime
    created_by: str
    version: int = 1


class DatasetChange(Model):
    """What can be changed of a dataset; what is left out stays. Items of projects depend on the rest."""

    name: Name | None = None
    description: Description | None = None


class Skipped(Model):
    """Blobs that are no items, and why; `paths` are the names of the first of them."""

    reason: str
    count: int
    paths: list[str] = []


class PreviewRequest(Model):
    """Which images a source would give."""

    source: Source


class PreviewImage(Model):
    """One of the first images found."""

    path: str
    size: int
    url: str


class Preview(Model):
    """What a source holds. `more` is true when only the first 50,000 blobs were looked at."""

    images: int
    bytes: int
    skipped: list[Skipped]
    first: list[PreviewImage]
    more: bool


class UploadFile(Model):
    """A file that is about to be uploaded; `path` may hold folders."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=900)]
    size: Annotated[int, Field(ge=0)]
    type: str = ""


class UploadRequest(Model):
    """Files to be uploaded, at most 500 a call; `overwrite` those that are there, too."""

    files: Annotated[list[UploadFile], Field(min_length=1, max_length=500)]
    overwrite: bool = False


NotWanted = Refusal | Literal["odd_path", "dataset_in_path", "unstorable"]
"""Why a file is not uploaded: by what it is, or by its path."""


class Upload(Model):
    """Where to PUT a file (`x-ms-blob-type: BlockBlob`), or why it is not wanted.

    One that is refused says why: in words, and as a code for those who have words of their own. One that
    `exists` is there already, and `differs` where that has another size.
    """

    path: str
    url: str | None = None
    expire_at: UtcTime | None = None
    refused: str | None = None
    code: NotWanted | None = None
    exists: bool = False
    differs: bool = False


class UploadAnswer(Model):
    """One entry a file, in order."""

    uploads: list[Upload]


WHY_REFUSED: Mapping[NotWanted, str] = {
    "not_an_image": "not an accepted type; use jpg, png, bmp, tiff or dcm",
    "folder": "a folder, not a file",
    "odd_path": "the path has an empty part, a dot part or a backslash; rename it",
    "dataset_in_path": "the path begins with the name of this dataset, which goes before by itself; "
    "leave it out",
}


class Datasets:
    """Datasets, previews of them, and uploads."""

    def __init__(self, storage: Storage, locations: Locations) -> None:
        self._storage = storage
        self._locations = locations
        self._documents = Documents(
            storage, layout.DIRECTORY, Dataset, absent="there is no such dataset"
        )

    def create(self, new: NewDataset, *, by: str, idempotency_key: str | None) -> Dataset:
        """Make a dataset. The same idempotency key of the same person gives the same dataset.

        Raises:
            Invalid: the container can't be read, or not be uploaded to, and why; or the key was used for
                another dataset.
        """
        dataset_id = (
            f"d-{digest_id('dataset', by, idempotency_key, length=16)}"
            if idempotency_key
            else new_id("d")
        )
        folder = layout.upload_folder(dataset_id)
        source = new.source or Source(
            container=new.container or layout.DATASETS, pattern=f"{folder}**"
        )
        if new.source:
            self._locations.check(new.source.container)
        elif new.container:
            self._locations.check_uploads(new.container, folder)
        dataset = Dataset(
            dataset_id=dataset_id,
            name=new.name,
            description=new.description,
            source=source,
            upload=new.upload,
            created_at=self._storage.clock.now(),
            created_by=by,
        )
        try:
            self._documents.create(layout.ALL_DATASETS, dataset_id, dataset)
        except Collision:
            known = self.get(dataset_id)
            if (known.name, known.source) != (dataset.name, dataset.source):
                raise Invalid(
                    "this Idempotency-Key was used for another dataset; use a new one"
                ) from None
            return known
        return dataset

    def get(self, dataset_id: str) -> Dataset:
        """A dataset by id.

        Raises:
            NotFound: there is none.
        """
        return self._documents.need(layout.ALL_DATASETS, dataset_id)

    def all(self) -> list[Dataset]:
        """All datasets, newest first."""
        found = self._documents.all(layout.ALL_DATASETS)
        return sorted(found, key=lambda dataset: dataset.created_at, reverse=True)

    def change(self, dataset_id: str, change: DatasetChange, *, version: int) -> Dataset:
        """Rename or describe a dataset.

        Raises:
            PreconditionFailed: somebody changed it since `version`.
        """

        def changed(old: Dataset) -> Dataset:
            if old.version != version:
                raise PreconditionFailed("somebody changed this dataset; load it again")
            update = change.model_dump(exclude_none=True)
            return old.model_copy(update={**update, "version": version + 1})

        return self._documents.change(layout.ALL_DATASETS, dataset_id, changed)

    def delete(self, dataset_id: str) -> None:
        """Forget a dataset that no project uses. The blobs stay.

        Raises:
            Conflict: a project uses it.
        """
        kept = self._documents.need_row(layout.ALL_DATASETS, dataset_id)
        container = self._documents.of(kept).source.container
        for row in self._storage.rows(
            layout.DIRECTORY, Range(layout.watchers(container), "", layout.END)
        ):
            if row.text("dataset") == dataset_id:
                raise Conflict("a project takes its images from this dataset; delete that first")
        self._documents.write(layout.ALL_DATASETS, [Delete(dataset_id, kept.etag)])

    def preview(self, source: Source) -> Preview:
        """Count what a source holds, by the matcher that registers it later.

        Raises:
            Invalid: the container can't be read, and why.
        """
        self._locations.check(source.container)
        pattern = Pattern.parse(source.pattern)
        skipped: dict[str, Skipped] = {}
        found = size = 0
        first: list[Blob] = []
        cursor: str | None = None
        for _ in range(PREVIEW_PAGES):
            page = self._storage.blobs.list(source.container, prefix=pattern.prefix, cursor=cursor)
            accepted, left_out = sift(pattern, page.blobs)
            for reason, paths in left_out.items():
                before = skipped.get(reason, Skipped(reason=reason, count=0))
                named = [*before.paths, *paths][:NAMED]
                skipped[reason] = Skipped(
                    reason=reason, count=before.count + len(paths), paths=named
                )
            found += len(accepted)
            size += sum(blob.size for blob, _ in accepted)
            first += [blob for blob, _ in accepted[: 12 - len(first)]]
            cursor = page.cursor
            if cursor is None:
                break
        return Preview(
            images=found,
            bytes=size,
            skipped=[skip for _, skip in sorted(skipped.items())],
            first=[
                PreviewImage(
                    path=blob.path,
                    size=blob.size,
                    url=self._storage.blobs.link(source.container, blob.path, etag=blob.etag)[0],
                )
                for blob in first
            ],
            more=cursor is not None,
        )

    def uploads(self, dataset_id: str, request: UploadRequest) -> UploadAnswer:
        """Signed addresses to upload files to, each for one blob of this dataset.

        Raises:
            Conflict: the dataset refers to images elsewhere; upload there.
        """
        dataset = self.get(dataset_id)
        if not dataset.upload:
            raise Conflict(
                f"this dataset refers to images in {dataset.source.container!r}; put them there"
            )
        blobs = self._storage.blobs
        known = (
            dict[str, int]()
            if request.overwrite
            else self._known(
                dataset, [file.path for file in request.files if not _refusal(file, dataset)]
            )
        )
        answers: list[Upload] = []
        for file in request.files:
            refused = _refusal(file, dataset)
            if refused:
                code, words = refused
                answers.append(Upload(path=file.path, refused=words, code=code))
            elif file.path in known:
                differs = known[file.path] != file.size
                answers.append(Upload(path=file.path, exists=True, differs=differs))
            else:
                url, until = blobs.upload_link(
                    dataset.source.container,
                    layout.upload_folder(dataset_id) + file.path,
                    overwrite=request.overwrite,
                )
                answers.append(Upload(path=file.path, url=url, expire_at=until))
        return UploadAnswer(uploads=answers)

    def _known(self, dataset: Dataset, paths: Sequence[str]) -> dict[str, int]:
        """The sizes of those that are there already: one listing of the names that begin like all of them."""
        prefix = layout.upload_folder(dataset.dataset_id)
        wanted = set(paths)
        known: dict[str, int] = {}
        cursor: str | None = None
        # Letter by letter is what a listing goes by; files of a folder come in its order.
        begin = prefix + commonprefix(sorted(wanted))  # noqa: RUF071
        while True:
            page = self._storage.blobs.list(dataset.source.container, prefix=begin, cursor=cursor)
            known |= {
                path: blob.size
                for blob in page.blobs
                if (path := blob.path.removeprefix(prefix)) in wanted
            }
            cursor = page.cursor
            if cursor is None or known.keys() == wanted:
                return known


def _refusal(file: UploadFile, dataset: Dataset) -> tuple[NotWanted, str] | None:
    parts = file.path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in file.path:
        return "odd_path", WHY_REFUSED["odd_path"]
    if file.path.startswith(dataset.source.unseen):
        return "dataset_in_path", WHY_REFUSED["dataset_in_path"]
    if why := unstorable(file.path):
        return "unstorable", f"the path can't be kept: {why}; rename it"
    verdict = judge(file.path, file.size)
    return (verdict.reason, WHY_REFUSED[verdict.reason]) if verdict.reason else None


def sift(
    pattern: Pattern, blobs: Sequence[Blob]
) -> tuple[list[tuple[Blob, str]], dict[str, list[str]]]:
    """The blobs that are images of a pattern with their media, and the names of the others, by reason."""
    accepted: list[tuple[Blob, str]] = []
    skipped: dict[str, list[str]] = {}
    for blob in blobs:
        if not pattern.matches(blob.path):
            continue
        verdict = judge(blob.path, blob.size)
        if verdict.media:
            accepted.append((blob, verdict.media))
        else:
            skipped.setdefault(verdict.reason, []).append(blob.path)
    return accepted, skipped
