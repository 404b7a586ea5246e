"""GrabCut on windows with one thing each: reads a folder of `.npz`, prints how well it outlines them, as JSON.

Runs in an environment of its own that has OpenCV and numpy, and nothing of Labelry.

python grabcut.py FOLDER
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

ROUNDS = 3
_EDGE = np.ones((5, 5), np.uint8)
_WIDE = 2  # times: four pixels to each side of the model's outline are in doubt


def started_from_mask(mask: np.ndarray) -> np.ndarray:
    """(h, w) of GrabCut's four words: doubt near the edge of a mask, certainty away from it."""
    said = np.full(mask.shape, cv2.GC_BGD, np.uint8)
    said[cv2.dilate(mask, _EDGE, iterations=_WIDE) > 0] = cv2.GC_PR_BGD
    said[mask > 0] = cv2.GC_PR_FGD
    said[cv2.erode(mask, _EDGE, iterations=_WIDE) > 0] = cv2.GC_FGD
    return said


def started_from_box(box: np.ndarray) -> np.ndarray:
    """(h, w): certainty outside a drawn box, doubt within."""
    return np.where(box > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)


def cut(image: np.ndarray, said: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """The thing, as (h, w) 0 and 1; `otherwise` where GrabCut finds none or refuses."""
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(image, said, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return otherwise
    found = (said == cv2.GC_FGD) | (said == cv2.GC_PR_FGD)
    return found.astype(np.uint8) if found.any() else otherwise


def main() -> None:
    """Outline each thing in both ways."""
    cv2.setNumThreads(1)
    overlaps: dict[str, list[float]] = {"mask": [], "box": []}
    took = dict.fromkeys(overlaps, 0.0)
    for file in sorted(Path(sys.argv[1]).glob("*.npz")):
        window = np.load(file)
        for name, start in (("mask", started_from_mask), ("box", started_from_box)):
            began = time.process_time()
            found = cut(window["image"], start(window[name]), window[name])
            took[name] += time.process_time() - began
            both = (found & window["truth"]).sum()
            overlaps[name].append(float(both / (found | window["truth"]).sum()))
    print(json.dumps({"overlaps": overlaps, "seconds": took}))


if __name__ == "__main__":
    main()
