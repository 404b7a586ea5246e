"""Nothing that a DICOM file says of a patient reaches who labels it, over whichever route."""

from __future__ import annotations

import gzip
import json
import logging
import re
from io import BytesIO
from typing import Any

import pydicom
import pytest

from functions.web import ROUTES
from labeling import layout
from tests.functions.conftest import Answer, Api, found
from tests.labeling.ingest.test_frames import SECRET, marked
from tests.world import PHOTOS

SEEN_BY_LABELERS = ("anyone", "signed_in", "labeler")
ADDRESS = re.compile(r"memory://([^/\"]+)/([^?\"]+)")


def marked_frames() -> bytes:
    """The marked file with two frames, the second one cut off."""
    dataset = pydicom.dcmread(BytesIO(marked()))
    dataset.NumberOfFrames = 2
    dataset.PixelData = dataset.PixelData + dataset.PixelData[:1000]
    out = BytesIO()
    pydicom.dcmwrite(out, dataset)
    return out.getvalue()


def test_a_mark_in_every_tag_of_a_file_is_in_nothing_that_any_route_serves_to_a_labeler(
    api: Api, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Pixels with a name burned in are out of reach: nobody can tell them from the image."""
    caplog.set_level(logging.DEBUG)
    world, data = api.world, marked()
    frames = marked_frames()
    world.upload("scan.dcm", data=data)
    world.upload("frames.dcm", data=frames)
    world.upload("cut.dcm", data=data[:-1000])
    world.upload("header.dcm", data=data[: len(data) // 2])
    assert min(data.count(SECRET.encode()), frames.count(SECRET.encode())) > 500
    project = api.project(images=0)
    ann = api.member(project, "ann")
    rick = api.member(project, "rick", "reviewer")
    at = f"projects/{project}"
    answers: list[Answer] = []
    asked: set[str] = set()

    def ask(method: str, path: str, body: object = None, **query: str) -> Answer:
        asked.add(found(method, path)[0])
        answer = api(method, path, body, who=ann, query=query)
        answers.append(answer)
        return answer

    for path in ("health", "me", "formats", "task_types", "projects"):
        ask("GET", path)
    task = ask("POST", f"{at}/tasks", {"request_id": "r1", "size": 2})["task"]
    ids = [item["item_id"] for item in task["items"]]
    assert len(ids) == 2
    for frame in (None, 0, 1, 7):
        ask("POST", f"{at}/images", {"item_ids": ids, "frame": frame})
    ask("POST", f"{at}/clicks", {"item_ids": ids})
    about = {"kind": "box", "x0": 0.1, "y0": 0.1, "x1": 0.9, "y1": 0.9}
    ask("POST", f"{at}/fit", {"item_id": ids[0], "box": about})
    own = f"{at}/tasks/{task['task_id']}"
    ask("GET", own)
    ask("GET", f"{at}/tasks", mine="true")
    ask("PUT", f"{own}/draft", {"client_id": "tab", "seq": 1, "items": [{"item_id": ids[0]}]})
    ask("POST", f"{own}/renew")
    tag = {"annotation_id": "a1", "class_id": "c1", "frame": 9}
    decided: dict[str, Any] = {"item_id": ids[0], "outcome": "labeled", "annotations": [tag]}
    submission = {"submission_id": "s1", "classes_version": 1, "items": [decided]}
    ask("POST", f"{own}/submit", submission)
    tag["frame"] = 0
    ask("POST", f"{own}/submit", {**submission, "submission_id": "s2"})
    ask("POST", f"{own}/release")
    again = ask("POST", f"{own}/reopen", {"request_id": "o1"})
    ask("POST", f"{at}/tasks/{again['task']['task_id']}/release")
    for path in ("", "/classes", "/mine", "/progress", "/tasks"):
        ask("GET", at + path)
    open_to_labelers = {route.name for route in ROUTES if route.role in SEEN_BY_LABELERS}
    assert open_to_labelers <= asked, "ask the new route here, too"

    # What a reviewer may pass on: the list of images, their history, every format of exports.
    def by_rick(method: str, path: str, body: object = None) -> Answer:
        answers.append(api(method, path, body, who=rick))
        return answers[-1]

    listed = by_rick("GET", f"{at}/items")
    assert sorted(item["state"] for item in listed["items"]).count("unreadable") == 2
    for item in listed["items"]:
        by_rick("GET", f"{at}/items/{item['item_id']}")
        by_rick("GET", f"{at}/items/{item['item_id']}/history")
    for name in ("coco", "azureml", "csv", "yolo"):
        by_rick("POST", f"{at}/exports", {"format": name})
    world.drain()

    served = [json.dumps([answer.headers, answer.body]) for answer in answers]
    addresses = {one for text in served for one in ADDRESS.findall(text)}
    assert addresses
    assert all(container != PHOTOS for container, _ in addresses), "the file itself is signed"
    for container in (layout.RENDITIONS, layout.EXPORTS):
        for name in [blob.path for blob in world.storage.blobs.list(container).blobs]:
            blob = world.storage.blobs.read(container, name)
            served += [name, blob.decode("latin-1")]
            if name.endswith(".values"):
                served.append(gzip.decompress(blob).decode("latin-1"))
    served += [caplog.text, *capfd.readouterr()]
    assert len(served) > len(answers) + 10
    assert not [text for text in served if SECRET in text or "WASSILY" in text]
