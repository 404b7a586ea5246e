"""Draw the charts of docs/benchmarks.md from what `make bench` wrote: `python -m dev.bench.charts`.

`.local/bench.json` of a run of `ONLY=peer` is kept as `docs/figures/peer-IMAGES.json`; all of these become
`docs/images/peer.svg`. Plain SVG, whose colours follow the reader's, light or dark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from dev import ROOT

FIGURES = ROOT / "docs/figures"
PEER = ROOT / "docs/images/peer.svg"

_WIDTH, _LEFT, _RIGHT = 720, 230, 60
_BAR, _GAP, _GROUP = 16, 3, 18
_HEAD, _FOOT = 62, 44
_SERIES = (("#0f6cbd", "#62abf5"), ("#ca5010", "#f4a06b"), ("#107c10", "#6bc46b"))
"""Colours on white and on black: each has a contrast of 3 and more to what it lies on."""
_BEHIND = ", times as fast as Label Studio"


def drawn(runs: Mapping[str, Mapping[str, float]], *, title: str, axis: str, least: str) -> str:
    """A chart of ratios on a logarithmic axis. Bars begin at 1: what is faster goes right, what is slower left.

    Args:
        runs: the ratio of each row, by the name of a run; all have the same rows.
        title: what a screen reader says.
        axis: what stands below.
        least: what 1 means.
    """
    names = list(next(iter(runs.values())))
    values = [one for run in runs.values() for one in run.values()]
    low = 10 ** math.floor(math.log10(min(*values, 1)))
    high = 10 ** math.ceil(math.log10(max(*values, 1)))

    def x(value: float) -> float:
        share = (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    group = len(runs) * (_BAR + _GAP) + _GROUP
    bottom = _HEAD + len(names) * group
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + _FOOT}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_style(len(runs))}</style>",
        '<rect class="page" width="100%" height="100%" rx="8"/>',
    ]
    for number, run in enumerate(runs):
        left = _LEFT + number * 170
        lines += [
            f'<rect class="s{number}" x="{left}" y="14" width="14" height="14"/>',
            f'<text x="{left + 20}" y="26">{escape(run)}</text>',
        ]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = x(10.0**power)
        kind = "one" if power == 0 else "grid"
        lines += [
            f'<line class="{kind}" x1="{at}" x2="{at}" y1="{_HEAD - 14}" y2="{bottom}"/>',
            f'<text class="tick" x="{at}" y="{bottom + 16}">{10.0**power:g}</text>',
        ]
    lines.append(f'<text class="tick" x="{x(1)}" y="{_HEAD - 18}">{escape(least)}</text>')
    for row, name in enumerate(names):
        top = _HEAD + row * group
        middle = top + len(runs) * (_BAR + _GAP) / 2 + 4
        lines.append(f'<text class="name" x="{_LEFT - 10}" y="{middle:g}">{escape(name)}</text>')
        for number, run in enumerate(runs.values()):
            value, y = run[name], top + number * (_BAR + _GAP)
            start, end = sorted((x(1), x(value)))
            faster = value >= 1
            size = f'width="{max(end - start, 1):g}" height="{_BAR}"'
            side, beside = ("right", end + 5) if faster else ("left", start - 5)
            lines += [
                f'<rect class="s{number}" x="{start:g}" y="{y}" {size}/>',
                f'<text class="{side}" x="{beside:g}" y="{y + _BAR - 4}">{value:.3g}</text>',
            ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    lines.append(f'<text class="tick" x="{middle:g}" y="{bottom + 36}">{escape(axis)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _style(series: int) -> str:
    """Colours for a light reader and for a dark one; with a ground of its own, whatever page it lies on."""
    bright = "".join(f".s{n}{{fill:{_SERIES[n][0]}}}" for n in range(series))
    dark = "".join(f".s{n}{{fill:{_SERIES[n][1]}}}" for n in range(series))
    return (
        ".page{fill:#fff}text{font:13px system-ui,sans-serif;fill:#242424}.tick{text-anchor:middle}"
        ".name,.left{text-anchor:end}.grid{stroke:#8a8a8a;stroke-width:.5}"
        f".one{{stroke:#616161;stroke-width:1.5}}{bright}"
        "@media(prefers-color-scheme:dark){.page{fill:#1b1f24}text{fill:#e6e6e6}.one{stroke:#adadad}"
        + dark
        + "}"
    )


def peer(files: Sequence[Path]) -> str:
    """The chart beside Label Studio, from what runs wrote; the names of files tell of how many images."""
    runs: dict[str, dict[str, float]] = {}
    for file in sorted(files, key=lambda file: int(file.stem.partition("-")[2])):
        rows = json.loads(file.read_text("utf-8"))
        images = int(file.stem.partition("-")[2])
        runs[f"{images:,} images"] = {
            row["name"].removesuffix(_BEHIND): row["value"]
            for row in rows
            if row["name"].endswith(_BEHIND)
        }
    return drawn(
        runs,
        title="How many times as fast as Label Studio Labelry does the same work",
        axis="times as fast as Label Studio (logarithmic)",
        least="as fast",
    )


def main() -> None:
    """Draw all charts anew."""
    PEER.write_text(peer(list(FIGURES.glob("peer-*.json"))), "utf-8")


if __name__ == "__main__":
    main()
