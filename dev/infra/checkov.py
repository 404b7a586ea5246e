"""Runs checkov, which knows Azure's security advice, over the Bicep files.

It has ninety dependencies of its own, some older than ours: so it lives in an environment of its own
under `.local/`, from the lock beside this file, made when it is first needed. Its exit code says nothing
about files it could not read, and a name in two files may take either's value: each file is read alone,
and what it found in each is compared with what is there. What it said is kept until a file changes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from dev import LOCAL
from dev.infra import bicep

LOCK = Path(__file__).with_name("checkov.txt")
_ENVIRONMENT = LOCAL / "checkov"
_PYTHON = _ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
_STAMP = _ENVIRONMENT / "lock.sha256"
_ANSWERS = LOCAL / "checkov-answers"
_LIMIT_S = 600  # pycep can take very long over what it can't read

# Runs in the environment of its own, which has none of our modules.
_PROGRAM = """
import json, sys
from checkov.bicep.runner import Runner
from checkov.runner_filter import RunnerFilter
answers = {}
for file in sys.argv[1:]:
    runner = Runner()
    report = runner.run(root_folder=None, files=[file], runner_filter=RunnerFilter(["bicep"]))
    read = [one for one in (runner.definitions or {}).values()]
    answers[file] = {
        "unread": len(report.parsing_errors),
        "resources": sum(len(one.get("resources", {})) for one in read),
        "failed": [[one.check_id, one.check_name, one.resource] for one in report.failed_checks],
    }
print(json.dumps(answers))
"""


class CannotRun(Exception):
    """The message says why, and what to do about it."""


def installed() -> bool:
    """Whether the environment is there, and of the lock as it is."""
    return _PYTHON.exists() and _STAMP.exists() and _STAMP.read_text() == _digest(LOCK)


def install() -> None:
    """Make the environment when it is not there.

    Raises:
        CannotRun: the packages can't be had.
    """
    if installed():
        return
    print("installing: checkov, into an environment of its own", flush=True)
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(_ENVIRONMENT)],
        [*uv, "pip", "install", "--quiet", "--python", str(_PYTHON), "-r", str(LOCK)],
    ):
        if subprocess.run(command, check=False).returncode:
            raise CannotRun("checkov could not be installed; see above. It needs the package index")
    _STAMP.write_text(_digest(LOCK))


def problems(files: Sequence[Path]) -> Generator[str]:
    """What checkov finds in the files, and what of them it did not read.

    Raises:
        CannotRun: it is not installed, or ended in another way than with an answer.
    """
    answers = {file: _known(file) for file in files}
    unknown = [file for file, answer in answers.items() if answer is None]
    answers.update(_ask(unknown) if unknown else {})
    for file, answer in answers.items():
        if not answer:
            continue
        declared = sum(
            child.type == "resource_declaration" for child in bicep.parse(file).named_children
        )
        if answer["unread"]:
            yield f"{file.name}: checkov can't read it; keep to plainer syntax"
        elif answer["resources"] != declared:
            yield f"{file.name}: checkov read {answer['resources']} of {declared} resources"
        for check, name, resource in answer["failed"]:
            yield (
                f"{file.name}: {check} {name} ({resource}): "
                f"mend it, or say why not by checkov:skip={check}: inside the resource"
            )


def _ask(files: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    if not installed():
        raise CannotRun("checkov is not installed; `make check` installs it")
    command = [str(_PYTHON), "-c", _PROGRAM, *map(str, files)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"checkov did not end within {_LIMIT_S} s") from None
    except subprocess.CalledProcessError as error:
        raise CannotRun(f"checkov failed:\n{error.stderr[-2000:]}") from None
    answers = json.loads(run.stdout.splitlines()[-1])
    _ANSWERS.mkdir(parents=True, exist_ok=True)
    for file in files:
        _kept(file).write_text(json.dumps(answers[str(file)]), "utf-8")
    return {file: answers[str(file)] for file in files}


def _known(file: Path) -> dict[str, Any] | None:
    kept = _kept(file)
    return json.loads(kept.read_text("utf-8")) if kept.exists() else None


def _kept(file: Path) -> Path:
    return _ANSWERS / f"{_digest(file, LOCK, Path(__file__))}.json"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
