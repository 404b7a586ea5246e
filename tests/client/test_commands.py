from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from client import routes
from client.api import Api, ApiError, connect
from client.cli import main
from client.files import pull
from tests.client.conftest import Wire
from tests.world import photo

FILE = """
name: Birds
type: multiclass
images: {upload: true}
classes:
  - Owl
  - {name: Wren, description: small and loud}
instructions: Choose one.
members:
  ann@example.org: labeler
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "birds.yaml"
    path.write_text(FILE, "utf-8")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for number in range(5):
        (folder / "deep" / f"{number}.png").write_bytes(photo(shade=number))
    (folder / "notes.txt").write_text("no image")
    return folder


Say = Callable[..., str]


@pytest.fixture
def say(client: Api, capsys: pytest.CaptureFixture[str]) -> Say:
    """What a command prints; its exit status is 0 unless said otherwise."""

    def said(*arguments: object, status: int = 0) -> str:
        ended = main([str(one) for one in arguments])
        printed = capsys.readouterr()
        assert ended == status, printed
        return printed.out + printed.err

    return said


def test_a_project_is_made_as_its_file_says_and_nothing_is_left_to_change(
    say: Say, file: Path, wire: Wire
) -> None:
    shown = say("apply", file, "--yes")
    again = say("apply", file, "--yes")

    assert "+ project Birds (multiclass)" in shown
    assert "class Wren" in shown
    assert "labeler ann@example.org" in shown
    assert again == "nothing to change\n"
    line = wire.api("GET", "projects")["items"][0]
    project = wire.api("GET", f"projects/{line['project_id']}").body
    assert [one["name"] for one in project["classes"]] == ["Owl", "Wren"]
    assert project["classes"][1]["description"] == "small and loud"
    assert project["instructions"]["text"] == "Choose one."


def test_a_dry_run_tells_the_difference_and_writes_nothing(
    say: Say, file: Path, wire: Wire
) -> None:
    assert "+ project Birds" in say("apply", file, "--dry-run")

    assert wire.api("GET", "projects")["items"] == []


def test_without_a_yes_nothing_is_done_where_nobody_can_be_asked(
    say: Say, file: Path, wire: Wire
) -> None:
    assert "add --yes" in say("apply", file, status=1)

    assert wire.api("GET", "projects")["items"] == []


def test_what_differs_is_told_and_brought_about_and_the_rest_stays(
    say: Say, file: Path, wire: Wire
) -> None:
    say("apply", file, "--yes")
    wire.api.world.drain()
    file.write_text(
        FILE.replace("Choose one.", "Choose the bird.")
        .replace("- Owl", "- Robin")
        .replace("small and loud", "small")
        .replace("ann@example.org: labeler", "ANN@example.org: reviewer\n  bob@example.org: admin")
        + "assist: {precision: 0.9}\n",
        "utf-8",
    )

    shown = say("apply", file, "--yes")

    for line in (
        "~ instructions",
        "    - Choose one.",
        "~ assist.precision: 0.95 -> 0.9",
        "~ class Wren: small",
        "+ class Robin",
        "  class Owl is not in the file; it stays",
        "~ ANN@example.org: labeler -> reviewer",
        "+ admin bob@example.org",
    ):
        assert line in shown
    left = say("apply", file, "--dry-run").splitlines()
    assert left == ["  class Owl is not in the file; it stays", "nothing to change"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: [", "is no YAML"),
        ("name: x", "type: Field required"),
        (FILE + "colour: red", "colour: Extra inputs"),
        (FILE.replace("upload: true", "container: photos, upload: true"), "either upload"),
        (FILE.replace("multiclass", "shapes"), "type: Input should be"),
        ("- 1", "should be a valid dictionary"),
    ],
)
def test_a_file_that_is_wrong_is_refused_where_it_is(
    say: Say, file: Path, text: str, what: str
) -> None:
    file.write_text(text, "utf-8")

    assert what in say("apply", file, "--yes", status=1)


def test_words_that_old_yaml_takes_for_true_and_false_are_words(
    say: Say, file: Path, wire: Wire
) -> None:
    text = FILE.replace("- Owl", "- No\n  - On") + "assist: {on: true}\n"
    file.write_text(text, "utf-8")

    say("apply", file, "--yes")

    line = wire.api("GET", "projects")["items"][0]
    project = wire.api("GET", f"projects/{line['project_id']}").body
    assert [one["name"] for one in project["classes"]] == ["No", "On", "Wren"]
    assert project["assist"]["on"] is True


def test_a_type_is_not_changed(say: Say, file: Path) -> None:
    say("apply", file, "--yes")
    file.write_text(FILE.replace("multiclass", "boxes"), "utf-8")

    assert "can't be changed to boxes" in say("apply", file, "--yes", status=1)


def test_a_folder_is_uploaded_once_and_what_was_missing_later(
    say: Say, file: Path, photos: Path, wire: Wire
) -> None:
    say("apply", file, "--yes")
    lost = photos / "deep/4.png"
    kept = lost.rename(photos.parent / "4.png")

    first = say("upload", "Birds", photos)
    kept.rename(lost)
    second = say("upload", "Birds", photos)

    assert "sent 4, there already 0, left out 1" in first
    assert "notes.txt: not an accepted type" in first
    assert "sent 1, there already 4, left out 1" in second


def test_an_upload_that_was_cut_off_goes_on(say: Say, file: Path, photos: Path, wire: Wire) -> None:
    say("apply", file, "--yes")
    wire.breaks = lambda request: (
        httpx.Response(403) if request.url.path.endswith("3.png") else None
    )

    cut = say("upload", "Birds", photos, status=1)
    wire.breaks = lambda request: None
    done = say("upload", "Birds", photos)

    sent, there = map(int, re.findall(r"(?:sent|already) (\d)", done))
    assert "Run the same command again" in cut
    assert (sent > 0, sent + there) == (True, 5)


def test_storage_that_fails_for_a_moment_is_tried_again(
    say: Say, file: Path, photos: Path, wire: Wire
) -> None:
    say("apply", file, "--yes")
    failed: set[str] = set()

    def once(request: httpx.Request) -> httpx.Response | None:
        if request.url.scheme != "memory" or request.url.path in failed:
            return None
        failed.add(request.url.path)
        if request.url.path.endswith("0.png"):
            raise httpx.ReadError("cut off")
        return httpx.Response(503)

    wire.breaks = once

    assert "sent 5" in say("upload", "Birds", photos)


def labeled(say: Say, file: Path, photos: Path, wire: Wire) -> str:
    """A project with everything labeled; its id."""
    say("apply", file, "--yes")
    say("upload", "Birds", photos)
    api = wire.api
    project = api("GET", "projects")["items"][0]["project_id"]
    api("POST", f"projects/{project}/refresh")
    api.world.drain()
    base = f"projects/{project}"
    task = api("POST", f"{base}/tasks", {"request_id": "r", "size": 9})["task"]
    tag = [{"annotation_id": "a", "class_id": "c1", "geometry": {"kind": "tag"}}]
    items = [
        {"item_id": one["item_id"], "outcome": "labeled", "annotations": tag}
        for one in task["items"]
    ]
    body = {"submission_id": "s", "classes_version": 1, "items": items}
    assert api("POST", f"{base}/tasks/{task['task_id']}/submit", body).status == 200
    api.world.wait(1)
    return project


def test_watching_ends_when_all_is_labeled(say: Say, file: Path, photos: Path, wire: Wire) -> None:
    labeled(say, file, photos, wire)

    assert "running  5 images  labeled 5" in say("watch", "Birds")


def test_an_export_is_made_downloaded_and_checked_and_not_downloaded_twice(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    labeled(say, file, photos, wire)
    to = tmp_path / "out"

    shown = say("export", "Birds", "--format", "coco", "--to", to)
    wire.asked.clear()
    say("pull", "Birds", "--to", to)

    assert "5 of 5 images" in shown
    assert json.loads((to / "manifest.json").read_text("utf-8"))["counts"]["exported"] == 5
    assert not [one for one in wire.asked if "link" in one]
    assert not list(to.rglob("*.part"))


def test_a_file_that_arrives_otherwise_than_made_is_not_kept(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    labeled(say, file, photos, wire)
    wire.breaks = lambda request: (
        httpx.Response(200, content=b"{}")
        if request.url.scheme == "memory" and request.method == "GET"
        else None
    )

    assert "did not arrive as it was made" in say(
        "export", "Birds", "--format", "coco", "--to", tmp_path / "out", status=1
    )
    assert not any(one.is_file() for one in (tmp_path / "out").rglob("*"))


def test_a_file_of_an_export_is_written_into_its_folder_or_not_at_all(
    client: Api, tmp_path: Path
) -> None:
    export = routes.Export.model_validate(
        {"export_id": "e", "format": "coco", "state": "done", "problem": "", "exported": 1}
        | {"items": 1, "as_of": "2026-01-01T00:00:00Z", "files": []}
    )
    for name in ("../evil", "a/../../evil", "/evil", "..\\evil"):
        file = routes.ExportFile(name=name, size=1, sha256="x")
        with pytest.raises(ApiError, match="outside"):
            pull(client, "p", export.model_copy(update={"files": [file]}), tmp_path / "out")


# The server's reader leaves a wrapper around the temporary file open, which Python notes when it is gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_labels_are_taken_in_from_a_file(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    say("apply", file, "--yes")
    say("upload", "Birds", photos)
    wire.api.world.drain()
    table = tmp_path / "labels.jsonl"
    said_of = {"deep/0.png": "Owl", "deep/1.png": "Wren", "deep/2.png": "Dodo"}
    lines = [json.dumps({"image_url": path, "label": one}) for path, one in said_of.items()]
    table.write_text("\n".join(lines), "utf-8")

    said = say("import", "Birds", table)

    assert "3 images in the file: 2 taken" in said
    assert "left out, unknown_class: 1" in said
    assert "unknown class Dodo: 1" in said


def test_changes_are_printed_once_and_then_those_that_came_since(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    labeled(say, file, photos, wire)
    wire.api.world.wait(120)

    first = say("changes", "Birds", "--cursor", tmp_path / "at", "--labels")
    again = say("changes", "Birds", "--cursor", tmp_path / "at")

    lines = [json.loads(line) for line in first.splitlines()]
    assert [one["annotations"][0]["class_id"] for one in lines] == ["c1"] * 5
    assert again == ""


def test_members_come_change_and_go(say: Say, file: Path) -> None:
    say("apply", file, "--yes")

    assert "bob@example.org is invited as reviewer" in say(
        "add-member", "Birds", "bob@example.org", "--role", "reviewer"
    )
    assert "reviewer  bob@example.org" in say("members", "Birds")
    assert "no member any more" in say("remove-member", "Birds", "bob@example.org")
    assert "bob" not in say("members", "Birds")
    assert "is no member" in say("remove-member", "Birds", "bob@example.org", status=1)


def test_a_refusal_says_what_the_server_said(say: Say, file: Path) -> None:
    say("apply", file, "--yes")

    assert "there is no project 'Bees'" in say("watch", "Bees", status=1)
    assert "assist is off" in say("train", "Birds", status=1)


def test_who_calls_is_told(say: Say) -> None:
    assert "pipeline, site admin" in say("whoami")


def test_a_request_that_is_safe_to_repeat_is_and_another_is_not(client: Api, wire: Wire) -> None:
    wire.breaks = lambda request: httpx.Response(503)
    for route, tries in ((routes.LIST_PROJECTS, 5), (routes.TRAIN, 1)):
        wire.asked.clear()
        with pytest.raises(ApiError, match="503"):
            client.call(route, project_id="p")
        assert len(wire.asked) == tries


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({}, "LABELRY_URL"),
        ({"LABELRY_URL": "labels.example.org", "LABELRY_TOKEN": "x"}, "LABELRY_URL"),
        ({"LABELRY_URL": "https://labels.example.org"}, "LABELRY_TOKEN"),
    ],
)
def test_what_is_missing_of_the_environment_is_said(environment: dict[str, str], what: str) -> None:
    with pytest.raises(ApiError, match=what):
        connect(environment)
