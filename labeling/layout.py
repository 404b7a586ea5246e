"""Every table, container and queue name, every key and every blob path. ADR-0002 tells why they are so.

The names come from `layout.json`, which the deployment reads too, so that code and cloud cannot drift.
Keys use `|` between parts, of which the first tells what a row is (`Kind`). `|` can't be in a part: user
and item ids are lower-case base32. Nobody else makes a key or takes one apart.
"""

from __future__ import annotations

import hmac
import json
import re
from enum import StrEnum, unique
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from labeling.model import digest_id
from labeling.names import key_of, same_address

_NAMES: dict[str, dict[str, str]] = json.loads(
    files("labeling").joinpath("layout.json").read_text("utf-8")
)

ITEMS = _NAMES["tables"]["items"]
PROJECTS = _NAMES["tables"]["projects"]
DIRECTORY = _NAMES["tables"]["directory"]
TABLES = tuple(_NAMES["tables"].values())

DATASETS = _NAMES["containers"]["datasets"]
RENDITIONS = _NAMES["containers"]["renditions"]
MODELS = _NAMES["containers"]["models"]
EXPORTS = _NAMES["containers"]["exports"]
IMPORTS = _NAMES["containers"]["imports"]
MANIFESTS = _NAMES["containers"]["manifests"]
PACKAGES = "app-package"
"""Where the deployment keeps the app's code (`infra/bicep/storage.bicep`)."""
CONTAINERS = tuple(_NAMES["containers"].values())

REFRESH_QUEUE = _NAMES["queues"]["refresh"]
REGISTER_QUEUE = _NAMES["queues"]["register"]
MEASURE_QUEUE = _NAMES["queues"]["measure"]
RENDITIONS_QUEUE = _NAMES["queues"]["renditions"]
BLOB_EVENTS_QUEUE = _NAMES["queues"]["blob_events"]
COMPACT_QUEUE = _NAMES["queues"]["compact"]
EXPORT_QUEUE = _NAMES["queues"]["export"]
IMPORT_QUEUE = _NAMES["queues"]["import"]
START_OVER_QUEUE = _NAMES["queues"]["start_over"]
ASK_QUEUE = _NAMES["queues"]["ask"]
SWEEP_QUEUE = _NAMES["queues"]["sweep"]
GPU_JOBS_QUEUE = _NAMES["queues"]["gpu_jobs"]
RUN_FINISHED_QUEUE = _NAMES["queues"]["run_finished"]
PRELABEL_QUEUE = _NAMES["queues"]["prelabel"]
GROUP_QUEUE = _NAMES["queues"]["group"]
WEBHOOKS_QUEUE = _NAMES["queues"]["webhooks"]
QUEUES = tuple(_NAMES["queues"].values())

_UPLOAD_FOLDER = re.compile(r"d-[a-z2-7]{16}/")

END = "~"
"""Sorts above every character used in a key: `X|` to `X|~` is all of X."""


@unique
class Kind(StrEnum):
    """What a row is: the first part of its key. Capitals in table `items`, small letters in `projects`."""

    TRUTH = "I"
    QUEUED = "A"
    ASSIGNED = "B"
    """In the queue of those with a tag, where `QUEUED` is in that of everybody."""
    LABELER = "T"
    """A task, or an item that was returned to its labeler: what is theirs is found at once."""
    REQUEST = "R"
    DRAFT = "W"
    FINISHED = "K"
    ANSWER = "S"
    LISTED = "L"
    HISTORY = "H"
    FLAG = "F"
    PRELABEL = "P"
    COUNTER = "C"
    LABELING = "V"
    HONEYPOT = "G"
    CHECK = "Q"
    CHECKED = "J"

    PROJECT = "p"
    MEMBER = "m"
    ELSEWHERE = "e"
    INVITATION = "i"
    RUN = "r"
    BATCHES = "b"
    EXPORT = "x"
    SNAPSHOT = "s"
    PROGRESS = "g"
    IMPORT = "y"
    SWEEP = "o"
    WEBHOOK = "w"
    DELIVERY = "d"


def kind_of(key: str) -> Kind:
    """What the row of a key is."""
    return Kind(key.partition("|")[0])


def below(prefix: str) -> tuple[str, str]:
    """The range of all keys that begin with `prefix`."""
    return prefix, prefix + END


def all_of(kind: Kind) -> tuple[str, str]:
    """The range of all rows of a kind."""
    return below(f"{kind}|")


