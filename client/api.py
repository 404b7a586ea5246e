"""The connection: who calls, what is tried again, and what a refusal says."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Generator, Mapping
from typing import Any, cast

import httpx
from pydantic import ValidationError

from .routes import LIST_PROJECTS, Answer, ProjectLine, Route, Sent

TRIES = 5
TIMEOUT_S = 60


class ApiError(Exception):
    """The API refused, or did not answer; the text is for people."""

    def __init__(self, text: str, *, status: int = 0, kind: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


class Token(httpx.Auth):
    """An API token of Labelry."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put it into the header that is its own."""
        request.headers["X-Api-Key"] = self._secret
        yield request


class Entra(httpx.Auth):
    """A token of Entra ID for whoever is signed in by `az login`, or for a service principal.

    It goes into `X-Authorization`, since a Static Web App puts one of its own into `Authorization`.
    """

    def __init__(self, audience: str) -> None:
        """`audience`: the application id URI that the server checks, such as `api://labelry`."""
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise ApiError(
                "signing in by `az login` needs azure-identity: pip install 'labelry[azure]'"
            ) from None
        self._credential = DefaultAzureCredential()  # keeps tokens, and renews them
        self._scope = f"{audience}/.default"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put a token that is valid into the header."""
        token = self._credential.get_token(self._scope).token
        request.headers["X-Authorization"] = f"Bearer {token}"
        yield request


class Api:
    """Calls the routes of one Labelry. Use as a context manager."""

    def __init__(
        self,
        url: str,
        auth: httpx.Auth | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Talk to the site at `url`, or to a Functions host directly.

        Args:
            url: without `/api`.
            auth: who calls.
            transport: what carries requests; the network when left out.
        """
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/",
            auth=auth,
            timeout=TIMEOUT_S,
            transport=transport,
            headers={"Content-Type": "application/json"},  # a POST without a body says so too
        )
        self.storage = httpx.Client(timeout=TIMEOUT_S, transport=transport)
        """Fetches and sends files by signed addresses: nobody is told who calls."""

    def call(
        self,
        route: Route[Answer],
        body: Sent | None = None,
        *,
        version: int | None = None,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        **path: str,
    ) -> Answer:
        """Call a route, again where the server says that this can help and the request is safe to repeat.

        Args:
            route: which.
            body: what is sent.
            version: what the caller saw of the thing that is changed.
            key: what makes a creating request safe to repeat.
            query: parameters behind the path.
            path: the ids in the route's path.

        Raises:
            ApiError: it was refused, or nobody answered.
        """
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        if key is not None:
            headers["Idempotency-Key"] = key
        content = None if body is None else body.model_dump_json(exclude_none=True)
        repeatable = route.method != "POST" or key is not None
        place = route.path.format(**path)
        if query:
            place = f"{place}?{httpx.QueryParams(query)}"
        response = self._send(route, place, content, headers, repeatable)
        if not response.content:
            return cast(Answer, None)
        try:
            return cast(Any, route.answer).model_validate_json(response.content)
        except ValidationError as error:
            raise ApiError(
                f"{route.method} {route.path}: this is not what the client understands; are both of "
                f"the same version? {error.errors()[0]['loc']}: {error.errors()[0]['msg']}"
            ) from None

    def _send(
        self,
        route: Route[Any],
        path: str,
        content: str | None,
        headers: Mapping[str, str],
        repeatable: bool,
    ) -> httpx.Response:
        for number in range(1, TRIES + 1):
            try:
                response = self._http.request(route.method, path, content=content, headers=headers)
            except httpx.TransportError as error:
                if number == TRIES or not repeatable:
                    raise ApiError(f"{self._http.base_url.host} does not answer: {error}") from None
            else:
                if response.status_code < 400:
                    return response
                again = response.status_code in (429, 502, 503, 504)
                if number == TRIES or not (again and (repeatable or response.status_code == 429)):
                    raise refusal(response)
            time.sleep(random.uniform(0.5, 1) * 2 ** (number - 1))
        raise AssertionError("the last try raises")

    def project_named(self, name: str) -> ProjectLine | None:
        """The project of this name, or of this id; None where the caller sees none."""
        lines = self.call(LIST_PROJECTS).items
        return next((line for line in lines if name in (line.name, line.project_id)), None)

    def need_project(self, name: str) -> ProjectLine:
        """As `project_named`. Raises ApiError where there is none."""
        found = self.project_named(name)
        if found is None:
            raise ApiError(
                f"there is no project {name!r}, or you are not a member of it", status=404
            )
        return found

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()
        self.storage.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def refusal(response: httpx.Response) -> ApiError:
    """What a problem (RFC 9457) says, in one or a few lines."""
    try:
        problem = response.json()
        text = str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return ApiError(
            f"{response.status_code} from {response.url.host}", status=response.status_code
        )
    for error in problem.get("errors", []):
        if error["detail"] not in text:
            text += f"\n  {error['pointer']}: {error['detail']}"
    return ApiError(text, status=response.status_code, kind=str(problem.get("type", "")))


def connect(environment: Mapping[str, str] = os.environ) -> Api:
    """The Labelry that the environment names: LABELRY_URL, and LABELRY_TOKEN or LABELRY_AUDIENCE.

    Raises:
        ApiError: one is missing.
    """
    url = environment.get("LABELRY_URL", "")
    token, audience = environment.get("LABELRY_TOKEN"), environment.get("LABELRY_AUDIENCE")
    if not url.startswith(("http://", "https://")):
        raise ApiError(
            "set LABELRY_URL to the address of the site, such as https://labels.example.org"
        )
    if not token and not audience:
        raise ApiError(
            "set LABELRY_TOKEN to an API token, or LABELRY_AUDIENCE to come by `az login`"
        )
    return Api(url, Token(token) if token else Entra(audience or ""))
