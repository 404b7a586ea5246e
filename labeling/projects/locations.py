"""Where images may be: storage accounts that site admins register, their containers, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, TypeVar
from urllib.parse import quote

from pydantic import AfterValidator, StringConstraints

from labeling import layout
from labeling.documents import Documents
from labeling.errors import Conflict, Fault, Invalid, NotFound, Refused, Unavailable
from labeling.media.patterns import unstorable
from labeling.model import Model, UtcTime
from labeling.settings import Settings
from labeling.storage import Collision, Delete, Range, Storage

Result = TypeVar("Result")

AccountName = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[a-z0-9]{3,24}$")
]
ContainerName = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:[a-z0-9]{3,24}/)?(?:[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\$web)$",
    ),
]
"""A container of the system's own account, or `account/container` of a registered one."""

PORTAL = "https://portal.azure.com/#view/Microsoft_Azure_Storage/ContainerMenuBlade/~/overview/storageAccountId"

READER = "Storage Blob Data Reader"
CONTRIBUTOR = "Storage Blob Data Contributor"
DELEGATOR = "Storage Blob Delegator"

OWN = {*layout.CONTAINERS, layout.PACKAGES} - {layout.DATASETS}
HOSTS = "azure-webjobs-"
"""What the names of the Functions host's own containers begin with: locks, timers, secrets."""

_CLOSED_NETWORK = ("AuthorizationFailure", "PublicAccessNotPermitted")
"""What the service says where its firewall, and no missing role, is the reason."""


def is_reserved(container: str) -> bool:
    """Whether a container is the system's own: nobody's images, and nothing to be looked into."""
    account, _, name = container.rpartition("/")
    return name.startswith(HOSTS) or (not account and name in OWN)


def _storable(name: str) -> str:
    if why := unstorable(name):
        raise ValueError(why)
    return name


BlobPrefix = Annotated[str, AfterValidator(_storable)]
"""What names of blobs begin with: text that storage can be asked for."""


class NewAccount(Model):
    """A storage account to be registered; this system's identity must have a role on it."""

    account: AccountName


class Account(Model):
    """A registered storage account."""

    account: str
    added_at: UtcTime
    added_by: str


class AccountView(Model):
    """A storage account. `problem`: why its containers can't be listed, or empty."""

    account: str
    own: bool
    containers: list[str]
    problem: str = ""


class Location(Model):
    """A container this system may read."""

    location: str


class ContainerView(Model):
    """A container, and where it is shown in the Azure portal; empty where nobody said which resource its
    account is.
    """

    account: str
    container: str
    portal: str


class NewContainer(Model):
    """A container to be made: `name` in the system's own account, or `account/name` in a registered one."""

    location: ContainerName


class Folder(Model):
    """A folder of a container; `prefix` ends with a slash."""

    prefix: str


class BrowsedBlob(Model):
    """A file of a container, as browsing shows it."""

    path: str
    size: int


class BrowsePage(Model):
    """What is directly in a folder."""

    folders: list[Folder]
    blobs: list[BrowsedBlob]
    next_cursor: str | None


