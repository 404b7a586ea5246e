"""Groups: every image once, alike ones together, in an order that says nothing."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from gpu_jobs.group import (
    DUPLICATE,
    PAGE,
    SAMPLES,
    groups,
    groups_in_samples,
    near_duplicates,
    nearest,
    shorter,
)
from tests.gpu_jobs.conftest import noise


def clustered(seed: int, clusters: int, each: int, spread: float = 0.3) -> tuple:
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(clusters), each)
    vectors = noise(seed, clusters)[of] + spread * noise(seed + 1, clusters * each)
    order = random.permutation(len(of))
    return vectors[order], of[order]


@pytest.mark.parametrize("n", [1, 2, 5, 9, 37, 500])
def test_every_image_is_in_exactly_one_group_of_bounded_size(n):
    found = groups(noise(n, n))
    assert sorted(member for group in found for member in group.members) == list(range(n))
    assert max(len(group.members) for group in found) <= 2 * PAGE


def test_no_image_gives_no_group():
    assert groups(np.zeros((0, 8))) == []


def test_images_of_one_kind_come_together():
    vectors, of = clustered(3, clusters=20, each=36)
    pure = [len(set(of[list(group.members)])) == 1 for group in groups(vectors)]
    assert np.mean(pure) > 0.9


def test_groups_come_in_an_order_that_does_not_tell_how_tight_they_are():
    vectors, of = clustered(4, clusters=40, each=18, spread=0.3)
    loose = of % 2 == 1
    vectors[loose] += 0.5 * noise(9, int(loose.sum()))
    first = [loose[list(group.members)].mean() for group in groups(vectors)][:20]
    assert 0.2 < np.mean(first) < 0.8


def test_the_same_images_give_the_same_groups():
    vectors, _ = clustered(5, clusters=10, each=20)
    assert groups(vectors) == groups(vectors)


@pytest.mark.parametrize(
    ("n", "sizes"),
    [(0, [0]), (90, [90]), (149, [149]), (151, [100, 51]), (340, [100, 100, 140])],
)
def test_samples_have_the_size_asked_for_and_the_last_one_what_is_left(n, sizes):
    samples = groups_in_samples(noise(n, n), 100)

    assert [sum(len(group.members) for group in some) for some in samples] == sizes
    everyone = [member for some in samples for group in some for member in group.members]
    assert sorted(everyone) == list(range(n))


def test_what_is_left_after_many_samples_is_one():
    samples = groups_in_samples(noise(1, 1_000), 36)

    assert len(samples) == SAMPLES + 1
    assert sum(len(group.members) for group in samples[-1]) == 1_000 - SAMPLES * 36


def test_a_sample_is_drawn_by_chance_and_has_alike_images_together():
    vectors, of = clustered(3, clusters=20, each=100)

    first, *_ = groups_in_samples(vectors, 400)

    kinds = [of[list(group.members)] for group in first]
    shares = np.bincount(np.concatenate(kinds), minlength=20) / 400
    assert shares.max() < 0.1  # each is a twentieth of all
    assert shares.min() > 0.02
    assert np.mean([np.bincount(some).max() / len(some) for some in kinds]) > 0.75


def test_neighbours_are_the_ones_a_full_comparison_finds():
    vectors = shorter(noise(6, 5000, 32), 16)
    numbers, cosines = nearest(vectors, 5)
    for one in (0, 2047, 2048, 4999):
        expected = np.argsort(-(vectors @ vectors[one]), kind="stable")[:5]
        assert set(numbers[one]) == set(expected)
        assert cosines[one][0] == pytest.approx(1, abs=1e-5)


def test_more_images_take_more_time_but_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = shorter(noise(6, 5000, 32), 16)
    alike = near_duplicates(vectors)
    monkeypatch.setattr("gpu_jobs.group._CELLS", 2**18)

    tracemalloc.start()
    joined = near_duplicates(vectors)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 12e6  # all similarities at once are 100 MB
    assert (joined == alike).all()


def test_of_very_many_images_nearly_all_neighbours_are_found(monkeypatch: pytest.MonkeyPatch):
    vectors = shorter(clustered(10, clusters=100, each=60)[0], 32)
    exact, _ = nearest(vectors, 20)
    monkeypatch.setattr("gpu_jobs.group.EXACT", 1000)
    numbers, cosines = nearest(vectors, 20)
    found = np.mean([len({*a} & {*b}) / 20 for a, b in zip(numbers, exact, strict=True)])
    assert found > 0.9
    assert (np.diff(cosines) <= 1e-6).all()


def test_cells_with_few_images_leave_none_out_and_none_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gpu_jobs.group.EXACT", 100)
    monkeypatch.setattr("gpu_jobs.group._CELLS_LOOKED_INTO", 1)
    found = groups(noise(11, 900))
    assert sorted(member for group in found for member in group.members) == list(range(900))


def test_a_copy_is_marked_as_showing_the_same_as_an_earlier_one():
    vectors = noise(7, 60)
    vectors[10] = vectors[20] + 0.01 * vectors[30]
    marked = [duplicate for group in groups(vectors) for duplicate in group.duplicates]
    assert marked in ([10], [20])


def test_near_duplicates_are_joined_over_a_chain_and_nothing_else_is():
    vectors = noise(8, 3000)
    step = np.arccos(DUPLICATE) * 0.9
    across = vectors[2999] - (vectors[2999] @ vectors[0]) * vectors[0]
    across /= np.linalg.norm(across)
    for n in range(1, 5):
        angle = n * step
        vectors[n] = np.cos(angle) * vectors[0] + np.sin(angle) * across
    numbers = near_duplicates(vectors)
    assert len(set(numbers[:5])) == 1
    assert len(set(numbers)) == 3000 - 4
