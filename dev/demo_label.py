"""`make demo-label N=300`: labels images of a project of the demo that models help with, while one watches.

Takes page after page like a labeler who knows the truth: the class that a photo shows, and a skip where it
shows none; with `TYPE=boxes` or `TYPE=polygons` the shapes of what it shows. `--project NAME --photos FOLDER`
labels another project, of photos that the demo made, wherever LABELRY_URL and LABELRY_TOKEN lead.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from dev.client import ApiError, Client
from dev.demo import ADMIN, ASSISTED, ASSISTED_SAMPLES, folder_of
from dev.samples import Instance, Scene, Truth
from dev.stack import HOST_PORT

_PAGE = 9


def main(arguments: Sequence[str] | None = None) -> int:
    """Label until so many images are done, or none is left."""
    parser = argparse.ArgumentParser(prog="python -m dev.demo_label", description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument(
        "--type", default="multiclass", help="boxes, polygons: the project of these"
    )
    parser.add_argument("--project", help="its name, when it is none of the demo's")
    parser.add_argument("--photos", type=Path, help="the folder its photos came from")
    options = parser.parse_args(arguments)
    wanted: int = options.count
    of_type = {sample.task_type: sample for sample in ASSISTED_SAMPLES}
    sample = of_type.get(options.type, ASSISTED)
    name = options.project or sample.name
    try:
        truth = Truth.read((options.photos or folder_of(sample)) / "truth.json")
    except FileNotFoundError:
        print("the project is not there yet; `make demo` makes it", file=sys.stderr)
        return 1
    try:
        with _client(elsewhere=bool(options.project)) as client:
            done = label(client, name, truth, wanted)
    except (httpx.TransportError, StopIteration):
        print("the demo does not run; start it with `make demo`", file=sys.stderr)
        return 1
    except ApiError as error:
        print(f"ended: {error}", file=sys.stderr)
        return 1
    print(f"labeled {done} images")
    return 0


def _client(*, elsewhere: bool) -> Client:
    if elsewhere:
        return Client(os.environ["LABELRY_URL"], token=os.environ["LABELRY_TOKEN"])
    return Client(f"http://127.0.0.1:{HOST_PORT}", person=ADMIN)


def label(client: Client, name: str, truth: Truth, wanted: int) -> int:
    """Label up to `wanted` images of the project of this name; how many were labeled."""
    projects = client.call("GET", "/projects")["items"]
    project = next(project for project in projects if project["name"] == name)
    place = f"/projects/{project['project_id']}"
    found = client.call("GET", place)
    classes = {class_["name"]: class_["class_id"] for class_ in found["classes"]}
    done = 0
    while done < wanted:
        size = min(_PAGE, wanted - done)
        asked = {"request_id": uuid.uuid4().hex, "size": size}
        task = client.call("POST", f"{place}/tasks", asked)["task"]
        if not task:
            break
        items = [
            _decision(
                item,
                truth.scene(item["path"]),
                classes,
                found["task_type"],
            )
            for item in task["items"]
        ]
        client.call(
            "POST",
            f"{place}/tasks/{task['task_id']}/submit",
            {
                "submission_id": uuid.uuid4().hex,
                "classes_version": task["classes_version"],
                "items": items,
            },
        )
        done += len(items)
        print(f"\r{done} of {wanted}  ({task['kind']})        ", end="", flush=True)
    print()
    return done


def _decision(
    item: dict[str, Any], scene: Scene, classes: dict[str, str], task_type: str
) -> dict[str, Any]:
    if task_type in ("boxes", "polygons"):
        drawn = [
            {
                "annotation_id": f"a{number}",
                "class_id": classes[instance.class_name],
                "geometry": _shape(instance, task_type),
            }
            for number, instance in enumerate(scene.instances)
        ]
        return {"item_id": item["item_id"], "outcome": "labeled", "annotations": drawn}
    if not scene.tags:
        return {"item_id": item["item_id"], "outcome": "skipped", "annotations": []}
    geometry = {"kind": "tag"}
    tag = {"annotation_id": "a1", "class_id": classes[scene.tags[0]], "geometry": geometry}
    return {"item_id": item["item_id"], "outcome": "labeled", "annotations": [tag]}


def _shape(instance: Instance, task_type: str) -> dict[str, Any]:
    if task_type == "boxes":
        return {"kind": "box"} | dict(zip(("x0", "y0", "x1", "y1"), instance.box, strict=True))
    parts = [{"outer": part.outer, "holes": part.holes} for part in instance.polygon]
    return {"kind": "polygon", "parts": parts}


if __name__ == "__main__":
    sys.exit(main())
