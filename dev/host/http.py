"""The HTTP side of the host: functions under their routes, keys, and the host's own endpoints.

Semantics: azure-functions-host (WebScriptHostHttpRoutesManager, GrpcMessageConversionExtensions,
AuthenticationLevelHandler, FunctionInvocationMiddleware, HttpBinding).
"""

import json
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from azure.functions.meta import Datum
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Endpoint

from dev.host.app import Function
from dev.host.blobs import BlobTriggers
from dev.host.invoke import InvocationFailed, Invoker
from dev.host.routes import Route, parse_route
from dev.host.settings import HostError

log = logging.getLogger("dev.host")

DEFAULT_BODY_LIMIT = 104_857_600  # bytes; ScriptConstants.DefaultMaxRequestBodySize
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

RunByHand = Callable[[str], Awaitable[None]]  # what POST /admin/functions/{name} starts


@dataclass(frozen=True)
class Keys:
    """The keys that the host accepts; `enforced` False accepts every request, as Core Tools does.

    The master key opens everything; the host key, functions of level `function`. Keys of single
    functions are left out.
    """

    master: str
    host: str
    blobs_extension: str
    enforced: bool = True

    @classmethod
    def generate(cls, settings: Mapping[str, str], *, enforced: bool = True) -> "Keys":
        """New keys, except those given as DEV_HOST_MASTER_KEY and DEV_HOST_KEY."""
        return cls(
            master=settings.get("DEV_HOST_MASTER_KEY") or secrets.token_urlsafe(),
            host=settings.get("DEV_HOST_KEY") or secrets.token_urlsafe(),
            blobs_extension=secrets.token_urlsafe(),
            enforced=enforced,
        )

    def allow(self, request: Request, *others: str) -> bool:
        """Whether a request carries the master key or one of the others.

        The header wins over the query, even when only the query is right.
        """
        given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
        return not self.enforced or given in (self.master, *others)


@dataclass(frozen=True)
class HttpFunction:
    """A function and where it answers; no methods means all."""

    function: Function
    route: Route
    methods: frozenset[str]
    level: str


def http_functions(functions: Sequence[Function]) -> list[HttpFunction]:
    """The HTTP functions in the order in which Azure tries their routes: by function name.

    Raises:
        HostError: a route cannot be read, is reserved, or belongs to two functions.
    """
    found: list[HttpFunction] = []
    for function in functions:
        trigger = function.trigger
        if trigger["type"] != "httpTrigger":
            continue
        route = parse_route(trigger.get("route") or function.name)
        methods = frozenset(method.upper() for method in trigger.get("methods") or ())
        for other in found:
            share = not methods or not other.methods or methods & other.methods
            if other.route.shape == route.shape and share:
                raise HostError(
                    f"functions {other.function.name} and {function.name} have the same route "
                    f"{route.template!r} and share a method"
                )
        level = (trigger.get("authLevel") or "FUNCTION").upper()
        found.append(HttpFunction(function, route, methods, level))
    return found


