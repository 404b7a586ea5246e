import http.client
import threading
import time
from ast import literal_eval
from urllib.parse import urlsplit

import azure.functions as func
import pytest

from tests.dev.host.running import Runner


@pytest.fixture
def app() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("echo/{part?}")
    def echo(req: func.HttpRequest) -> func.HttpResponse:
        seen = {
            "method": req.method,
            "params": dict(req.params),
            "route": dict(req.route_params),
            "header": req.headers.get("x-test"),
            "body": req.get_body().decode(),
        }
        return func.HttpResponse(repr(seen))

    return app


def test_empty_query_values_are_dropped_and_repeated_ones_joined(
    bare: Runner, app: func.FunctionApp
) -> None:
    host = bare.start(app)

    seen = literal_eval(host.get("/api/echo?a=&b=1&b=2&c=x%20y").text)

    assert seen["params"] == {"b": "1,2", "c": "x y"}


def test_repeated_headers_are_joined(bare: Runner, app: func.FunctionApp) -> None:
    host = bare.start(app)

    seen = literal_eval(host.get("/api/echo", headers=[("X-Test", "1"), ("X-Test", "2")]).text)

    assert seen["header"] == "1,2"


def test_a_body_of_known_length_arrives_and_a_chunked_one_does_not(
    bare: Runner, app: func.FunctionApp
) -> None:
    host = bare.start(app)

    known = literal_eval(host.post("/api/echo", content=b"hello").text)
    chunked = literal_eval(host.post("/api/echo", content=iter([b"hel", b"lo"])).text)

    assert known["body"] == "hello"
    assert chunked["body"] == ""


def test_an_encoded_slash_stays_in_its_segment(bare: Runner, app: func.FunctionApp) -> None:
    host = bare.start(app)

    seen = literal_eval(host.get("/api/echo/a%2Fb%20c").text)

    assert seen["route"] == {"part": "a%2Fb c"}


def test_a_body_over_the_limit_is_413(bare: Runner, app: func.FunctionApp) -> None:
    host = bare.start(app, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="10")

    assert host.post("/api/echo", content=b"x" * 10).status_code == 200
    assert host.post("/api/echo", content=b"x" * 11).status_code == 413


