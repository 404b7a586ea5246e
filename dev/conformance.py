"""Hold a running host to openapi.json, for people of each role: `python -m dev.conformance [--examples 20]`.

Schemathesis makes requests from the document, right and wrong ones, and looks at every answer: no fault of the
server, no status, type or body that the document does not know. It ends with 1 where one was found. The ids of
what there is are given, so that requests get further than a miss; what a role may not do is tried as well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dev import LOCAL, ROOT, environments
from dev.client import Client, Person
from dev.samples import real_photos
from dev.stack import Stack

PACKAGE = "schemathesis==4.32.5"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)
ADMIN = Person("admin", "admin@example.com", roles=("admin",))
PEOPLE = {
    "nobody": None,
    "stranger": Person("eve", "eve@example.com"),
    "labeler": Person("ann", "ann@example.com"),
    "reviewer": Person("rob", "rob@example.com"),
    "admin": Person("amy", "amy@example.com"),
    "site admin": ADMIN,
}
"""In this order: whoever may delete what the others ask for comes last."""
CLASSES = ("Cat", "Dog")


def furnished(admin: Client) -> dict[str, str]:
    """A project in work with people of each role; the ids of what is in it, by the name of their parameter."""
    dataset = admin.create_dataset("photos", key="photos")
    with tempfile.TemporaryDirectory() as folder:
        files = {file.name: file for file in real_photos(Path(folder), 12)}
        assert not admin.upload(dataset, files)
    project = admin.create_project("Pets", "boxes", dataset, CLASSES, key="pets")
    for role in ("labeler", "reviewer", "admin"):
        if person := PEOPLE[role]:
            admin.add_member(project, person, role)
    admin.wait_until_running(project)
    path = f"/projects/{project}"
    items = admin.call("GET", f"{path}/items")["items"]
    export = admin.call("POST", f"{path}/exports", {"format": "csv"})
    token = admin.call("POST", "/tokens", {"name": "robot", "project_id": project, "role": "admin"})
    return {
        "project_id": project,
        "dataset_id": dataset,
        "item_id": items[0]["item_id"],
        "class_id": "c1",
        "export_id": export["export_id"],
        "token_id": token["token_id"],
    }


def ask(
    python: Path, url: str, person: Person | None, known: Mapping[str, str], examples: int
) -> int:
    """Ask everything as one person; the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "schemathesis.toml"
        named = "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
        settings.write_text(f"[parameters]\n{named}")
        command = [
            python.parent / "schemathesis",
            *("--config-file", settings, "run", ROOT / "openapi.json"),
            *("--url", url, "--checks", CHECKS, "--max-examples", str(examples)),
            *("--phases", "examples,coverage,fuzzing", "--seed", "1", "--continue-on-failure"),
            *("--request-timeout", "60", "--workers", "2", "--no-color", "--warnings", "off"),
        ]
        if person:
            command += ["-H", f"x-ms-client-principal: {person.header}"]
        return subprocess.run(command, cwd=folder, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Ask as people of each role and say how each ended."""
    parser = argparse.ArgumentParser(prog="python -m dev.conformance", description=__doc__)
    parser.add_argument("--examples", type=int, default=20, help="random requests to each route")
    parser.add_argument("--role", choices=PEOPLE, action="append", help="alone, of all")
    given = parser.parse_args(arguments)
    python = environments.made(LOCAL / "conformance", [PACKAGE])
    table = Table("role", "")
    failed = False
    with Stack(site=None, name="conformance") as system:
        url = system.hosts[0].url
        with Client(url, person=ADMIN) as admin:
            known = furnished(admin)
        for role in given.role or PEOPLE:
            wrong = ask(python, url, PEOPLE[role], known, given.examples)
            failed |= bool(wrong)
            table.add_row(role, "something is wrong: see above" if wrong else "as documented")
    Console().print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
