from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask
import pytest

from dev.simulate import judge
from dev.simulate.__main__ import main

# pycocotools' own, where it decodes a mask.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Json = dict[str, Any]


# The whole job.


def run(folder: Path, *more: str) -> tuple[int, Json]:
    """The exit status and the numbers of a small run."""
    numbers = folder / "simulate.json"
    where = ["--folder", str(folder), "--json", str(numbers)]
    status = main(["--type", "polygons", "--items", "40", "--labelers", "4", *where, *more])
    return status, json.loads(numbers.read_text(encoding="utf-8"))


def test_four_labelers_finish_forty_images_and_nothing_is_broken(tmp_path: Path) -> None:
    status, numbers = run(tmp_path, "--prelabels")

    assert status == 0
    assert numbers["type"] == "polygons"
    assert numbers["assist_mismatches"] == 0
    assert (numbers["items"], numbers["labelers"]) == (40, 4)
    assert numbers["labels"] >= 40
    assert numbers["calls_per_handout"] > 0
    assert numbers["calls_per_submit"] > 0
    broken = {name: numbers[name] for name in ("double_leased", "lost", "export_mismatches")}
    assert broken == {"double_leased": 0, "lost": 0, "export_mismatches": 0}


def test_nothing_is_broken_where_hosts_are_killed_and_storage_has_a_bad_day(tmp_path: Path) -> None:
    status, numbers = run(tmp_path, "--type", "multiclass", "--items", "20", "--chaos")

    assert status == 0
    assert numbers["hosts_killed"] > 0
    assert numbers["miscounted"] == 0


def test_claiming_without_etag_is_noticed(tmp_path: Path) -> None:
    status, numbers = run(tmp_path, "--items", "12", "--sabotage", "claim-without-etag")

    assert status == 1
    assert numbers["double_leased"] > 0


def test_a_dropped_item_is_noticed(tmp_path: Path) -> None:
    status, numbers = run(tmp_path, "--items", "20", "--sabotage", "drop-item")

    assert status == 1
    assert numbers["lost"] > 0
    assert numbers["double_leased"] == 0


# The judge, on logs made up here.


def asked(at: float, who: str, task: str) -> Json:
    return {"at": at, "labeler": who, "event": "asked", "request_id": f"r-{task}"}


def received(at: float, who: str, task: str, *, until: float = 100, revision: int = 0) -> Json:
    items: list[Json] = [{"item_id": "i", "revision": revision}]
    more = {"request_id": f"r-{task}", "task_id": task, "until": until, "items": items}
    return {"at": at, "labeler": who, "event": "task", "calls": 3, "again": False, **more}


def sending(at: float, who: str, task: str, *, base: int = 0, tag: str = "c1") -> Json:
    said = {"annotation_id": "a1", "class_id": tag, "geometry": {"kind": "tag"}}
    decision = {"item_id": "i", "base_revision": base, "outcome": "labeled", "reason": None}
    body = {"submission_id": f"s-{task}", "items": [{**decision, "annotations": [said]}]}
    return {"at": at, "labeler": who, "event": "sending", "task_id": task, "body": body}


def answered(
    at: float, who: str, task: str, *, status: str = "saved", revision: int | None = 1
) -> Json:
    answer = {"results": [{"item_id": "i", "status": status, "revision": revision}]}
    more = {"task_id": task, "submission_id": f"s-{task}", "status": 200, "answer": answer}
    return {"at": at, "labeler": who, "event": "answered", "calls": 2, "how": "once", **more}


def releasing(at: float, who: str, task: str) -> Json:
    return {"at": at, "labeler": who, "event": "releasing", "task_id": task, "items": ["i"]}


def renewed(at: float, who: str, task: str, until: float) -> Json:
    return {"at": at, "labeler": who, "event": "renewed", "task_id": task, "until": until}


