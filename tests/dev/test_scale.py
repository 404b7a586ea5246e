"""The model of the cloud: the product's real calls, held against limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from statistics import median

import pytest

from dev.scale.__main__ import initialized, labeled
from dev.scale.cloud import Bucket, Cloud
from dev.scale.record import Product, Work

IMAGES = 1_500
CLOUD = Cloud()


@cache
def recorded() -> tuple[Work, Mapping[str, Sequence[Work]]]:
    product = Product()
    project, first = product.ingested(IMAGES)
    return first, product.labeled(project, people=8, rounds=3)


def everything(work: Work) -> list[Work]:
    return [work, *(one for child, _ in work.sends for one in everything(child))]


def test_every_image_is_read_once_by_the_work_that_is_recorded() -> None:
    first, _ = recorded()

    measuring = [work for work in everything(first) if work.what == "measure"]
    reads = sum(
        call.service == "blob" for work in measuring for trip in work.trips for call in trip
    )
    assert IMAGES <= reads <= IMAGES * 1.2


def test_most_pages_are_submitted_in_two_trips_and_handed_out_in_three() -> None:
    _, pages = recorded()

    trips = {
        what: median(
            len(work.trips) for works in pages.values() for work in works[what == "submit" :: 2]
        )
        for what in ("hand out", "submit")
    }
    assert trips == {
        "hand out": 3,
        "submit": 2,
    }  # who asks and which project was believed is one of the three


def test_nobody_is_served_faster_than_storage_answers() -> None:
    _, pages = recorded()

    quick = labeled(pages, 8, page_s=20, minutes=1, cloud=replace(CLOUD, call_s=0.005))
    slow = labeled(pages, 8, page_s=20, minutes=1, cloud=replace(CLOUD, call_s=0.050))

    assert slow.handout_median > 2 * 0.050
    assert slow.handout_median > 2 * quick.handout_median
    assert quick.refused == 0


@pytest.mark.parametrize(
    ("tight", "name"),
    [
        ({"partition_entities": 60.0}, "a table partition"),
        ({"account_requests": 4.0}, "the storage account"),
        ({"call_cpu_s": 0.5, "instances": 1}, "the cores for http"),
    ],
)
def test_what_is_short_is_named(tight: dict[str, float], name: str) -> None:
    _, pages = recorded()
    ample = labeled(pages, 8, page_s=5, minutes=2, cloud=CLOUD)

    short = labeled(pages, 8, page_s=5, minutes=2, cloud=replace(CLOUD, **tight))

    assert short.bottleneck == name
    assert short.share > 0.5 > ample.share
    assert short.handout_p95 > 2 * ample.handout_p95


def test_taking_in_ends_sooner_with_more_instances() -> None:
    first, _ = recorded()
    slow = replace(CLOUD, call_s=0.05, messages_at_once=1, queue_decides_s=2.0)

    one = initialized(IMAGES, first, replace(slow, instances=1))
    many = initialized(IMAGES, first, slow)

    assert many.all_s < one.all_s
    assert one.requests == many.requests
    assert one.first_page_s < one.all_s


def test_a_limit_lets_a_seconds_worth_through_at_once_and_then_its_rate() -> None:
    bucket = Bucket(rate=100)

    assert bucket.take(0.0, 100)
    assert not bucket.take(0.0, 1)
    assert not bucket.take(0.5, 51)
    assert bucket.take(0.5, 50)
    assert bucket.take(10.0, 250), "more than a second's worth needs a full bucket"
    assert not bucket.take(10.5, 60)
