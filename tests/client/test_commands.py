from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        ended = main([str(argument) for argument in arguments])
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
    assert [class_["name"] for class_ in project["classes"]] == ["Owl", "Wren"]
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


API = json.loads((Path(__file__).parents[2] / "openapi.json").read_text("utf-8"))
SETTINGS = {
    "instructions": "instructions: Look twice.\nlink: https://example.org/how",
    "incremental_refresh": "refresh: false",
    "assist": "assist: {precision: 0.9, similar_first: false}",
    "overlap": "overlap: {labelers: 2, most: 3, share: 0.1}",
    "honeypots": "honeypots: {rate: 0.05, below: tell}",
    "assignments": "assignments: [{tag: Owls, class: Wren}, {tag: Night, folder: deep}, {tag: B, share: 0.5}]",
    "twins": "twins: true",
    "team": "team: Field work",
    "topics": "topics: [owls, night]",
}
"""By the name that the API has for a setting of a project, how a file says it; none is what it is anyway."""
SETTINGS_FILE = "\n".join([FILE.replace("instructions: Choose one.\n", ""), *SETTINGS.values()])


def of_schema(name: str) -> set[str]:
    return set(API["components"]["schemas"][name]["properties"])


def only_project(wire: Wire) -> dict[str, Any]:
    [line] = wire.api("GET", "projects")["items"]
    return wire.api("GET", f"projects/{line['project_id']}").body


def test_whatever_may_be_set_of_a_project_can_be_said_in_a_file() -> None:
    assert set(SETTINGS) == of_schema("ProjectChange")
    assert {"name", "task_type", "dataset_id", "classes", *SETTINGS} == of_schema("NewProject")
    # Examples are images, which are not there yet when a project is made.
    assert {"name", "attributes", "colour", "description", "examples"} == of_schema("NewClass")


@pytest.mark.parametrize("made_first", [False, True])
def test_settings_are_as_the_file_says_whether_the_project_is_made_or_changed(
    say: Say, file: Path, wire: Wire, made_first: bool
) -> None:
    before: dict[str, Any] = {}
    if made_first:
        say("apply", file, "--yes")
        before = only_project(wire)
    file.write_text(SETTINGS_FILE, "utf-8")

    shown = say("apply", file, "--yes")
    again = say("apply", file, "--yes")

    assert again == "nothing to change\n"
    project = only_project(wire)
    if made_first:
        assert [name for name in SETTINGS if project[name] == before[name]] == []
        assert "~ overlap.labelers: 1 -> 2" in shown
    assert "+ class Wren for Owls" in re.sub(" +", " ", shown)
    assert project["instructions"] == {"text": "Look twice.", "link": "https://example.org/how"}
    assert project["incremental_refresh"] is False
    assert project["assist"]["precision"] == 0.9
    assert project["overlap"]["labelers"] == 2
    assert project["overlap"]["most"] == 3
    assert project["honeypots"] == {"rate": 0.05, "limit": 0.7, "after": 10, "below": "tell"}
    assert project["assignments"] == [
        {"tag": "Owls", "folder": None, "class_id": "c2", "share": None},
        {"tag": "Night", "folder": "deep", "class_id": None, "share": None},
        {"tag": "B", "folder": None, "class_id": None, "share": 0.5},
    ]
    assert project["twins"] is True
    assert (project["team"], project["topics"]) == ("Field work", ["owls", "night"])
    assert say("projects") == f"{project['project_id']}  Birds  Field work  [owls, night]\n"