BOB = [asked(0, "bob", "b"), received(1, "bob", "b")]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([*BOB, asked(2, "eve", "e"), received(3, "eve", "e")], id="both in hand"),
        pytest.param(
            [
                asked(0, "bob", "b"),
                received(1, "bob", "b", until=5),
                renewed(4, "bob", "b", 9),
                asked(6, "eve", "e"),
                received(7, "eve", "e"),
            ],
            id="after a renewal",
        ),
        pytest.param(
            [
                *BOB,
                sending(2, "bob", "b"),
                asked(2.5, "eve", "e"),
                received(3, "eve", "e"),
                answered(4, "bob", "b"),
            ],
            id="given away while the work was on its way",
        ),
        pytest.param(
            [
                *BOB,
                asked(0, "eve", "e"),
                received(3, "eve", "e"),
                sending(2, "bob", "b"),
                sending(3.5, "eve", "e"),
                answered(4, "eve", "e"),
            ],
            id="had still, when somebody else got it",
        ),
        pytest.param(
            [*BOB, asked(2, "bob", "b2"), received(3, "bob", "b2")], id="twice by one labeler"
        ),
    ],
)
def test_a_double_lease_is_seen(events: list[Json]) -> None:
    assert len(judge.double_leases(judge.holds(sorted(events, key=lambda e: e["at"])))) == 1


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(
            [
                asked(0, "bob", "b"),
                received(1, "bob", "b", until=5),
                asked(2, "eve", "e"),
                received(6.5, "eve", "e"),
                sending(7, "eve", "e"),
                answered(8, "eve", "e"),
                sending(9, "bob", "b"),
                answered(10, "bob", "b", status="superseded", revision=None),
            ],
            id="expired",
        ),
        pytest.param(
            [
                *BOB,
                releasing(2, "bob", "b"),
                asked(2, "eve", "e"),
                received(3, "eve", "e"),
                sending(4, "eve", "e"),
                answered(5, "eve", "e"),
            ],
            id="released",
        ),
        pytest.param(
            [
                *BOB,
                sending(2, "bob", "b"),
                answered(3, "bob", "b"),
                asked(4, "bob", "b2"),
                received(5, "bob", "b2", revision=1),
                sending(6, "bob", "b2", base=1),
                answered(7, "bob", "b2", revision=2),
            ],
            id="reopened",
        ),
        pytest.param([*BOB, received(2, "bob", "b")], id="the same answer again"),
    ],
)
def test_one_after_the_other_is_no_double_lease(events: list[Json]) -> None:
    assert judge.double_leases(judge.holds(events)) == []


def kept(*entries: Json, path: str = "p", **view: Any) -> judge.Kept:
    """An item with this history, showing its last entry."""
    last = entries[-1] if entries else {}
    shown = {"item_id": "i", "path": path, "state": last.get("outcome", "available"), **last}
    return judge.Kept({**shown, **view}, entries)


def entry(task: str = "b", *, revision: int = 1, tag: str = "c1", what: str = "submitted") -> Json:
    said = {"annotation_id": "a1", "class_id": tag, "geometry": {"kind": "tag"}}
    head = {"what": what, "submission_id": f"s-{task}", "revision": revision}
    return {**head, "outcome": "labeled", "annotations": [said]}


SAVED = [*BOB, sending(2, "bob", "b"), answered(3, "bob", "b")]
CORRECTED = [
    *SAVED,
    asked(4, "bob", "b2"),
    received(5, "bob", "b2", revision=1),
    sending(6, "bob", "b2", base=1, tag="c2"),
    answered(7, "bob", "b2", revision=2),
]
LATE = [*SAVED, *BOB, asked(0, "eve", "e"), received(1, "eve", "e"), sending(4, "eve", "e")]


@pytest.mark.parametrize(
    ("events", "items"),
    [
        (SAVED, [kept(entry())]),
        (CORRECTED, [kept(entry(), entry("b2", revision=2, tag="c2"))]),
        (
            [*LATE, answered(5, "eve", "e", status="superseded", revision=None)],
            [kept(entry("e", what="superseded"), entry())],
        ),
        (LATE, [kept(entry(), entry("e", revision=2))]),  # never answered: either is right
        (LATE, [kept(entry())]),
        (
            [
                *BOB,
                sending(2, "bob", "b"),
                answered(3, "bob", "b", status="saved_late", revision=None),
            ],
            [kept(entry())],
        ),
    ],
)
def test_what_is_kept_as_accepted_is_not_lost(events: list[Json], items: list[judge.Kept]) -> None:
    assert judge.lost(judge.submissions(events), items, ["p"]) == []


