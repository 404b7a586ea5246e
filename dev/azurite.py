"""Azurite, the storage emulator: one account with blobs, queues and tables on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from azure.storage.blob import BlobServiceClient, CorsRule

from dev import LOCAL, ROOT
from dev.child import Child, StartFailed, free_port, port_answers, require_port

ACCOUNT = "devstoreaccount1"
OTHER_ACCOUNT = "devstoreaccount2"
"""A second account in the same emulator, with the same key: one that admins may register."""
# Azurite's well-known account, the same on every machine and printed in its manual: no secret.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

DEFAULT_PORTS = (10000, 10001, 10002)
_PROGRAM = ROOT / "dev/tools/node_modules/azurite/dist/src/azurite.js"
_READY_S = 60
_ATTEMPTS = 5


@dataclass(frozen=True)
class Azurite:
    """A running emulator. Use as a context manager, or call `stop`."""

    ports: tuple[int, int, int]
    """Of the blob, queue and table services, on 127.0.0.1."""
    child: Child

    @classmethod
    def start(
        cls,
        *,
        folder: Path | None = None,
        ports: tuple[int, int, int] | None = None,
        name: str = "azurite",
        logs: Path = LOCAL / "logs",
    ) -> Azurite:
        """Start the emulator and wait until its three services answer.

        Args:
            folder: where the data is kept; without it, in memory and gone at the end.
            ports: of blobs, queues and tables; without them, three free ones.
            name: tells several emulators apart, in messages and in the name of the log.
            logs: the folder of the log.

        Raises:
            StartFailed: not installed, a given port is in use, or it did not come up.
        """
        if not _PROGRAM.exists():
            raise StartFailed("Azurite is not installed: run `make install`")
        if ports:
            for port, service in zip(ports, ("blobs", "queues", "tables"), strict=True):
                require_port(port, what=f"the emulator's {service}")
            return cls._try(ports, folder, name, logs)
        for attempt in range(_ATTEMPTS):
            try:
                return cls._try((free_port(), free_port(), free_port()), folder, name, logs)
            except StartFailed as failure:  # somebody was faster to one of the free ports
                if "EADDRINUSE" not in str(failure) or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    @classmethod
    def _try(
        cls, ports: tuple[int, int, int], folder: Path | None, name: str, logs: Path
    ) -> Azurite:
        place: Sequence[str | Path] = ["--inMemoryPersistence"]
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            place = ["--location", folder.resolve()]
        services = zip(("blob", "queue", "table"), ports, strict=True)
        where = [w for s, port in services for w in (f"--{s}Host", "127.0.0.1", f"--{s}Port", port)]
        child = Child.start(
            name,
            [
                *("node", _PROGRAM, "--silent", "--skipApiVersionCheck", "--disableTelemetry"),
                *(str(word) for word in where),
                *place,
            ],
            log=logs / f"{name}.log",
            env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{_KEY};{OTHER_ACCOUNT}:{_KEY}"},
        )
        child.wait_until(lambda: all(map(port_answers, ports)), timeout_s=_READY_S)
        return cls(ports, child)

    @property
    def connection_string(self) -> str:
        """For the SDKs and for `LABELRY_STORAGE`."""
        return self.connection_to(ACCOUNT)

    def connection_to(self, account: str) -> str:
        """For the SDKs, to one of the two accounts."""
        endpoints = "".join(
            f"{service}Endpoint=http://127.0.0.1:{port}/{account};"
            for service, port in zip(("Blob", "Queue", "Table"), self.ports, strict=True)
        )
        return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={_KEY};{endpoints}"

    def allow_browsers(self, origins: Sequence[str]) -> None:
        """Let pages of these origins read and upload blobs (CORS). `http://127.0.0.1:*` works."""
        rule = CorsRule(
            list(origins),
            ["GET", "HEAD", "PUT", "OPTIONS"],
            allowed_headers=["*"],
            exposed_headers=["*"],
            max_age_in_seconds=3600,
        )
        for account in (ACCOUNT, OTHER_ACCOUNT):
            with BlobServiceClient.from_connection_string(self.connection_to(account)) as blobs:
                blobs.set_service_properties(cors=[rule])

    def stop(self) -> None:
        """End it gracefully: it writes what it still holds in memory first."""
        self.child.stop(grace_s=30)

    def __enter__(self) -> Azurite:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
