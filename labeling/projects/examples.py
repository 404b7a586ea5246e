"""Examples of a class: images of the project's own source that show labelers what it means."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from labeling.annotations.classes import NewClass
from labeling.errors import Fault, Invalid
from labeling.media.header import measure
from labeling.media.patterns import SHOWN_BY_BROWSERS, Pattern, media_of
from labeling.projects.datasets import Source
from labeling.projects.record import ClassExample, ClassView, Project
from labeling.storage import Blobs


def with_meant(source: Source, classes: Sequence[NewClass]) -> list[NewClass]:
    """New classes whose examples are the blobs that the given paths mean."""
    return [
        class_.model_copy(update={"examples": [source.meant(path) for path in class_.examples]})
        for class_ in classes
    ]


def check_examples(blobs: Blobs, source: Source, classes: Sequence[NewClass]) -> None:
    """Refuse examples of new classes that labelers could not be shown.

    Raises:
        Invalid: an example is no image of the source; a fault points at it.
    """
    for index, class_ in enumerate(classes):
        check_example_paths(blobs, source, class_.examples, at=f"/classes/{index}")


def check_example_paths(
    blobs: Blobs,
    source: Source,
    paths: Sequence[str],
    *,
    known: Collection[str] = (),
    at: str = "",
) -> None:
    """Refuse examples of one class; `known` are those it has, whose blobs may have gone since.

    Raises:
        Invalid: an example is no image of the source; a fault points at it, below `at`.
    """
    for index, path in enumerate(paths):
        problem = "" if path in known else _unfit(blobs, source, path)
        if problem:
            detail = f"{source.shown(path)!r} can't be an example: {problem}"
            fault = Fault(f"{at}/examples/{index}", "no-example", detail)
            raise Invalid(detail, faults=(fault,))


def _unfit(blobs: Blobs, source: Source, path: str) -> str:
    """Why labelers could not be shown this image of a source; empty when they can.

    Only what the source means is looked at: an example must not open the rest of its container.
    """
    inside = Pattern.parse(source.pattern).matches(path)
    detour = {".", ".."} & set(path.split("/"))  # an address takes them out: another path
    container = source.container
    blob = blobs.find(container, path) if inside and not detour else None
    if blob is None:
        return "there is no such image in the project's data source"
    media = media_of(path)
    if media not in SHOWN_BY_BROWSERS:
        return "browsers can't show it; use a JPEG, PNG or BMP image"
    return measure(
        lambda start, length: blobs.read(container, path, start=start, length=length),
        blob.size,
        media,
        blob.etag,
    ).problem


def classes_of(blobs: Blobs, project: Project) -> list[ClassView]:
    """A project's classes with addresses of their examples, signed without a call."""

    def signed(path: str) -> ClassExample:
        url, until = blobs.link(project.source.container, path)
        return ClassExample(path=project.source.shown(path), url=url, expire_at=until)

    return [
        ClassView(
            class_id=class_.class_id,
            name=class_.name,
            description=class_.description,
            attributes=class_.attributes,
            colour=class_.colour,
            retired=class_.retired,
            merged_into=class_.merged_into,
            examples=[signed(path) for path in class_.examples],
        )
        for class_ in project.classes
    ]
