"""`make demo-label N=300`: labels images of the demo's assisted project through the API, while one watches.

Takes page after page like a labeler who knows the truth: the class that a photo shows, and a skip where it
shows none.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Sequence
from typing import Any

import httpx

from dev.client import ApiError, Client
from dev.demo import ADMIN, ASSISTED, folder_of
from dev.samples import Truth
from dev.stack import HOST_PORT

_PAGE = 9


def main(arguments: Sequence[str] | None = None) -> int:
    """Label until so many images are done, or none is left."""
    parser = argparse.ArgumentParser(prog="python -m dev.demo_label", description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    wanted: int = parser.parse_args(arguments).count
    truth = Truth.read(folder_of(ASSISTED) / "truth.json")
    try:
        with Client(f"http://127.0.0.1:{HOST_PORT}", person=ADMIN) as client:
            done = label(client, truth, wanted)
    except (httpx.TransportError, StopIteration):
        print("the demo does not run; start it with `make demo`", file=sys.stderr)
        return 1
    except ApiError as error:
        print(f"ended: {error}", file=sys.stderr)
        return 1
    print(f"labeled {done} images")
    return 0


def label(client: Client, truth: Truth, wanted: int) -> int:
    """Label up to `wanted` images; how many were labeled."""
    projects = client.call("GET", "/projects")["items"]
    project = next(one for one in projects if one["name"] == ASSISTED.name)
    place = f"/projects/{project['project_id']}"
    found = client.call("GET", place)
    classes = {one["name"]: one["class_id"] for one in found["classes"]}
    prefix = f"{found['dataset_id']}/"
    done = 0
    while done < wanted:
        size = min(_PAGE, wanted - done)
        asked = {"request_id": uuid.uuid4().hex, "size": size}
        task = client.call("POST", f"{place}/tasks", asked)["task"]
        if not task:
            break
        items = [
            _decision(item, truth.scene(item["path"].removeprefix(prefix)).tags, classes)
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


def _decision(item: dict[str, Any], tags: Sequence[str], classes: dict[str, str]) -> dict[str, Any]:
    if not tags:
        return {"item_id": item["item_id"], "outcome": "skipped", "annotations": []}
    geometry = {"kind": "tag"}
    tag = {"annotation_id": "a1", "class_id": classes[tags[0]], "geometry": geometry}
    return {"item_id": item["item_id"], "outcome": "labeled", "annotations": [tag]}


if __name__ == "__main__":
    sys.exit(main())
