"""The command `labelry`: what the pages do, for scripts. Each command is a function of the connection."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, get_args

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from . import apply, exports, files, routes, sweeps
from .api import Api, ApiError, connect
from .named import member_named, project_named

POLL_S = 2.0
OPEN = ("available", "leased")
"""States of images that somebody has still to label."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; the exit status is 0, 1 where something was refused, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    run: Callable[[Api, argparse.Namespace], int] = options.run
    try:
        with connect() as api:
            return run(api, options)
    except ApiError as error:
        print(f"labelry: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nended; run it again to go on", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    whole = argparse.ArgumentParser(
        prog="labelry",
        description="Labelry from a script. LABELRY_URL is the site's address; LABELRY_TOKEN an API token, "
        "or LABELRY_AUDIENCE the application to come to by `az login`.",
    )
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[Api, argparse.Namespace], int], about: str, project: bool = True
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        if project:
            made.add_argument("project", help="its name or id")
        return made

    command("whoami", whoami, "say who is calling", project=False)
    command("projects", projects, "list the projects you may see", project=False)
    one = command(
        "apply", apply_file, "make or change a project as a YAML file says", project=False
    )
    one.add_argument("file", type=Path)
    one.add_argument("--dry-run", action="store_true", help="show the difference, and end")
    one.add_argument("--yes", action="store_true", help="do not ask")
    one = command("upload", upload, "upload a folder; what is there already is not sent again")
    one.add_argument("folder", type=Path)
    one.add_argument(
        "--overwrite", action="store_true", help="replace what is there with another size"
    )
    one = command("watch", watch, "print how far a project is, until all is labeled")
    one.add_argument(
        "--until", choices=["ready", "done"], default="done", help="ready: it hands out"
    )
    one.add_argument("--every", type=float, default=POLL_S, metavar="SECONDS")
    one = command("train", train, "train a model on the labels there are")
    one.add_argument("--wait", action="store_true", help="until it is trained and validated")
    one = command("export", exports.export, "make an export, and download its files")
    exports.arguments_of(one)
    one = command("pull", exports.pull, "download the newest export that is done, or the one named")
    exports.pull_arguments_of(one)
    one = command("import", import_labels, "take labels in from a file, or suggestions")
    one.add_argument("file", type=Path)
    one.add_argument("--format", help="one of GET /formats that reads; guessed when left out")
    one.add_argument("--suggestions", action="store_true", help="they wait for labelers")
    one.add_argument("--create-classes", action="store_true", help="add those the project lacks")
    one = command(
        "changes", changes, "print what was decided since the last time, a JSON line an item"
    )
    one.add_argument("--cursor", type=Path, required=True, help="a file that keeps where to go on")
    one.add_argument("--labels", action="store_true", help="with annotations")
    one = command("sweep", sweeps.sweep, "change all images that a filter means")
    sweeps.arguments_of(one)
    one = command("merge-class", sweeps.merge_class, "make all labels of a class another's")
    one.add_argument("of", metavar="CLASS", help="that becomes another: its name or id")
    one.add_argument("into", metavar="INTO")
    one = command("sweeps", sweeps.sweeps, "list changes of many images, or have one go on")
    one.add_argument("--resume", metavar="ID", help="of one that came to a stop")
    command("members", members, "list who may work in a project")
    one = command("add-member", add_member, "let somebody in, or change their role and tags")
    one.add_argument("who", help="an e-mail address, or a user key")
    one.add_argument("--role", choices=get_args(routes.Role), default="labeler")
    one.add_argument(
        "--tag", action="append", help="all that they carry, one each; left out, they keep theirs"
    )
    one = command("remove-member", remove_member, "take somebody off a project; their labels stay")
    one.add_argument("who")
    return whole


def whoami(api: Api, _: argparse.Namespace) -> int:
    """Say who is calling."""
    me = api.call(routes.GET_ME)
    print(f"{me.name or me.user}{', site admin' if me.site_admin else ''}  (user key {me.user})")
    return 0


def projects(api: Api, _: argparse.Namespace) -> int:
    """Print projects, each with its team and topics."""
    for one in api.call(routes.LIST_PROJECTS).items:
        more = [one.team] * bool(one.team) + [f"[{', '.join(one.topics)}]"] * bool(one.topics)
        print("  ".join([one.project_id, one.name, *more]))
    return 0


