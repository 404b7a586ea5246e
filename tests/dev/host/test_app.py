from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from dev.host.settings import HostError
from tests.dev.host.running import Runner

Declare = Callable[[func.FunctionApp], Any]


def no_trigger(app: func.FunctionApp) -> None:
    @app.queue_output("out", "jobs", "")
    def f(out: func.Out[str]) -> None: ...


def same_name(app: func.FunctionApp) -> None:
    for name in ("tick", "Tick"):

        @app.function_name(name)
        @app.timer_trigger("timer", "0 0 0 * * *")
        def f(timer: func.TimerRequest) -> None: ...


def same_route(app: func.FunctionApp) -> None:
    for name, route in (("a", "x/{id}"), ("b", "X/{key}")):

        @app.function_name(name)
        @app.route(route)
        def f(req: func.HttpRequest) -> str: ...


def unknown_trigger(app: func.FunctionApp) -> None:
    @app.service_bus_queue_trigger("msg", "CONNECTION", "jobs")
    def f(msg: func.ServiceBusMessage) -> None: ...


def blob_input(app: func.FunctionApp) -> None:
    @app.route("x")
    @app.blob_input("blob", "c/b", "")
    def f(req: func.HttpRequest, blob: str) -> str: ...


def scanned_blobs(app: func.FunctionApp) -> None:
    @app.blob_trigger("blob", "c/{name}", "")
    def f(blob: func.InputStream) -> None: ...


def unreadable_schedule(app: func.FunctionApp) -> None:
    @app.timer_trigger("timer", "now and then")
    def f(timer: func.TimerRequest) -> None: ...


def blobs_of_any_container(app: func.FunctionApp) -> None:
    @app.blob_trigger("blob", "{c}/{name}", "", source=func.BlobSource.EVENT_GRID)
    def f(blob: func.InputStream) -> None: ...


def unbound_parameter(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.HttpRequest, other: str) -> str: ...


def missing_parameter(app: func.FunctionApp) -> None:
    @app.route("x")
    def f() -> str: ...


def output_without_out(app: func.FunctionApp) -> None:
    @app.route("x")
    @app.queue_output("out", "jobs", "")
    def f(req: func.HttpRequest, out: str) -> str: ...


def trigger_as_out(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.Out[str]) -> str: ...


def wrong_trigger_type(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.QueueMessage) -> str: ...


def wrong_return_type(app: func.FunctionApp) -> None:
    @app.route("x")
    def f(req: func.HttpRequest) -> int: ...


def missing_setting(app: func.FunctionApp) -> None:
    @app.queue_trigger("msg", "%NO_SUCH_SETTING%", "")
    def f(msg: func.QueueMessage) -> None: ...


def missing_connection(app: func.FunctionApp) -> None:
    @app.queue_trigger("msg", "jobs", "NO_SUCH_STORAGE")
    def f(msg: func.QueueMessage) -> None: ...


def retry_policy(app: func.FunctionApp) -> None:
    @app.timer_trigger("timer", "0 0 0 * * *")
    @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
    def f(timer: func.TimerRequest) -> None: ...


@pytest.mark.parametrize(
    ("declare", "reason"),
    [
        (no_trigger, "trigger"),
        (same_name, "2 functions are called tick"),
        (same_route, "same route"),
        (unknown_trigger, "serviceBusTrigger is not supported"),
        (blob_input, "type blob is not supported"),
        (scanned_blobs, "EVENT_GRID"),
        (unreadable_schedule, "now and then"),
        (blobs_of_any_container, "container"),
        (unbound_parameter, "a parameter but not bound: other"),
        (missing_parameter, "bound but not a parameter: req"),
        (output_without_out, "must be annotated func.Out"),
        (trigger_as_out, "annotated as an Out"),
        (wrong_trigger_type, "req cannot be a QueueMessage"),
        (wrong_return_type, "cannot be a int"),
        (missing_setting, "no such setting"),
        (missing_connection, "NO_SUCH_STORAGE"),
        (retry_policy, "retry policies"),
    ],
)
def test_what_azure_refuses_or_this_host_cannot_run_is_refused_at_start(
    bare: Runner, declare: Declare, reason: str
) -> None:
    app = func.FunctionApp()

    declare(app)

    with pytest.raises(HostError, match=reason):
        bare.make(app, AzureWebJobsStorage="UseDevelopmentStorage=true")


def test_a_disabled_function_is_not_found(bare: Runner) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("x")
    def f(req: func.HttpRequest) -> str:
        return "on"

    host = bare.start(app, **{"AzureWebJobs.f.Disabled": "true"})

    assert host.get("/api/x").status_code == 404
