"""What a labeler's page is shown of a task: its items with their images, suggestions, drafts and lease."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from labeling import layout
from labeling.annotations.acceptance import Prelabel
from labeling.annotations.shapes import MAX_ANNOTATIONS, Annotation
from labeling.items.cells import unpack
from labeling.items.records import Labeling, Outcome, Returned, Stored
from labeling.items.tasks import LeasedItem, Task
from labeling.model import Id, Model, UtcTime, from_milliseconds
from labeling.projects.projects import Project, ProjectAccess
from labeling.settings import Settings
from labeling.storage import Storage
from labeling.tasks.images import ImageLinks, Images
from labeling.tasks.submissions import MAX_SIZE


class DraftItem(Model):
    """Unfinished work on one image."""

    item_id: Id
    annotations: Annotated[list[Annotation], Field(max_length=MAX_ANNOTATIONS)] = []
    outcome: Outcome | None = None
    reason: Annotated[str, Field(max_length=2_000)] | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
    active_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0


class Draft(Model):
    """Unfinished work on a task; of two, the one with the larger `seq` wins."""

    client_id: Id
    seq: Annotated[int, Field(ge=0, le=2**53)]
    items: Annotated[list[DraftItem], Field(max_length=MAX_SIZE)]


class TaskItem(Model):
    """One image of a task. Sizes in pixels of the upright image.

    `annotations` are the current labels of an item under correction, `outcome` with its `reason` and `note`
    what was decided about it; `defaults` are the former labels of one that was returned; `prelabel` what a
    run suggests, the same as long as the task is open.
    """

    item_id: str
    revision: int
    path: str
    width: int
    height: int
    frames: int
    media: str
    images: ImageLinks
    annotations: list[Annotation] | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    note: str | None = None
    defaults: list[Annotation] | None = None
    prelabel: Prelabel | None = None
    returned: Returned | None = None
    draft: DraftItem | None = None


class Lease(Model):
    """Until when a task is held, and when to renew it."""

    until: UtcTime
    renew_after_s: int


class TaskView(Model):
    """A task as its labeler sees it."""

    task_id: str
    kind: Literal["manual", "clustered", "prelabeled", "correction"]
    state: Literal["open", "closed"]
    classes_version: int
    instructions_version: int
    lease: Lease | None = None
    draft_seq: int = 0
    items: list[TaskItem] = []


class Views:
    """Makes views of tasks."""

    def __init__(self, storage: Storage, settings: Settings, images: Images) -> None:
        self._storage = storage
        self._settings = settings
        self._images = images

    def open(self, opened: ProjectAccess, task: Task) -> TaskView:
        """A task with all its page needs; what thin rows leave out is read only where there is any."""
        draft = self._draft(opened, task) if task.drafted else None
        drafts = {item.item_id: item for item in draft.items} if draft else {}
        # What is known of a honeypot is in its truth.
        rich = [
            item
            for item in task.held
            if (task.stale or item.item.returned or item.is_correction) and not item.is_check
        ]
        truths: dict[str, Stored] = {}
        if rich:
            found = opened.items.read_many([item.item.item_id for item in rich])
            truths = {stored.item.item_id: stored for stored in found if stored}
        own = self._own_labels(opened, task)
        shown = _alike(task, opened.items.shown(task, [item.item.item_id for item in task.held]))
        return TaskView(
            task_id=task.task_id,
            kind=task.kind,  # type: ignore[arg-type]
            state="open",
            classes_version=opened.project.classes_version,
            instructions_version=opened.project.instructions_version,
            lease=self.lease(task.until_ms),
            draft_seq=draft.seq if draft else 0,
            items=[
                self._item(
                    opened.project,
                    item,
                    truths.get(item.item.item_id),
                    own,
                    shown.get(item.item.item_id),
                    drafts,
                )
                for item in task.held
            ],
        )

    def _own_labels(self, opened: ProjectAccess, task: Task) -> dict[str, Labeling]:
        """An item of several, or a honeypot, may hold another's labels: what is corrected are one's own."""
        mine = [item for item in task.held if item.is_correction]
        shared = [item.item.item_id for item in mine if item.item.shared]
        own = opened.items.labelings_of(task.user, shared) if shared else {}
        posed = [item.item.item_id for item in mine if item.is_check]
        if posed:
            checks = opened.items.checks(task.user, task.shard, posed)
            own |= {name: said for name, check in checks.items() if (said := check.labeling)}
        return own

    def _draft(self, opened: ProjectAccess, task: Task) -> Draft | None:
        row = self._storage.tables.get(
            layout.ITEMS,
            opened.items.partition(task.shard),
            layout.draft(task.user, task.task_id),
        )
        return Draft.model_validate_json(unpack("draft", row.cells)) if row else None

    def _item(
        self,
        project: Project,
        held: LeasedItem,
        truth: Stored | None,
        own: Mapping[str, Labeling],
        shown: Prelabel | None,
        drafts: Mapping[str, DraftItem],
    ) -> TaskItem:
        item = truth.item if truth else held.item
        settled = held.is_correction
        labeling = own.get(item.item_id) or (truth.labeling if truth else None)
        begun = settled or item.returned
        labeling = labeling.merged(project.merged) if labeling else None
        annotations = labeling.annotations if labeling and begun else None
        decided = labeling if settled else None
        return TaskItem(
            item_id=item.item_id,
            revision=item.revision,
            path=project.source.shown(item.path),
            width=item.width,
            height=item.height,
            frames=item.frames,
            media=item.media,
            images=self._images.links(project, item),
            annotations=annotations if settled else None,
            outcome=decided.outcome if decided else None,
            reason=decided.reason if decided else None,
            note=decided.note if decided else None,
            defaults=None if settled else annotations,
            # It was made for what the image was then.
            prelabel=shown if item.blob_etag == held.item.blob_etag else None,
            returned=Returned.model_validate_json(item.returned) if item.returned else None,
            draft=drafts.get(item.item_id),
        )

    def closed(self, opened: ProjectAccess, task_id: str) -> TaskView:
        """A task that is over: its items are elsewhere by now."""
        return TaskView(
            task_id=task_id,
            kind="manual",
            state="closed",
            classes_version=opened.project.classes_version,
            instructions_version=opened.project.instructions_version,
        )

    def lease(self, until_ms: int) -> Lease:
        """A lease that ends then, and when to renew it."""
        renew = max(1, int(self._settings.lease_seconds * 0.4))
        return Lease(until=from_milliseconds(until_ms), renew_after_s=renew)


def _alike(task: Task, shown: Mapping[str, Prelabel]) -> Mapping[str, Prelabel]:
    """What is shown of runs, as if that of a honeypot, which is an older one's, were of the others' run."""
    posed = {item.item.item_id for item in task.held if item.is_check}
    run = next((said.run_id for name, said in shown.items() if name not in posed), None)
    return {
        name: said.model_copy(update={"run_id": run}) if name in posed and run else said
        for name, said in shown.items()
    }