# Order of the queues: a smaller number is handed out first.
FRONT, PRELABELED, CLUSTERED, MANUAL, UNMEASURED = "1", "2", "4", "6", "9"
KIND_OF = {
    FRONT: "manual",
    PRELABELED: "prelabeled",
    CLUSTERED: "clustered",
    MANUAL: "manual",
    UNMEASURED: "manual",
}


def shard_partition(project_id: str, shard: int) -> str:
    """The partition that holds one shard of a project's items."""
    return f"{project_id}|{shard:02x}"


def shard_of_partition(partition: str) -> int:
    """The shard that a partition holds."""
    return int(partition.rsplit("|", 1)[1], 16)


def item_id(container: str, path: str) -> str:
    """The item of a blob: the same blob is always the same item, so registering is idempotent."""
    return digest_id(container, path)


def shard_of(item: str, shards: int) -> int:
    """The shard of an item, in [0, shards)."""
    return int.from_bytes(sha256(item.encode()).digest()[:4], "big") % shards


def order_of(seed: str, item: str) -> str:
    """The place of an item in a project's shuffled order: 12 hex digits of HMAC-SHA-256."""
    return hmac.new(seed.encode(), item.encode(), sha256).hexdigest()[:12]


def drawn(lot: str, item: str, share: float) -> bool:
    """Whether an item is among a share of all, drawn by its name alone: for good, and in every project.

    A smaller share is a part of a larger one; what different lots draw has nothing to do with each other.

    >>> drawn("blind", "abc", 0.0), drawn("blind", "abc", 1.0)
    (False, True)
    """
    return int.from_bytes(sha256((lot + item).encode()).digest()[:6], "big") < share * 2**48


def reverse_time(ms: int) -> str:
    """13 digits that sort newest first."""
    return f"{9_999_999_999_999 - ms:013d}"


def truth(item: str) -> str:
    """The one row of an item that never moves."""
    return f"{Kind.TRUTH}|{item}"


def queued(priority: str, lane: int, order: str, item: str, audience: str = "") -> str:
    """Exists exactly while this lane of the item is available to anyone of an audience."""
    return f"{queues_of(audience)}{priority}|{lane}|{order}|{item}"


def queues_of(audience: str) -> str:
    """What the rows begin with that wait for an audience: those with a tag, or with "" everybody."""
    return f"{Kind.ASSIGNED}|{digest_id(audience, length=12)}|" if audience else f"{Kind.QUEUED}|"


class QueuePlace(NamedTuple):
    """Where in the queues a row is."""

    priority: str
    lane: int
    order: str


def queue_place(key: str) -> QueuePlace:
    """The place of a queue row; what is returned to a labeler waits in front of all, in lane 0."""
    if kind_of(key) not in (Kind.QUEUED, Kind.ASSIGNED):
        return QueuePlace("", 0, "")
    *_, priority, lane, order, _ = key.split("|")
    return QueuePlace(priority, int(lane), order)


def sample(run_id: str, number: int) -> str:
    """The name of a sample that a featurization made groups in: 4 hex digits, in order of their numbers.

    Args:
        run_id: of the featurization. One name in 256 is the same for another one.
        number: below 256.
    """
    return f"{sha256(run_id.encode()).digest()[0]:02x}{number:02x}"


def group_place(sample: str, size: int, rank: int, position: int) -> str:
    """The place of an item among those that look alike: its sample, its group, and where it is in there.

    Each takes 4 hex digits; the size of the sample follows, which nothing else tells once items have left it.
    """
    return f"{sample}{min(rank, 0xFFFF):04x}{min(position, 0xFFFF):04x}{size:x}"


def sample_of(place: str) -> str:
    """The sample of a place."""
    return place[:4]


def sample_size(place: str) -> int:
    """How many items the sample of a place had when it was drawn; 0: not known."""
    return int(place[12:] or "0", 16)


def group_of(place: str) -> str:
    """The group of a place, of whatever sample."""
    return place[:8]


def queue_start(priority: str, lane: int, order: str = "", audience: str = "") -> str:
    """Where a queue of an audience starts, or the place in it just before `order`."""
    return f"{queues_of(audience)}{priority}|{lane}|{order}"


def reserved(user: str, item: str) -> str:
    """Exists exactly while the item waits for this labeler, to whom it was returned."""
    return f"{Kind.LABELER}|{user}|r|{item}"


def lease(user: str, slot: int) -> str:
    """The row of an open task. Whoever deletes it under its ETag ends the lease: it is the lock."""
    return f"{Kind.LABELER}|{user}|{slot}"


