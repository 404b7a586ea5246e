"""The package as it is deployed, read by Microsoft's own worker on the Python of the deployment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dev.infra import package
from tests.world import indexed

WORKER = "azure-functions-runtime==1.3.0"

# What the worker does when the host asks it for functions (handle_event.py of the same package). The
# numbers are those of the protocol between host and worker (FunctionRpc.proto, BindingInfo).
INDEX = """
import json, sys
from types import SimpleNamespace
sys.path[:0] = sys.argv[1:]
from azure_functions_runtime import functions, loader
from azure_functions_runtime.bindings.meta import load_binding_registry
load_binding_registry()
protocol = SimpleNamespace(BindingInfo=SimpleNamespace(out=1, inout=2, undefined=0))
registry, names = functions.Registry(), []
for one in loader.index_function_app("function_app.py"):
    registry.add_indexed_function(one, protocol)
    names.append(one.get_function_name())
print(json.dumps(names))
"""


def test_the_worker_finds_every_function_in_the_package(tmp_path: Path) -> None:
    python = package.interpreter()
    if python is None:
        pytest.skip(f"there is no Python {package.PYTHON} on this machine")
    package.make(tmp_path / "package", "cpu")
    libraries = tmp_path / "package" / package.LIBRARIES
    subprocess.run(
        [
            *package.uv(),
            *("pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path / "worker")),
            *("--python", str(python), WORKER, "azurefunctions-extensions-base==1.2.0"),
        ],
        check=True,
    )

    run = subprocess.run(
        [str(python), "-I", "-c", INDEX, ".", str(libraries), str(tmp_path / "worker")],
        cwd=tmp_path / "package",
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert list((tmp_path / "package").rglob("function_app.cpython-313.pyc"))
    names = json.loads(run.stdout.splitlines()[-1])
    assert sorted(names) == sorted(str(one.get_function_name()) for one in indexed())
