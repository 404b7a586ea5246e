#!/usr/bin/env bash
# cyclonedx-bom 7.5.0: a bill of materials made of a universal lock file names packages that are installed nowhere.
#
# `uv pip compile --universal` writes one lock for all platforms: a package may be there twice, each line with the
# environments it is for. `cyclonedx-py requirements` reads that file, and passes over the markers: both versions
# are components, and so is what only Windows has. The marker is kept in the component's description, as text,
# where no scanner looks. So a scanner tells of holes in a version that nobody runs, and of which of the two is
# deployed the file says nothing. Resolving the lock for the one target first gives what one would expect.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet cyclonedx-bom==7.5.0 uv==0.9.13 2>/dev/null
cat > "$work/requirements.in" <<'IN'
click==8.3.1
numpy<2.4
IN
cd "$work"
"$work/venv/bin/uv" pip compile --quiet --universal --no-header --no-annotate --python-version 3.10 requirements.in --output-file universal.txt
"$work/venv/bin/uv" pip compile --quiet --no-deps --no-header --no-annotate --python-platform linux --python-version 3.12 universal.txt \
    --output-file linux.txt
for lock in universal linux; do
    "$work/venv/bin/python" -m cyclonedx_py requirements "$lock.txt" --output-file "$lock.json"
done
"$work/venv/bin/python" - <<'PY'
import json
from importlib.metadata import version
from pathlib import Path


def components(lock):
    found = json.loads(Path(f"{lock}.json").read_text())["components"]
    return sorted((one["name"], one["version"], one.get("scope"), "properties" in one) for one in found)


print(f"cyclonedx-bom {version('cyclonedx-bom')}; the universal lock:")
print(Path("universal.txt").read_text())
for lock in ("universal", "linux"):
    print(f"{lock}: {[f'{name} {number}' for name, number, *_ in components(lock)]}")
universal = components("universal")
assert len([one for one in universal if one[0] == "numpy"]) == 2, "behaves otherwise now"
assert [one for one in universal if one[0] == "colorama"], "behaves otherwise now"
assert all(scope is None and not more for *_, scope, more in universal), "says where each is for now"
assert [name for name, *_ in components("linux")] == ["click", "numpy"]
PY