def lease_place(key: str) -> tuple[str, int] | None:
    """(user, slot) of a task's row; None where the row is an item returned to a labeler."""
    _, user, slot, *returned = key.split("|")
    return None if returned else (user, int(slot))


def labelers_rows(user: str) -> str:
    """Prefix of a labeler's open tasks and of what was returned to them."""
    return f"{Kind.LABELER}|{user}|"


def request(user: str, request_id: str) -> str:
    """Which task a request for one was answered with."""
    return f"{Kind.REQUEST}|{user}|{request_id}"


def draft(user: str, task: str) -> str:
    """A labeler's unfinished work on a task."""
    return f"{Kind.DRAFT}|{user}|{task}"


def finished(user: str, task: str) -> str:
    """What became of a task."""
    return f"{Kind.FINISHED}|{user}|{task}"


def task_of(key: str) -> tuple[str, str]:
    """(user, task) of a draft, of what became of a task, or of an answer."""
    _, user, task, *_ = key.split("|")
    return user, task


def answered(user: str, task: str, submission: str) -> str:
    """The answer given to a submission, for whoever sends it again."""
    return f"{Kind.ANSWER}|{user}|{task}|{submission}"


def answers_of(user: str, shard: int, slot: int) -> str:
    """Prefix of the answers given for a labeler's tasks of one slot; those of the newest task first."""
    return f"{Kind.ANSWER}|{user}|{shard:02x}{slot}"


def finished_of(user: str, shard: int, slot: int) -> str:
    """Prefix of a labeler's finished tasks of one slot, newest first."""
    return f"{Kind.FINISHED}|{user}|{shard:02x}{slot}"


def listed(state: str, ms: int, revision: int, item: str) -> str:
    """The listing row of a settled item, newest first."""
    return f"{Kind.LISTED}|{state}|{reverse_time(ms)}|{revision:05d}|{item}"


def listings_of(state: str) -> str:
    """Prefix of the listing rows of a state."""
    return f"{Kind.LISTED}|{state}|"


def listed_between(state: str, after_ms: int, until_ms: int) -> tuple[str, str]:
    """The range of the listing rows of a state that changed after a moment, until another."""
    listings = listings_of(state)
    return f"{listings}{reverse_time(until_ms)}", f"{listings}{reverse_time(after_ms)}"


def item_of(key: str) -> str:
    """The item of a truth, queue, returned or listing row."""
    return key.rsplit("|", 1)[1]


def history(item: str, revision: int) -> str:
    """What revision `revision` of an item was, in full."""
    return f"{Kind.HISTORY}|{item}|{revision:05d}"


def superseded(item: str, revision: int, submission: str) -> str:
    """Late work that came after somebody else's: kept, not counted."""
    return f"{Kind.HISTORY}|{item}|{revision:05d}|{submission}"


def history_of(item: str) -> str:
    """Prefix of all that became of an item."""
    return f"{Kind.HISTORY}|{item}|"


class HistoryPlace(NamedTuple):
    """Which entry of an item's history a row is; `submission` only of late work that does not count."""

    item: str
    revision: int
    submission: str = ""


def history_place(key: str) -> HistoryPlace:
    """The place of a history row."""
    _, item, revision, *submission = key.split("|")
    return HistoryPlace(item, int(revision), *submission)


def labeling(item: str, user: str) -> str:
    """One labeler's hold on, or labeling of, an item of a project with overlap."""
    return f"{Kind.LABELING}|{item}|{user}"


def labelings_of(item: str) -> str:
    """What the labelings of an item begin with."""
    return f"{Kind.LABELING}|{item}|"


def labeling_of(key: str) -> tuple[str, str]:
    """(item, user) of a labeling."""
    _, item, user = key.split("|")
    return item, user


def honeypot(item: str) -> str:
    """Exists exactly while labelers may be given this item to see whether they know its answer."""
    return f"{Kind.HONEYPOT}|{item}"


def check(user: str, item: str) -> str:
    """What a person made of an item whose answer is known, or that it is in their hands.

    In the shard of the task, which need not be that of the item.
    """
    return f"{Kind.CHECK}|{user}|{item}"


def checks_of(user: str) -> str:
    """What the keys of a person's checks begin with."""
    return f"{Kind.CHECK}|{user}|"


def checked(user: str, item: str, revision: int, submission: str = "") -> str:
    """What a person said of an item whose answer is known, for the first time or as a correction.

    `submission` only where it came late and does not count.
    """
    key = f"{Kind.CHECKED}|{user}|{item}|{revision:05d}"
    return f"{key}|{submission}" if submission else key


