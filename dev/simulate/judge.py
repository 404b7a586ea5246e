"""What the labelers' logs prove against what is kept and what was exported. No server is asked.

Everything here is a function of the logs, of what the items API shows, and of the exported files.
A finding is a sentence; no findings, nothing broken.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import dist, inf
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pycocotools.coco
import pycocotools.mask
from numpy.typing import NDArray

Json = dict[str, Any]
Mask = NDArray[np.bool_]

_coco: Any = pycocotools.coco  # its stubs know no keywords of ours
_masks: Any = pycocotools.mask

_HALF_A_CENT = 0.005 + 1e-6  # COCO has pixels to two decimals
_SAME = 0.98
"""Intersection over union from which two shapes are the same."""
_ENOUGH = 100  # shapes: of fewer, some thin ones would decide the mean


def read_logs(files: Iterable[Path]) -> list[Json]:
    """All lines of the logs in the order of their times; a line cut off by a kill is left out."""
    events: list[Json] = []
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                events.append(json.loads(line))
    return sorted(events, key=lambda event: event["at"])


# Who held what.


@dataclass
class Hold:
    """One image in one task. Times as the labeler knows them; the lease began before `received`."""

    labeler: str
    task_id: str
    item_id: str
    revision: int
    asked: float
    received: float
    until: float
    sent: float = inf
    """When something was first sent that may end it."""
    released: float = inf
    """When it was given back, or asked to be."""
    saved: float | None = None
    """When it was answered `saved`: the task stood until then."""

    @property
    def sure_until(self) -> float:
        """Before this moment nobody else may have it."""
        return min(self.sent, self.until)

    def over_before(self, moment: float) -> bool:
        """Whether others could have been given it by then, without work of this one."""
        return self.released < moment or self.until < moment


def holds(events: Sequence[Json]) -> list[Hold]:
    """Every image that was handed out, with when the labeler had it for sure."""
    asked: dict[str, float] = {}
    found: dict[tuple[str, str], Hold] = {}
    for event in events:
        at, kind = event["at"], event["event"]
        if kind == "asked":
            asked.setdefault(event["request_id"], at)
        elif kind == "task":
            for item in event["items"]:
                hold = Hold(
                    event["labeler"],
                    event["task_id"],
                    item["item_id"],
                    item["revision"],
                    asked[event["request_id"]],
                    at,
                    event["until"],
                )
                found.setdefault((event["task_id"], item["item_id"]), hold)
        elif kind == "renewed":
            for (task_id, _), hold in found.items():
                if task_id == event["task_id"]:
                    hold.until = max(hold.until, event["until"])
        elif kind == "releasing":
            for item_id in event["items"]:
                hold = found[event["task_id"], item_id]
                hold.sent, hold.released = min(hold.sent, at), min(hold.released, at)
        elif kind == "sending":
            for item in event["body"]["items"]:
                hold = found[event["task_id"], item["item_id"]]
                hold.sent = min(hold.sent, at)
        elif kind == "answered" and event["status"] == 200:
            for result in event["answer"]["results"]:
                hold = found[event["task_id"], result["item_id"]]
                if result["status"] == "saved" and hold.saved is None:
                    hold.saved = at
    return list(found.values())


def double_leases(held: Sequence[Hold]) -> list[str]:
    """Pairs of tasks that had the same image at the same time.

    Either both labelers had it in hand at one moment, sent nothing yet, and neither lease was over.
    Or one's work was `saved` on the revision both were given, so that its task stood from claim to
    submission: then the other was given the image meanwhile, or had it already and still.
    """
    by_item: defaultdict[str, list[Hold]] = defaultdict(list)
    for hold in held:
        by_item[hold.item_id].append(hold)
    return [
        f"{a.item_id}: {a.labeler} ({a.task_id}) and {b.labeler} ({b.task_id}), "
        f"at revisions {a.revision} and {b.revision}"
        for ones in by_item.values()
        for a, b in combinations(ones, 2)
        if _at_once(a, b) or _meanwhile(a, b) or _meanwhile(b, a)
    ]


def _at_once(a: Hold, b: Hold) -> bool:
    return max(a.received, b.received) < min(a.sure_until, b.sure_until)


def _meanwhile(saved: Hold, other: Hold) -> bool:
    return (
        saved.saved is not None
        and saved.revision == other.revision
        and other.asked < saved.saved
        and not other.over_before(saved.received)
    )


# What was accepted.


@dataclass(frozen=True)
class Decision:
    """What a labeler said about one image, and what was answered."""

    labeler: str
    item_id: str
    submission_id: str
    status: str
    revision: int
    """Of the image, once it is kept."""
    outcome: str
    annotations: Sequence[Json]
    reason: str | None
    made: Json | None = None
    """What became of suggestions, as the labeler counts it; None where the page showed none."""

    @property
    def accepted(self) -> bool:
        """Whether it was promised that this is kept and counts."""
        return self.status in ("saved", "saved_late")


@dataclass
class Submissions:
    """What the logs say about submissions."""

    decisions: list[Decision] = field(default_factory=list[Decision])
    """Those that were answered, each once however often it was sent."""
    sent: set[str] = field(default_factory=set[str])
    unanswered: set[str] = field(default_factory=set[str])
    """Whether these are kept is not known, and either is right."""
    problems: list[str] = field(default_factory=list[str])
    """Answers that contradict each other, and good work that was refused."""

    def last(self) -> dict[str, Decision]:
        """What is in force for each image."""
        found: dict[str, Decision] = {}
        for one in sorted(self.decisions, key=lambda decision: decision.revision):
            if one.accepted:
                found[one.item_id] = one
        return found


def submissions(events: Sequence[Json]) -> Submissions:
    """Read the logs for what was sent and what was answered."""
    found = Submissions()
    bodies: dict[str, Json] = {}
    made: dict[str, Json] = {}
    answers: dict[str, Json] = {}
    for event in events:
        if event["event"] == "sending":
            bodies[event["body"]["submission_id"]] = event["body"]
            made[event["body"]["submission_id"]] = event.get("made", {})
        if event["event"] != "answered":
            continue
        submission_id, answer = event["submission_id"], event["answer"]
        if event["status"] != 200:
            found.problems.append(f"{submission_id}: refused with {event['status']}: {answer}")
        elif submission_id not in answers:
            answers[submission_id] = answer
            body = bodies[submission_id]
            decided = _decisions(event["labeler"], body, made[submission_id], answer)
            found.decisions += decided
            if len(decided) != len(body["items"]):
                found.problems.append(f"{submission_id}: not every image was answered")
        elif answer != answers[submission_id]:
            found.problems.append(f"{submission_id}: answered differently the second time")
    found.sent, found.unanswered = set(bodies), set(bodies) - set(answers)
    found.problems += [
        f"{decision.item_id}: refused in {decision.submission_id}"
        for decision in found.decisions
        if decision.status == "refused"
    ]
    return found


def _decisions(labeler: str, body: Json, made: Json, answer: Json) -> list[Decision]:
    said = {item["item_id"]: item for item in body["items"]}
    return [
        Decision(
            labeler,
            result["item_id"],
            body["submission_id"],
            result["status"],
            # Late work is saved only where nobody changed the image since.
            result["revision"] or said[result["item_id"]]["base_revision"] + 1,
            said[result["item_id"]]["outcome"],
            said[result["item_id"]]["annotations"],
            said[result["item_id"]]["reason"],
            made.get(result["item_id"]),
        )
        for result in answer["results"]
        if result["item_id"] in said
    ]


# What is kept of it.


@dataclass(frozen=True)
class Kept:
    """An image as the items API shows it."""

    view: Json
    history: Sequence[Json]


def lost(said: Submissions, kept: Sequence[Kept], paths: Iterable[str]) -> list[str]:
    """Accepted work that is not kept as it was accepted, and images nobody has finished."""
    by_id = {one.view["item_id"]: one for one in kept}
    seen = {one.view["path"] for one in kept}
    findings = [*said.problems]
    findings += [f"{path}: is no item" for path in paths if path not in seen]
    twice: dict[tuple[str, int], Decision] = {}
    for decision in said.decisions:
        findings += _missing(decision, by_id.get(decision.item_id))
        if decision.accepted:
            first = twice.setdefault((decision.item_id, decision.revision), decision)
            if first is not decision:
                findings.append(
                    f"{decision.item_id}: {first.submission_id} and {decision.submission_id} were both "
                    f"accepted as revision {decision.revision}"
                )
    last = said.last()
    for one in kept:
        findings += _not_in_force(one, last.get(one.view["item_id"]), said)
    return findings


def _missing(decision: Decision, kept: Kept | None) -> list[str]:
    what = "submitted" if decision.accepted else "superseded"
    if decision.status == "refused":
        return []
    found = [
        entry
        for entry in (kept.history if kept else ())
        if entry["what"] == what and entry["submission_id"] == decision.submission_id
    ]
    same = [
        entry
        for entry in found
        if entry["outcome"] == decision.outcome
        and _bare(entry["annotations"]) == _bare(decision.annotations)
        and (not decision.accepted or entry["revision"] == decision.revision)
    ]
    if len(found) == len(same) == 1:
        return []
    return [
        f"{decision.item_id}: {decision.submission_id} of {decision.labeler} was answered {decision.status}, "
        f"and is {len(found)} times in the history, {len(same)} times as it was sent"
    ]


def _not_in_force(kept: Kept, last: Decision | None, said: Submissions) -> list[str]:
    view = kept.view
    name = f"{view['item_id']} ({view['path']})"
    findings = [
        f"{name}: {entry['submission_id']} is in the history, and nobody sent it"
        for entry in kept.history
        if entry["submission_id"] and entry["submission_id"] not in said.sent
    ]
    if view["state"] not in ("labeled", "skipped"):
        return [*findings, f"{name}: ended {view['state']}"]
    if view["submission_id"] in said.unanswered:
        return findings
    if last is None:
        return [*findings, f"{name}: is {view['state']}, and nobody was told so"]
    shown = (view["submission_id"], view["outcome"], view["state"], view["revision"])
    expected = (last.submission_id, last.outcome, last.outcome, last.revision)
    if shown != expected or _bare(view["annotations"]) != _bare(last.annotations):
        return [*findings, f"{name}: shows {shown}, accepted last was {expected}"]
    return findings


def _bare(annotations: Sequence[Json]) -> list[Json]:
    """Annotations without what they were made from, which is found out and not believed."""
    return [{**annotation, "origin": None} for annotation in annotations]


# What became of suggestions.


def unassisted(
    events: Sequence[Json],
    said: Submissions,
    kept: Sequence[Kept],
    suggested: Mapping[str, Sequence[Json | None]],
    counted: Mapping[str, Json],
) -> list[str]:
    """Suggestions that were not shown as they were sent, and what became of them that is not kept so.

    Args:
        events: of the labelers.
        said: what they sent and were answered.
        kept: every image.
        suggested: `{run_id, annotations}` by path: one where all was sent before the work began, else what
            may be shown, by when the image was handed out.
        counted: by labeler, what the product counts of what became of suggestions.
    """
    findings: list[str] = []
    seen: set[str] = set()
    for event in events:
        if event["event"] != "task" or event["state"] != "open":
            continue
        for item in event["items"]:
            # What somebody has labeled is not suggested again.
            fresh = item["revision"] == 0
            shown: Json | None = item["prelabel"]
            wanted = suggested.get(item["path"], (None,)) if fresh else (None,)
            if shown not in wanted:
                findings.append(f"{item['path']}: shown {shown}, suggested {wanted}")
            if fresh and event["kind"] != ("prelabeled" if shown else "manual"):
                findings.append(f"{item['path']}: came as {event['kind']}")
            seen |= {item["path"]} if shown else set()
    surely = {path for path, ones in suggested.items() if None not in ones}
    findings += [f"{path}: never came prelabeled" for path in sorted(surely - seen)]
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    by_submission = {
        (decision.submission_id, decision.item_id): decision for decision in said.decisions
    }
    for one in kept:
        for entry in one.history:
            decision = by_submission.get((entry["submission_id"], one.view["item_id"]))
            became: Json | None = entry["prelabel"]
            if decision and (became != decision.made or not _adds_up(entry)):
                findings.append(
                    f"{one.view['path']}: {decision.submission_id} made {decision.made} of the "
                    f"suggestions, the history says {became}"
                )
            if became and entry["what"] == "submitted" and entry["outcome"] == "labeled":
                totals[entry["by"]].update({k: v for k, v in became.items() if k != "run_id"})
    findings += [
        f"{labeler}: counted {dict(counted.get(labeler, {}))}, in the history are {dict(total)}"
        for labeler, total in totals.items()
        if counted.get(labeler) != total
    ]
    return findings


def _adds_up(entry: Json) -> bool:
    """Whether annotations say themselves what is counted of them."""
    if not entry["prelabel"]:
        return True
    origins = [annotation["origin"] for annotation in entry["annotations"]]
    made = [origin for origin in origins if origin]
    return (
        sum(not one["changed"] for one in made),
        sum(one["changed"] for one in made),
        len(origins) - len(made),
        {one["run_id"] for one in made} - {entry["prelabel"]["run_id"]},
    ) == (*(entry["prelabel"][name] for name in ("accepted", "changed", "added")), set())


# What was exported of it.


@dataclass(frozen=True)
class Exported:
    """The files of an export, and what they are compared with."""

    coco: Path
    manifest: Path
    truth: Mapping[str, Json]
    """Of each path: width, height and instances, see `dev.samples.Truth.write`."""
    classes: Mapping[str, str]
    """Names by id, in the project's order."""
    path_of: Mapping[str, str]
    """Of each item."""


