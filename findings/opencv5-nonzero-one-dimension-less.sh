#!/usr/bin/env bash
# OpenCV 5.0.0: points of a mask come in two dimensions, outlines of the same mask still in three.
#
# With arrays of one dimension, findNonZero gives (n, 2) where 4.14.0 gave (n, 1, 2), and calcHist (256,) for (256, 1);
# findContours, convexHull and goodFeaturesToTrack keep (n, 1, 2). Code that reads both by `points[:, 0]`, as all
# of OpenCV 4 needed, gets no error for the first: `[:, 0]` of (n, 2) is all x, of length n, without any y.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/shapes.py" <<'PY'
import sys

import cv2
import numpy

mask = numpy.zeros((20, 30), numpy.uint8)
mask[5:10, 5:15] = 255
pixels = cv2.findNonZero(mask)
(outline,), _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
counts = cv2.calcHist([mask], [0], None, [256], [0, 256])
print("opencv", cv2.__version__, "| findNonZero", pixels.shape, "| findContours", outline.shape, "| calcHist", counts.shape)
print("   points[:, 0]:", "pixels", pixels[:, 0].shape, "outline", outline[:, 0].shape)
assert str((pixels.shape, outline.shape, counts.shape)) == sys.argv[1], "other shapes now"
PY
for version in "4.14.0.94 ((50, 1, 2), (4, 1, 2), (256, 1))" "5.0.0.93 ((50, 2), (4, 1, 2), (256,))"; do
  python3 -m venv --clear "$work/venv"
  "$work/venv/bin/pip" install --quiet "opencv-python-headless==${version%% *}"
  "$work/venv/bin/python" "$work/shapes.py" "${version#* }"
done
echo "as described: one of the two lost a dimension"
