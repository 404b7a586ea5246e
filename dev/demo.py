"""`make demo`: the whole system on this machine, with projects to try, until Ctrl-C."""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import get_args

from dev import LOCAL
from dev.child import Child, StartFailed
from dev.client import ApiError, Client, Person
from dev.samples import Truth, compose
from dev.site import Choice, build, with_sign_in
from dev.stack import Stack
from dev.suggestions import suggestions
from labeling.annotations.shapes import TaskType

ADMIN = Person("demo-admin", "admin@example.com", roles=("admin",))
LABELERS = (
    Person("demo-labeler-1", "labeler1@example.com"),
    Person("demo-labeler-2", "labeler2@example.com"),
)
CHOICES = (
    Choice(ADMIN, "프로젝트를 만들고 모두 봅니다", "creates projects and sees everything"),
    Choice(LABELERS[0], "레이블을 지정합니다", "labels images"),
    Choice(LABELERS[1], "레이블을 지정합니다", "labels images"),
)


@dataclass(frozen=True)
class Sample:
    """A project to try. `scenes` says which photos it is over: those with one thing, or with several."""

    name: str
    task_type: TaskType
    scenes: TaskType
    instructions: str
    prelabeled: bool = False
    assist: Mapping[str, object] | None = None
    """Its settings, where models help."""
    dataset: str = ""
    """The name of its photos, where several projects are over the same ones."""


_THINGS = "여러 물체 · Several things a photo"
ASSISTED = Sample(
    "비슷한 것끼리 · Similar images, and suggestions",
    "multiclass",
    "multiclass",
    "비슷한 사진이 한 페이지에 모입니다. 300장쯤 지정하면 나머지는 모델이 제안합니다.\n\n"
    "Photos that look alike come on one page. From about 300 labels on a model suggests the others.",
    assist={"on": True},
)
ASSISTED_BOXES = Sample(
    "그릴수록 제안되는 상자 · Boxes, suggested once enough are drawn",
    "boxes",
    "boxes",
    "물체마다 상자를 꼭 맞게 그리세요. 300장쯤 그리면 모델이 나머지 사진에 상자를 제안합니다.\n\n"
    "Draw a box tightly around each thing. From about 300 photos on a model suggests boxes in the others.",
    assist={"on": True, "next_labels": 100, "precision": 0.9},
    dataset=_THINGS,
)
ASSISTED_POLYGONS = Sample(
    "그릴수록 제안되는 윤곽 · Polygons, suggested once enough are drawn",
    "polygons",
    "boxes",
    "물체마다 윤곽을 따라 다각형을 그리세요. 300장쯤 그리면 모델이 나머지 사진에 다각형을 제안합니다.\n\n"
    "Draw a polygon along the outline of each thing. From about 300 photos on a model suggests polygons in "
    "the others.",
    assist={"on": True, "next_labels": 100, "precision": 0.9},
    dataset=_THINGS,
)
ASSISTED_SAMPLES = (ASSISTED, ASSISTED_BOXES, ASSISTED_POLYGONS)
SAMPLES = (
    Sample(
        "하나만 고르기 · One class an image",
        "multiclass",
        "multiclass",
        "사진에 있는 것을 하나 고르세요. 아무것도 없으면 건너뛰세요.\n\n"
        "Choose what the photo shows. Skip a photo that shows nothing.",
    ),
    Sample(
        "여러 개 고르기 · Several classes an image",
        "multilabel",
        "multilabel",
        "사진에 보이는 것을 모두 고르세요. 하나도 없으면 '해당 없음'(N)을 누르세요.\n\n"
        "Choose everything the photo shows. Say “Nothing here” (N) where it shows none of it.",
    ),
    Sample(
        "상자 고치기 · Boxes, suggested",
        "boxes",
        "multilabel",
        "상자가 미리 그려져 있습니다. 맞으면 그대로 두고, 어긋난 상자는 물체에 꼭 맞게 고치세요. "
        "빠진 것은 그리고, 잘못된 상자는 지우세요.\n\n"
        "Boxes are there already. Keep those that are right, fit the others tightly around their thing, "
        "draw what is missing and remove what is wrong.",
        prelabeled=True,
    ),
    Sample(
        "다각형 그리기 · Polygons",
        "polygons",
        "multilabel",
        "물체마다 윤곽을 따라 다각형을 그리세요. 구멍은 빼고 그리세요.\n\n"
        "Draw a polygon along the outline of each thing. Cut out holes.",
    ),
)
_SCENES = 36  # of a project
_ASSISTED_SCENES = 600
_SEED = 2024
_PHOTOS = {".jpg", ".jpeg", ".png", ".bmp"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C; the exit status is 0, or 1 when the system did not come up."""
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("--images", type=Path, help="a folder of photos of your own")
    parser.add_argument("--classes", default="", help="for these photos: cat,dog")
    parser.add_argument("--type", choices=get_args(TaskType), default="multilabel")
    options = parser.parse_args(arguments)
    classes = [name.strip() for name in options.classes.split(",") if name.strip()]
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        site = with_sign_in(build(), CHOICES)
        print("starting storage, functions and front door", flush=True)
        with Stack(data=LOCAL / "azurite", site=site, fixed_ports=True, name="demo") as system:
            client = Client(system.hosts[0].url, person=ADMIN)
            if options.images:
                own_project(client, options.images.expanduser(), options.type, classes)
            else:
                sample_projects(client, SAMPLES)
            jobs = Child.start(
                "gpu-jobs",
                [sys.executable, "-m", "dev.jobs"],
                log=LOCAL / "logs/gpu-jobs.log",
                env={"LABELRY_STORAGE": system.connection_string},
            )
            token = token_for_scripts(client, LOCAL / "demo/token")
            welcome = WELCOME.format(url=system.url, logs=LOCAL / "logs", token=token)
            print(welcome, flush=True)
            try:
                if not options.images:
                    # Hundreds of photos, made while one labels.
                    sample_projects(client, ASSISTED_SAMPLES)
                _wait(system)
            finally:
                jobs.stop(grace_s=20)
                client.close()
    except KeyboardInterrupt:
        print("\nended; what was labeled is kept in .local/azurite")
    except (StartFailed, ApiError, TimeoutError, ValueError) as error:
        print(f"the demo ended: {error}", file=sys.stderr)
        return 1
    return 0


WELCOME = """
Labelry is ready.

  open      {url}/dev-signin.html
  sign in   as admin, or as labeler 1 or 2 in another browser window
  scripts   export LABELRY_URL={url} LABELRY_TOKEN={token}
  logs      {logs}
  end       Ctrl-C; what was labeled is kept, and `rm -r .local/azurite` starts over
"""


def token_for_scripts(client: Client, kept: Path) -> str:
    """The API token of a site admin that a file keeps, made anew where storage does not know it."""
    known = {item["token_id"] for item in client.call("GET", "/tokens")["items"]}
    if kept.exists():
        token_id, secret = kept.read_text("utf-8").split()
        if token_id in known:
            return secret
    made = client.call("POST", "/tokens", {"name": "scripts of the demo", "site_admin": True})
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(f"{made['token_id']} {made['secret']}", "utf-8")
    kept.chmod(0o600)
    return str(made["secret"])


def folder_of(sample: Sample) -> Path:
    """Where the photos of a sample are made."""
    return LOCAL / "demo" / (f"{sample.scenes}-assist" if sample.assist else sample.scenes)


def sample_projects(client: Client, samples: Sequence[Sample]) -> None:
    """A project of each sample, over scenes made for it, where it is not there yet."""
    known = _known_projects(client)
    made: list[tuple[Sample, str, Truth]] = []
    for sample in samples:
        if sample.name in known:
            continue
        print(f"making the project {sample.name}", flush=True)
        folder, count = folder_of(sample), _ASSISTED_SCENES if sample.assist else _SCENES
        truth = replace(compose(sample.scenes, count, _SEED, folder), task_type=sample.task_type)
        files = {scene.path: folder / scene.path for scene in truth.scenes}
        project_id = make_project(
            client,
            sample.name,
            sample.task_type,
            files,
            truth.classes,
            instructions=sample.instructions,
            assist=sample.assist,
            dataset=sample.dataset,
        )
        made.append((sample, project_id, truth))
    for sample, project_id, truth in made:
        client.wait_until_running(project_id)
        if sample.prelabeled:
            suggest(client, project_id, truth)


def suggest(client: Client, project_id: str, truth: Truth) -> None:
    """Suggest labels for a project's photos as a fairly good model would. Safe to repeat."""
    client.suggest(project_id, "sample-model", suggestions(truth, _SEED))


def own_project(client: Client, folder: Path, task_type: TaskType, classes: Sequence[str]) -> None:
    """A project over somebody's own photos, made once for this folder, type and these classes.

    Raises:
        ValueError: no photos, or too few classes to choose from.
    """
    if len(classes) < (1 if task_type in ("boxes", "polygons") else 2):
        raise ValueError("name the classes to choose from: CLASSES=cat,dog")
    files = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in _PHOTOS and file.is_file()
    }
    if not files:
        raise ValueError(f"there are no photos ({', '.join(sorted(_PHOTOS))}) in {folder}")
    name = f"{folder.resolve().name} · {task_type} · {', '.join(classes)}"[:200]
    if name not in _known_projects(client):
        print(f"making the project {name} of {len(files)} photos", flush=True)
        client.wait_until_running(make_project(client, name, task_type, files, classes))


