"""What the app measures of itself, by OpenTelemetry: how long answers take, what storage is asked, what waits.

Names and units are those of the semantic conventions where these have one. Nothing is kept, and the SDK not
even imported, unless the environment names a collector that takes OTLP over HTTP.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

import azure.functions as func
from opentelemetry import metrics

from labeling.adapters.calls import Calls

ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

_meter = metrics.get_meter("labelry")
_duration = _meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="How long requests take, by route and status",
    explicit_bucket_boundaries_advisory=[
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    ],
)
_calls = _meter.create_counter(
    "labelry.storage.calls", unit="{call}", description="Requests to storage, by route and service"
)
_lost_races = _meter.create_counter(
    "labelry.storage.lost_races",
    unit="{race}",
    description="Writes that somebody else was ahead of, by route",
)
_age = _meter.create_histogram(
    "labelry.queue.age",
    unit="s",
    description="How long messages waited for their handler, by kind",
    explicit_bucket_boundaries_advisory=[0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400],
)
_tries = _meter.create_counter(
    "labelry.queue.tries",
    unit="{try}",
    description="Messages received, by kind and which try it is",
)
_runs = _meter.create_counter(
    "labelry.runs", unit="{run}", description="Runs that ended, by kind and how"
)


def set_up() -> None:
    """Once a process: tell the collector that the environment names, if it names one, every minute."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    os.environ.setdefault("OTEL_SERVICE_NAME", "labelry")
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader]))


def answered(method: str, path: str, status: int, seconds: float, calls: Calls) -> None:
    """Note an answer to a request.

    Args:
        method: of the request.
        path: its route, with `{names}` in place of ids.
        status: of the answer.
        seconds: from the request to the answer.
        calls: what storage was asked meanwhile.
    """
    route = {"http.request.method": method, "http.route": f"/api/{path}"}
    _duration.record(seconds, route | {"http.response.status_code": status})
    for service, count in calls.by_service.items():
        _calls.add(count, route | {"labelry.storage.service": service})
    if calls.lost_races:
        _lost_races.add(calls.lost_races, route)


def received(kind: str, msg: func.QueueMessage) -> None:
    """Note a message that its handler begins with."""
    about = {"labelry.message": kind}
    if msg.insertion_time:
        sent = msg.insertion_time.astimezone(UTC)
        _age.record(max(0.0, (datetime.now(UTC) - sent).total_seconds()), about)
    _tries.add(1, about | {"labelry.try": msg.dequeue_count or 1})


def run_over(kind: str, state: str) -> None:
    """Note a run that ended."""
    _runs.add(1, {"labelry.run": kind, "labelry.state": state})