def check_of(key: str) -> tuple[str, str]:
    """(user, item) of a check."""
    _, user, item = key.split("|")
    return user, item


def prelabel(item: str, run: str) -> str:
    """What a run suggested for an item: written once, kept for ever."""
    return f"{Kind.PRELABEL}|{item}|{run}"


def prelabel_of(key: str) -> tuple[str, str]:
    """(item, run) of a suggestion."""
    _, item, run = key.split("|")
    return item, run


def flagged(item: str) -> str:
    """Exists exactly while the item carries a flag."""
    return f"{Kind.FLAG}|{item}"


COUNTER_BASE = f"{Kind.COUNTER}|"
"""The folded counters of a shard. Rows behind it are changes not folded in yet."""


def counter_change(ms: int, random: str) -> str:
    """One change of the counters of a shard."""
    return f"{COUNTER_BASE}{ms:013d}{random}"


def task_id(shard: int, slot: int, ms: int, random: str) -> str:
    """An id that tells where its row is; those of one shard and slot sort newest first."""
    return f"{shard:02x}{slot}{reverse_time(ms)}{random}"


def task_time(task: str) -> str:
    """Sorts task ids newest first, of whatever shard and slot."""
    return task[3:]


def task_place(task: str) -> tuple[int, int] | None:
    """(shard, slot) of a task id, or None when it cannot be one."""
    try:
        return int(task[:2], 16), int(task[2])
    except (ValueError, IndexError):
        return None


PROJECT = str(Kind.PROJECT)
CAPACITY = f"{PROJECT}|capacity"
REFRESH_STATE = f"{PROJECT}|refresh"
ASSIST_STATE = f"{PROJECT}|assist"
LIFT = f"{PROJECT}|lift"

INVITATIONS_AND_MEMBERS = (f"{Kind.INVITATION}|", f"{Kind.MEMBER}|{END}")
"""The range of both: nothing else lies between them."""

MEMBERS_AND_PROJECT = (f"{Kind.MEMBER}|", f"{PROJECT}|{END}")
"""The range of the members, the project, its capacity and its last refresh."""


def member(user: str) -> str:
    """A person's place in a project: role and shards they draw from."""
    return f"{Kind.MEMBER}|{user}"


def member_user(key: str) -> str:
    """Whose place in a project a row is."""
    return key.split("|")[1]


def invitation(address: str) -> str:
    """An invitation to a project, by the digest of the e-mail address."""
    return f"{Kind.INVITATION}|{address}"


def invited_address(key: str) -> str:
    """The digest of the e-mail address that is invited."""
    return key.split("|")[1]


def elsewhere(user: str) -> str:
    """In which other shards something of a labeler's is: returned to them, or open."""
    return f"{Kind.ELSEWHERE}|{user}"


def run(run_id: str) -> str:
    """A run: of our own, or of whoever suggested labels from elsewhere."""
    return f"{Kind.RUN}|{run_id}"


OWN_RUNS = "run-"
"""What the ids of our own runs begin with."""


def run_id(ms: int, random: str) -> str:
    """The id of a run of our own; they sort newest first."""
    return f"{OWN_RUNS}{reverse_time(ms)}{random}"


def run_order(ms: int, run_id: str) -> str:
    """Sorts runs by their time."""
    return f"{ms:013d}|{run_id}"


def ordered_run(order: str) -> str:
    """The run of a `run_order`."""
    return order.partition("|")[2]


def batches(run_id: str) -> str:
    """Which batches of a run that works in batches are done."""
    return f"{Kind.BATCHES}|{run_id}"


def export(export_id: str) -> str:
    """An export."""
    return f"{Kind.EXPORT}|{export_id}"


def snapshot(export_id: str) -> str:
    """What an export is made from: how far gathering it has come."""
    return f"{Kind.SNAPSHOT}|{export_id}"


def progress(export_id: str) -> str:
    """How far writing the files of an export has come."""
    return f"{Kind.PROGRESS}|{export_id}"


def import_(import_id: str) -> str:
    """An import."""
    return f"{Kind.IMPORT}|{import_id}"


SWEEPS = f"{Kind.SWEEP}|"
"""What the keys of a project's sweeps begin with."""


def sweep(sweep_id: str) -> str:
    """One change that is made of many items."""
    return f"{SWEEPS}{sweep_id}"


WEBHOOK = f"{Kind.WEBHOOK}|"
"""Where a project's events are sent to."""


def delivery(delivery_id: str) -> str:
    """An event that was sent, or is to be."""
    return f"{Kind.DELIVERY}|{delivery_id}"


