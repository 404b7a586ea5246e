import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dev.host.running import Account, eventually

ROOT = Path(__file__).parents[3]

APP = """
import time
from pathlib import Path
import azure.functions as func

app = func.FunctionApp()
seen = Path("seen.txt")

@app.queue_trigger("msg", "%JOBS%", "STORAGE")
def work(msg: func.QueueMessage) -> None:
    with seen.open("a") as file:
        file.write(f"began {msg.dequeue_count}\\n")
    time.sleep(float(msg.get_body()))
    with seen.open("a") as file:
        file.write("ended\\n")

@app.route("x")
def x(req: func.HttpRequest) -> str:
    return "x"
"""

# The command line has Azure's ten minutes of visibility; a test has not.
IMPATIENT = """
import asyncio, os, socket
from pathlib import Path
from dev.host.app import import_app
from dev.host.http import Keys
from dev.host.listeners import Timing
from dev.host.runtime import Host

directory = Path(os.environ["APP"])
keys = Keys.generate(os.environ)
timing = Timing(receive_visibility_s=2)
host = Host(import_app(directory), directory, os.environ, keys=keys, timing=timing)

async def main():
    async with host.running(socket.create_server(("127.0.0.1", 0))):
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def directory(tmp_path: Path, account: Account, name: str) -> Path:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    values = {"STORAGE": account.connection_string, "JOBS": "the environment wins"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": values}))
    return tmp_path


@contextmanager
def python(*arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | settings
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def seen(directory: Path) -> list[str]:
    path = directory / "seen.txt"
    return path.read_text().splitlines() if path.exists() else []


def test_the_command_serves_with_keys_logs_json_and_ends_well_on_sigterm(
    directory: Path, account: Account, name: str
) -> None:
    account.send(name, "0.7")

    with python("-m", "dev.host", str(directory), "--port", "0", JOBS=name) as process:
        assert process.stdout
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        url, key = ready["url"] + "/api/x", ready["host_key"]
        statuses = [httpx.get(url).status_code, httpx.get(url, params={"code": key}).status_code]
        eventually(lambda: seen(directory))
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)

    lines = [json.loads(line) for line in output.splitlines()]
    assert ready["functions"] == ["work", "x"]
    assert statuses == [401, 200]
    assert process.returncode == 0
    assert seen(directory) == ["began 1", "ended"]
    assert {line["function"]: line["status"] for line in lines} == {"work": "ok", "x": "ok"}
    assert {"invocation_id", "trigger", "ms"} <= lines[0].keys()


def test_a_job_of_a_killed_host_is_run_again_as_the_second_try(
    directory: Path, account: Account, name: str
) -> None:
    account.send(name, "0.5")
    settings = {"APP": str(directory), "JOBS": name, "STORAGE": account.connection_string}

    with python("-c", IMPATIENT, **settings) as first:
        eventually(lambda: seen(directory))
        first.kill()
    with python("-c", IMPATIENT, **settings):
        eventually(lambda: "ended" in seen(directory))

    assert seen(directory) == ["began 1", "began 2", "ended"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import azure.functions as f\na = f.FunctionApp()\nb = f.FunctionApp()", "2 top-level"),
        ("x = 1", "0 top-level"),
    ],
)
def test_an_app_module_needs_exactly_one_app(directory: Path, source: str, message: str) -> None:
    (directory / "function_app.py").write_text(source)

    with python("-m", "dev.host", str(directory), "--port", "0") as process:
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert message in errors
