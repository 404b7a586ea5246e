"""Makes the package of the Functions app: `python3 -m dev.infra.package [--inference cpu|gpu]`.

The product and its dependencies, built for the Python and the system it runs on, whatever this machine
has; nothing is built in Azure. Flex Consumption has no GPU, so `cpu` takes the same version of
onnxruntime without one: a tenth of the size to load at a cold start. Runs on the bare interpreter.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / ".local/package"
PYTHON = "3.13"
PLATFORM = "x86_64-manylinux_2_28"
LIBRARIES = ".python_packages/lib/site-packages"
"""Where the Functions host looks for dependencies that were not built there."""

_EITHER = re.compile(r"^onnxruntime(?:-gpu)?(?=\s*[=<>~! ;\n])", re.MULTILINE)


class CannotPackage(Exception):
    """The message says what is wrong and what to do about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the package and say how large it is; the exit status is 0, or 1 when it can't be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = os.environ.get("LABELRY_INFERENCE") or "cpu"
    parser.add_argument("--inference", choices=["cpu", "gpu"], default=choice)
    parser.add_argument("--output", type=Path, default=PACKAGE)
    chosen = parser.parse_args(arguments)
    if chosen.inference not in ("cpu", "gpu"):
        parser.error(f"LABELRY_INFERENCE is {chosen.inference!r}; say cpu or gpu")
    try:
        make(chosen.output, chosen.inference)
    except CannotPackage as error:
        print(f"cannot package: {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in chosen.output.rglob("*") if file.is_file())
    print(f"packaged for Python {PYTHON}, inference on {chosen.inference}: {size / 1e6:.0f} MB")
    return 0


def make(output: Path, inference: str) -> None:
    """Fill a folder with the product and its dependencies; what was there is replaced.

    Raises:
        CannotPackage: a dependency can't be had as a wheel, or the result is not as asked for.
    """
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    for name in included((ROOT / ".funcignore").read_text("utf-8")):
        copy(ROOT / name, output / name)
    wanted = requirements((ROOT / "requirements.txt").read_text("utf-8"), inference)
    file = output / "requirements.txt"
    file.write_text(wanted, "utf-8")
    command = [
        *uv(),
        *("pip", "install", "--quiet", "--target", str(output / LIBRARIES)),
        *("--python-version", PYTHON, "--python-platform", PLATFORM),
        *("--only-binary", ":all:", "--no-deps", "--no-compile", "-r", str(file)),
    ]
    if subprocess.run(command, check=False).returncode:
        raise CannotPackage("the dependencies can't be had for this Python; see above")
    check(output / LIBRARIES, inference)
    compile_all(output)


def compile_all(package: Path) -> None:
    """Compile every module, where the Python of the deployment is at hand.

    The package is read-only where it runs: what is not compiled here is compiled at every cold start,
    which takes three times as long.
    """
    python = interpreter()
    if python is None:
        print(f"there is no Python {PYTHON} here: not compiled, so cold starts take longer")
        return
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]  # a zip loses times
    subprocess.run([python, "-m", "compileall", *options, package], check=False)


def interpreter() -> Path | None:
    """A Python of the deployment's version on this machine: on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    found = [shutil.which(f"python{PYTHON}")]
    found += sorted(map(str, pyenv.glob(f"versions/{PYTHON}.*/bin/python")))
    for one in filter(None, found):
        if not subprocess.run([one, "--version"], capture_output=True, check=False).returncode:
            return Path(one)
    return None


def included(funcignore: str) -> list[str]:
    """What .funcignore lets in: it leaves out everything, and then takes names back."""
    return [line[2:].rstrip("/") for line in funcignore.splitlines() if line.startswith("!/")]


def requirements(text: str, inference: str) -> str:
    """The locked requirements, with the onnxruntime that was asked for in the place of either."""
    return _EITHER.sub("onnxruntime" if inference == "cpu" else "onnxruntime-gpu", text)


def check(libraries: Path, inference: str) -> None:
    """Hold what was installed against what was asked for.

    Raises:
        CannotPackage: it is for another Python, or has the wrong onnxruntime.
    """
    tag = PYTHON.replace(".", "")
    for file in libraries.rglob("*.so"):
        built = re.search(r"\.cpython-(\d+)-", file.name)
        if built and built[1] != tag:
            raise CannotPackage(f"{file.name} is for another Python than {PYTHON}")
    have = {path.name.partition("-")[0] for path in libraries.glob("onnxruntime*.dist-info")}
    wrong = "onnxruntime_gpu" if inference == "cpu" else "onnxruntime"  # they overwrite each other
    if wrong in have:
        raise CannotPackage(f"{wrong} was installed although inference is on {inference}")


def copy(source: Path, target: Path) -> None:
    """A file or a folder of the product, without what running left there."""
    if not source.exists():
        raise CannotPackage(f".funcignore lets {source.name} in, which is not there")
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copy(source, target)


def uv() -> list[str]:
    """How uv is called here: the environment's own, or that of the system.

    Raises:
        CannotPackage: there is none.
    """
    own = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if own.exists():
        return [str(own), "-m", "uv"]
    found = shutil.which("uv")
    if not found:
        raise CannotPackage("there is no uv: run `make install` first, or install uv")
    return [found]


if __name__ == "__main__":
    sys.exit(main())
