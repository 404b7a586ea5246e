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
    if not any(one.class_id in into for one in annotations):
        return list(annotations)
    tagged = {
        (one.class_id, one.frame)
        for one in annotations
        if isinstance(one.geometry, Tag) and one.class_id not in into
    }
    said: list[Said] = []
    for one in annotations:
        new = into.get(one.class_id)
        if new is None:
            said.append(one)
            continue
        if isinstance(one.geometry, Tag):
            if (new, one.frame) in tagged:
                continue
            tagged.add((new, one.frame))
        said.append(one.model_copy(update={"class_id": new}))
    twins = set(twins_of(said))
    return [one for at, one in enumerate(said) if at not in twins]
