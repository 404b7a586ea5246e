"""One way in for every HTTP function: who calls, what they sent, what is answered.

`@endpoint` turns `handler(call, body) -> model` into a trigger: it checks the caller, reads the body by
its model, answers with the model or with a problem (RFC 9457), and notes the route for openapi.json.
ADR-0003 tells why this and not a web framework behind one catch-all function.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, get_type_hints

import azure.functions as func
from pydantic import BaseModel, ValidationError

from functions import metrics
from functions.services import Services, services
from labeling import layout, trace
from labeling.adapters.calls import counting
from labeling.errors import (
    Failure,
    Invalid,
    Malformed,
    NotFound,
    PreconditionRequired,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
    faults_of,
)
from labeling.projects.access import Caller, Role, require_site_admin
from labeling.projects.projects import ProjectAccess
from labeling.storage import Collision

log = logging.getLogger("labelry")

MAX_BODY_BYTES = 2_000_000
"""Routes that take more say so."""

MOST_FAULTS = 20
"""Faults that a problem tells one by one; of more it tells how many there are."""

Body = TypeVar("Body")


Need = Role | Literal["anyone", "signed_in", "site_admin"]
"""What a route asks of its caller: a role in the path's project, nothing, to be known, to be a site admin."""


@dataclass(frozen=True)
class Route:
    """An HTTP function: what it asks of its caller, what it reads and what it answers.

    `role` is what people need, `token_role` what API tokens need where that is another; `doing` ends up in
    the refusal. `documented` is the body's model in openapi.json, where `body` reads it more leniently.
    """

    name: str
    method: str
    path: str
    summary: str
    role: Need
    token_role: Role | None
    doing: str
    body: type[BaseModel] | None
    documented: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    query: type[BaseModel] | None
    version_of: str
    most_bytes: int


ROUTES: list[Route] = []


@dataclass(frozen=True)
class Call(Generic[Body]):
    """A request, once it is known who calls, that they may, and what they sent.

    `access` is to the path's project; None where the path has none.
    """

    caller: Caller
    access: ProjectAccess | None
    body: Body
    path: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    services: Services

    @property
    def project(self) -> ProjectAccess:
        """The project of the path, in which the caller has the role that the route asks for."""
        assert self.access, "the route asks for no role in a project"
        return self.access

    @property
    def idempotency_key(self) -> str | None:
        """What makes a creating request safe to repeat."""
        key = self.headers.get("idempotency-key")
        if key and len(key) > 200:
            raise Invalid("Idempotency-Key has at most 200 characters")
        return key

    def version(self) -> int:
        """The version the caller saw, from If-Match.

        Raises:
            PreconditionRequired: it was not sent.
        """
        sent = self.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
        if not sent:
            raise PreconditionRequired("send If-Match with the ETag you read")
        version = _VERSION.fullmatch(sent.partition("-")[0])
        return int(version[0]) if version else -1


_VERSION = re.compile(r"[0-9]{1,18}")