@pytest.mark.parametrize(
    ("events", "items", "finding"),
    [
        (SAVED, [], "p: is no item"),
        (SAVED, [kept(state="available")], "0 times in the history"),
        (SAVED, [kept(entry(tag="c2"))], "0 times as it was sent"),
        (SAVED, [kept(entry(), entry(revision=2))], "2 times in the history"),
        (SAVED, [kept(entry(), state="needs_review")], "ended needs_review"),
        (SAVED, [kept(entry(), annotations=[])], "accepted last was"),
        (SAVED, [kept(entry(), entry("x", revision=2))], "nobody sent it"),
        (CORRECTED, [kept(entry())], "s-b2 of bob was answered saved"),
        (BOB, [kept(state="labeled", submission_id=None)], "nobody was told so"),
        (
            [*LATE, answered(5, "eve", "e")],
            [kept(entry(), entry("e"))],
            "both accepted as revision 1",
        ),
        (
            [*SAVED, answered(4, "bob", "b", status="refused", revision=None)],
            [kept(entry())],
            "answered differently the second time",
        ),
        (
            [*BOB, sending(2, "bob", "b"), {**answered(3, "bob", "b"), "status": 422}],
            [kept(state="available", submission_id=None)],
            "refused with 422",
        ),
        (
            [*LATE, answered(5, "eve", "e", status="superseded", revision=None)],
            [kept(entry())],
            "s-e of eve was answered superseded",
        ),
    ],
)
def test_what_is_not_kept_as_accepted_is_lost(
    events: list[Json], items: list[judge.Kept], finding: str
) -> None:
    found = judge.lost(judge.submissions(events), items, ["p"])

    assert any(finding in one for one in found), found


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_text('{"at": 2, "event": "b"}\n{"at": 1, "event": "a"}\n{"at": 3, "ev')

    assert [event["event"] for event in judge.read_logs([log])] == ["a", "b"]


# Suggestions.

SUGGESTED = {"run_id": "run", "annotations": [{"annotation_id": "p1", "class_id": "c1"}]}
COUNTED = {"accepted": 1, "changed": 0, "removed": 0, "added": 0}
ACCEPTED = {"run_id": "run", **COUNTED}
ORIGIN = {"prelabel": "p1", "run_id": "run", "changed": False}


def unassisted(
    *,
    shown: Json | None = SUGGESTED,
    kind: str = "prelabeled",
    made: Json | None = ACCEPTED,
    became: Json | None = ACCEPTED,
    origin: Json | None = ORIGIN,
    counted: Mapping[str, int] = COUNTED,
    suggested: Mapping[str, list[Json | None]] = {"p": [SUGGESTED]},
) -> list[str]:
    """What the judge finds where Bob accepts a suggestion, or something is otherwise."""
    page = {**received(1, "bob", "b"), "kind": kind, "state": "open"}
    page["items"] = [{"item_id": "i", "path": "p", "revision": 0, "prelabel": shown}]
    events = [asked(0, "bob", "b"), page, sending(2, "bob", "b"), answered(3, "bob", "b")]
    events[2]["made"] = {"i": made}
    one = {**entry(), "by": "bob", "prelabel": became}
    one["annotations"][0]["origin"] = origin
    said = judge.submissions(events)
    return judge.unassisted(events, said, [kept(one)], suggested, {"bob": counted})