def test_rules_may_name_classes_that_come_with_them_and_go_when_none_are_left(
    say: Say, file: Path, wire: Wire
) -> None:
    say("apply", file, "--yes")
    more = FILE.replace("- Owl", "- Owl\n  - Robin")
    file.write_text(more + "assignments: [{tag: Reds, class: robin}]\n", "utf-8")

    say("apply", file, "--yes")
    rules = only_project(wire)["assignments"]
    assert [(rule["tag"], rule["class_id"]) for rule in rules] == [("Reds", "c3")]
    file.write_text(more + "assignments: [{tag: Reds, class: Dodo}]\n", "utf-8")
    assert "there is no class 'Dodo'" in say("apply", file, "--yes", status=1)
    file.write_text(more + "assignments: []\n", "utf-8")
    assert "- class Robin for Reds" in say("apply", file, "--yes")
    assert only_project(wire)["assignments"] == []


def test_classes_have_the_colour_and_attributes_that_the_file_says(
    say: Say, file: Path, wire: Wire
) -> None:
    say("apply", file, "--yes")
    hidden = "{name: Hidden, kind: choice, choices: [no, half], required: true}"
    owl = f"- {{name: Owl, colour: 7, attributes: [{hidden}]}}\n  - {{name: Robin, colour: 9}}"
    file.write_text(FILE.replace("- Owl", owl), "utf-8")

    shown = say("apply", file, "--yes")

    assert "~ class Owl: attributes Hidden" in shown
    assert "~ class Owl: colour 7" in shown
    owl_now, _, robin = only_project(wire)["classes"]
    asked = {"name": "Hidden", "kind": "choice", "required": True, "choices": ["no", "half"]}
    assert owl_now["attributes"] == [asked]
    assert (owl_now["colour"], robin["colour"]) == (7, 9)
    assert say("apply", file, "--yes") == "nothing to change\n"


