"""The formats of exports: each is one file here, and one word in this list."""

from __future__ import annotations

from collections.abc import Mapping

from labeling.exchange.formats.coco import COCO
from labeling.exchange.formats.format import Format

FORMATS: Mapping[str, Format] = {one.name: one for one in (COCO,)}
"""By name; the first is what is made when nothing is said."""