def test_suggestions_that_came_and_were_counted_as_they_were_made_are_right() -> None:
    assert unassisted() == []
    assert unassisted(suggested={"p": [None, SUGGESTED], "q": [None, SUGGESTED]}) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"shown": None}, "shown None"),
        ({"shown": {**SUGGESTED, "run_id": "older"}}, "shown {'run_id': 'older'"),
        ({"kind": "manual"}, "came as manual"),
        ({"suggested": {"p": [SUGGESTED], "q": [SUGGESTED]}}, "q: never came prelabeled"),
        ({"suggested": {}}, "suggested (None,)"),
        ({"made": {**ACCEPTED, "accepted": 0, "changed": 1}}, "the history says"),
        ({"became": None}, "the history says None"),
        ({"origin": None}, "the history says"),
        ({"origin": {**ORIGIN, "changed": True}}, "the history says"),
        ({"origin": {**ORIGIN, "run_id": "older"}}, "the history says"),
        ({"counted": {}}, "bob: counted {}"),
    ],
)
def test_suggestions_that_are_otherwise_are_seen(change: Json, finding: str) -> None:
    found = unassisted(**change)

    assert any(finding in one for one in found), found


# The export.

WIDTH, HEIGHT = 200, 100
BOX = {"kind": "box", "x0": 0.1, "y0": 0.2, "x1": 0.5, "y1": 0.8}
RING = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
HOLE = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]
POLYGON = {"kind": "polygon", "parts": [{"outer": RING, "holes": []}]}
HOLED = {"kind": "polygon", "parts": [{"outer": RING, "holes": [HOLE]}]}
Change = Callable[[Json, Json], object]


def decision(outcome: str, geometry: Json | None = None) -> judge.Decision:
    said = [{"annotation_id": "a", "class_id": "c2", "geometry": geometry}] if geometry else []
    reason = "a blur" if outcome == "skipped" else None
    item_id = "s" if outcome == "skipped" else "i"
    return judge.Decision("bob", item_id, "s-1", "saved", 1, outcome, said, reason)


def compare(folder: Path, geometry: Json, record: Json, change: Change | None) -> Sequence[str]:
    """Compare an export of a labeled and a skipped image, changed beforehand."""
    coco: Json = {
        "images": [{"id": 1, "file_name": "p", "width": WIDTH, "height": HEIGHT}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 2, "iscrowd": 0, **deepcopy(record)}
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    counts = {"items": 2, "exported": 1, "omitted": 1, "annotations": 1}
    manifest: Json = {
        "counts": {**counts, "omitted_by_reason": {"skipped": 1}},
        "omitted": [{"item_id": "s", "path": "q", "reason": "skipped: a blur"}],
    }
    if change:
        change(coco, manifest)
    data = json.dumps(coco).encode()
    digest = hashlib.sha256(data).hexdigest()
    manifest.setdefault("files", [{"sha256": digest, "size": len(data)}])
    (folder / "coco.json").write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    instance: Mapping[str, Any] = {"box": BOX, "polygon": geometry.get("parts")}
    size = {"width": WIDTH, "height": HEIGHT}
    exported = judge.Exported(
        folder / "coco.json",
        folder / "manifest.json",
        truth={"p": {**size, "instances": [instance]}, "q": {**size, "instances": []}},
        classes={"c1": "cat", "c2": "dog"},
        path_of={"i": "p", "s": "q"},
    )
    last = {"i": decision("labeled", geometry), "s": decision("skipped")}
    return judge.compare_export(exported, last).findings


BOX_RECORD: Json = {"bbox": [20.0, 20.0, 80.0, 60.0], "area": 4800.0, "segmentation": []}
RING_RECORD: Json = {
    "bbox": [20.0, 10.0, 160.0, 80.0],
    "area": 12800.0,
    "segmentation": [[20.0, 10.0, 180.0, 10.0, 180.0, 90.0, 20.0, 90.0]],
}


def holed_record() -> Json:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8, order="F")
    mask[10:90, 20:180] = 1
    mask[30:70, 60:140] = 0
    rle: Json = pycocotools.mask.encode(mask)
    segmentation = {"size": rle["size"], "counts": rle["counts"].decode()}
    return {"bbox": RING_RECORD["bbox"], "area": 9600.0, "segmentation": segmentation}


@pytest.mark.parametrize(
    ("geometry", "record"),
    [({"kind": "tag"}, {}), (BOX, BOX_RECORD), (POLYGON, RING_RECORD), (HOLED, holed_record())],
    ids=["tag", "box", "polygon", "with a hole"],
)
def test_an_export_of_what_was_accepted_has_no_mismatch(
    tmp_path: Path, geometry: Json, record: Json
) -> None:
    assert compare(tmp_path, geometry, record, None) == []


