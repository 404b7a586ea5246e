"""How long it takes from the label that a training waits for to the first page with suggestions.

On the whole local system, with the jobs beside it, all on the processor. The images were grouped before, as
they are by the time that somebody has labeled hundreds of them. Four of five right are enough here: what is
measured is the way to a suggestion, and not how many labels a stricter promise takes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dev.bench.measure import Measure
from dev.demo_label import label
from dev.samples import compose
from dev.simulate.jobs import LABELER, Json, System, running
from labeling import layout

IMAGES, LABELS = 2_000, 300
BUDGET_S = 120
_NAME = "Loop"
_PAGE = 9
_MOST_S = 1_800
_POLL_S = 0.25


def measures(images: int = IMAGES, labels: int = LABELS) -> Iterator[Measure]:
    """The one row."""
    with tempfile.TemporaryDirectory() as folder:
        photos, logs = Path(folder, "photos"), Path(folder, "logs")
        truth = compose("multiclass", images, 5, photos, objects="some")
        with running(logs) as system:
            dataset_id = system.admin.create_dataset(_NAME, key="bench")
            system.admin.upload(
                dataset_id, {scene.path: photos / scene.path for scene in truth.scenes}
            )
            project_id = system.admin.create_project(
                _NAME,
                "multiclass",
                dataset_id,
                truth.classes,
                key="bench",
                assist={"on": True, "first_labels": labels, "precision": 0.8},
            )
            system.admin.add_member(project_id, LABELER)
            system.admin.wait_until_running(project_id, timeout_s=_MOST_S)
            system.done(project_id, "featurization", _MOST_S)
            label(system.labeler, _NAME, truth, labels - _PAGE)
            began, began_at = time.monotonic(), datetime.now(UTC)
            label(system.labeler, _NAME, truth, _PAGE + 1)  # one of them shows nothing
            _wait_for_suggestions(system, project_id)
            took = round(time.monotonic() - began, 1)
            _tell(system, project_id, began_at)
    name = f"from the label that triggers a training to the first suggestions, {images:,} images"
    yield Measure(name, took, "s", BUDGET_S, took <= BUDGET_S)


def _wait_for_suggestions(system: System, project_id: str) -> None:
    """Return when a labeler is given a page with suggestions.

    Raises:
        TimeoutError: that takes too long, or a run failed.
    """
    place = f"/projects/{project_id}"
    end = time.monotonic() + _MOST_S
    while time.monotonic() < end:
        if system.admin.call("GET", f"{place}/progress")["queues"].get(layout.PRELABELED):
            body = {"request_id": "first", "size": _PAGE}
            task: Json | None = system.labeler.call("POST", f"{place}/tasks", body)["task"]
            if task is None or task["kind"] != "prelabeled":
                raise TimeoutError(f"a page with suggestions waits, and what came was {task}")
            return
        for run in system.admin.call("GET", f"{place}/runs")["items"]:
            if run["state"] == "failed" or run["reason"]:
                raise TimeoutError(f"the {run['kind']}: {run['reason']}")
        time.sleep(_POLL_S)
    raise TimeoutError(f"nothing was suggested within {_MOST_S} s")


def _tell(system: System, project_id: str, began: datetime) -> None:
    """Print when each run since the label began and ended."""

    def since(moment: str | None) -> str:
        if moment is None:
            return "not yet"
        return f"{(datetime.fromisoformat(moment) - began).total_seconds():.1f} s"

    for run in reversed(system.admin.call("GET", f"/projects/{project_id}/runs")["items"]):
        if datetime.fromisoformat(run["created_at"]) >= began:
            print(
                f"{run['kind']}: asked for after {since(run['created_at'])}, "
                f"begun {since(run['started_at'])}, ended {since(run['finished_at'])}"
            )
