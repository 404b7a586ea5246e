"""Attributes of classes: what else is said of a thing that has the class, such as whether it is occluded.

An attribute is its name: labels hold the name and the value, so to rename one is to make another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from math import isfinite
from sys import float_info
from typing import Annotated, Literal
from unicodedata import category

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from labeling.errors import Fault
from labeling.model import Model
from labeling.names import Name, key_of

MAX_ATTRIBUTES = 20
MAX_CHOICES = 100
MAX_TEXT = 1_000

AttributeKind = Literal["choice", "number", "yes_no", "text"]


def is_line(text: str) -> bool:
    """Whether that can be a value: one line that can be written to any file, without space around it."""
    return (
        0 < len(text) <= MAX_TEXT
        and text == text.strip()
        and not any(category(char) in _NO_LINE for char in text)
    )


_NO_LINE = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control, unassigned, half of a pair, ends of lines."""


def _a_value(sent: object) -> object:
    # Here, for a union tells what is wrong with each of its kinds instead of what is wrong.
    fits = (
        is_line(sent)
        if isinstance(sent, str)
        else isinstance(sent, int | float) and abs(sent) <= float_info.max
    )
    if not fits:
        raise PydanticCustomError(
            "unfit_attribute",
            "an attribute is true, false, a number, or one line of text without space around it",
        )
    return sent


AttributeValue = Annotated[
    StrictBool | float | Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)],
    BeforeValidator(_a_value),
]
"""Of a choice one of its texts, of yes or no a boolean."""

AttributeValues = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=200)], AttributeValue],
    Field(
        max_length=MAX_ATTRIBUTES,
        description="by name, of those that the class has; what is left out is not said",
    ),
]


class Attribute(Model):
    """What is asked of each annotation of a class. A `required` one has to be said before it is submitted.

    `choices` are what can be said where the kind is `choice`, in their order.
    """

    name: Name
    kind: AttributeKind
    required: bool = False
    choices: Annotated[list[Name], Field(max_length=MAX_CHOICES)] = []

    @model_validator(mode="after")
    def _choices_of_a_choice(self) -> Attribute:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("a choice, and nothing else, has choices")
        _each_once(self.choices)
        return self

    def takes(self, value: AttributeValue) -> bool:
        """Whether that is something it can have."""
        match self.kind:
            case "choice":
                return value in self.choices
            case "number":
                return isinstance(value, float | int) and not isinstance(value, bool)
            case "yes_no":
                return isinstance(value, bool)
            case "text":
                return isinstance(value, str)


def _each_once(names: Iterable[str]) -> None:
    keys = [key_of(name) for name in names]
    if len(set(keys)) < len(keys):
        raise ValueError("a name is there twice")


def _named_once(attributes: list[Attribute]) -> list[Attribute]:
    _each_once(attribute.name for attribute in attributes)
    return attributes


Attributes = Annotated[
    list[Attribute],
    Field(max_length=MAX_ATTRIBUTES, description="what is asked of each annotation of the class"),
    AfterValidator(_named_once),
]


def fault_of_values(
    values: Mapping[str, AttributeValue], attributes: Sequence[Attribute], *, complete: bool
) -> Fault | None:
    """What is wrong with what is said of an annotation, pointing into it; None where nothing is.

    Args:
        values: by name.
        attributes: of the annotation's class.
        complete: whether the required ones have to be there.
    """
    known = {attribute.name: attribute for attribute in attributes}
    for name, value in values.items():
        pointer = f"/attributes/{name.replace('~', '~0').replace('/', '~1')}"
        attribute = known.get(name)
        if attribute is None:
            return Fault(pointer, "unknown-attribute", f"this class has no attribute {name!r}")
        if not attribute.takes(value):
            return Fault(pointer, "unfit-attribute", f"{name!r} takes {_WORDS[attribute.kind]}")
    missing = next(
        (
            attribute.name
            for attribute in attributes
            if attribute.required and attribute.name not in values
        ),
        "",
    )
    if complete and missing:
        detail = f"{missing!r} has to be said of everything of this class"
        return Fault("/attributes", "missing-attribute", detail)
    return None


_WORDS: Mapping[AttributeKind, str] = {
    "choice": "one of its choices",
    "number": "a number",
    "yes_no": "true or false",
    "text": "a text",
}

_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})


def understood(said: object, attribute: Attribute) -> AttributeValue | None:
    """A value as some file has it, as one that the attribute takes; None where it means none of them.

    >>> understood("yes", Attribute(name="occluded", kind="yes_no"))
    True
    """
    text = str(said).strip()
    match attribute.kind:
        case "choice":
            found = (choice for choice in attribute.choices if key_of(choice) == key_of(text))
            return next(found, None)
        case "yes_no":
            word = text.casefold()
            return True if word in _YES else False if word in _NO else None
        case "number":
            if isinstance(said, bool):
                return None
            with suppress(ValueError):
                number = float(text)
                return number if isfinite(number) else None
            return None
        case "text":
            return text if is_line(text) else None
