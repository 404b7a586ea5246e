"""Classes that became another: what was said of one, said of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from labeling.annotations.acceptance import PrelabelAnnotation
from labeling.annotations.shapes import Annotation, Tag
from labeling.annotations.twins import twins_of

Said = TypeVar("Said", Annotation, PrelabelAnnotation)


def remapped(annotations: Sequence[Said], into: Mapping[str, str]) -> list[Said]:
    """The annotations, of the classes they are of now. What thereby would say the same as another is gone.

    Args:
        annotations: of one image.
        into: by class, which it became.
    """
    if not any(annotation.class_id in into for annotation in annotations):
        return list(annotations)
    tagged = {
        (annotation.class_id, annotation.frame)
        for annotation in annotations
        if isinstance(annotation.geometry, Tag) and annotation.class_id not in into
    }
    said: list[Said] = []
    for annotation in annotations:
        new = into.get(annotation.class_id)
        if new is None:
            said.append(annotation)
            continue
        if isinstance(annotation.geometry, Tag):
            if (new, annotation.frame) in tagged:
                continue
            tagged.add((new, annotation.frame))
        said.append(annotation.model_copy(update={"class_id": new}))
    # Those that were twins before are wanted: the project takes them.
    twins = set(twins_of(said)) - set(twins_of(annotations))
    return [annotation for at, annotation in enumerate(said) if at not in twins]