ALL_PROJECTS = "projects"
ALL_DATASETS = "datasets"
DELETED_PROJECTS = "deleted"
ACCOUNTS = "accounts"
NAMES = "names"
ACTIVE = "active"
DUE = "due"
TURNS = "turns"
INGEST_TURN = "ingest"
TOKENS = "tokens"


def projects_of(user: str) -> str:
    """Partition with one row for each project a person is a member of."""
    return f"user|{user}"


def watchers(container: str) -> str:
    """Partition with one row for each project that takes its images from a container."""
    return f"watch|{container.replace('/', ':')}"  # no key may have a slash


def invitations(email: str) -> str:
    """Partition with one row for each project an e-mail address is invited to."""
    return f"invited|{digest_id(same_address(email))}"


def folded_name(name: str) -> str:
    """Two project names are the same when these are."""
    return digest_id(key_of(name))


def upload_folder(dataset_id: str) -> str:
    """What the names of a dataset's uploads begin with, in whichever container."""
    return f"{dataset_id}/"


def upload_folder_of(name: str) -> str:
    """The folder of a dataset's uploads that a name begins with, or empty.

    >>> upload_folder_of("d-abcdefgh234567ab/owls/1.jpg"), upload_folder_of("owls/1.jpg")
    ('d-abcdefgh234567ab/', '')
    """
    found = _UPLOAD_FOLDER.match(name)
    return found[0] if found else ""


def export_blob(project_id: str, export_id: str, name: str) -> str:
    """A file of an export, in the container `exports`."""
    return f"{project_id}/{export_id}/{name}"


def import_blob(project_id: str, import_id: str) -> str:
    """The file of an import, as it was brought, in the container `imports`."""
    return f"{project_id}/{import_id}/file"


def import_part(project_id: str, import_id: str, part: int) -> str:
    """What the file says about some items of one shard, in the container `imports`."""
    return f"{project_id}/{import_id}/part-{part:05d}.jsonl.gz"


def rendition(container: str, path: str, etag: str, side: int) -> str:
    """A smaller copy of one version of a blob, in the container `renditions`: the same for all projects."""
    return f"{digest_id(container, path, etag)}/{side}.webp"


def frame_blob(container: str, path: str, etag: str, frame: int, kind: str) -> str:
    """What is kept of a frame of one version of a blob, in `renditions`: kind `webp`, `values` or `json`."""
    return f"{digest_id(container, path, etag)}/frame-{frame}.{kind}"


def manifest_blob(project_id: str, refresh_id: str, kind: str, part: int) -> str:
    """A part of a listing (`manifest.Kind`), in the container `manifests`."""
    return f"{project_id}/{refresh_id}/{kind}-{part:05d}.jsonl.gz"


def model_blob(project_id: str, run_id: str, name: str) -> str:
    """A file of a model, which is named like the run that trained it, in the container `models`."""
    return f"{project_id}/{run_id}/{name}"


def groups_blob(project_id: str, run_id: str, shard: int, part: int) -> str:
    """Groups of similar items of one shard, as a featurization found them, in the container `models`."""
    return f"{project_id}/{run_id}/groups-{shard:02x}-{part:05d}.jsonl.gz"


def embeddings_blob(project_id: str, feature_id: str, shard: int, part: int) -> str:
    """Embeddings of some items of a shard by one network, in the container `models`."""
    return f"{project_id}/embeddings/{feature_id}/{shard:02x}-{part:05d}.npz"


def click_file(folder: str, name: str) -> str:
    """A file of the deployment's model for clicks, in the container `models`."""
    return f"{folder}/{name}"


def click_decoder(project_id: str, model_id: str) -> str:
    """What browsers load to outline what is clicked at, in the container `models`."""
    return f"{project_id}/clicks/{model_id}/decoder.onnx"


def click_images(project_id: str, model_id: str) -> str:
    """What the names of all images begin with that were prepared for clicks, in `models`."""
    return f"{project_id}/clicks/{model_id}/images/"


def click_image(project_id: str, model_id: str, item: str, etag: str) -> str:
    """One version of an image, prepared for clicks, in the container `models`."""
    return f"{click_images(project_id, model_id)}{item}-{digest_id(etag, length=12)}"


def user_key(provider: str, user_id: str) -> str:
    """A person's key in our tables: sign-in providers' ids may hold characters no key may."""
    return digest_id(provider, user_id, length=20)


def names() -> dict[str, Any]:
    """The content of `layout.json`."""
    return _NAMES