@dataclass
class Comparison:
    """What comparing an export found."""

    findings: list[str] = field(default_factory=list[str])
    overlaps: list[float] = field(default_factory=list[float])
    """Intersection over union with the truth, of every box and polygon."""


def compare_export(exported: Exported, last: Mapping[str, Decision]) -> Comparison:
    """Compare an export with what was accepted, to a hundredth of a pixel."""
    found = Comparison()
    quiet = io.StringIO()
    with redirect_stdout(quiet):
        coco = _coco.COCO(str(exported.coco))
    labeled = {
        exported.path_of[i]: decision
        for i, decision in last.items()
        if decision.outcome == "labeled"
    }
    skipped = {
        exported.path_of[i]: decision
        for i, decision in last.items()
        if decision.outcome == "skipped"
    }
    images: dict[str, Json] = {image["file_name"]: image for image in coco.imgs.values()}
    if len(images) != len(coco.imgs):
        found.findings.append("an image is there twice")
    found.findings += [f"{path}: not exported" for path in sorted(labeled.keys() - images.keys())]
    found.findings += [f"{path}: nobody labeled it" for path in sorted(images.keys() - labeled)]
    found.findings += _categories(coco.dataset["categories"], exported.classes)
    found.findings += _manifest(exported, coco, skipped)
    for path in sorted(images.keys() & labeled.keys()):
        _compare_image(coco, images[path], labeled[path], exported, found)
    if len(found.overlaps) >= _ENOUGH and fmean(found.overlaps) < _SAME:
        found.findings.append(f"the shapes overlap the truth by {fmean(found.overlaps):.3f} only")
    return found


