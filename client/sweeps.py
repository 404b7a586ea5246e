"""One change of many images, from a script: begun, followed until it is done, and sent on where it stopped."""

from __future__ import annotations

import argparse
import time
import uuid
from typing import get_args

from . import routes
from .api import Api, ApiError
from .named import class_named, project_named

POLL_S = 2.0
STOPPED_S = 180
"""Longer than a piece of a sweep takes, and than a message that failed waits to be tried again."""


def arguments_of(sweep: argparse.ArgumentParser) -> None:
    """What `labelry sweep` takes behind the project."""
    sweep.add_argument("what", choices=get_args(routes.SweepWhat))
    sweep.add_argument("--state", choices=get_args(routes.ItemState))
    sweep.add_argument("--class", dest="of_class", help="images that have it: its name or id")
    sweep.add_argument("--labeler", help="user key of who labeled them")
    sweep.add_argument("--kind", help="manual, prelabeled or clustered")
    sweep.add_argument("--flag", help="overwritten, missing or damaged")
    sweep.add_argument(
        "--consensus", choices=get_args(routes.Consensus), help="of several who labeled an image"
    )
    sweep.add_argument("--name", help="a part of the path")
    sweep.add_argument("--labeled-on", metavar="DAY", help="labeled since that day (UTC)")
    sweep.add_argument("--labeled-from", metavar="DAY", help="labeled since that day or later")
    sweep.add_argument("--labeled-to", metavar="DAY", help="labeled since that day or earlier")
    sweep.add_argument(
        "--returned",
        choices=get_args(routes.SentBack),
        help="that were sent back, and wait for their labeler, for anyone, or for either",
    )
    sweep.add_argument(
        "--suggested",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with which a suggestion is shown, or not",
    )
    sweep.add_argument(
        "--approved", action=argparse.BooleanOptionalAction, default=None, help="found good or not"
    )
    sweep.add_argument("--disagrees", action="store_true", help="with which the model disagrees")
    sweep.add_argument("--reason", help="of reject and leave_out")
    sweep.add_argument("--to", choices=["anyone", "same_labeler"], help="of reject")
    sweep.add_argument("--from", dest="of", help="of relabel: the class, or all when left out")
    sweep.add_argument("--into", help="of relabel: the class they have from then on")
    sweep.add_argument(
        "--before", metavar="TIME", help="of revert: a moment; the labels before when left out"
    )


def sweep(api: Api, options: argparse.Namespace) -> int:
    """Change all images that a filter means, and follow that."""
    project = project_named(api, options.project)
    of_class = None if options.of_class is None else class_named(project, options.of_class)
    wanted = routes.ItemFilter.model_validate(
        {
            "class_id": of_class,
            "disagrees": options.disagrees or None,
            **{
                name: getattr(options, name)
                for name in routes.ItemFilter.model_fields
                if name not in ("class_id", "disagrees")
            },
        }
    )
    do = routes.SweepDo.model_validate(
        {
            "what": options.what,
            "reason": options.reason,
            "to": options.to,
            "class_id": None if options.of is None else class_named(project, options.of),
            "into": None if options.into is None else class_named(project, options.into),
            "before": options.before,
        }
    )
    new = routes.NewSweep(sweep_id=f"cli-{uuid.uuid4().hex}", filter=wanted, do=do)
    begun = api.call(routes.CREATE_SWEEP, new, key=new.sweep_id, project_id=project.project_id)
    return _follow(api, project.project_id, begun)


def merge_class(api: Api, options: argparse.Namespace) -> int:
    """Make all labels of a class labels of another, and follow that."""
    project = project_named(api, options.project)
    of, into = class_named(project, options.of), class_named(project, options.into)
    api.call(
        routes.MERGE_CLASS,
        routes.MergeClass(into=into),
        version=project.classes_version,
        project_id=project.project_id,
        class_id=of,
    )
    for item in api.call(routes.LIST_SWEEPS, project_id=project.project_id).items:
        if (item.what, item.class_id, item.into) == ("merge", of, into):
            return _follow(api, project.project_id, item)
    raise ApiError("the classes are one, but nothing tells how far their labels are")


def sweeps(api: Api, options: argparse.Namespace) -> int:
    """Print the changes of many images of a project; with an id, have that go on and follow it."""
    project_id = api.need_project(options.project).project_id
    if options.resume:
        told = api.call(
            routes.RESUME_SWEEP, key=options.resume, project_id=project_id, sweep_id=options.resume
        )
        return _follow(api, project_id, told)
    for item in api.call(routes.LIST_SWEEPS, project_id=project_id).items:
        print(f"{item.created_at:%Y-%m-%d %H:%M}  {item.sweep_id}  {_text(item)}")
    return 0


def _follow(api: Api, project_id: str, now: routes.Sweep) -> int:
    before, moved, since = "", now.moved_at, time.monotonic()
    while True:
        if (text := _text(now)) != before:
            print(text, flush=True)
            before = text
        if now.finished_at:
            return 0
        if now.moved_at != moved:
            moved, since = now.moved_at, time.monotonic()
        if time.monotonic() - since > STOPPED_S:
            raise ApiError(
                f"it came to a stop; labelry sweeps PROJECT --resume {now.sweep_id} has it go on"
            )
        time.sleep(POLL_S)
        now = api.call(routes.GET_SWEEP, project_id=project_id, sweep_id=now.sweep_id)


def _text(one: routes.Sweep) -> str:
    left = "".join(f", {why} {count}" for why, count in one.left.items())
    far = "finished" if one.finished_at else f"{one.looked} of {one.items} images looked at"
    return f"{one.what}: {far}, {one.done} changed{left}"
