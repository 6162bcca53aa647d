"""The binomial tail against exact fractions; batches count once."""

from fractions import Fraction
from math import comb, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.budget import Count
from model.objective import Gate
from slo.gate import alpha_for, batch_size, binomial_tail, chance, withheld

BUDGET = Fraction(1, 200)
probabilities = st.fractions(0, 1, max_denominator=10**6)


def exact_tail(n: int, k: int, p: Fraction) -> Fraction:
    good, bad = p.denominator - p.numerator, p.numerator
    return Fraction(sum(comb(n, i) * bad**i * good ** (n - i) for i in range(max(k, 0), n + 1)), p.denominator**n)


@given(n=st.integers(0, 60), k=st.integers(-1, 61), p=probabilities)
def test_the_tail_is_the_exact_one(n: int, k: int, p: Fraction) -> None:
    assert binomial_tail(n, k, p) == pytest.approx(float(exact_tail(n, k, p)), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("n", "k", "p"), [(1000, 20, "1/100"), (1000, 5, "1/100"), (2000, 1100, "1/2"), (3000, 40, "1/200")]
)
def test_the_tail_of_a_few_thousand_is_the_exact_one(n: int, k: int, p: str) -> None:
    assert binomial_tail(n, k, Fraction(p)) == pytest.approx(float(exact_tail(n, k, Fraction(p))), rel=1e-9)


@pytest.mark.parametrize("p", ["1/2", "1/100", "1/1000", "1/1000000"])
def test_ten_million_units_are_no_trouble(p: str) -> None:
    n, mean = 10**7, int(10**7 * Fraction(p))
    spread = float(n * Fraction(p) * (1 - Fraction(p))) ** 0.5
    tails = [binomial_tail(n, mean + int(step * spread) + 1, Fraction(p)) for step in range(-8, 9)]
    assert tails == sorted(tails, reverse=True)
    assert tails[0] > 0.999
    assert tails[-1] < 1e-9
    assert tails[8] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("n", "k", "p"),
    [
        (10**7, 10**7, "1/100"),
        (10**7, 1, "1/100"),
        (10**7, 10**7 - 1, "999999999/1000000000"),
        (5, 5, "1/" + "9" * 400),
    ],
)
def test_the_tail_neither_overflows_nor_leaves_its_range(n: int, k: int, p: str) -> None:
    assert 0 <= binomial_tail(n, k, Fraction(p)) <= 1


@given(n=st.floats(0, 10**7), share=st.floats(0, 1), p=probabilities)
def test_the_tail_is_a_probability_between_whole_numbers_too(n: float, share: float, p: Fraction) -> None:
    tail = binomial_tail(n, n * share, p)
    assert isfinite(tail)
    assert 0 <= tail <= 1 + 1e-9


@given(n=st.integers(3, 40), k=st.integers(1, 39), part=st.floats(0, 1))
def test_between_whole_numbers_the_tail_lies_between_theirs(n: int, k: int, part: float) -> None:
    p = Fraction(1, 20)
    assert binomial_tail(n, k + 1, p) <= binomial_tail(n, k + part, p) * (1 + 1e-9)
    assert binomial_tail(n, k + part, p) <= binomial_tail(n, k, p) * (1 + 1e-9)


def test_fewer_than_three_failure_units_are_withheld_however_many_leads_they_took() -> None:
    assert withheld(Count(0, 500, failure_units=2), BUDGET, Gate(), 1e-4) == ("too_few_failure_units", 1.0)


def test_what_luck_would_bring_is_withheld() -> None:
    reason, likely = withheld(Count(good=600, bad=6, failure_units=6), BUDGET, Gate(), 1e-4)
    assert reason == "may_be_chance"
    assert likely == pytest.approx(float(exact_tail(606, 6, BUDGET)))


def test_what_luck_would_not_bring_is_told() -> None:
    assert withheld(Count(good=90, bad=10, failure_units=10), BUDGET, Gate(), 1e-4)[0] == ""


def test_single_failures_are_asked_as_leads() -> None:
    singles = Count(good=190, bad=10, failure_units=10, squares=10)
    assert batch_size(singles) == 1
    assert chance(singles, BUDGET) == pytest.approx(float(exact_tail(200, 10, BUDGET)))


def test_batches_of_eight_are_asked_as_batches() -> None:
    batches = Count(good=192, bad=8, failure_units=1, squares=64)
    assert chance(batches, BUDGET) == pytest.approx(float(exact_tail(25, 1, BUDGET)))


def test_one_large_batch_counts_once_however_many_single_failures_stand_beside_it() -> None:
    beside = Count(good=5_000, bad=930, failure_units=31, squares=900**2 + 30)
    assert withheld(beside, BUDGET, Gate(), 1e-4)[0] == "may_be_chance"
    assert withheld(Count(5_000, 930, 930, 930), BUDGET, Gate(), 1e-4)[0] == ""


def test_a_dense_outage_is_told_after_a_few_minutes_although_each_minute_is_one_failure() -> None:
    """600 leads an hour on average, 1,090 by day: five minutes of a total outage."""
    assert withheld(Count(good=1_000, bad=90, failure_units=5, squares=5 * 18**2), BUDGET, Gate(), 1e-4)[0] == ""


def test_where_only_the_number_of_failure_units_is_known_they_have_one_size() -> None:
    known, unknown = Count(100, 24, 3, squares=3 * 64), Count(100, 24, 3)
    assert chance(known, BUDGET) == chance(unknown, BUDGET)


@pytest.mark.parametrize(("groups", "alpha"), [(0, 1e-4), (1, 1e-4), (100, 1e-4), (101, 0.01 / 101), (2_000, 5e-6)])
def test_many_groups_are_asked_more_of(groups: int, alpha: float) -> None:
    assert alpha_for(Gate(), groups) == alpha


def test_an_objective_may_ask_for_more_itself() -> None:
    assert alpha_for(Gate(alpha=1e-6), 1) == 1e-6


@given(good=st.integers(0, 10**6), failures=st.lists(st.integers(1, 1000), max_size=30), p=probabilities)
def test_no_count_makes_anything_but_a_probability(good: int, failures: list[int], p: Fraction) -> None:
    count = Count(good, sum(failures), len(failures), sum(size * size for size in failures))
    assert 0 <= chance(count, p) <= 1 + 1e-9
