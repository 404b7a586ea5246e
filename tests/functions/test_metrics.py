"""What is measured, and how it reaches a collector."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from azure.functions.queue import QueueMessage
from opentelemetry import metrics as api
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from functions.metrics import ENDPOINTS
from functions.queues import received
from labeling.ingest.refresh import Refresh
from labeling.storage import encode_message
from tests.functions.conftest import Api

READER = InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def _kept_here() -> None:
    api.set_meter_provider(MeterProvider([READER]))  # once a process


def measured(name: str) -> list[tuple[dict[str, Any], Any]]:
    """The points of a metric: what each is about, and the point itself."""
    data = READER.get_metrics_data()
    assert data
    return [
        (dict(point.attributes or {}), point)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_requests_are_timed_by_route_and_status_never_by_what_they_are_about(api: Api) -> None:
    project = api.project(3)
    assert api("GET", f"projects/{project}").status == 200
    assert api("GET", "projects/p-none").status == 404

    found = [
        (about["http.response.status_code"], point.count)
        for about, point in measured("http.server.request.duration")
        if about["http.route"] == "/api/projects/{project_id}"
        and about["http.request.method"] == "GET"
    ]
    assert {status for status, _ in found} >= {200, 404}
    assert all(count for _, count in found)
    assert all(project not in str(about) for about, _ in measured("http.server.request.duration"))


def test_messages_are_measured_by_how_long_they_waited_and_how_often_they_came() -> None:
    sent = datetime.now(UTC) - timedelta(seconds=90)
    message = Refresh(project_id="p-1", refresh_id="r-1")
    received(
        Refresh,
        QueueMessage(body=encode_message(message).encode(), dequeue_count=2, insertion_time=sent),
    )

    [(_, age)] = [
        at for at in measured("labelry.queue.age") if at[0]["labelry.message"] == "Refresh"
    ]
    assert 90 <= age.sum < 100
    assert ({"labelry.message": "Refresh", "labelry.try": 2}, 1) in [
        (about, point.value) for about, point in measured("labelry.queue.tries")
    ]


class _Collector(BaseHTTPRequestHandler):
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector, and what it was sent."""
    handler = type("Collector", (_Collector,), {"bodies": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.bodies
    server.shutdown()
    server.server_close()


REPORT = """
import sys
from functions import metrics
from labeling.adapters.calls import counting, count, count_lost_race
metrics.set_up()
with counting() as calls:
    count("table")
    count_lost_race()
metrics.answered("POST", "projects/{project_id}/tasks", 200, 0.04, calls)
print("opentelemetry.sdk" in sys.modules)
"""


def reported(**env: str) -> str:
    """What a process says that answers one request."""
    plain = {name: value for name, value in os.environ.items() if name not in ENDPOINTS}
    return subprocess.run(
        [sys.executable, "-c", REPORT], env=plain | env, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_collector_that_the_environment_names_is_told_when_the_process_ends_at_the_latest(
    collector: tuple[str, list[bytes]],
) -> None:
    address, bodies = collector
    assert reported(OTEL_EXPORTER_OTLP_ENDPOINT=address) == "True"

    told = [ExportMetricsServiceRequest.FromString(body) for body in bodies]
    values = {
        metric.name: metric
        for request in told
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert values["http.server.request.duration"].histogram.data_points[0].sum == 0.04
    assert values["labelry.storage.calls"].sum.data_points[0].as_int == 1
    assert values["labelry.storage.lost_races"].sum.data_points[0].as_int == 1


def test_without_a_collector_the_sdk_is_not_even_imported() -> None:
    assert reported() == "False"