def unaccounted(labels: Sequence[Path], manifest: Path, items: int) -> list[str]:
    """What an export's manifest says of its files and items that is not so, whatever the format."""
    said: Json = json.loads(manifest.read_text(encoding="utf-8"))
    counts, name = said["counts"], said["format"]
    findings = [
        f"{name}: the manifest's digest of {path.name} is not the file's"
        for path, file in zip(labels, said["files"], strict=True)
        if file["sha256"] != hashlib.sha256(path.read_bytes()).hexdigest()
    ]
    if not counts["items"] == counts["exported"] + len(said["omitted"]) == items:
        findings.append(f"{name}: {counts['exported']} and {len(said['omitted'])} of {items} items")
    return findings


def _categories(categories: Sequence[Json], classes: Mapping[str, str]) -> list[str]:
    names = [
        category["name"] for category in sorted(categories, key=lambda category: category["id"])
    ]
    if names == list(classes.values()):
        return []
    return [f"categories are {names}, classes {list(classes.values())}"]


def _manifest(exported: Exported, coco: Any, skipped: Mapping[str, Decision]) -> list[str]:
    manifest: Json = json.loads(exported.manifest.read_text(encoding="utf-8"))
    data = exported.coco.read_bytes()
    file: Json = manifest["files"][0]
    omitted = {one["path"]: one["reason"] for one in manifest["omitted"]}
    expected = {path: f"skipped: {decision.reason}" for path, decision in skipped.items()}
    counts = {
        "items": len(exported.path_of),
        "exported": len(coco.imgs),
        "omitted": len(omitted),
        "annotations": len(coco.anns),
        "omitted_by_reason": {"skipped": len(skipped)} if skipped else {},
    }
    findings = [
        f"{path}: left out as {omitted.get(path)!r}, but was {expected.get(path)!r}"
        for path in sorted(omitted.keys() | expected.keys())
        if omitted.get(path) != expected.get(path)
    ]
    if (file["sha256"], file["size"]) != (hashlib.sha256(data).hexdigest(), len(data)):
        findings.append("the manifest's digest or size is not the file's")
    if manifest["counts"] != counts:
        findings.append(f"the manifest counts {manifest['counts']}, the files {counts}")
    return findings


