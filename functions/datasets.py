"""Datasets, uploads, and looking around in storage."""

from __future__ import annotations

import azure.functions as func

from functions.web import Call, checked, endpoint
from labeling.model import Model
from labeling.projects.datasets import (
    Dataset,
    DatasetChange,
    NewDataset,
    Preview,
    PreviewRequest,
    UploadAnswer,
    UploadRequest,
)
from labeling.projects.locations import (
    AccountView,
    BlobPrefix,
    BrowsePage,
    ContainerName,
    Location,
    NewAccount,
    NewContainer,
)

bp = func.Blueprint()


class LocationList(Model):
    """Containers a project may take images from."""

    items: list[Location]


class AccountList(Model):
    """Storage accounts: the system's own, then the registered ones."""

    items: list[AccountView]


class DatasetList(Model):
    """All datasets, newest first."""

    items: list[Dataset]
    next_cursor: str | None = None


class BrowseQuery(Model):
    """A folder of a location; `prefix` is empty or ends with a slash."""

    location: ContainerName
    prefix: BlobPrefix = ""
    cursor: BlobPrefix | None = None


@endpoint(bp, "GET", "storage/accounts", role="site_admin", doing="seeing storage accounts")
def list_accounts(call: Call[None]) -> AccountList:
    """Storage accounts and their containers; what can't be listed says which role is missing."""
    return AccountList(items=call.services.locations.accounts())


@endpoint(
    bp, "POST", "storage/accounts", role="site_admin", doing="registering an account", status=201
)
def register_account(call: Call[NewAccount]) -> AccountView:
    """Let projects take images from another storage account."""
    return call.services.locations.register(call.body, by=call.caller.user)


@endpoint(
    bp, "DELETE", "storage/accounts/{account}", role="site_admin", doing="forgetting an account"
)
def forget_account(call: Call[None]) -> None:
    """Register an account no longer; nothing in it is touched."""
    call.services.locations.forget(call.path["account"])


@endpoint(
    bp, "POST", "storage/locations", role="site_admin", doing="making a container", status=201
)
def create_location(call: Call[NewContainer]) -> Location:
    """Make a container, in the system's own account or in a registered one."""
    return call.services.locations.create(call.body.location)


@endpoint(bp, "GET", "storage/locations", role="site_admin", doing="browsing storage")
def list_locations(call: Call[None]) -> LocationList:
    """Containers that can be read."""
    return LocationList(items=call.services.locations.all())


@endpoint(
    bp, "GET", "storage/browse", role="site_admin", doing="browsing storage", query=BrowseQuery
)
def browse_storage(call: Call[None]) -> BrowsePage:
    """Folders and files directly in a folder."""
    wanted = checked(BrowseQuery, call.query)
    return call.services.locations.browse(wanted.location, wanted.prefix, wanted.cursor)


@endpoint(bp, "GET", "datasets", role="site_admin", doing="seeing datasets")
def list_datasets(call: Call[None]) -> DatasetList:
    """All datasets."""
    return DatasetList(items=call.services.datasets.all())


@endpoint(bp, "POST", "datasets", role="site_admin", doing="making a dataset", status=201)
def create_dataset(call: Call[NewDataset]) -> Dataset:
    """Make a dataset of images in storage, or for uploads."""
    return call.services.datasets.create(
        call.body, by=call.caller.user, idempotency_key=call.idempotency_key
    )


@endpoint(bp, "GET", "datasets/{dataset_id}", role="site_admin", doing="seeing a dataset")
def get_dataset(call: Call[None]) -> Dataset:
    """One dataset."""
    return call.services.datasets.get(call.path["dataset_id"])


@endpoint(bp, "PATCH", "datasets/{dataset_id}", role="site_admin", doing="changing a dataset")
def change_dataset(call: Call[DatasetChange]) -> Dataset:
    """Rename or describe a dataset."""
    return call.services.datasets.change(call.path["dataset_id"], call.body, version=call.version())


@endpoint(bp, "DELETE", "datasets/{dataset_id}", role="site_admin", doing="deleting a dataset")
def delete_dataset(call: Call[None]) -> None:
    """Forget a dataset no project uses; its files stay."""
    call.services.datasets.delete(call.path["dataset_id"])


@endpoint(bp, "POST", "datasets/preview", role="site_admin", doing="previewing a dataset")
def preview_dataset(call: Call[PreviewRequest]) -> Preview:
    """Count what a source holds, and show the first images."""
    return call.services.datasets.preview(call.body.source)


@endpoint(bp, "POST", "datasets/{dataset_id}/uploads", role="site_admin", doing="uploading")
def request_uploads(call: Call[UploadRequest]) -> UploadAnswer:
    """Signed addresses to upload files to."""
    return call.services.datasets.uploads(call.path["dataset_id"], call.body)
