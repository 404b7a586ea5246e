import base64
import json
import time
from typing import Any

import azure.functions as func
import pytest

from dev.host.blobs import POISON_QUEUE, BlobPath
from dev.host.listeners import Timing
from dev.host.settings import HostError
from tests.dev.host.running import Account, Runner, RunningHost, eventually

PNG = b"\x89PNG\r\n\x1a\n\x00\xff\xfe"
SOON = Timing(blob_watch_s=0.05)


def on_blobs(path: str, handle: Any, **options: Any) -> func.FunctionApp:
    """An app with one blob function, which calls `handle`."""
    app = func.FunctionApp()

    @app.blob_trigger("blob", path, "", source=func.BlobSource.EVENT_GRID, **options)
    def on_blob(blob: func.InputStream) -> None:
        handle(blob)

    return app


def post_event(host: RunningHost, container: str, blob: str, **headers: str) -> int:
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/{container}/blobs/{blob}",
        "data": {"eTag": "0x1", "blobType": "BlockBlob"},
    }
    return host.post(
        "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob&code=events",
        json=[event],
        headers=headers,
    ).status_code


def test_a_png_without_data_type_arrives_broken_and_with_binary_whole(
    runner: Runner, account: Account, name: str
) -> None:
    app = func.FunctionApp()
    container = account.container(name)
    as_text: list[bytes] = []
    as_bytes: list[bytes] = []

    @app.blob_trigger("blob", f"{name}/{{n}}", "", source=func.BlobSource.EVENT_GRID)
    def text(blob: func.InputStream) -> None:
        as_text.append(blob.read())

    @app.blob_trigger(
        "blob",
        f"{name}/{{n}}",
        "",
        source=func.BlobSource.EVENT_GRID,
        data_type=func.DataType.BINARY,
    )
    def binary(blob: func.InputStream) -> None:
        as_bytes.append(blob.read())

    runner.start(app, SOON)
    container.upload_blob("a.png", PNG)

    assert eventually(lambda: as_bytes) == [PNG]
    assert eventually(lambda: as_text) == [PNG.decode("utf-8", "replace").encode()]
    assert as_text != as_bytes


def test_a_blob_arrives_with_its_name_properties_and_metadata(
    runner: Runner, account: Account, name: str
) -> None:
    container = account.container(name)
    seen: list[func.InputStream] = []
    runner.start(on_blobs(f"{name}/{{n}}", seen.append), SOON)
    container.upload_blob("p 1/ü.txt", b"hello", metadata={"by": "ada"})

    [blob] = eventually(lambda: seen)

    assert blob.name == f"{name}/p 1/ü.txt"
    assert blob.length == 5
    assert blob.uri.endswith(".txt")
    assert blob.blob_properties["ETag"]
    assert blob.metadata == {"by": "ada"}


def test_a_blob_runs_once_for_each_version_and_an_old_one_not_at_all(
    runner: Runner, account: Account, name: str
) -> None:
    container = account.container(name)
    container.upload_blob("old", b"before the host")
    seen: list[bytes] = []
    runner.start(on_blobs(f"{name}/{{n}}", lambda blob: seen.append(blob.read())), SOON)

    container.upload_blob("new", b"1")
    eventually(lambda: seen == [b"1"])
    container.upload_blob("new", b"2", overwrite=True)
    eventually(lambda: len(seen) == 2)
    time.sleep(0.3)

    assert seen == [b"1", b"2"]


def test_the_literal_ends_of_the_path_select_blobs(
    runner: Runner, account: Account, name: str
) -> None:
    container = account.container(name)
    seen: list[str] = []
    app = on_blobs(f"{name}/in/{{n}}.json", lambda blob: seen.append(blob.name))
    runner.start(app, SOON)

    for blob in ("in/a.png", "out/a.json", "in/a.json"):
        container.upload_blob(blob, b"{}")

    assert eventually(lambda: seen) == [f"{name}/in/a.json"]
    time.sleep(0.3)
    assert len(seen) == 1


def test_a_container_that_is_created_later_is_watched(
    runner: Runner, account: Account, name: str
) -> None:
    seen: list[bytes] = []
    runner.start(on_blobs(f"{name}/{{n}}", lambda blob: seen.append(blob.read())), SOON)
    account.container(name).upload_blob("a", b"1")

    assert eventually(lambda: seen) == [b"1"]


def test_the_webhook_runs_the_function_again_for_a_repeated_event(
    runner: Runner, account: Account, name: str
) -> None:
    account.container(name).upload_blob("a/b", b"1")
    seen: list[str] = []
    host = runner.start(on_blobs(f"{name}/{{n}}", lambda blob: seen.append(blob.name)))

    assert post_event(host, name, "a/b") == 202
    assert post_event(host, name, "a/b") == 202
    eventually(lambda: seen == [f"{name}/a/b"] * 2)


def test_an_event_for_a_blob_that_is_gone_is_dropped(
    runner: Runner, account: Account, name: str
) -> None:
    account.container(name).upload_blob("here", b"1")
    seen: list[str] = []
    host = runner.start(on_blobs(f"{name}/{{n}}", lambda blob: seen.append(blob.name)))

    assert post_event(host, name, "gone") == 202
    assert post_event(host, name, "here") == 202
    eventually(lambda: seen)
    time.sleep(0.2)

    assert seen == [f"{name}/here"]


def test_the_webhook_proves_itself_to_event_grid(
    runner: Runner, account: Account, name: str
) -> None:
    host = runner.start(on_blobs(f"{name}/{{n}}", print))
    path = "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob&code="
    event = [{"data": {"validationCode": "42"}}]
    headers = {"aeg-event-type": "SubscriptionValidation"}

    answer = host.post(f"{path}events", json=event, headers=headers)

    assert answer.json() == {"validationResponse": "42"}
    assert host.post(f"{path}wrong", json=event, headers=headers).status_code == 401


def test_a_blob_that_always_fails_is_reported_after_five_runs(
    runner: Runner, account: Account, name: str
) -> None:
    container = account.container(name)
    tries: list[str] = []

    def fail(blob: func.InputStream) -> None:
        tries.append(blob.name)
        raise ValueError("never")

    runner.start(on_blobs(f"{name}/{{n}}", fail), SOON)
    container.upload_blob("bad", b"1")

    def reports() -> list[dict[str, str]]:
        found = [json.loads(base64.b64decode(text)) for text in account.take(POISON_QUEUE)]
        return [report for report in found if report["ContainerName"] == name]

    [report] = eventually(reports)
    assert report["BlobName"] == "bad"
    assert report["FunctionId"] == "Host.Functions.on_blob"
    assert len(tries) == 5


@pytest.mark.parametrize(
    ("path", "blob", "tokens"),
    [
        ("uploads/{project}/{name}", "p1/a/b.png", {"project": "p1/a", "name": "b.png"}),
        ("uploads/{project}/{name}", "b.png", {}),
        ("uploads/{name}", "", {"name": ""}),
        ("uploads/{name}.png", "a.b.png", {"name": "a.b"}),
        ("uploads/{{{name}}}", "{a}", {"name": "a"}),
        ("uploads/{name}.png", "a.PNG", {}),
    ],
)
def test_the_tokens_of_a_path_are_greedy(path: str, blob: str, tokens: dict[str, str]) -> None:
    assert BlobPath.parse(path).tokens(blob) == tokens


def test_a_path_without_a_literal_container_is_refused() -> None:
    with pytest.raises(HostError, match="container"):
        BlobPath.parse("{container}/{name}")