def move(coco: Json, _: Json) -> None:
    coco["annotations"][0]["bbox"][0] += 0.02


def wrong_class(coco: Json, _: Json) -> None:
    coco["annotations"][0]["category_id"] = 1


def turned(coco: Json, _: Json) -> None:
    coco["images"][0] |= {"width": HEIGHT, "height": WIDTH}


def another_image(coco: Json, _: Json) -> None:
    coco["images"][0]["file_name"] = "q"


def no_annotation(coco: Json, _: Json) -> None:
    coco["annotations"] = []


def one_category(coco: Json, _: Json) -> None:
    coco["categories"].append({"id": 3, "name": "bird"})


def not_omitted(_: Json, manifest: Json) -> None:
    manifest["omitted"] = []


def other_reason(_: Json, manifest: Json) -> None:
    manifest["omitted"][0]["reason"] = "available"


def other_file(_: Json, manifest: Json) -> None:
    manifest["files"] = [{"sha256": "0", "size": 1}]


def miscounted(_: Json, manifest: Json) -> None:
    manifest["counts"]["annotations"] = 7


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (move, "bbox is"),
        (wrong_class, "is cat, not dog"),
        (turned, "truly"),
        (another_image, "p: not exported"),
        (another_image, "q: nobody labeled it"),
        (no_annotation, "0 annotations, accepted were 1"),
        (one_category, "categories are"),
        (not_omitted, "q: left out as None"),
        (other_reason, "q: left out as 'available'"),
        (other_file, "digest or size"),
        (miscounted, "the manifest counts"),
    ],
)
def test_a_difference_of_an_export_is_seen(tmp_path: Path, change: Change, finding: str) -> None:
    found = compare(tmp_path, BOX, BOX_RECORD, change)

    assert any(finding in one for one in found), found


@pytest.mark.parametrize(
    ("geometry", "record", "finding"),
    [
        (POLYGON, {**RING_RECORD, "area": 12801.0}, "area is"),
        (
            POLYGON,
            {**RING_RECORD, "segmentation": [[20, 10, 180, 10, 180, 90.02, 20, 90]]},
            "outline",
        ),
        (HOLED, {**RING_RECORD, "area": 9600.0}, "holes are missing"),
        (HOLED, {**holed_record(), "area": 12800.0}, "area is"),
        (BOX, {**BOX_RECORD, "segmentation": [[1, 1, 2, 2, 3, 3]]}, "a box has a segmentation"),
        ({"kind": "tag"}, {"bbox": [0, 0, 1, 1], "area": 1}, "is a tag"),
    ],
)
def test_another_shape_is_seen(tmp_path: Path, geometry: Json, record: Json, finding: str) -> None:
    found = compare(tmp_path, geometry, record, None)

    assert any(finding in one for one in found), found


def test_a_shape_accepted_far_from_the_truth_is_seen(tmp_path: Path) -> None:
    far = {**BOX, "x1": 0.6}
    record = {"bbox": [20.0, 20.0, 100.0, 60.0], "area": 6000.0, "segmentation": []}

    found = compare(tmp_path, far, record, None)

    assert any("overlaps the truth by 0.800" in one for one in found), found


def test_an_export_that_leaves_an_item_out_without_a_word_is_noticed(tmp_path: Path) -> None:
    labels, manifest = tmp_path / "labels.csv", tmp_path / "manifest.json"
    labels.write_bytes(b"rows")
    said: Json = {
        "format": "csv",
        "counts": {"items": 3, "exported": 2},
        "omitted": [{"reason": "skipped"}],
        "files": [{"sha256": hashlib.sha256(b"rows").hexdigest()}],
    }
    manifest.write_text(json.dumps(said))
    assert judge.unaccounted([labels], manifest, 3) == []

    manifest.write_text(json.dumps(said | {"omitted": []}))
    assert judge.unaccounted([labels], manifest, 3) == ["csv: 2 and 0 of 3 items"]
    labels.write_bytes(b"other rows")
    assert len(judge.unaccounted([labels], manifest, 3)) == 2