def test_members_have_the_tags_that_the_file_says_and_else_keep_theirs(
    say: Say, file: Path
) -> None:
    tagged = FILE.replace(
        "ann@example.org: labeler", "ann@example.org: {role: labeler, tags: [owls]}"
    )
    file.write_text(tagged, "utf-8")
    assert "labeler [owls] ann@example.org" in say("apply", file, "--yes")
    file.write_text(FILE, "utf-8")
    assert say("apply", file, "--yes") == "nothing to change\n"
    file.write_text(tagged.replace("[owls]", "[]"), "utf-8")
    assert "~ ann@example.org: labeler [owls] -> labeler" in say("apply", file, "--yes")
    assert "[" not in say("members", "Birds")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: [", "is no YAML"),
        ("name: x", "type: Field required"),
        (FILE + "colour: red", "colour: Extra inputs"),
        (FILE.replace("upload: true", "description: Birds"), "give upload: true, or a container"),
        (FILE.replace("upload: true", "upload: true, pattern: a/"), "leave the pattern out"),
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
    assert [class_["name"] for class_ in project["classes"]] == ["No", "On", "Wren"]
    assert project["assist"]["on"] is True


def test_images_are_uploaded_to_the_container_that_the_file_names(
    say: Say, file: Path, photos: Path, wire: Wire
) -> None:
    images = "container: photos, upload: true, description: By the pond"
    file.write_text(FILE.replace("upload: true", images), "utf-8")

    shown = say("apply", file, "--yes")
    say("upload", "Birds", photos)

    assert "images: uploads to photos" in shown
    source = only_project(wire)["source"]
    assert source["container"] == "photos"
    folder = source["pattern"].removesuffix("**")
    assert wire.api.world.storage.blobs.list("photos", prefix=folder).blobs
    assert wire.api("GET", "datasets")["items"][0]["description"] == "By the pond"
    assert say("apply", file, "--yes") == "nothing to change\n"
    file.write_text(FILE.replace("upload: true", "container: others, upload: true"), "utf-8")
    assert "can't be changed" in re.sub(r"\s+", " ", say("apply", file, "--yes", status=1))


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
    assert "not_an_image: 1" in first
    assert "sent 1, there already 4, left out 1" in second


def test_what_is_there_with_another_size_is_named_and_replaced_when_that_is_asked_for(
    say: Say, file: Path, photos: Path
) -> None:
    say("apply", file, "--yes")
    say("upload", "Birds", photos)
    (photos / "deep/4.png").write_bytes((photos / "deep/4.png").read_bytes() + b"more")

    kept = say("upload", "Birds", photos)
    replaced = say("upload", "Birds", photos, "--overwrite")
    after = say("upload", "Birds", photos)

    assert "there with another size, kept: deep/4.png" in kept
    assert "sent 0, there already 4" in kept
    assert "sent 1, there already 4" in replaced
    assert "another size" not in replaced
    assert "sent 0, there already 5" in after


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
        {"item_id": item["item_id"], "outcome": "labeled", "annotations": tag}
        for item in task["items"]
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


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_what_is_exported_is_chosen_by_names(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    labeled(say, file, photos, wire)
    me = wire.api("GET", "me")["user"]

    say(
        *("export", "Birds", "--to", tmp_path, "--format", "yolo", "--class", "Owl"),
        *("--rename", "Owl", "bird", "--state", "labeled", "--state", "needs_review"),
        *("--path", "deep/", "--labeler", me, "--since", "2020-01-01T00:00:00Z"),
        *("--val", 0.4, "--test", 0.1, "--seed", "2", "--flat", "--images", "links"),
    )

    assert manifest(tmp_path)["options"] == {
        "azure": False,
        "datastore": "",
        "split": {"val": 0.4, "test": 0.1, "seed": "2"},
        "classes": ["c1"],
        "rename": {"c1": "bird"},
        "path": "deep/",
        "labelers": [me],
        "since": "2020-01-01T00:00:00Z",
        "states": ["labeled", "needs_review"],
        "labelings": "agreed",
        "flat": True,
        "images": "links",
    }
    assert manifest(tmp_path)["counts"]["exported"] == 5
    assert (tmp_path / "images.csv").exists()


def test_what_is_left_out_of_an_export_is_told_and_where_copies_of_images_are(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    labeled(say, file, photos, wire)

    shown = say("export", "Birds", "--path", "deep/1", "--images", "copies", "--to", tmp_path)

    assert "1 of 5 images" in shown
    assert "left out, not_chosen: 4" in shown
    folder = re.findall(r"copies of its images are in storage: (\S+)", shown)[0]
    container, _, path = folder.partition("/")
    copied = wire.api.world.storage.blobs.list(container, prefix=path).blobs
    assert [blob.path.endswith("-1.png") for blob in copied] == [True]


def test_a_version_is_kept_by_a_name_and_exported_again_the_same(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    labeled(say, file, photos, wire)

    say("export", "Birds", "--name", "May", "--format", "csv", "--to", tmp_path / "first")
    wire.api.world.wait(60)
    say("export", "Birds", "--version", "May", "--format", "csv", "--to", tmp_path / "again")

    first, again = ((tmp_path / one / "csv/labels.csv").read_bytes() for one in ("first", "again"))
    assert first == again
    assert manifest(tmp_path / "first")["as_of"] == manifest(tmp_path / "again")["as_of"]
    assert "there is no version 'June'" in say("export", "Birds", "--version", "June", status=1)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--class", "Auk"], "there is no class 'Auk' in Birds"),
        (["--rename", "Auk", "bird"], "there is no class 'Auk' in Birds"),
        (["--labeler", "eve@example.org"], "nobody of Birds has come by eve@example.org"),
        (["--labeler", "ann@example.org"], "nobody of Birds has come by ann@example.org"),
        (["--seed", "2"], "say how many by --val or --test"),
        (["--val", "0.9", "--test", "0.9"], "less than a twentieth"),
        (["--since", "yesterday"], "/options/since"),
        (["--datastore", "birds"], "/options/datastore"),
    ],
)
def test_what_can_not_be_chosen_is_refused_before_anything_is_made(
    say: Say, file: Path, wire: Wire, arguments: list[str], what: str
) -> None:
    say("apply", file, "--yes")

    assert what in say("export", "Birds", *arguments, status=1)
    assert "there is no such export" in say("pull", "Birds", status=1)


def test_an_export_whose_answer_was_lost_is_not_made_twice(
    say: Say, file: Path, photos: Path, wire: Wire, tmp_path: Path
) -> None:
    project = labeled(say, file, photos, wire)
    lost: list[httpx.Request] = []

    def once(request: httpx.Request) -> httpx.Response | None:
        if not lost and (request.method, request.url.path[-8:]) == ("POST", "/exports"):
            lost.append(request)
            wire.handle_request(request)
            raise httpx.ReadError("cut off")
        return None

    wire.breaks = once
    say("export", "Birds", "--to", tmp_path)

    assert len(lost) == 1
    assert len(wire.api("GET", f"projects/{project}/exports")["items"]) == 1


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
    assert not any(path.is_file() for path in (tmp_path / "out").rglob("*"))


def test_a_file_of_an_export_is_written_into_its_folder_or_not_at_all(
    client: Api, tmp_path: Path
) -> None:
    export = routes.Export.model_validate(
        {"export_id": "e", "format": "coco", "name": "", "state": "done", "problem": ""}
        | {"as_of": "2026-01-01T00:00:00Z", "exported": 1, "items": 1, "omitted": {}}
        | {"files": [], "images": ""}
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
    assert [line["annotations"][0]["class_id"] for line in lines] == ["c1"] * 5
    assert again == ""


def test_members_come_change_and_go(say: Say, file: Path) -> None:
    say("apply", file, "--yes")

    assert "bob@example.org is invited as reviewer" in say(
        "add-member", "Birds", "bob@example.org", "--role", "reviewer"
    )
    say("add-member", "Birds", "bob@example.org", "--role", "reviewer", "--tag", "owls")
    say("add-member", "Birds", "bob@example.org", "--role", "reviewer")
    assert "reviewer  bob@example.org" in say("members", "Birds")
    assert "[owls]" in say("members", "Birds"), "which they keep"
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


def test_a_class_is_said_instead_of_another_in_place_and_brought_back(
    say: Say, file: Path, photos: Path, wire: Wire
) -> None:
    project = labeled(say, file, photos, wire)

    def counts() -> dict[str, int]:
        classes = wire.api("GET", f"projects/{project}/progress")["classes"]
        return {class_["class_id"]: class_["images"] for class_ in classes}

    before = counts()
    assert before["c1"] > 0
    wire.api.world.wait(1)

    relabeled = say("sweep", "Birds", "relabel", "--class", "Owl", "--into", "Wren")
    now = counts()
    wire.api.world.wait(1)
    day = f"{wire.api.world.clock.now():%Y-%m-%d}"
    none = say("sweep", "Birds", "approve", "--labeled-to", "2020-01-01")
    some = say("sweep", "Birds", "approve", "--labeled-from", day, "--no-suggested")
    reverted = say("sweep", "Birds", "revert", "--class", "Wren")

    assert f"relabel: finished, {before['c1']} changed" in relabeled
    assert now["c1"] == 0
    assert "approve: finished, 0 changed" in none
    assert f"approve: finished, {sum(now.values())} changed" in some
    assert "revert: finished" in reverted
    assert counts() == before
    assert len(say("sweeps", "Birds").splitlines()) == 4
    assert "there is no class 'Auk' in Birds" in say(
        "sweep", "Birds", "relabel", "--into", "Auk", status=1
    )


def test_a_class_is_merged_into_another_and_what_stopped_goes_on(
    say: Say, file: Path, photos: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    labeled(say, file, photos, wire)
    monkeypatch.setattr("client.sweeps.STOPPED_S", -1)

    stopped = say("merge-class", "Birds", "Owl", "Wren", status=1)
    monkeypatch.setattr("client.sweeps.STOPPED_S", 180)
    sweep_id = re.findall(r"--resume (\S+)", stopped)[0]
    wire.api.world.wait(11)
    done = say("sweeps", "Birds", "--resume", sweep_id)

    assert "merge: finished" in done
