"""The HTTP functions over storage in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest

from functions.services import serving
from functions.web import ROUTES
from tests.world import World, indexed


@dataclass(frozen=True)
class Answer:
    """What an HTTP function answered."""

    status: int
    headers: dict[str, str]
    body: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


def signed_in(name: str, *roles: str, provider: str = "aad") -> dict[str, str]:
    """The header of the sign-in service for a person with an address."""
    principal = {
        "identityProvider": provider,
        "userId": f"id-{name}",
        "userDetails": f"{name}@example.org",
        "userRoles": ["anonymous", "authenticated", *roles],
        "claims": [],
    }
    packed = base64.b64encode(json.dumps(principal).encode()).decode()
    return {"x-ms-client-principal": packed}


ADMIN = signed_in("ada", "admin")
JSON = {"content-type": "application/json"}


@dataclass
class Api:
    """Calls HTTP functions as the host does: by method and path."""

    world: World
    handlers: dict[str, Callable[[func.HttpRequest], func.HttpResponse]]

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        who: dict[str, str] = ADMIN,
        raw: bytes | None = None,
        query: dict[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        name, params = found(method, path)
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.ask(name, method, params, data, query or {}, {**JSON, **who, **sent})

    def ask(
        self,
        name: str,
        method: str,
        params: dict[str, str],
        data: bytes,
        query: dict[str, str],
        headers: dict[str, str],
    ) -> Answer:
        """What a function answers to parameters of its path, a body, a query and headers."""
        request = func.HttpRequest(
            method=method,
            url=f"http://test/api/{name}",
            headers=headers,
            params=query,
            route_params=params,
            body=data,
        )
        response = self.handlers[name](request)
        text = response.get_body()
        return Answer(
            response.status_code,
            {key.lower(): value for key, value in response.headers.items()}
            | {"content-type": response.mimetype},
            json.loads(text) if text else None,
        )

    def project(self, images: int = 12, name: str = "Birds", **more: Any) -> str:
        """A project that runs, made over HTTP."""
        self.world.upload(*(f"img{number:04d}.png" for number in range(images)))
        source = {"container": "photos", "pattern": "**/*.*"}
        dataset = self("POST", "datasets", {"name": name, "source": source})
        wanted = {"name": name, "task_type": "multiclass", "dataset_id": dataset["dataset_id"]}
        wanted |= {"classes": [{"name": "Owl"}, {"name": "Wren"}], **more}
        made = self("POST", "projects", wanted)
        assert made.status == 201, made.body
        self.world.drain()
        self.world.wait(6)
        return str(made["project_id"])

    def member(self, project: str, name: str, role: str = "labeler") -> dict[str, str]:
        """Somebody signed in who is a member of a project."""
        who = signed_in(name)
        user = self("GET", "me", who=who)["user"]
        made = self("PUT", f"projects/{project}/members/{user}", {"role": role, "name": name})
        assert made.status == 200
        return who


def found(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The function and the path's parameters."""
    parts = path.split("/")
    for route in ROUTES:
        names = route.path.split("/")
        if route.method == method and len(names) == len(parts):
            pairs = list(zip(names, parts, strict=True))
            if all(name.startswith("{") or name == part for name, part in pairs):
                return route.name, {n[1:-1]: p for n, p in pairs if n.startswith("{")}
    raise LookupError(f"no function answers {method} {path}")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def api(world: World) -> Api:
    """The functions of an app whose services are those of the world."""
    return api_of(world)


def api_of(world: World) -> Api:
    """The functions of an app whose services are those of a world."""

    def in_world(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            with serving(world.services):
                return function(*arguments)

        return called

    return Api(
        world, {one.get_function_name(): in_world(one.get_user_function()) for one in indexed()}
    )
