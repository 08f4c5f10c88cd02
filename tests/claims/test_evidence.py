"""The collector that evidence tests fill, and the teeth of its checks."""

from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
import torch
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.evidence import Evidence, SurvivingMutant
from icl_claims.claims.results import Chart, Series

POSITIVE, FINITE = Assumption("positive", "$n>0$"), Assumption("finite", "$n<9$")
SUM = Claim("sum", "suite", "here", "$1+1=2$", (POSITIVE, FINITE))
PRODUCT = Claim("product", "suite", "there", "$1\\cdot 1=1$", (FINITE,))
CHART = Chart(
    title="t", caption="c", x_label="x", y_label="y", series=(Series(label="s", x=(1.0,), y=(2.0,)),)
)


@pytest.fixture
def collector() -> Evidence:
    return Evidence([SUM, PRODUCT])


def is_two(value: int) -> None:
    if value != 2:
        raise AssertionError(f"must be 2, got {value}")


def test_check_accepts_the_statement_and_records_rejected_mutants(collector):
    collector.check(is_two, 2, {"three": 3, "four": 4})
    assert [(m.name, m.killed) for m in collector.fields(SUM)["mutants"]] == [("three", True), ("four", True)]


def test_check_refuses_a_false_statement_before_any_mutant_runs(collector):
    with pytest.raises(AssertionError, match="must be 2, got 3"):
        collector.check(is_two, 3, {"four": 4})
    assert collector.fields(SUM)["mutants"] == ()


def test_all_mutants_run_and_the_survivors_are_named(collector):
    with pytest.raises(SurvivingMutant, match=r"false variants: two again, also two$"):
        collector.check(is_two, 2, {"two again": 2, "three": 3, "also two": 2})
    killed = {m.name: m.killed for m in collector.fields(SUM)["mutants"]}
    assert killed == {"two again": False, "three": True, "also two": False}


def test_an_error_is_not_a_rejection(collector):
    def divides(value):
        return 1 // value

    with pytest.raises(ZeroDivisionError):
        collector.check(divides, 1, {"zero": 0})
    assert collector.fields(SUM)["mutants"] == ()


def test_pytest_fail_is_not_a_rejection(collector):
    def outcome(value):
        if value == 3:
            pytest.fail("the check gave up")

    with pytest.raises(pytest.fail.Exception, match="gave up"):
        collector.check(outcome, 2, {"three": 3})


def test_a_mutant_name_is_used_once_in_a_test(collector):
    collector.check(is_two, 2, {"three": 3})
    with pytest.raises(ValueError, match=r"distinct names within a test, got 'three' twice"):
        collector.mutants(is_two, {"three": 4})


def test_a_property_that_hypothesis_refutes_kills_a_mutant(collector):
    """Both bugs of the mutant surface as one AssertionError, not as a group of two."""

    def bounds(limit):
        @given(st.integers(-1000, 1000))
        def absolute_value_is_at_most(x):
            if x > limit:
                raise AssertionError("above")
            if -x > limit:
                raise AssertionError("below")

        absolute_value_is_at_most()

    collector.check(bounds, 1000, {"tighter": 900})
    assert [m.killed for m in collector.fields(SUM)["mutants"]] == [True]


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        1j,
        np.float64(0.5),
        np.array([0.5]),
        torch.tensor(0.5),
        mpmath.mpf("0.5"),
        sympy.Float("0.5"),
        sympy.Symbol("x") + 0.5,
        [1, 0.5],
        {"a": (0.5,)},
    ],
    ids=str,
)
def test_exact_figures_hold_no_float(collector, value):
    with pytest.raises(TypeError, match=r"figure 'rate' must be exact .* or be recorded with exact=False"):
        collector.figure("rate", value)
    collector.figure("rate", value, exact=False)
    stored = collector.fields(SUM)["figures"]
    assert [(f.name, f.value, f.exact) for f in stored] == [("rate", str(value), False)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (Fraction(1, 3), "1/3"),
        (fmpq(1, 3), "1/3"),
        (sympy.Rational(1, 3) * sympy.Symbol("n"), "n/3"),
        (np.int64(7), "7"),
        (Decimal("0.1"), "0.1"),
        ("d ≤ 4", "d ≤ 4"),
        ([1, Fraction(1, 2)], "[1, Fraction(1, 2)]"),
    ],
)
def test_exact_figures_are_stored_as_text(collector, value, text):
    collector.figure("value", value)
    assert [(f.value, f.exact) for f in collector.fields(SUM)["figures"]] == [(text, True)]


def test_a_figure_name_is_used_once_in_a_test(collector):
    collector.figure("rate", 1)
    with pytest.raises(ValueError, match="'rate' twice"):
        collector.figure("rate", 2)


def test_necessity_goes_to_the_claims_that_have_the_assumption(collector):
    collector.necessary("positive", "n = 0")
    collector.dispensable("finite", "n plays no role")
    of_sum = [(s.assumption, s.necessary, s.instance) for s in collector.fields(SUM)["necessity"]]
    of_product = [(s.assumption, s.necessary) for s in collector.fields(PRODUCT)["necessity"]]
    assert of_sum == [("positive", True, "n = 0"), ("finite", False, "n plays no role")]
    assert of_product == [("finite", False)]


def test_necessity_of_an_unknown_assumption_is_refused(collector):
    with pytest.raises(ValueError, match=r"assumption of sum, product \(positive, finite\), got 'finit'"):
        collector.necessary("finit", "n = 0")
    with pytest.raises(ValueError, match=r"assumption of bare \(which has none\), got 'finite'"):
        Evidence([Claim("bare", "suite", "here", "$1$")]).dispensable("finite", "no role")


def test_necessity_is_addressed_once_and_with_an_instance(collector):
    collector.necessary("positive", "n = 0")
    with pytest.raises(ValueError, match="'positive' twice"):
        collector.dispensable("positive", "no role")
    with pytest.raises(ValueError, match="'finite' must be non-empty text"):
        collector.necessary("finite", "  ")


def test_tightness_is_recorded_once_as_text(collector):
    collector.tightness(Fraction(3, 2), vacuous_until=7)
    stored = collector.fields(PRODUCT)["tightness"]
    assert (stored.ratio, stored.vacuous_until) == ("3/2", "7")
    with pytest.raises(ValueError, match="tightness must be recorded once"):
        collector.tightness(2)


def test_charts_are_kept_in_order_and_nothing_else_is_taken_for_one(collector):
    second = CHART.model_copy(update={"title": "second"})
    collector.chart(CHART)
    collector.chart(second)
    assert collector.fields(SUM)["charts"] == (CHART, second)
    with pytest.raises(TypeError, match=r"must be an icl_claims\.claims\.results\.Chart, got dict"):
        collector.chart({"title": "t"})
