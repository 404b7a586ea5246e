"""Masks as outlines: along the edges of their pixels, so that they enclose what the mask has, to the pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import shapely

from labeling.exchange.formats.format import Ring, RingsOfPart


def decoded(counts: bytes) -> list[int]:
    """Run lengths from pycocotools' ASCII code of them, which it can't give back itself.

    Each number is written in groups of five bits, lowest first, as a character 48 + group; 32 is
    added where more groups follow, and bit 16 of the last one is the sign. From the fourth number
    on it is the difference to the number two before.

    Source: cocoapi, `rleToString` in common/maskApi.c.
    """
    runs: list[int] = []
    value = shift = 0
    for char in counts:
        group = char - 48
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def outlines(runs: Sequence[int], height: int) -> list[RingsOfPart]:
    """The parts of a mask in pixels, each with its holes.

    Args:
        runs: how many pixels are outside, inside, outside and so on, down one column after the other.
        height: of the mask.

    Raises:
        ValueError: a run is shorter than nothing.
    """
    edges = list(columns(runs, height))
    if not edges:
        return []
    x0, y0, x1, y1 = zip(*edges, strict=True)
    covered: Any = shapely.simplify(shapely.union_all(shapely.box(x0, y0, x1, y1)), 0)
    return [
        (_ring(part.exterior), [_ring(hole) for hole in part.interiors])
        for part in shapely.get_parts(covered)
    ]


def columns(runs: Sequence[int], height: int) -> Iterator[tuple[int, int, int, int]]:
    """The pixels inside as rectangles, column by column: left, top, right, bottom."""
    at = 0
    for number, run in enumerate(runs):
        if run < 0:
            raise ValueError("a mask has a run of less than no pixels")
        start, at = at, at + run
        while number % 2 and start < at:
            column, top = divmod(start, height)
            whole = (at - start) // height if top == 0 else 0
            if whole:  # columns that are inside from top to bottom
                yield column, 0, column + whole, height
                start += whole * height
                continue
            stop = min(at, (column + 1) * height)
            yield column, top, column + 1, top + stop - start
            start = stop


def _ring(line: Any) -> Ring:
    return [(float(x), float(y)) for x, y in line.coords[:-1]]