class WebHost:
    """Answers HTTP for the functions of one app.

    Args:
        functions: all of the app.
        routed: those that are HTTP, in the order in which to try them.
        prefix: `routePrefix` of host.json, without slashes; may be empty.
        by_hand: for each function that is not HTTP, what runs it on an input.
        body_limit: bytes; a larger request is answered 413.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        routed: Sequence[HttpFunction],
        prefix: str,
        keys: Keys,
        invoke: Invoker,
        blobs: BlobTriggers,
        by_hand: Mapping[str, RunByHand],
        body_limit: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self._names = [(function.name, function.trigger["type"]) for function in functions]
        self._routed = routed
        self._prefix = f"{prefix}/" if prefix else ""
        self._keys = keys
        self._invoke = invoke
        self._blobs = blobs
        self._by_hand = by_hand
        self._body_limit = body_limit
        self.app = Starlette(
            routes=[
                Endpoint("/admin/host/status", self._status),
                Endpoint("/admin/functions", self._list),
                Endpoint("/admin/functions/{name}", self._start, methods=["POST"]),
                Endpoint(
                    "/runtime/webhooks/blobs", self._receive_events, methods=["POST", "OPTIONS"]
                ),
                Endpoint("/{path:path}", self._run, methods=_METHODS),
            ]
        )

    async def _status(self, _request: Request) -> Response:
        return JSONResponse({"state": "Running"})

    async def _list(self, request: Request) -> Response:
        if not self._keys.allow(request):
            return Response(status_code=401)
        return JSONResponse([{"name": name, "trigger": kind} for name, kind in self._names])

    async def _start(self, request: Request) -> Response:
        if not self._keys.allow(request):
            return Response(status_code=401)
        run = self._by_hand.get(request.path_params["name"].lower())
        if run is None:
            return Response(status_code=404)
        given = json.loads(await request.body() or "{}").get("input") or ""
        return Response(status_code=202, background=BackgroundTask(_logged, run, given))

    async def _receive_events(self, request: Request) -> Response:
        """Event Grid's webhook; both its schemas, and both their handshakes."""
        if not self._keys.allow(request, self._keys.blobs_extension):
            return Response(status_code=401)
        if request.method == "OPTIONS":
            return Response(headers={"webhook-allowed-origin": request.headers["origin"]})
        function_id = request.query_params.get("functionName", "")
        if not self._blobs.knows(function_id):
            return Response(f"no blob function {function_id}", status_code=404)
        document = await request.json()
        events: list[dict[str, Any]] = document if isinstance(document, list) else [document]
        if request.headers.get("aeg-event-type") == "SubscriptionValidation":
            return JSONResponse({"validationResponse": events[0]["data"]["validationCode"]})
        try:
            for event in events:
                await self._blobs.accept(function_id, event)
        except ValueError as error:
            return Response(str(error), status_code=400)
        return Response(status_code=202)

    async def _run(self, request: Request) -> Response:
        # Decoded but for %2F, which does not separate segments (ASP.NET).
        raw: bytes = request.scope["raw_path"]
        path = unquote(raw.decode("ascii").replace("%2F", "%252F").replace("%2f", "%252f"))
        path = path.removeprefix("/").removesuffix("/")
        for candidate in self._routed if self._is_ours(path) else ():
            if candidate.methods and request.method not in candidate.methods:
                continue
            parameters = candidate.route.match(path[len(self._prefix) :])
            if parameters is not None:
                return await self._answer(candidate, request, parameters)
        return Response(status_code=404)

    def _is_ours(self, path: str) -> bool:
        return f"{path}/".lower().startswith(self._prefix.lower())

    async def _answer(
        self, candidate: HttpFunction, request: Request, parameters: dict[str, str]
    ) -> Response:
        if candidate.level != "ANONYMOUS":
            enough = [] if candidate.level == "ADMIN" else [self._keys.host]
            if not self._keys.allow(request, *enough):
                return Response(status_code=401)
        length = int(request.headers.get("content-length", 0))
        if length > self._body_limit:
            return Response(status_code=413)
        try:
            # A chunked body does not arrive: the host reads one only when its length is given.
            body = await request.body() if length else b""
        except ClientDisconnect:
            return Response(status_code=400)
        data = _request_datum(request, parameters, body)
        trace_parent = request.headers.get("traceparent")
        try:
            answer = await self._invoke(candidate.function, data, trace_parent=trace_parent)
        except InvocationFailed:
            return Response(status_code=500)
        return _response(answer)


async def _logged(run: RunByHand, given: str) -> None:
    try:
        await run(given)
    except InvocationFailed:
        log.info("the run by hand failed")


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _joined(pairs: Sequence[tuple[str, str]]) -> dict[str, Datum]:
    """Repeated names comma-joined, empty values dropped (GrpcMessageConversionExtensions)."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        if value:
            values[name].append(value)
    return {name: _text(",".join(several)) for name, several in values.items()}


def _request_datum(request: Request, parameters: dict[str, str], body: bytes) -> Datum:
    value = {
        "method": _text(request.method),
        "url": _text(str(request.url)),
        "headers": _joined(request.headers.items()),
        "query": _joined(parse_qsl(request.url.query)),
        "params": {name: _text(parameter) for name, parameter in parameters.items()},
        "body": Datum(body, "bytes"),
    }
    return Datum(value, "http")


def _response(answer: Datum | None) -> Response:
    if answer is None:
        return Response(status_code=204)
    if answer.type == "string":
        return _text_response(answer.value)
    value = answer.value
    headers = {name: header.value for name, header in value["headers"].items()}
    response = Response(value["body"].value, int(value["status_code"].value), headers)
    for cookies in value["cookies"] or ():
        for cookie in cookies.values():
            response.headers.append("set-cookie", cookie.OutputString())
    return response


def _text_response(text: str) -> Response:
    """A returned `str`: plain text, unless it reads as a response object (HttpBinding)."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict) or "body" not in parsed:
        return Response(text, media_type="text/plain")
    body = parsed["body"]
    status = int(parsed.get("statusCode") or parsed.get("status") or 200)
    headers = {str(name): str(value) for name, value in parsed.get("headers", {}).items()}
    if isinstance(body, str):
        return Response(body, status, headers, media_type="text/plain")
    return JSONResponse(body, status, headers)