def make_project(
    client: Client,
    name: str,
    task_type: TaskType,
    files: Mapping[str, Path],
    classes: Sequence[str],
    *,
    instructions: str = "",
    assist: Mapping[str, object] | None = None,
    dataset: str = "",
) -> str:
    """Upload, create, let the labelers in; the project's id. Safe to repeat after a failure.

    With the name of a `dataset`, over that, which other projects may be over as well.
    """
    key = _key(f"{name}/{task_type}")
    dataset_id = client.create_dataset(dataset or name, key=_key(dataset) if dataset else key)
    for path, why in client.upload(dataset_id, files).items():
        print(f"  left out: {path}: {why}", flush=True)
    project_id = client.create_project(
        name, task_type, dataset_id, classes, key=key, instructions=instructions, assist=assist
    )
    for labeler in LABELERS:
        client.add_member(project_id, labeler)
    return project_id


def _key(of: str) -> str:
    """An idempotency key."""
    return f"demo-{hashlib.sha256(of.encode()).hexdigest()[:32]}"


def _known_projects(client: Client) -> set[str]:
    return {project["name"] for project in client.call("GET", "/projects")["items"]}


def _wait(system: Stack) -> None:
    while True:
        if ended := system.ended():
            raise StartFailed(
                f"{ended.name} ended by itself; the end of its log:\n{ended.log_tail()}"
            )
        time.sleep(1)


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