class Locations:
    """Accounts, containers and folders, as far as this system may see them."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self._storage = storage
        self._ids = settings.storage_id_by_account
        self._accounts = Documents(
            storage, layout.DIRECTORY, Account, absent="this account is not registered"
        )

    def accounts(self) -> list[AccountView]:
        """The system's own account, then the registered ones, with their containers."""
        names = [account.account for account in self._accounts.all(layout.ACCOUNTS)]
        return [self._view(""), *map(self._view, names)]

    def _view(self, account: str) -> AccountView:
        try:
            names, problem = self._containers(account), ""
        except Invalid as error:
            names, problem = [], error.detail
        return AccountView(
            account=account or self._storage.blobs.account,
            own=not account,
            containers=[name for name in names if not is_reserved(name)],
            problem=problem,
        )

    def _containers(self, account: str) -> list[str]:
        try:
            found = _needing(
                READER, account, "/account", lambda: self._storage.blobs.containers(account)
            )
        except (Unavailable, NotFound):
            raise Invalid(
                f"no storage account {account!r} answers; check its name and its network",
                faults=(Fault("/account", "no-account", f"no account {account!r} answers"),),
            ) from None
        return [f"{account}/{name}" if account else name for name in found]

    def register(self, new: NewAccount, *, by: str) -> AccountView:
        """Let projects take images from another account. Safe to repeat.

        Raises:
            Invalid: it does not answer, or this system's identity lacks a role on it, which is named.
        """
        if new.account == self._storage.blobs.account:
            return self._view("")
        self._containers(new.account)
        record = Account(account=new.account, added_at=self._storage.clock.now(), added_by=by)
        with suppress(Collision):  # registered before
            self._accounts.create(layout.ACCOUNTS, new.account, record)
        return self._view(new.account)

    def forget(self, account: str) -> None:
        """Register an account no longer. Projects that take images from it keep them.

        Raises:
            NotFound: it is not registered.
            Conflict: a project takes images from it.
        """
        row = self._accounts.need_row(layout.ACCOUNTS, account)
        for container in self._storage.blobs.containers(account):
            watching = Range(layout.watchers(f"{account}/{container}"), "", layout.END, limit=1)
            if self._storage.tables.query(layout.DIRECTORY, watching):
                raise Conflict(
                    f"a project takes its images from {account}/{container}; delete that first"
                )
        self._accounts.write(layout.ACCOUNTS, [Delete(account, row.etag)])

    def container(self, location: str) -> ContainerView:
        """A container by the name of its account. No call is made: it may be gone."""
        account, _, container = location.rpartition("/")
        account = account or self._storage.blobs.account
        resource = self._ids.get(account, "")
        portal = f"{PORTAL}/{quote(resource, safe='')}/path/{quote(container, safe='')}"
        return ContainerView(
            account=account, container=container, portal=portal if resource else ""
        )

    def all(self) -> list[Location]:
        """Containers a project may take images from, of all accounts."""
        return [
            Location(location=name) for account in self.accounts() for name in account.containers
        ]

    def create(self, location: str) -> Location:
        """Make a container. Safe to repeat.

        Raises:
            Invalid: its account is not registered, or this system's identity lacks a role on it.
        """
        pointer = "/location"
        self._require_known(location, pointer)
        if is_reserved(location):
            raise _reserved(location, pointer)
        _needing(CONTRIBUTOR, location, pointer, lambda: self._storage.blobs.create(location))
        return Location(location=location)

    def browse(self, location: str, prefix: str, cursor: str | None) -> BrowsePage:
        """What is directly in a folder of a container.

        Raises:
            NotFound: there is no such container.
            Invalid: this system may not list it; the missing role is named.
        """
        if is_reserved(location):
            raise NotFound("there is no such location")
        self._require_known(location, "/location")
        page = _needing(
            READER,
            location,
            "/location",
            lambda: self._storage.blobs.browse(location, prefix=prefix, cursor=cursor),
        )
        return BrowsePage(
            folders=[Folder(prefix=folder) for folder in page.folders],
            blobs=[BrowsedBlob(path=blob.path, size=blob.size) for blob in page.blobs],
            next_cursor=page.cursor,
        )

    def check(self, location: str, pointer: str = "/source/container") -> None:
        """Refuse a container that this system can't list, read, or let browsers read.

        Args:
            location: the container.
            pointer: where in the request it stands.

        Raises:
            Invalid: it is not there, is the system's own, or a role is missing, which is named.
        """
        if is_reserved(location):
            raise _reserved(location, pointer)
        self._require_known(location, pointer)
        blobs = self._storage.blobs
        try:
            page = _needing(READER, location, pointer, lambda: blobs.list(location, limit=1))
        except NotFound:
            raise Invalid(
                f"there is no container {location!r}, or this system may not read it",
                faults=(Fault(pointer, "unknown", "no such container"),),
            ) from None
        path = page.blobs[0].path if page.blobs else "image.jpg"
        if page.blobs:
            _needing(READER, location, pointer, lambda: blobs.read(location, path, length=1))
        _needing(DELEGATOR, location, pointer, lambda: blobs.link(location, path))

    def check_uploads(self, location: str, folder: str) -> None:
        """Refuse a container that this system can't read, or browsers not upload to by its links.

        A link lets nobody do what this system's identity may not: it writes an empty blob into the folder,
        and takes it away.

        Raises:
            Invalid: it is not there, is the system's own, or a role is missing, which is named.
        """
        pointer = "/container"
        self.check(location, pointer)
        blobs, path = self._storage.blobs, f"{folder}labelry-may-write"
        _needing(
            CONTRIBUTOR,
            location,
            pointer,
            lambda: blobs.write(location, path, b"", content_type="text/plain"),
        )
        _needing(CONTRIBUTOR, location, pointer, lambda: blobs.delete(location, path))

    def _require_known(self, location: str, pointer: str) -> None:
        account = location.rpartition("/")[0]
        if account and not self._accounts.get(layout.ACCOUNTS, account):
            raise Invalid(
                f"the account {account!r} is not registered; register it first",
                faults=(Fault(pointer, "not-registered", f"{account!r} is not registered"),),
            )


def _needing(role: str, place: str, pointer: str, call: Callable[[], Result]) -> Result:
    """What the call gives; where storage refuses it, the role that it takes is named."""
    try:
        return call()
    except Refused as error:
        where = f"on {place!r}" if place else "on the system's own account"
        if error.code in _CLOSED_NETWORK:
            detail = f"the network rules {where} keep this system out ({error.code})"
            fault = Fault(pointer, "closed-network", detail)
        else:
            detail = f"give this system's identity the role {role!r} {where} ({error.code})"
            fault = Fault(pointer, "missing-role", detail)
        raise Invalid(detail, faults=(fault,)) from error


def _reserved(location: str, pointer: str) -> Invalid:
    return Invalid(
        f"{location!r} is the system's own; choose another container",
        faults=(Fault(pointer, "reserved", "the system's own container"),),
    )