def endpoint(
    blueprint: func.Blueprint,
    method: str,
    path: str,
    *,
    role: Need,
    doing: str = "",
    token_role: Role | None = None,
    status: int = 200,
    query: type[BaseModel] | None = None,
    documented: type[BaseModel] | None = None,
    version_of: str = "version",
    most_bytes: int = MAX_BODY_BYTES,
) -> Callable[[Callable[[Call[Any]], Any]], Callable[[func.HttpRequest], func.HttpResponse]]:
    """Register a handler as an HTTP function.

    The handler's `Call[Model]` annotation names the model of the body (`Call[None]`: no body), its return
    annotation the answer's.

    Args:
        blueprint: where the function is registered.
        method: GET, POST, PUT, PATCH or DELETE.
        path: the route below /api, with `{names}`.
        role: what the caller needs; a role is one in the project `{project_id}`, which is then `call.project`.
        doing: what is refused to others, as in "`doing` needs the role admin".
        token_role: the role that an API token needs, where it is another than a person's.
        status: of a good answer.
        query: model of the query parameters, for openapi.json; the handler reads `call.query`.
        documented: model shown in openapi.json where the handler reads a body more leniently.
        version_of: the field of the answer that If-Match of a later change refers to.
        most_bytes: the largest body.
    """

    def register(
        handler: Callable[[Call[Any]], Any],
    ) -> Callable[[func.HttpRequest], func.HttpResponse]:
        hints = get_type_hints(handler)
        body_model = hints["call"].__args__[0]
        body_model = None if body_model is type(None) else body_model
        route = Route(
            name=handler.__name__,
            method=method,
            path=path,
            summary=(handler.__doc__ or "").strip().split("\n")[0],
            role=role,
            token_role=token_role,
            doing=doing,
            body=body_model,
            documented=documented or body_model,
            answer=hints["return"] if hints["return"] is not type(None) else None,
            status=status,
            query=query,
            version_of=version_of,
            most_bytes=most_bytes,
        )
        ROUTES.append(route)

        def trigger(req: func.HttpRequest) -> func.HttpResponse:
            trace.begin(trace.of_parent(req.headers.get("traceparent", "")))
            began = time.perf_counter()
            with counting() as calls:
                response = _answer(req, handler, route)
            spent = time.perf_counter() - began
            metrics.answered(method, path, response.status_code, spent, calls)
            response.headers["x-labelry-trace"] = trace.current()
            if services().settings.count_calls:
                response.headers["x-labelry-calls"] = str(calls.total)
            return response

        trigger.__name__ = handler.__name__
        trigger.__doc__ = handler.__doc__
        blueprint.function_name(handler.__name__)(
            blueprint.route(path, methods=[method], auth_level=func.AuthLevel.ANONYMOUS)(trigger)
        )
        return trigger

    return register


def _answer(
    req: func.HttpRequest, handler: Callable[[Call[Any]], Any], route: Route
) -> func.HttpResponse:
    try:
        own = services()
        headers = {name.lower(): value for name, value in req.headers.items()}
        caller = ANYONE if route.role == "anyone" else caller_of(headers, own)
        path = _path(req.route_params)
        call = Call(
            caller=caller,
            access=_admitted(route, caller, path, own),
            body=_body(req, headers, route),
            path=path,
            query=dict(req.params),
            headers=headers,
            services=own,
        )
        return _good(handler(call), headers, route)
    except Failure as failure:
        return problem(failure)
    except Collision:
        return problem(Unavailable("somebody else was first; send the same request again"))
    except Exception:
        log.exception("a request failed", extra={"function": handler.__name__})
        return problem(Failure("something went wrong here; nothing was half done. Try again"))


def _admitted(
    route: Route, caller: Caller, path: dict[str, str], own: Services
) -> ProjectAccess | None:
    """Let pass who has what the route asks for, before anything of the body is looked at."""
    if route.role == "anyone" or route.role == "signed_in":
        return None
    if route.role == "site_admin":
        require_site_admin(caller, route.doing)
        return None
    least = route.token_role if route.token_role and caller.token_role else route.role
    return own.projects.open(path["project_id"], caller, least, route.doing)


def _good(answer: BaseModel | None, headers: dict[str, str], route: Route) -> func.HttpResponse:
    if answer is None:
        return func.HttpResponse(status_code=204)
    text = answer.model_dump_json()
    version = getattr(answer, route.version_of, None)
    # Of all that is shown but the time: addresses of images change, and so do roles.
    shown = answer.model_dump_json(exclude={"at"}) if "at" in type(answer).model_fields else text
    digest = hashlib.sha256(shown.encode()).hexdigest()[:20]
    etag = f'"{version}-{digest}"' if version is not None else f'"{digest}"'
    sent = {"etag": etag, "cache-control": "private, no-cache"}
    if route.method == "GET" and headers.get("if-none-match", "").removeprefix("W/") == etag:
        return func.HttpResponse(status_code=304, headers=sent)
    return func.HttpResponse(
        text, status_code=route.status, mimetype="application/json", headers=sent
    )


