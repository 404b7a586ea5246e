"""What comes of pydicom's own sample files: `python -m dev.dicom_samples`.

Decodes the last frame of each, compares it with what pydicom itself makes of it, and prints a table by transfer
syntax and photometric interpretation. Exits with 1 where a file is neither decoded as it should be nor refused
with a reason.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

import numpy as np
import pydicom.data
from pydicom import dcmread
from pydicom.dataset import Dataset
from rich.console import Console
from rich.table import Table

from labeling.media.dicom import decode, read_header
from labeling.media.frames import Frame, Undecodable

SAMPLES: Final = Path(pydicom.data.__file__).parent / "test_files"
_NO_IMAGES: Final = (".json", ".dump", ".gz", ".icc", ".txt")

SAME, SHOWN, OTHER = "same values", "shown", "other values"
"""Of grey files the values are compared; of colours that they are decoded in the right size."""


def main() -> None:
    """Print the table, and the reasons below."""
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    warnings.simplefilter("ignore")  # pydicom warns of odd files, which these are on purpose
    for path in sorted(SAMPLES.rglob("*")):
        if not path.is_file() or path.suffix in _NO_IMAGES:
            continue
        header = dcmread(path, stop_before_pixels=True, force=True)
        syntax = header.file_meta.get("TransferSyntaxUID")
        kind = (
            syntax.name if syntax else "none is named",
            str(header.get("PhotometricInterpretation", "no image")),
        )
        try:
            found[kind][_compared(path)] += 1
        except Undecodable as why:
            found[kind]["refused"] += 1
            reasons[str(why)].append(path.name)
    columns = (SAME, SHOWN, "refused", OTHER)
    table = Table("transfer syntax", "photometric interpretation", *columns)
    for kind in sorted(found):
        table.add_row(*kind, *(str(found[kind][column] or "") for column in columns))
    total = sum(found.values(), Counter[str]())
    table.add_section()
    table.add_row("all", "", *(str(total[column]) for column in columns))
    console = Console(width=140)
    console.print(table)
    for why, names in sorted(reasons.items(), key=lambda one: len(one[1])):
        examples = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
        console.print(f"{len(names)} refused: {why} ({examples})", markup=False)
    sys.exit(1 if total[OTHER] else 0)


def _compared(path: Path) -> str:
    """What came of a file.

    Raises:
        Undecodable: it was refused, with the reason.
    """
    with path.open("rb") as file:
        frames = read_header(file).frames
        frame = decode(file, frames - 1)
    dataset = dcmread(path, force=True)
    if frame.values is None or frame.grey is None:
        return SHOWN if frame.shown.shape[:2] == (dataset.Rows, dataset.Columns) else OTHER
    whole = dataset.pixel_array
    return SAME if _is_same(frame, dataset, whole[-1] if frames > 1 else whole) else OTHER


def _is_same(frame: Frame, dataset: Dataset, stored: np.ndarray) -> bool:
    """Whether values in their unit are equal, but for half a step where 32 bits were put into 16."""
    assert frame.grey is not None
    assert frame.values is not None
    slope = float(dataset.get("RescaleSlope") or 1)
    intercept = float(dataset.get("RescaleIntercept") or 0)
    real = frame.values * frame.grey.slope + frame.grey.intercept
    step = frame.grey.slope if "values_rounded" in frame.notes else 0.0
    return bool(np.abs(real - (stored * slope + intercept)).max() <= step / 2 + 1e-9)


if __name__ == "__main__":
    main()
