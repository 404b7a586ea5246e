"""What an app says about itself: host.json, local.settings.json and storage connections."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import LinearRetry, QueueServiceClient
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from requests.adapters import HTTPAdapter

HOST_STORAGE = "AzureWebJobsStorage"
HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)")

# The account every Azurite has, published by Microsoft (docs: storage-use-azurite).
_AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


class HostError(Exception):
    """The app or its settings cannot be hosted; the message names the part and the way out."""


def seconds(time_span: str) -> float:
    """Read a .NET TimeSpan, `[d.]hh:mm:ss[.fff]`, as seconds.

    Raises:
        ValueError: it is not one.
    """
    match = _TIME_SPAN.fullmatch(time_span)
    if match is None:
        raise ValueError(f"{time_span!r} is not a time span such as 00:00:30")
    days, hours, minutes, rest = match.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(rest)


def _time_span(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


def _timeout(value: object) -> object:
    return None if value == "-1" else _time_span(value)


Seconds = Annotated[float, BeforeValidator(_time_span)]


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class QueueOptions(_Section):
    """`extensions.queues`; defaults and bounds of QueuesOptions.cs, except the polling interval.

    `new_batch_threshold` of None is half a batch: Azure multiplies that by the processor count,
    which is 1 on Consumption and Flex. `max_polling_interval` is 60 s in Azure.
    """

    batch_size: int = Field(default=16, ge=1, le=32)
    new_batch_threshold: int | None = Field(default=None, ge=0)
    max_dequeue_count: int = Field(default=5, ge=1)
    visibility_timeout: Seconds = Field(default=0, ge=0)
    max_polling_interval: Seconds = Field(default=2, ge=0.1)
    message_encoding: Literal["base64", "none"] = "base64"


class BlobOptions(_Section):
    """`extensions.blobs`; defaults of BlobsOptions.cs on one processor."""

    max_degree_of_parallelism: int = Field(default=8, ge=1)
    poison_blob_threshold: int = Field(default=5, ge=1)


class HttpOptions(_Section):
    """`extensions.http`."""

    route_prefix: str = "api"


class Extensions(_Section):
    """The sections of host.json this host reads; it ignores others, as Azure does."""

    queues: QueueOptions = QueueOptions()
    blobs: BlobOptions = BlobOptions()
    http: HttpOptions = HttpOptions()


class HostOptions(_Section):
    """host.json. `function_timeout` is in seconds; None (written "-1") is no limit."""

    function_timeout: Annotated[float | None, BeforeValidator(_timeout)] = 1800
    extensions: Extensions = Extensions()


def read_host_options(directory: Path, settings: Mapping[str, str]) -> HostOptions:
    """Read host.json; `AzureFunctionsJobHost__path__to__value` settings win over the file.

    Raises:
        HostError: the file is missing or holds a value out of bounds.

    Source: docs functions-host-json, "Override host.json values".
    """
    document = _read_json(directory / "host.json")
    for name, value in settings.items():
        first, *path = name.split("__")
        if first == "AzureFunctionsJobHost" and path:
            section = document
            for part in path[:-1]:
                section = section.setdefault(part, {})
            section[path[-1]] = value
    try:
        return HostOptions.model_validate(document)
    except ValidationError as error:
        raise HostError(f"host.json: {error}") from None


def read_local_settings(directory: Path) -> dict[str, str]:
    """The `Values` of local.settings.json; empty when there is no such file.

    Raises:
        HostError: the file is not JSON, or is encrypted.
    """
    path = directory / "local.settings.json"
    if not path.exists():
        return {}
    document = _read_json(path)
    if document.get("IsEncrypted"):
        raise HostError("local.settings.json is encrypted; run `func settings decrypt` first")
    return {name: str(value) for name, value in document.get("Values", {}).items()}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise HostError(f"there is no {path.name} in {path.parent}") from None
    except ValueError as error:
        raise HostError(f"{path.name} is not JSON: {error}") from None


def host_id(directory: Path, settings: Mapping[str, str]) -> str:
    """The name under which hosts share locks, schedules and the blob queue.

    At most 32 lower-case characters: a setting, else a hash of the app's path.
    Source: azure-functions-host ScriptHostIdProvider.
    """
    path_hash = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()
    return (settings.get(HOST_ID_SETTING) or path_hash).lower()[:32]


class Connections:
    """Storage clients by connection name, as a binding's `connection=` names them.

    A name is looked up as written and then with the prefix `AzureWebJobs`; it is a connection
    string, `UseDevelopmentStorage=true`, or an identity (`X__queueServiceUri`,
    `X__blobServiceUri` or `X__accountName`, and optionally `X__clientId`).
    Source: docs functions-reference, "Connections".
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._sessions: list[requests.Session] = []
        self.queues = cache(self._queues)
        self.blobs = cache(self._blobs)

    def _queues(self, connection: str) -> QueueServiceClient:
        """The queue service. Raises HostError when no setting describes the connection."""
        if text := self._connection_string(connection):
            return QueueServiceClient.from_connection_string(text, **self._client_options())
        url, credential = self._identity(connection, "queue")
        return QueueServiceClient(url, credential, **self._client_options())

    def _blobs(self, connection: str) -> BlobServiceClient:
        """The blob service. Raises HostError when no setting describes the connection."""
        if text := self._connection_string(connection):
            return BlobServiceClient.from_connection_string(text, **self._client_options())
        url, credential = self._identity(connection, "blob")
        return BlobServiceClient(url, credential, **self._client_options())

    def close(self) -> None:
        """Close what these clients keep open."""
        for session in self._sessions:
            session.close()

    def _setting(self, name: str) -> str | None:
        return self._settings.get(name) or self._settings.get(f"AzureWebJobs{name}")

    def _connection_string(self, connection: str) -> str | None:
        text = self._setting(connection)
        is_emulator = text is not None and text.strip("; ").lower() == "usedevelopmentstorage=true"
        return _AZURITE if is_emulator else text

    def _identity(self, connection: str, service: str) -> tuple[str, Any]:
        url = self._setting(f"{connection}__{service}ServiceUri")
        if account := self._setting(f"{connection}__accountName"):
            url = url or f"https://{account}.{service}.core.windows.net"
        if url is None:
            raise HostError(
                f"no setting describes the storage connection {connection!r}; set {connection} "
                f"to a connection string, or {connection}__{service}ServiceUri"
            )
        # Slow to import, and needed only against a real account.
        from azure.identity import DefaultAzureCredential

        client_id = self._setting(f"{connection}__clientId")
        return url, DefaultAzureCredential(managed_identity_client_id=client_id)

    def _client_options(self) -> dict[str, Any]:
        session = requests.Session()
        self._sessions.append(session)
        adapter = HTTPAdapter(pool_maxsize=64)  # more than the host's storage threads
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return {
            "transport": RequestsTransport(session=session),
            "retry_policy": LinearRetry(backoff=1, retry_total=2, random_jitter_range=0),
            "connection_timeout": 5,
            "read_timeout": 60,
        }
