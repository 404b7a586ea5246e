"""The whole system on this machine: storage emulator, Functions host, front door."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import httpx

from dev import LOCAL, ROOT
from dev.azurite import DEFAULT_PORTS, Azurite
from dev.child import Child, StartFailed, free_port, require_port
from dev.site import config_for_one_machine
from labeling.adapters.azure import connect

HOST_PORT = 7071
FRONT_DOOR_PORT = 4280
_SWA = ROOT / "dev/tools/node_modules/@azure/static-web-apps-cli/dist/cli/bin.js"
_HOST_READY_S = 90
_THREADS = "24"  # see docs/operations.md
_FRONT_DOOR_READY_S = 120  # two node programs; 12 s alone, more beside a test run


@dataclass(frozen=True)
class Host:
    """A running Functions host."""

    url: str
    child: Child

    def stop(self) -> None:
        """Let it finish what it is doing, then end it."""
        self.child.stop(grace_s=20)

    def kill(self) -> None:
        """End it in the middle of whatever it is doing."""
        self.child.kill()


@dataclass
class Stack:
    """Starts the parts in order when entered, and ends them in reverse when left.

    >>> with Stack(data=None, site=None) as system:  # doctest: +SKIP
    ...     httpx.get(f"{system.url}/api/health")

    However it is left, by Ctrl-C too, the front door ends first and the emulator last, so that
    nothing accepted is still on its way when storage goes. Should we be killed, the parts end too.
    """

    data: Path | None = None
    """Where storage is kept; None: in memory, gone at the end."""
    site: Path | None = ROOT / "static_web/dist"
    """The folder the front door serves; None: no front door."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of the host that differ from the local ones, such as LABELRY_LEASE_SECONDS."""
    app: Path = ROOT
    """The folder of function_app.py."""
    hidden_s: int = 600
    """How long a message stays hidden that a host had as it was killed."""
    fixed_ports: bool = False
    """The ports of the manual (10000-10002, 7071, 4280), or free ones."""
    name: str = "stack"
    """Begins the names of the logs, so that several systems at once do not share them."""
    logs: Path = LOCAL / "logs"
    """The folder of the logs, one a part."""
    hosts: list[Host] = field(default_factory=list[Host], init=False)
    """The Functions hosts, in the order they were started."""

    _parts: list[Child] = field(default_factory=list[Child], init=False)
    _azurite: Azurite | None = field(default=None, init=False)
    _front_door_url: str | None = field(default=None, init=False)
    _ending: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> Stack:
        try:
            self._azurite = Azurite.start(
                folder=self.data,
                ports=DEFAULT_PORTS if self.fixed_ports else None,
                name=f"{self.name}-azurite",
                logs=self.logs,
            )
            self._ending.callback(self._azurite.stop)
            self._parts.append(self._azurite.child)
            connect(self._azurite.connection_string).create_all()
            host = self.add_host(port=HOST_PORT if self.fixed_ports else None)
            origins = ["http://127.0.0.1:*", "http://localhost:*"]
            if self.site:
                self._front_door_url = self._open_front_door(self.site, host.url)
                origins.insert(0, self._front_door_url)
            self._azurite.allow_browsers(origins)
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.close()

    @property
    def url(self) -> str:
        """Where a browser goes: the front door, or without one the first host."""
        return self._front_door_url or self.hosts[0].url

    @property
    def connection_string(self) -> str:
        """Of the emulator."""
        if self._azurite is None:
            raise StartFailed("the system is not started: use `with Stack(...)`")
        return self._azurite.connection_string

    def ended(self) -> Child | None:
        """A part that ended by itself, if any did."""
        return next((part for part in self._parts if part.process.poll() is not None), None)

    def add_host(
        self, *, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> Host:
        """Start one more Functions host on the same storage; it ends with the system.

        Args:
            port: where it listens on 127.0.0.1; without it, a free port.
            settings: on top of the system's own, for this host alone.

        Raises:
            StartFailed: the port is in use, or the host did not come up.
        """
        if port:
            require_port(port, what="the Functions host")
        port = port or free_port()
        name = f"{self.name}-host-{len(self.hosts) + 1}"
        host = [sys.executable, "-m", "dev.host"]
        child = Child.start(
            name,
            [*host, self.app, "--port", str(port), "--hidden-s", str(self.hidden_s)],
            log=self.logs / f"{name}.log",
            env={
                "LABELRY_STORAGE": self.connection_string,
                "AzureWebJobsStorage": self.connection_string,
                "LABELRY_TRUST_SWA_HEADER": "1",
                "PYTHONUNBUFFERED": "1",
                "PYTHON_THREADPOOL_THREAD_COUNT": _THREADS,
                **self.settings,
                **(settings or {}),
            },
        )
        url = f"http://127.0.0.1:{port}"
        child.wait_until(_answers(f"{url}/admin/host/status", {200}), timeout_s=_HOST_READY_S)
        started = Host(url, child)
        self.hosts.append(started)
        self._ending.callback(started.stop)
        self._parts.append(child)
        return started

    def _open_front_door(self, site: Path, host_url: str) -> str:
        if not _SWA.exists():
            raise StartFailed("the Static Web Apps CLI is not installed: run `make install`")
        if not (site / "index.html").exists():
            raise StartFailed(f"{site} has no index.html: run `npm run build` in static_web")
        if self.fixed_ports:
            require_port(FRONT_DOOR_PORT, what="the front door")
        port = FRONT_DOOR_PORT if self.fixed_ports else free_port()
        name = f"{self.name}-front-door"
        config = config_for_one_machine(site, self.logs / f"{name}-config")
        options: Sequence[str | Path] = [
            *("--api-devserver-url", host_url),
            *("--swa-config-location", config.resolve()),
            *("--host", "127.0.0.1"),
            *("--port", str(port)),
        ]
        child = Child.start(
            name,
            ["node", _SWA, "start", site.resolve(), *options],
            cwd=site,  # else it takes the first staticwebapp.config.json below the working folder
            log=self.logs / f"{name}.log",
            env={"SWA_CLI_DISABLE_TELEMETRY": "true", "NO_UPDATE_NOTIFIER": "1"},
        )
        self._ending.callback(child.stop)
        self._parts.append(child)
        url = f"http://127.0.0.1:{port}"
        child.wait_until(_answers(f"{url}/.auth/me", {200}), timeout_s=_FRONT_DOOR_READY_S)
        return url


def _answers(url: str, statuses: set[int]) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            return httpx.get(url, timeout=5).status_code in statuses
        except httpx.TransportError:
            return False

    return ready