def test_a_method_that_no_function_takes_is_404(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("thing", methods=["PUT"])
    def put(req: func.HttpRequest) -> str:
        return "put"

    @app.route("thing", methods=["DELETE"])
    def delete(req: func.HttpRequest) -> str:
        return "delete"

    host = bare.start(app)

    assert host.request("PUT", "/api/thing").text == "put"
    assert host.request("DELETE", "/api/thing").text == "delete"
    assert host.get("/api/thing").status_code == 404


def test_routes_are_tried_in_the_order_of_function_names(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("tasks/next")
    def z_literal(req: func.HttpRequest) -> str:
        return "literal"

    @app.route("tasks/{id}")
    def a_parameter(req: func.HttpRequest) -> str:
        return "parameter"

    host = bare.start(app)

    assert host.get("/api/tasks/next").text == "parameter"


def test_the_route_prefix_of_host_json_is_used(bare: Runner, app: func.FunctionApp) -> None:
    bare.write_host_json(http={"routePrefix": ""})
    host = bare.start(app)

    assert host.get("/echo").status_code == 200
    assert host.get("/api/echo").status_code == 404


@pytest.mark.parametrize(
    ("level", "key", "status"),
    [
        (func.AuthLevel.ANONYMOUS, None, 200),
        (func.AuthLevel.FUNCTION, None, 401),
        (func.AuthLevel.FUNCTION, "wrong", 401),
        (func.AuthLevel.FUNCTION, "host", 200),
        (func.AuthLevel.FUNCTION, "master", 200),
        (func.AuthLevel.ADMIN, "host", 401),
        (func.AuthLevel.ADMIN, "master", 200),
    ],
)
def test_each_level_asks_for_its_keys(
    bare: Runner, level: func.AuthLevel, key: str | None, status: int
) -> None:
    app = func.FunctionApp(http_auth_level=level)

    @app.route("door")
    def door(req: func.HttpRequest) -> str:
        return "open"

    host = bare.start(app)
    by_header = host.get("/api/door", headers={"x-functions-key": key} if key else {})
    by_query = host.get("/api/door", params={"code": key} if key else {})

    assert by_header.status_code == by_query.status_code == status
    assert (by_header.text == "") == (status == 401)


def test_a_wrong_key_in_the_header_wins_over_a_right_one_in_the_query(bare: Runner) -> None:
    app = func.FunctionApp()

    @app.route("door")
    def door(req: func.HttpRequest) -> str:
        return "open"

    host = bare.start(app)

    response = host.get("/api/door?code=host", headers={"x-functions-key": "wrong"})

    assert response.status_code == 401


def test_an_exception_is_500_without_a_body_and_the_host_lives_on(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("fail")
    def fail(req: func.HttpRequest) -> str:
        raise ValueError("secret detail")

    @app.route("leave")
    def leave(req: func.HttpRequest) -> str:
        raise SystemExit(3)

    host = bare.start(app)

    for path in ("/api/fail", "/api/leave", "/api/fail"):
        response = host.get(path)
        assert (response.status_code, response.content) == (500, b"")


def test_a_function_over_the_timeout_is_500(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    released = threading.Event()

    @app.route("slow")
    def slow(req: func.HttpRequest) -> str:
        released.wait(10)
        return "late"

    host = bare.start(app, AzureFunctionsJobHost__functionTimeout="00:00:00.100")
    response = host.get("/api/slow")
    released.set()

    assert response.status_code == 500


def test_status_headers_and_cookies_reach_the_client(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("full")
    def full(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(b"\x00\xff", status_code=201, mimetype="image/png")
        response.headers["x-test"] = "yes"
        response.headers.add("Set-Cookie", "a=1; Path=/")
        response.headers.add("Set-Cookie", "b=2; HttpOnly")
        return response

    response = bare.start(app).get("/api/full")

    assert (response.status_code, response.content) == (201, b"\x00\xff")
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-test"] == "yes"
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        (None, 204, ""),
        ("text", 200, "text"),
        ('{"a": 1}', 200, '{"a": 1}'),
        ('{"body": {"a": 1}, "statusCode": 202}', 202, '{"a":1}'),
    ],
)
def test_a_return_value_that_is_no_response_becomes_one(
    bare: Runner, returned: str | None, status: int, body: str
) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("give")
    async def give(req: func.HttpRequest):
        return returned

    response = bare.start(app).get("/api/give")

    assert (response.status_code, response.text) == (status, body)


def test_functions_run_at_the_same_time_on_threads(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    together = threading.Barrier(3)

    @app.route("meet")
    def meet(req: func.HttpRequest) -> str:
        return str(together.wait(10))

    host = bare.start(app, PYTHON_THREADPOOL_THREAD_COUNT="3")
    answers: list[str] = []
    callers = [
        threading.Thread(target=lambda: answers.append(host.get("/api/meet").text))
        for _ in range(3)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert sorted(answers) == ["0", "1", "2"]


def test_a_connection_is_kept_open_and_answers_without_delay(
    bare: Runner, app: func.FunctionApp
) -> None:
    host = bare.start(app)
    connection = http.client.HTTPConnection(urlsplit(host.url).netloc)
    times: list[float] = []
    for _ in range(10):
        began = time.perf_counter()
        connection.request("GET", "/api/echo")
        assert connection.getresponse().read()
        times.append(time.perf_counter() - began)
    connection.close()

    assert min(times) < 0.03  # a delayed ACK costs each answer 0.04 s


def test_the_context_tells_the_function_who_it_is(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("who")
    def who(req: func.HttpRequest, context: func.Context) -> str:
        context.thread_local_storage.invocation_id = context.invocation_id
        return f"{context.function_name} {context.trace_context.trace_parent}"

    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = bare.start(app).get("/api/who", headers={"traceparent": parent})

    assert response.text == f"who {parent}"


def test_the_host_tells_its_status_to_all_and_its_functions_to_the_master(
    bare: Runner, app: func.FunctionApp
) -> None:
    host = bare.start(app)

    assert host.get("/admin/host/status").json() == {"state": "Running"}
    assert host.get("/admin/functions").status_code == 401
    listed = host.get("/admin/functions", headers={"x-functions-key": "master"})
    assert listed.json() == [{"name": "echo", "trigger": "httpTrigger"}]
