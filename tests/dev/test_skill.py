"""The simulation of people of known skill holds, and fails when consensus or agreement are made wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from dev.simulate.skill import TAGS, chance_of_classes, chance_of_thing, main
from dev.simulate.skill import Skill as Person
from labeling.annotations.shapes import TaskType
from labeling.exchange.formats.format import ALL_TASK_TYPES
from labeling.items import checks, labels
from labeling.quality.assignment import Audiences
from labeling.quality.consensus import Opinion, Verdict, verdict
from labeling.quality.overlap import Overlap

Made = Callable[[Sequence[Opinion], Overlap], Verdict]


@pytest.mark.parametrize("task_type", ALL_TASK_TYPES)
def test_what_people_of_known_skill_say_becomes_what_theory_says(task_type: TaskType) -> None:
    assert main(["--type", task_type, "--items", "120"]) == 0


def first_one_decides(opinions: Sequence[Opinion], overlap: Overlap) -> Verdict:
    alone = verdict(opinions, overlap)
    first = min(opinions, key=lambda opinion: opinion.labeler)
    return replace(alone, outcome="labeled", annotations=list(first.annotations), disputed=False)


def everybody_agrees(opinions: Sequence[Opinion], overlap: Overlap) -> Verdict:
    found = verdict(opinions, overlap)
    return replace(found, compared=replace(found.compared, same=found.compared.all))


@pytest.mark.parametrize(
    ("made", "noticed"),
    [(first_one_decides, "more than the best"), (everybody_agrees, "alpha")],
)
def test_a_consensus_or_an_agreement_that_is_made_wrong_is_noticed(
    made: Made, noticed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(labels, "verdict", made)

    assert main(["--type", "multiclass", "--items", "120"]) == 1
    assert noticed in capsys.readouterr().err


def test_honeypots_that_everybody_seems_to_know_are_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def everything(*_: object) -> float:
        return 1.0

    monkeypatch.setattr(checks, "score", everything)

    assert main(["--type", "multiclass", "--items", "120"]) == 1
    assert "honeypots: careless" in capsys.readouterr().err


def test_images_for_people_with_a_tag_reach_only_these_and_nothing_is_stuck() -> None:
    assert main(["--type", "multiclass", "--items", "120", "--assign"]) == 0


def test_images_that_reach_people_without_their_tag_are_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def everything(*_: object) -> tuple[str, ...]:
        return (*TAGS, "")

    monkeypatch.setattr(Audiences, "joined_by", everything)

    assert main(["--type", "multiclass", "--items", "120", "--assign"]) == 1
    told = capsys.readouterr().err
    assert "labeled by, experts" in told
    assert "left for nobody" in told


def test_theory_is_that_of_condorcet_where_there_are_only_two_answers() -> None:
    # One of two: three people of 0.8 are right with 0.8^3 + 3 0.8^2 0.2 (Condorcet, 1785).
    people = [Person(0.8, contrary=True)] * 3  # the others always say the same wrong one

    decided, right = chance_of_thing(0, people, drawn=False)

    assert decided == pytest.approx(1)
    assert right == pytest.approx(0.8**3 + 3 * 0.8**2 * 0.2)
    assert chance_of_classes({0, 1}, people).decisions == 5
