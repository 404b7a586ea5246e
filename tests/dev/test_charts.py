from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from dev.bench.charts import FIGURES, PEER, peer

SVG = "{http://www.w3.org/2000/svg}"


def test_the_charts_in_the_documents_are_drawn_from_the_figures_beside_them() -> None:
    assert PEER.read_text("utf-8") == peer(list(FIGURES.glob("peer-*.json"))), (
        "python -m dev.bench.charts"
    )


def test_what_is_faster_goes_right_of_one_and_what_is_slower_left(tmp_path: Path) -> None:
    rows = [
        {"name": f"{name}, times as fast as Label Studio", "value": value}
        for name, value in (("next <one>", 10.0), ("import", 0.1))
    ]
    file = tmp_path / "peer-2000.json"
    file.write_text(json.dumps([*rows, {"name": "memory", "value": 7.0}]), "utf-8")

    drawn = ElementTree.fromstring(peer([file]))

    texts = {element.text for element in drawn.iter(f"{SVG}text")}
    assert {"next <one>", "import", "10", "0.1", "2,000 images"} <= texts
    assert "memory" not in texts
    (one,) = (line for line in drawn.iter(f"{SVG}line") if line.get("class") == "one")
    _, faster, slower = (
        element for element in drawn.iter(f"{SVG}rect") if element.get("class") == "s0"
    )
    middle = float(one.get("x1", ""))
    assert float(faster.get("x", "")) == middle
    assert float(slower.get("x", "")) + float(slower.get("width", "")) == middle