def _compare_image(
    coco: Any, image: Json, decision: Decision, exported: Exported, found: Comparison
) -> None:
    path = image["file_name"]
    truth = exported.truth[path]
    size = (image["width"], image["height"])
    if size != (truth["width"], truth["height"]):
        found.findings.append(f"{path}: is {size}, truly {truth['width'], truth['height']}")
        return
    ids: list[int] = sorted(coco.getAnnIds(imgIds=[image["id"]]))
    records: list[Json] = coco.loadAnns(ids)
    if len(records) != len(decision.annotations):
        found.findings.append(
            f"{path}: {len(records)} annotations, accepted were {len(decision.annotations)}"
        )
        return
    for number, (record, said) in enumerate(zip(records, decision.annotations, strict=True)):
        name = coco.cats[record["category_id"]]["name"]
        wanted = exported.classes[said["class_id"]]
        if name != wanted:
            found.findings.append(f"{path}: annotation {number} is {name}, not {wanted}")
        geometry = said["geometry"]
        if geometry["kind"] == "tag":
            if "bbox" in record or "segmentation" in record:
                found.findings.append(f"{path}: annotation {number} says where, and is a tag")
            continue
        shape = _box(geometry, size) if geometry["kind"] == "box" else _Shape.of(geometry, size)
        if problem := shape.differs(record):
            found.findings.append(f"{path}: annotation {number}: {problem}")
            continue
        instance = truth["instances"][number]
        if geometry["kind"] == "box":
            true = _box(instance["box"], size)
            overlap, apart = _overlap_of_boxes(record["bbox"], true.bounds())
        else:
            true = _Shape.of({"parts": instance["polygon"]}, size)
            overlap, apart = _overlap_of_masks(coco.annToMask(record), true)
        found.overlaps.append(overlap)
        # The labelers are off by up to a pixel: of something thin that is more than two percent.
        if overlap < _SAME and apart > true.border():
            found.findings.append(
                f"{path}: annotation {number} overlaps the truth by {overlap:.3f}"
            )


