from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from azure.storage.queue import QueueClient

from dev import ROOT
from dev.child import StartFailed, port_answers
from dev.stack import Stack

APP = """
import os

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("setting/{name}")
def setting(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(os.environ.get(req.route_params["name"], ""))
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"version": "2.0"}')
    return folder


def test_two_hosts_share_one_storage_and_each_has_its_settings(app: Path) -> None:
    with Stack(site=None, app=app, logs=app, settings={"LABELRY_LEASE_SECONDS": "7"}) as system:
        second = system.add_host(settings={"LABELRY_LEASE_SECONDS": "9"})

        asked = [
            httpx.get(f"{host.url}/api/setting/{name}").text
            for host in (system.hosts[0], second)
            for name in ("LABELRY_LEASE_SECONDS", "LABELRY_STORAGE", "LABELRY_TRUST_SWA_HEADER")
        ]

        storage = system.connection_string
        assert asked == ["7", storage, "1", "9", storage, "1"]
        assert system.url == system.hosts[0].url
        assert system.ended() is None
        second.kill()
        assert system.ended() == second.child

    assert not port_answers(httpx.URL(system.url).port or 0)


def test_browsers_may_upload_to_the_storage(app: Path) -> None:
    with Stack(site=None, app=app, logs=app) as system:
        with QueueClient.from_connection_string(system.connection_string, "any") as queue:
            queue.create_queue()
        blobs = system.connection_string.split("BlobEndpoint=")[1].split(";")[0]

        preflight = httpx.options(
            f"{blobs}/datasets/a.jpg",
            headers={
                "Origin": "http://127.0.0.1:4280",
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "x-ms-blob-type,content-type",
            },
        )

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "http://127.0.0.1:4280"


def test_a_host_that_cannot_start_ends_the_whole_and_says_why(app: Path) -> None:
    (app / "function_app.py").write_text("raise RuntimeError('no table in sight')")
    system = Stack(site=None, app=app, logs=app)

    with pytest.raises(StartFailed, match="no table in sight"):
        system.__enter__()

    with pytest.raises(httpx.TransportError):
        httpx.get(system.connection_string.split("BlobEndpoint=")[1].split(";")[0])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send there")
def test_ctrl_c_ends_host_and_storage_in_order(app: Path) -> None:
    script = (
        # As a terminal gives it: what runs in the background may have inherited that it be ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import time; from pathlib import Path; from dev.stack import Stack\n"
        f"with Stack(site=None, app=Path({str(app)!r}), logs=Path({str(app)!r})) as system:\n"
        "    print(system.url, flush=True); print(system.connection_string, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        host = httpx.URL(parent.stdout.readline().strip())
        connection = parent.stdout.readline()

        parent.send_signal(signal.SIGINT)
        parent.wait(30)

    ports = [int(part.split("/")[0]) for part in connection.split("http://127.0.0.1:")[1:]]
    assert len(ports) == 3
    assert not any(port_answers(port) for port in (host.port or 0, *ports))