def apply_file(api: Api, options: argparse.Namespace) -> int:
    """Show what differs; after a yes, bring it about."""
    steps = apply.plan(api, apply.read(options.file))
    for step in steps:
        print(step.text)
    todo = [step.do for step in steps if step.do]
    if not todo:
        print("nothing to change")
        return 0
    if options.dry_run:
        return 0
    if not options.yes:
        if not sys.stdin.isatty():
            raise ApiError("nobody can be asked here; look at the difference, and add --yes")
        if input("apply? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
    for do in todo:
        do()
    print("applied")
    return 0


def upload(api: Api, options: argparse.Namespace) -> int:
    """Upload a folder into a project's dataset, and have the project look for its images."""
    project = project_named(api, options.project)
    found = files.files_below(options.folder)
    size = sum(file.stat().st_size for file in found.values())
    with _bar(f"{len(found)} files", size) as progress:
        done = files.upload(
            api, project.dataset_id, found, overwrite=options.overwrite, progress=progress
        )
    for path, why in done.refused.items():
        print(f"  left out: {path}: {why}")
    for path in done.differing:
        print(f"  there with another size, kept: {path}")
    print(f"sent {done.sent}, there already {done.there}, left out {len(done.refused)}")
    for code, count in sorted(done.codes.items()):
        print(f"  {code}: {count}")
    if done.differing:
        print(f"{len(done.differing)} are there with another size; --overwrite replaces them")
    if done.sent and project.state in ("running", "paused"):
        api.call(routes.REFRESH_PROJECT, key="refresh", project_id=project.project_id)
    return 0


@contextmanager
def _bar(what: str, total: int) -> Generator[Callable[[int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.advance(task, size)


def watch(api: Api, options: argparse.Namespace) -> int:
    """Print counts whenever they change."""
    project = api.need_project(options.project)
    before = ""
    while True:
        now = api.call(routes.GET_PROGRESS, project_id=project.project_id)
        counts = "  ".join(f"{name} {count}" for name, count in now.states.items() if count)
        text = f"{now.state}  {now.total} images  {counts}".rstrip()
        if text != before:
            print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)
            before = text
        if now.state == "failed":
            raise ApiError(f"the project failed: {now.state_reason}")
        left = sum(now.states.get(state, 0) for state in OPEN)
        looking = now.refresh is None or now.refresh.finished_at is None
        handing_out = now.state in ("running", "paused") and now.total > 0
        if handing_out and not looking and (options.until == "ready" or not left):
            return 0
        time.sleep(options.every)


def train(api: Api, options: argparse.Namespace) -> int:
    """Start a training, and wait for it where that is asked for."""
    project = api.need_project(options.project)
    started = api.call(routes.TRAIN, project_id=project.project_id).items
    for run in started:
        print(f"{run.kind} {run.run_id}: {run.state}")
    waiting = [run.run_id for run in started] if options.wait else []
    shown: dict[str, str] = {}
    failed = False
    while waiting:
        time.sleep(POLL_S)
        for run_id in [*waiting]:
            run = api.call(routes.GET_RUN, project_id=project.project_id, run_id=run_id)
            far = f" {run.progress.done}/{run.progress.total} {run.progress.what}"
            text = f"{run.kind} {run.run_id}: {run.state}{far if run.progress.total else ''}"
            text += f": {run.reason}" if run.reason else ""
            if shown.get(run_id) != text:
                print(text, flush=True)
                shown[run_id] = text
            if run.state in ("done", "failed"):
                waiting.remove(run_id)
                failed |= run.state == "failed"
    return int(failed)


def import_labels(api: Api, options: argparse.Namespace) -> int:
    """Upload a file of labels, have it taken in, print the report."""
    if not options.file.is_file():
        raise ApiError(f"{options.file} is no file")
    project_id = api.need_project(options.project).project_id
    new = routes.NewImport(file_name=options.file.name)
    made = api.call(routes.CREATE_IMPORT, new, project_id=project_id)
    files.send(api, made.url, options.file)
    how = routes.ImportOptions(
        format=options.format,
        into="suggestions" if options.suggestions else "labels",
        unknown_classes="create" if options.create_classes else "refuse",
    )
    one = made.import_id
    now = api.call(routes.START_IMPORT, how, project_id=project_id, import_id=one)
    while now.state not in ("done", "failed"):
        time.sleep(POLL_S)
        now = api.call(routes.GET_IMPORT, project_id=project_id, import_id=one)
    if now.state == "failed":
        raise ApiError(f"the import failed: {now.problem}")
    print(f"{now.images} images in the file: {now.saved} taken, {now.unchanged} were so already")
    for reason, told in now.left_out.items():
        print(f"  left out, {reason}: {told.count}")
    for name, count in now.unknown_classes.items():
        print(f"  unknown class {name}: {count}")
    return 0


def changes(api: Api, options: argparse.Namespace) -> int:
    """Print changes; the file of the cursor is written behind each page that was printed."""
    project_id = api.need_project(options.project).project_id
    more = True
    while more:
        query = {"labels": "true"} if options.labels else {}
        if options.cursor.exists():
            query["since"] = options.cursor.read_text("utf-8").strip()
        page = api.call(routes.LIST_CHANGES, query=query, project_id=project_id)
        for item in page.items:
            print(item.model_dump_json(), flush=True)
        options.cursor.write_text(page.next_cursor, "utf-8")
        more = page.more
    return 0


def members(api: Api, options: argparse.Namespace) -> int:
    """Print the members of a project."""
    project_id = api.need_project(options.project).project_id
    for item in api.call(routes.LIST_MEMBERS, project_id=project_id).items:
        more = ["invited"] * item.invited + [f"[{', '.join(item.tags)}]"] * bool(item.tags)
        print("  ".join([f"{item.role:9} {item.name or '-'}", item.member_id, *more]))
    return 0


def add_member(api: Api, options: argparse.Namespace) -> int:
    """Let somebody in."""
    project_id = api.need_project(options.project).project_id
    known = api.call(routes.LIST_MEMBERS, project_id=project_id).items
    one = apply.admit(api, project_id, known, options.who, options.role, options.tag)
    print(f"{one.name or one.member_id} is {'invited as ' if one.invited else ''}{one.role}")
    return 0


def remove_member(api: Api, options: argparse.Namespace) -> int:
    """Take somebody off."""
    project_id = api.need_project(options.project).project_id
    known = api.call(routes.LIST_MEMBERS, project_id=project_id).items
    one = member_named(known, options.who)
    if one is None:
        raise ApiError(f"{options.who} is no member of this project")
    api.call(routes.DELETE_MEMBER, project_id=project_id, member_id=one.member_id)
    print(f"{one.name or one.member_id} is no member any more")
    return 0


def command() -> NoReturn:
    """What is installed as `labelry`."""
    sys.exit(main())
