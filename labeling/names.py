"""Names that people type: of classes, projects, datasets, tokens and versions. One spelling, one way to find
them again.

Two names that look the same are the same. What nobody can see is refused where a name is made, and does not
count where one is looked up. The page has the same rule (`static_web/src/names.ts`); `tests/cases/names.json`
tests both.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

MAX_NAME = 200
"""Characters of a name."""

_JOINERS = "\u200c\u200d"
_EMOJI = "\ufe0f"
"""Asks for the coloured form of the symbol before it; phones put it there."""

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control, format, unassigned, private, half of a pair, ends of lines."""

_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Fillers and selectors of other categories. Source: Unicode's DerivedCoreProperties,
`Default_Ignorable_Code_Point`, and the empty Braille pattern."""


def spelled(name: str) -> str:
    """A name as it is kept: in composed Unicode (NFC), without space around it or twice within.

    Raises:
        PydanticCustomError: a ValueError; it is empty, too long, or has a character that nobody can see.
            Joiners are taken between letters, which Persian and Hindi need, and parts of an emoji.

    >>> spelled("  Great\u00a0 owl ")
    'Great owl'
    """
    composed = unicodedata.normalize("NFC", name.strip())
    if len(composed) > MAX_NAME:
        raise PydanticCustomError(
            "string_too_long", "a name has at most {most} characters", {"most": MAX_NAME}
        )
    _refuse_unseen(composed)
    if not composed:
        raise PydanticCustomError("string_too_short", "a name needs a character that can be seen")
    return " ".join(composed.split())


def spelled_address(email: str) -> str:
    """An e-mail address as it was typed, for whom no invisible character would ever sign in.

    Raises:
        PydanticCustomError: a ValueError; it has a character that nobody can see.
    """
    _refuse_unseen(email)
    return email


def _refuse_unseen(text: str) -> None:
    for at, char in enumerate(text):
        if not _is_seen(text, at):
            raise PydanticCustomError(
                "unseen_character",
                "a name can't have a character that nobody sees; take out {code} at place {place}",
                {"code": f"U+{ord(char):04X}", "place": at + 1},
            )


def _is_seen(name: str, at: int) -> bool:
    char = name[at]
    if char in _JOINERS:
        return 0 < at < len(name) - 1 and _joins(name[at - 1]) and _joins(name[at + 1])
    if char == _EMOJI:
        return at > 0 and unicodedata.category(name[at - 1]) == "So"
    return unicodedata.category(char) not in _UNSEEN and char not in _BLANK


def _joins(char: str) -> bool:
    """Whether a joiner beside it changes how it is written: letters, their marks, parts of an emoji."""
    return char == _EMOJI or unicodedata.category(char)[0] in "LMS"


def key_of(name: str) -> str:
    """Two names are the same when their keys are: NFKC, case-folded, without joiners, however spaced.

    Takes any text, so that what somebody typed is found whatever was around or in it.

    >>> key_of(" \uff27reat  Owl") == key_of("great owl")
    True
    """
    seen = name.translate(_JOINED)
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


_JOINED = dict.fromkeys(map(ord, _JOINERS + _EMOJI))


def same_address(email: str) -> str:
    """Two e-mail addresses are the same when these are: of the letters of ASCII alone, case does not count.

    By Unicode's rules other letters fold to these too, and would open what was meant for another.

    >>> same_address(" Ann@Example.org") == same_address("ann@example.ORG")
    True
    """
    return "".join(letter.lower() if letter.isascii() else letter for letter in email.strip())


def different(names: list[str]) -> list[str]:
    """Names without those that are the same as one before."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(key_of(name), name)
    return list(found.values())


def without_comma(name: str) -> str:
    """A name that people list with commas between.

    Raises:
        PydanticCustomError: a ValueError; it has a comma.
    """
    if "," in name:
        raise PydanticCustomError(
            "comma", "there can't be a comma in it; give what is on both sides of it one by one"
        )
    return name


Name = Annotated[str, AfterValidator(spelled)]
"""A name as somebody types it; kept as it is spelled."""

NameOrNone = Annotated[str, AfterValidator(lambda name: spelled(name) if name else "")]
"""The same where a name may be left out: empty."""