def _overlap_of_boxes(bbox: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Intersection over union, and the area that only one of them has."""
    left, top, width, height = bbox
    wide = max(0.0, min(left + width, other[2]) - max(left, other[0]))
    high = max(0.0, min(top + height, other[3]) - max(top, other[1]))
    both = wide * high
    union = width * height + (other[2] - other[0]) * (other[3] - other[1]) - both
    return both / union, union - both


def _overlap_of_masks(mask: Mask, other: _Shape) -> tuple[float, float]:
    """As above, of shapes that differ by pixels: looked at where the second one is."""
    left, top, right, bottom = other.bounds()
    room = 5
    window = (
        max(0, int(left) - room),
        max(0, int(top) - room),
        min(mask.shape[1], int(right) + room),
        min(mask.shape[0], int(bottom) + room),
    )
    inside = mask[window[1] : window[3], window[0] : window[2]].astype(bool)
    true = other.mask(window)
    union, apart = int((inside | true).sum()), int((inside ^ true).sum())
    outside = int(np.count_nonzero(mask)) - int(inside.sum())
    return (union - apart) / (union + outside), apart + outside


Points = Sequence[Sequence[float]]


@dataclass(frozen=True)
class _Shape:
    """Rings in pixels, each outer one with its holes, on an image of `size`."""

    parts: Sequence[tuple[Points, Sequence[Points]]]
    size: tuple[int, int]
    is_box: bool = False

    @classmethod
    def of(cls, polygon: Json, size: tuple[int, int]) -> _Shape:
        def pixels(ring: Points) -> Points:
            return [[x * size[0], y * size[1]] for x, y in ring]

        return cls(
            [
                (pixels(part["outer"]), [pixels(h) for h in part["holes"]])
                for part in polygon["parts"]
            ],
            size,
        )

    def differs(self, record: Json) -> str | None:
        """How an exported annotation is not this shape, or None."""
        left, top, right, bottom = self.bounds()
        x, y, width, height = record["bbox"]
        if not _near([left, top, right, bottom], [x, y, x + width, y + height]):
            return f"bbox is {record['bbox']}, accepted was {[left, top, right, bottom]}"
        area = sum(_area(outer) - sum(map(_area, holes)) for outer, holes in self.parts)
        # Of a box it is the area of the rounded sides, half a hundredth off each.
        slack = (right - left + bottom - top) * 0.01 if self.is_box else 0
        if abs(area - record["area"]) > _HALF_A_CENT + slack:
            return f"area is {record['area']}, accepted was {area}"
        segmentation = record["segmentation"]
        if self.is_box:
            return None if segmentation == [] else "a box has a segmentation"
        if isinstance(segmentation, dict):
            whole = (0, 0, *self.size)
            same = (_decoded(segmentation) == self.mask(whole)).all()
            return None if same else "the mask is another"
        if any(holes for _, holes in self.parts):
            return "the holes are missing"
        rings = [[at for point in outer for at in point] for outer, _ in self.parts]
        if len(rings) != len(segmentation) or not all(map(_near, rings, segmentation)):
            return "the outline is another"
        return None

    def mask(self, window: tuple[int, int, int, int]) -> Mask:
        """Its pixels in a part of the image: each ring's own, holes taken out of their part."""
        left, top, right, bottom = window

        def filled(ring: Points) -> Mask:
            flat = [p for x, y in ring for p in (round(x, 2) - left, round(y, 2) - top)]
            return _decoded(_masks.frPyObjects([flat], bottom - top, right - left)[0])

        whole = np.zeros((bottom - top, right - left), dtype=bool)
        for outer, holes in self.parts:
            part = filled(outer)
            for hole in holes:
                part &= ~filled(hole)
            whole |= part
        return whole

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom, in pixels."""
        points = [point for outer, _ in self.parts for point in outer]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)

    def border(self) -> float:
        """The length of all rings, in pixels."""
        rings = [ring for outer, holes in self.parts for ring in (outer, *holes)]
        return sum(dist(a, b) for ring in rings for a, b in pairwise([*ring, ring[0]]))


def _box(box: Json, size: tuple[int, int]) -> _Shape:
    (x0, x1), (y0, y1) = (
        (box["x0"] * size[0], box["x1"] * size[0]),
        (box["y0"] * size[1], box["y1"] * size[1]),
    )
    return _Shape([([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], [])], size, is_box=True)


def _decoded(rle: Any) -> Mask:
    return _masks.decode(rle).astype(bool)


def _area(ring: Points) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*ring, ring[0]]))) / 2


def _near(a: Sequence[float], b: Sequence[float]) -> bool:
    return len(a) == len(b) and all(
        abs(one - other) <= _HALF_A_CENT for one, other in zip(a, b, strict=True)
    )


# What it took.


@dataclass(frozen=True)
class Effort:
    """How often labelers were answered, and how many storage calls that took."""

    labels: int
    """Decisions answered `saved` or `saved_late`: skips and corrections too."""
    seconds: float
    """From the first request for a page to the last line of a log."""
    handout_calls: Sequence[int]
    """Of each page that was handed out anew."""
    submit_calls: Sequence[int]
    """Of each submission that was sent once and saved."""
    dry_polls: int
    """Requests for a page that were answered with none."""
    conflicts_seen: int
    """Answers 409 and 503 to labelers."""


def effort(events: Sequence[Json], said: Submissions) -> Effort:
    """Count what the logs tell about the work itself."""

    def of(kind: str) -> list[Json]:
        return [event for event in events if event["event"] == kind]

    begun = min((event["at"] for event in of("asked")), default=0.0)
    return Effort(
        labels=sum(1 for decision in said.decisions if decision.accepted),
        seconds=max((event["at"] for event in events), default=0.0) - begun,
        handout_calls=[one["calls"] for one in of("task") if not one["again"]],
        submit_calls=[
            one["calls"]
            for one in of("answered")
            if one["how"] == "once"
            and one["status"] == 200
            and {result["status"] for result in one["answer"]["results"]} == {"saved"}
        ],
        dry_polls=len(of("none")),
        conflicts_seen=sum(1 for one in of("refused") if one["status"] in (409, 503)),
    )
