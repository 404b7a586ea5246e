"""Exports from a script: made with every option there is, waited for, downloaded and checked."""

from __future__ import annotations

import argparse
import time
import uuid
from pathlib import Path
from typing import get_args

from . import files, routes
from .api import Api, ApiError
from .named import class_named, member_named, project_named, version_named

POLL_S = 0.5


def arguments_of(parser: argparse.ArgumentParser) -> None:
    """What `labelry export` takes behind the project."""
    parser.add_argument("--format", help="one of GET /formats; the first of them when left out")
    parser.add_argument(
        "--as-of", metavar="TIME", help="the moment it shows, such as 2026-11-28T12:00:00Z"
    )
    _folder_of(parser)
    parser.add_argument("--name", help="keep what it is made from, as a version of this name")
    parser.add_argument("--version", help="export that version again: its name or id")
    chosen = parser.add_argument_group("what is exported; all that is labeled when left out")
    chosen.add_argument(
        "--class", dest="classes", action="append", metavar="CLASS", help="its name or id; repeat"
    )
    chosen.add_argument(
        "--rename",
        nargs=2,
        action="append",
        metavar=("CLASS", "NAME"),
        help="another name in the files; classes given one name become one; repeat",
    )
    chosen.add_argument(
        "--state", dest="states", action="append", choices=get_args(routes.ExportState)
    )
    chosen.add_argument("--path", metavar="BEGIN", help="how the paths of images begin")
    chosen.add_argument(
        "--labeler",
        dest="labelers",
        action="append",
        metavar="WHO",
        help="of whose labels: an e-mail address or a user key; repeat",
    )
    chosen.add_argument("--since", metavar="TIME", help="labels saved since then")
    chosen.add_argument(
        "--labelings",
        choices=get_args(routes.Labelings),
        help="of images that several people label",
    )
    shape = parser.add_argument_group("how it is laid out")
    shape.add_argument("--val", type=float, metavar="SHARE", help="set apart to validate with")
    shape.add_argument("--test", type=float, metavar="SHARE", help="set apart to test with")
    shape.add_argument("--seed", help="another seed sets others apart")
    shape.add_argument(
        "--images",
        choices=get_args(routes.ExportImages),
        help="links: their addresses in images.csv; copies: copied in storage, beside the files",
    )
    shape.add_argument("--flat", action="store_true", help="names of images without folders")
    shape.add_argument("--azure", action="store_true", help="COCO as Azure writes it: fractions")
    shape.add_argument("--datastore", help="where Azure Machine Learning finds the images, in full")


def pull_arguments_of(parser: argparse.ArgumentParser) -> None:
    """What `labelry pull` takes behind the project."""
    parser.add_argument("--export", help="its id")
    _folder_of(parser)


def _folder_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER")


def export(api: Api, options: argparse.Namespace) -> int:
    """Make an export, wait for it, download it."""
    project = project_named(api, options.project)
    project_id = project.project_id
    version = None
    if options.version:
        made = api.call(routes.LIST_EXPORTS, project_id=project_id).items
        version = version_named(made, options.version)
    new = routes.NewExport(
        format=options.format,
        as_of=options.as_of,
        name=options.name,
        version=version,
        options=_options(api, project, options),
    )
    key = f"cli-{uuid.uuid4().hex}"
    made = api.call(routes.CREATE_EXPORT, new, key=key, project_id=project_id)
    while made.state == "waiting":
        time.sleep(POLL_S)
        made = api.call(routes.GET_EXPORT, project_id=project_id, export_id=made.export_id)
    return _pulled(api, project_id, made, options.to)


def _options(api: Api, project: routes.Project, given: argparse.Namespace) -> routes.ExportOptions:
    classes, labelers = given.classes, given.labelers
    return routes.ExportOptions(
        azure=given.azure or None,
        datastore=given.datastore,
        split=_split(given),
        classes=None if classes is None else [class_named(project, class_) for class_ in classes],
        rename={class_named(project, old): name for old, name in given.rename or ()} or None,
        path=given.path,
        labelers=None if labelers is None else _people(api, project, labelers),
        since=given.since,
        states=given.states,
        labelings=given.labelings,
        flat=given.flat or None,
        images=given.images,
    )


def _split(given: argparse.Namespace) -> routes.Split | None:
    if given.val is None and given.test is None:
        if given.seed is not None:
            raise ApiError(
                "--seed says which images are set apart; say how many by --val or --test"
            )
        return None
    return routes.Split(val=given.val or 0.0, test=given.test or 0.0, seed=given.seed)


def _people(api: Api, project: routes.Project, names: list[str]) -> list[str]:
    """User keys. What is no member's name is taken for the key of somebody who is no member any more."""
    known = api.call(routes.LIST_MEMBERS, project_id=project.project_id).items
    keys: list[str] = []
    for name in names:
        one = member_named(known, name)
        if one.invited if one else "@" in name:
            raise ApiError(
                f"nobody of {project.name} has come by {name}; "
                "who labeled and is no member any more is named by their user key"
            )
        keys.append(one.member_id if one else name)
    return keys


def pull(api: Api, options: argparse.Namespace) -> int:
    """Download an export that was made before."""
    project_id = api.need_project(options.project).project_id
    made = api.call(routes.LIST_EXPORTS, project_id=project_id).items
    chosen = [
        one
        for one in made
        if (one.export_id == options.export if options.export else one.state == "done")
    ]
    if not chosen:
        raise ApiError("there is no such export; `labelry export` makes one")
    return _pulled(api, project_id, chosen[0], options.to)


def _pulled(api: Api, project_id: str, made: routes.Export, folder: Path) -> int:
    if made.state != "done":
        raise ApiError(f"the export is {made.state}: {made.problem or 'wait a moment'}")
    for path in files.pull(api, project_id, made, folder):
        print(path)
    print(
        f"{made.format} as of {made.as_of:%Y-%m-%d %H:%M:%S} UTC: {made.exported} of {made.items} images"
    )
    for why, count in sorted(made.omitted.items()):
        print(f"  left out, {why}: {count}")
    if made.images:
        print(f"  copies of its images are in storage: {made.images}")
    return 0
