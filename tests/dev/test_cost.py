from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from dev.cost import MONTHS, Month, Prices, costs, main, peer, table

ROOT = Path(__file__).parents[2]
FREE = replace(Prices(), **{field.name: 0.0 for field in fields(Prices)})


def test_the_document_shows_what_the_command_prints() -> None:
    assert table(Prices()) in (ROOT / "docs/operations.md").read_text("utf-8")


def test_a_resting_system_pays_for_its_site_its_registry_what_it_keeps_and_its_alerts() -> None:
    idle = costs(Month(0, 0), Prices())

    assert (idle["functions"], idle["gpu jobs"]) == (0, 0)
    assert sum(idle.values()) < 25


def test_the_minute_timer_alone_stays_within_what_is_free() -> None:
    paid = costs(Month(0, 0), replace(Prices(), free_gb_seconds=0, free_runs=0))

    assert costs(Month(0, 0), Prices())["functions"] == 0
    assert paid["functions"] == pytest.approx(43_800 * 2 * 0.000026 + 43_800 / 1e6 * 0.4)


def test_people_cost_nothing_but_what_they_label() -> None:
    assert costs(Month(100_000, 20), Prices()) == costs(Month(100_000, 200), Prices())


def test_more_images_cost_more_of_everything_that_is_not_fixed() -> None:
    some, more = (costs(Month(images, 20), Prices()) for images in (100_000, 500_000))

    fixed = {"site", "registry", "logs, alerts"}
    assert all(more[name] > some[name] for name in some if name not in fixed)
    assert all(more[name] == some[name] for name in ("site", "registry"))


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Prices) if "free" not in field.name]
)
def test_every_price_is_somewhere_in_the_sum(name: str) -> None:
    dear = replace(FREE, **{name: 1_000.0})
    month = Month(2_000_000, 20)

    assert sum(costs(month, dear).values()) + peer(month, dear) > 0


def test_the_one_that_never_sleeps_costs_the_same_whether_anybody_works() -> None:
    idle, small = (peer(Month(images, 20), Prices()) for images in (0, 100_000))

    assert idle == small


def test_prices_are_given_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--price", "site=0"]) == 0
    assert "| 0.00 | 5.00 |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--price", "sites=0"])


def test_all_sizes_are_shown() -> None:
    assert table(Prices()).count("\n") == len(MONTHS) + 1