def _path(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the path. What no id can look like, nothing has: a key of storage least of all."""
    if not all(_ID.fullmatch(value) for value in params.values()):
        raise NotFound("there is nothing with this id")
    return dict(params)


_ID = re.compile(r"[A-Za-z0-9_:-]{1,64}")


def problem(failure: Failure) -> func.HttpResponse:
    """A failure as problem+json (RFC 9457); `retry` says whether sending it again can help."""
    content: dict[str, Any] = {
        "type": failure.type,
        "title": failure.type.replace("-", " "),
        "status": failure.status,
        "detail": failure.detail,
        "errors": [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in failure.faults[:MOST_FAULTS]
        ],
        "error_count": len(failure.faults),
        "retry": failure.retry,
        **failure.extra,
    }
    wait_s = failure.extra.get("retry_after_s")
    return func.HttpResponse(
        json.dumps(content, ensure_ascii=False),
        status_code=failure.status,
        mimetype="application/problem+json",
        headers={"retry-after": str(wait_s)} if wait_s else None,
    )


def _body(req: func.HttpRequest, headers: dict[str, str], route: Route) -> BaseModel | None:
    """What was sent, as the route's model; None where it takes nothing.

    Only what is said to be JSON is read. A POST without a body says so too: else a page of another site
    could send one along with the cookie of who looks at it, as browsers ask nobody before a plain form.

    Raises:
        UnsupportedMedia: it is not said to be JSON.
        TooLarge: more than the route takes.
        Malformed: it is no JSON.
        Invalid: with a pointer to each place that does not fit.
    """
    raw = req.get_body()
    said = headers.get("content-type", "").partition(";")[0].strip().lower()
    scripted = "x-api-key" in headers or BEARER in headers
    plain = not raw and (route.method != "POST" or scripted)
    if said != "application/json" and not plain:
        raise UnsupportedMedia("send JSON, and say so: Content-Type: application/json")
    if len(raw) > route.most_bytes:
        raise TooLarge(
            f"the request has {len(raw):,} bytes; at most {route.most_bytes:,} are taken. Send less at once"
        )
    if route.body is None:
        return None
    try:
        return route.body.model_validate_json(raw or b"{}", strict=True)
    except ValidationError as error:
        failure = _invalid(error)
        if failure.faults[0].code == "json-invalid":
            raise Malformed("the body is not JSON") from None
        raise failure from None


Checked = TypeVar("Checked", bound=BaseModel)


def checked(model: type[Checked], content: object) -> Checked:
    """A query, of which all is text, as a model.

    Raises:
        Invalid: with a pointer to each place that does not fit.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> Invalid:
    faults = faults_of(error)
    where = faults[0].pointer or "the body"
    return Invalid(f"{where}: {faults[0].detail}", faults=faults)


BEARER = "x-authorization"
"""A Static Web App puts a token of its own into `authorization` of all that it passes on."""

ANYONE = Caller(user="", name="", provider="")


class Principal(BaseModel):
    """The sign-in service's principal, as it puts it in a header (Static Web Apps)."""

    identityProvider: str
    userId: str
    userDetails: str | None = None
    userRoles: list[str] = []


def caller_of(headers: dict[str, str], own: Services) -> Caller:
    """Who is calling: by API token, by a token of Entra ID, or by the sign-in service's header.

    Raises:
        Unauthenticated: nobody is signed in and no valid token was sent.
    """
    secret = headers.get("x-api-key")
    if secret:
        return own.tokens.caller(secret, headers.get("x-worker", ""))
    if bearer := headers.get(BEARER):
        scheme, _, token = bearer.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("send X-Authorization: Bearer, and a token of Entra ID")
        return own.entra().caller(token)
    principal = _principal(headers.get("x-ms-client-principal", ""))
    if principal is None or not own.settings.trust_swa_header:
        raise Unauthenticated("sign in, or send an API token as X-Api-Key")
    details = principal.userDetails or ""
    vouched = own.settings.vouches(principal.identityProvider)
    email = details if "@" in details and vouched else ""
    return Caller(
        user=layout.user_key(principal.identityProvider, principal.userId),
        name=details,
        provider=principal.identityProvider,
        user_id=principal.userId,
        email=email,
        site_admin="admin" in principal.userRoles or own.settings.is_admin(email),
    )


def _principal(header: str) -> Principal | None:
    """The signed-in person of a header; anything but exactly one well-formed principal is nobody.

    The host joins headers of the same name by commas: read leniently, the first of two, which a client may
    have sent, would be believed.
    """
    try:
        decoded = base64.b64decode(header, validate=True)
        found = Principal.model_validate_json(decoded, strict=True)
    except (ValidationError, binascii.Error, ValueError):
        return None
    return found if found.userId and "authenticated" in found.userRoles else None
