"""The hands of a labeler: what one does to a page by keys and mouse, and how the page words the outcome."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from playwright.sync_api import Page

from labeling.annotations.shapes import TaskType

CLASSES = ["Ash", "Birch", "Cedar", "Fir", "Oak"]
OPEN = "No label yet"

Json = dict[str, Any]


class Hand(Protocol):
    """What differs between the kinds of labeling pages."""

    task_type: ClassVar[TaskType]
    images: ClassVar[int]
    """So many that a thousand edits do not use them up, nor a fifth of those a quarter of them."""
    size: ClassVar[tuple[int, int]]
    """Of an image, in pixels."""
    shown: ClassVar[str]
    """In JavaScript: the images on the page, each by its id and the work on it in words."""

    def said(self, decision: Json) -> str:
        """What the page says about a decision, as far as it matters here."""
        ...

    def comes_to(self, work: str) -> str:
        """What of the work in words on an image is submitted."""
        ...

    def suggested(self, chance: random.Random) -> list[Json]:
        """What a run suggests for an image."""
        ...

    def edit(self, page: Page, chance: random.Random) -> None:
        """One random thing that changes the work on the page, more often than not."""
        ...

    def submission(self, decided: int, shown: int, chance: random.Random) -> str | None:
        """The keys that submit, when it is time to."""
        ...


class Grid:
    """Chooses a class for each of several images."""

    task_type: ClassVar[TaskType] = "multiclass"
    images: ClassVar[int] = 900
    size: ClassVar[tuple[int, int]] = (48, 36)
    shown: ClassVar[str] = """[...document.querySelectorAll("[data-item]")].map(tile => [
      tile.dataset.item, tile.getAttribute("aria-label").split(/\\.png: /)[1]])"""

    def said(self, decision: Json) -> str:
        if decision["outcome"] is None:
            return OPEN
        if decision["outcome"] == "skipped":
            return "Skipped"
        return class_name(decision["annotations"][0])

    def comes_to(self, work: str) -> str:
        return work

    def suggested(self, chance: random.Random) -> list[Json]:
        return []

    def edit(self, page: Page, chance: random.Random) -> None:
        keys = ["1", "2", "3", "4", "5", "s", "x", "Control+z", "Control+Shift+z", "Control+a 3"]
        weights = [8, 8, 8, 8, 8, 6, 4, 3, 2, 1]
        if chance.random() < 0.25:
            page.keyboard.press(chance.choice(["ArrowRight", "ArrowLeft", "ArrowDown"]))
        press(page, chance.choices(keys, weights)[0])

    def submission(self, decided: int, shown: int, chance: random.Random) -> str | None:
        if decided == shown and chance.random() < 0.2:
            return "Enter"
        return "Control+Enter" if decided > 4 and chance.random() < 0.04 else None


class Canvas:
    """Draws boxes on one image at a time."""

    task_type: ClassVar[TaskType] = "boxes"
    images: ClassVar[int] = 450
    size: ClassVar[tuple[int, int]] = (640, 480)
    shown: ClassVar[str] = """[...document.querySelectorAll("[data-item]")].map(image => {
      const text = id => document.querySelector(`[data-testid=${id}]`)?.textContent;
      const decided = text("done").startsWith("1") ? "Labeled" : "No label yet";
      const shapes = [...document.querySelectorAll("[data-shape]")].map(row =>
        `${row.dataset.shape}, ${/[A-Z][a-z]+/.exec(row.textContent)}, ${row.title}`);
      return [image.dataset.item, [text("outcome") ?? decided, ...shapes].join("; ")];
    })"""

    def said(self, decision: Json) -> str:
        shapes = decision["annotations"]
        match decision["outcome"]:
            case "skipped":
                why = decision["reason"] or decision["note"]  # the history has one for both
                outcome = "Skipped: Blurred" if why else "Skipped"
            case "needs_review":
                outcome = ", ".join(filter(None, ["For a reviewer", decision["note"]]))
            case "labeled":
                outcome = "Labeled" if shapes else "Nothing here"
            case _:
                outcome = OPEN
                shapes = decision.get("suggestions") or shapes
        return "; ".join([outcome, *map(self._place, shapes)])

    def comes_to(self, work: str) -> str:
        """A shape that lies exactly on another of its class, as the second copy of one does, is said once."""
        outcome, *shapes = work.split("; ")
        seen = {what: shape for shape in reversed(shapes) for what in [shape.partition(", ")[2]]}
        return "; ".join([outcome, *(shape for shape in shapes if shape in seen.values())])

    def _place(self, shape: Json) -> str:
        width, height = self.size
        box = shape["geometry"]
        x, y, across, down = (
            math.floor(share * pixels + 0.5)  # as browsers round
            for share, pixels in (
                (box["x0"], width),
                (box["y0"], height),
                (box["x1"] - box["x0"], width),
                (box["y1"] - box["y0"], height),
            )
        )
        place = f"{across} by {down} pixels at {x}, {y}"
        return f"{shape['annotation_id']}, {class_name(shape)}, {place}"

    def suggested(self, chance: random.Random) -> list[Json]:
        def box(number: int) -> Json:
            x, y = chance.uniform(0, 0.6), chance.uniform(0, 0.6)
            return {
                "annotation_id": f"s{number}",
                "class": chance.choice(CLASSES),
                "confidence": round(chance.uniform(0.3, 1), 2),
                "geometry": {"kind": "box", "x0": x, "y0": y, "x1": x + 0.3, "y1": y + 0.3},
            }

        return [box(number) for number in range(chance.choice([0, 0, 1, 2, 3]))]

    def edit(self, page: Page, chance: random.Random) -> None:
        edits: dict[Callable[[Page, random.Random], None], int] = {
            self._draw: 10,
            self._draw_by_keys: 6,
            self._move: 8,
            self._nudge: 10,
            self._change_one: 16,
            self._skip: 3,
            self._ask: 3,
            self._press_one: 10,
        }
        page.get_by_role("application").focus()
        chance.choices(list(edits), list(edits.values()))[0](page, chance)

    def _draw(self, page: Page, chance: random.Random) -> None:
        press(page, f"{chance.randint(1, 5)} r")
        self._drag(page, chance)

    def _draw_by_keys(self, page: Page, chance: random.Random) -> None:
        there = [f"Shift+Arrow{chance.choice(['Left', 'Right'])}"] * chance.randint(1, 4)
        there += [f"Shift+Arrow{chance.choice(['Up', 'Down'])}"] * chance.randint(1, 4)
        press(page, f"r ArrowDown Enter {' '.join(there)} Enter")

    def _move(self, page: Page, chance: random.Random) -> None:
        press(page, "v")
        self._drag(page, chance)

    def _drag(self, page: Page, chance: random.Random) -> None:
        """From somewhere to somewhere: what is under the mouse is drawn, moved or pulled by a side."""
        image = page.get_by_role("application").bounding_box()
        assert image
        for step in (page.mouse.down, page.mouse.up):
            x = image["x"] + image["width"] * chance.uniform(0.1, 0.9)
            y = image["y"] + image["height"] * chance.uniform(0.1, 0.9)
            page.mouse.move(x, y)
            step()

    def _nudge(self, page: Page, chance: random.Random) -> None:
        arrow = "Arrow" + chance.choice(["Left", "Right", "Up", "Down"])
        times = chance.randint(1, 3)
        press(page, " ".join(["v Tab", *[chance.choice(["", "Shift+"]) + arrow] * times]))

    def _change_one(self, page: Page, chance: random.Random) -> None:
        keys = ["1", "2", "3", "4", "5", "Delete", "Control+d", "Control+c Control+v"]
        weights = [2, 2, 2, 2, 2, 5, 2, 2]
        press(page, "Tab " + chance.choices(keys, weights)[0])

    def _skip(self, page: Page, chance: random.Random) -> None:
        press(page, chance.choice(["s", "s Shift+1"]))

    def _ask(self, page: Page, chance: random.Random) -> None:
        page.keyboard.press("a")
        if page.evaluate("document.activeElement.tagName === 'INPUT'"):
            press(page, chance.choice(["Escape", "w h y Enter"]))

    def _press_one(self, page: Page, chance: random.Random) -> None:
        keys = ["n", "Shift+a", "Shift+x", "Control+a Delete", "Control+a Shift+ArrowLeft"]
        keys += ["Control+z", "Control+Shift+z"]
        press(page, chance.choices(keys, [3, 3, 1, 1, 1, 6, 4])[0])

    def submission(self, decided: int, shown: int, chance: random.Random) -> str | None:
        if decided < shown or chance.random() > 0.2:
            return None
        return chance.choice(["v Enter", "Control+Enter"])  # Enter draws with the other tool


def press(page: Page, keys: str) -> None:
    """Press some keys, one after another."""
    for key in keys.split():
        page.keyboard.press(key)


def class_name(annotation: Json) -> str:
    """Of the class that an annotation names by its id."""
    return CLASSES[int(annotation["class_id"][1:]) - 1]
