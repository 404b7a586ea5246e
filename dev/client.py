"""The product's HTTP API, as the demo and the simulation use it: no way in but the public one."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from client.api import Api
from client.files import upload
from labeling import layout
from labeling.annotations.shapes import TaskType
from labeling.projects.access import Role

_PRELABELS_A_CALL = 400
_BODY_BYTES = 1_500_000
_POLL_S = 0.5
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Person:
    """Somebody as the sign-in service describes them."""

    user_id: str
    email: str
    roles: tuple[str, ...] = ()
    """Beyond `anonymous` and `authenticated`; `admin` makes a site admin."""
    provider: str = "aad"

    @property
    def principal(self) -> dict[str, Any]:
        """What the sign-in service tells the API."""
        return {
            "identityProvider": self.provider,
            "userId": self.user_id,
            "userDetails": self.email,
            "userRoles": ["anonymous", "authenticated", *self.roles],
        }

    @property
    def header(self) -> str:
        """The value of `x-ms-client-principal`, which the host believes when called directly."""
        return base64.b64encode(json.dumps(self.principal).encode()).decode()

    @property
    def cookie(self) -> str:
        """The value of `StaticWebAppsAuthCookie`, which the front door of one machine believes."""
        return base64.b64encode(json.dumps({**self.principal, "claims": []}).encode()).decode()

    @property
    def member_id(self) -> str:
        """How the members of a project are named."""
        return layout.user_key(self.provider, self.user_id)


class ApiError(Exception):
    """The API refused; the text is its own explanation."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        try:
            self.problem: dict[str, Any] = response.json()
        except ValueError:
            self.problem = {"detail": response.text[:500]}
        what = f"{response.request.method} {response.request.url.path}"
        super().__init__(f"{what} -> {self.status}: {json.dumps(self.problem, ensure_ascii=False)}")


class _Headers(httpx.Auth):
    """Says who calls by headers."""

    def __init__(self, identity: Mapping[str, str]) -> None:
        self._identity = identity

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(self._identity)
        yield request


class Client:
    """Calls the API as one person, or with an API token. Use as a context manager."""

    def __init__(self, url: str, *, person: Person | None = None, token: str | None = None) -> None:
        """Talk to the host at `url` (`http://127.0.0.1:7071`), directly, not to the front door."""
        identity: dict[str, str] = {}
        if person:
            identity["x-ms-client-principal"] = person.header
        if token:
            identity["X-Api-Key"] = token
        auth = _Headers(identity)
        json_only = {"Content-Type": "application/json"}  # a POST without a body says so too
        self._api = httpx.Client(
            base_url=f"{url}/api", auth=auth, headers=json_only, timeout=_TIMEOUT_S
        )
        self._labelry = Api(url, auth)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call a route (`/projects`) and give back its JSON; None for an answer without content.

        Raises:
            ApiError: the status is 400 or more.
        """
        response = self._api.request(method, path, json=body, params=query, headers=headers)
        if response.status_code >= 400:
            raise ApiError(response)
        return response.json() if response.content else None

    def create_dataset(self, name: str, *, key: str) -> str:
        """A dataset for uploads; its id. The same `key` gives the same dataset."""
        body = {"name": name, "upload": True}
        return self.call("POST", "/datasets", body, headers={"Idempotency-Key": key})["dataset_id"]

    def upload(self, dataset_id: str, files: Mapping[str, Path]) -> dict[str, str]:
        """Put files into a dataset, those that are there already left out.

        Args:
            dataset_id: made by `create_dataset`.
            files: the file on this machine, by its path in the dataset.

        Returns:
            Why files were refused, by path.
        """
        return upload(self._labelry, dataset_id, dict(files)).refused

    def create_project(
        self,
        name: str,
        task_type: TaskType,
        dataset_id: str,
        classes: Sequence[str],
        *,
        key: str,
        instructions: str = "",
        assist: Mapping[str, object] | None = None,
    ) -> str:
        """A project over a dataset; its id. The same `key` gives the same project."""
        body = {
            "name": name,
            "task_type": task_type,
            "dataset_id": dataset_id,
            "classes": [{"name": class_name} for class_name in classes],
            "instructions": {"text": instructions},
            "assist": assist or {"on": False},
        }
        return self.call("POST", "/projects", body, headers={"Idempotency-Key": key})["project_id"]

    def add_member(self, project_id: str, person: Person, role: Role = "labeler") -> None:
        """Let somebody work in a project. Safe to repeat."""
        body = {"role": role, "name": person.email}
        self.call("PUT", f"/projects/{project_id}/members/{person.member_id}", body)

    def suggest(
        self, project_id: str, run_id: str, items: Sequence[Mapping[str, Any]]
    ) -> Counter[str]:
        """Suggest labels, as many a call as fit; how many suggestions became what. Safe to repeat."""
        became: Counter[str] = Counter()
        some: list[Mapping[str, Any]] = []
        size = 0
        for item in [*items, None]:
            length = len(json.dumps(item))
            if some and (
                item is None or len(some) == _PRELABELS_A_CALL or size + length > _BODY_BYTES
            ):
                body = {"run_id": run_id, "items": some}
                answer = self.call("POST", f"/projects/{project_id}/prelabels", body)
                became.update(result["status"] for result in answer["results"])
                some, size = [], 0
            if item is not None:
                some.append(item)
                size += length
        return became

    def wait_until_running(self, project_id: str, *, timeout_s: float = 120) -> None:
        """Return when the project's images are registered and it hands out work.

        Raises:
            ApiError: there is no such project.
            TimeoutError: it did not come to run in time, or failed; the message says its state.
        """
        end = time.monotonic() + timeout_s
        while True:
            project = self.call("GET", f"/projects/{project_id}")
            if project["state"] == "running":
                return
            if project["state"] == "failed" or time.monotonic() > end:
                why = project.get("state_reason") or "no reason given"
                raise TimeoutError(f"{project['name']} is {project['state']}: {why}")
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()
        self._labelry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
