"""The collector that evidence tests fill: what it records, and what it refuses to take for evidence."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import sympy
import torch
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims import evidence
from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.edits import Edit, changed
from icl_claims.claims.evidence import Evidence, NoCheck, NotFalse, SurvivingMutant
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import NoEvidence, NoObject, Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations import global_minimizer

POSITIVE, FINITE = Assumption("positive", "$n>0$"), Assumption("finite", "$n<9$")
SUM = Claim("sum", "suite", "here", "$1+1=2$", (POSITIVE, FINITE))
PRODUCT = Claim("product", "suite", "there", "$1\\cdot 1=1$", (FINITE,))
CHART = Chart(
    title="t", caption="c", x_label="x", y_label="y", series=(Series(label="s", x=(1.0,), y=(2.0,)),)
)


class Sum(NamedTuple):
    """n + n = factor · n."""

    factor: int = 2


@dataclass(frozen=True)
class Count:
    """An instance: n."""

    n: int


def margin(stated: Sum, at: Count) -> int:
    """By another route than the check: the parity of a count, and its place on a ruler."""
    return -1 if not 0 < at.n < 9 else -abs(len("x" * at.n + "x" * at.n) - stated.factor * at.n)


def check(stated: Sum) -> None:
    """Against a sum of the mathematics."""
    if exact.total([fmpq(1)] * 2) != stated.factor:
        raise Refuted(f"1 + 1 is 2, got {stated.factor}")


def statement(slug: str = "sum", **changes: object) -> Statement[Sum, Count]:
    conditions = {"positive": lambda at: at.n > 0, "finite": lambda at: at.n < 9}
    whole = {
        "slug": slug,
        "stated": Sum(),
        "margins": {"statement": margin},
        "conditions": conditions if slug == "sum" else {"finite": conditions["finite"]},
        "instances": lambda corner: st.builds(Count, st.integers(1, 8)),
        "without": lambda key: st.just(Count(0 if key == "positive" else 9)),
    }
    return Statement(**{**whole, **changes})


STATED, ONE = statement(), Count(1)


def mutants(*factors: int, refused: str = "1 + 1 is 2") -> list[Edit[Sum]]:
    return [changed(Sum(), refused, factor=factor) for factor in factors]


@pytest.fixture
def collector() -> Evidence:
    return Evidence([SUM, PRODUCT])


def recorded(collector: Evidence, claim: Claim = SUM) -> list[tuple[object, ...]]:
    return [(m.name, m.killed, m.reason, m.false_at) for m in collector.fields(claim)["mutants"]]


# ---------------------------------------------------------------------- mutants


def test_check_records_why_each_mutant_is_refused_and_where_it_is_false(collector):
    collector.check(check, STATED, mutants(3, 4), at=ONE)
    assert recorded(collector) == [
        ("factor: 2 → 3", True, "1 + 1 is 2, got 3", "Count(n=1): margin -1"),
        ("factor: 2 → 4", True, "1 + 1 is 2, got 4", "Count(n=1): margin -2"),
    ]
    assert recorded(collector, PRODUCT) == []


def test_check_refuses_a_false_statement_before_any_mutant_runs(collector):
    with pytest.raises(Refuted, match="1 \\+ 1 is 2, got 3"):
        collector.check(check, statement(stated=Sum(3)), mutants(4), at=ONE)
    assert recorded(collector) == []


def test_all_mutants_run_and_the_survivors_are_named(collector):
    def blind(stated):
        if stated.factor > 3:
            check(stated)

    with pytest.raises(SurvivingMutant, match=r"factor: 2 → 3: accepted; factor: 2 → 1: accepted$"):
        collector.check(blind, STATED, mutants(3, 5, 1), at=ONE)
    assert [killed for _, killed, *_ in recorded(collector)] == [False, True, False]


def test_a_mutant_refused_for_another_reason_survives(collector):
    with pytest.raises(SurvivingMutant, match=r"factor: 2 → 3: refused for '1 \+ 1 is 2, got 3'"):
        collector.check(check, STATED, mutants(3, refused="the sign"), at=ONE)
    assert [killed for _, killed, *_ in recorded(collector)] == [False]


def test_an_error_is_not_a_refusal(collector):
    def crashes(stated):
        check(Sum())
        return 1 // (stated.factor - 3)

    with pytest.raises(ZeroDivisionError):
        collector.check(crashes, STATED, mutants(3), at=ONE)
    assert recorded(collector) == []


def test_pytest_fail_is_not_a_refusal(collector):
    def gives_up(stated):
        if stated.factor == 3:
            pytest.fail("the check gave up")
        check(stated)

    with pytest.raises(pytest.fail.Exception, match="gave up"):
        collector.check(gives_up, STATED, mutants(3), at=ONE)


def test_a_mutant_name_is_used_once_in_a_test(collector):
    collector.check(check, STATED, mutants(3), at=ONE)
    with pytest.raises(ValueError, match=r"distinct names within a test, got 'factor: 2 → 3' twice"):
        collector.mutants(check, STATED, mutants(3), at=ONE)


def test_a_property_that_hypothesis_refutes_kills_a_mutant(collector):
    """Both bugs of the mutant surface as one AssertionError, not as a group of two."""

    def bounds(stated):
        @given(st.integers(-1000, 1000))
        def close(x):
            if exact.total([fmpq(x)]) > 500 * stated.factor:
                raise AssertionError("above")
            if -x > 500 * stated.factor:
                raise AssertionError("below")

        close()

    collector.check(bounds, STATED, mutants(1, refused="e"), at=ONE)
    assert [killed for _, killed, *_ in recorded(collector)] == [True]


@pytest.mark.parametrize(
    ("edits", "at", "message"),
    [
        (mutants(3), None, "needs an instance at which it is false"),
        (mutants(3), Count(0), "violates positive"),
        (mutants(3), [Count(9)], "violates finite"),
        ([Edit("factor: 2 → 2", Sum(2), "1 + 1")], ONE, "equals the object"),
        ([Edit("a name of choice", Sum(2), "1 + 1")], ONE, "equals the object"),
    ],
)
def test_a_mutant_must_be_false_at_an_instance_of_the_statement(collector, edits, at, message):
    with pytest.raises(NotFalse, match=message):
        collector.check(check, STATED, edits, at=at)


def test_a_mutant_that_is_true_is_none(collector):
    tolerant = statement(margins={"statement": lambda stated, at: 5 - stated.factor})
    with pytest.raises(NotFalse, match="is not false at Count\\(n=1\\): margin 2"):
        collector.check(check, tolerant, mutants(3), at=ONE)
    own = [changed(Sum(), "1 + 1", factor=9, at=Count(2))]
    collector.check(check, tolerant, own, at=None)
    assert recorded(collector)[0][3] == "Count(n=2): margin -4"


def test_an_object_is_itself_though_it_does_not_equal_itself() -> None:
    """As a ball does not; and 1 and 1.0 are equal and two statements."""
    ball = arb(1, 1)
    assert bool(ball == ball) is False
    assert evidence._same(ball, ball)
    assert evidence._same(Fraction(1, 2), Fraction(2, 4))
    assert not evidence._same(1, 1.0)


def test_a_part_is_named_where_there_are_several() -> None:
    several = Claim("two_sums", "suite", "here", "$1+1=2$.", parts=("first", "second"))
    assert evidence._part(several, "second") == "second"
    with pytest.raises(ValueError, match="part must be one of first, second of two_sums, got None"):
        evidence._part(several, None)
    assert evidence._part(Claim("one_sum", "suite", "here", "$1+1=2$."), None) == "statement"


def test_the_statement_itself_must_be_true_where_its_mutant_is_false(collector):
    hostile = statement(margins={"statement": lambda stated, at: -1})
    with pytest.raises(NotFalse, match="the statement itself is false"):
        collector.check(check, hostile, mutants(3), at=ONE)


def test_the_sign_of_a_margin_must_be_certain(collector):
    for uncertain in (-0.5, np.float64(-0.5), mpmath.mpf(-1)):
        vague = statement(
            margins={"statement": lambda stated, at, u=uncertain: u if stated.factor > 2 else 0}
        )
        with pytest.raises(TypeError, match="must be exact or a ball"):
            Evidence([SUM]).check(check, vague, mutants(3), at=ONE)
    ball = statement(margins={"statement": lambda stated, at: arb(0 if stated.factor == 2 else -1, 2)})
    with pytest.raises(NotFalse, match="is not false"):
        collector.check(check, ball, mutants(3), at=ONE)


# ---------------------------------------------------------------------- disguises of a check that checks nothing


class Word(NamedTuple):
    """Text in a tuple."""

    text: str


@pytest.mark.parametrize("stated", ["1 + 1 = 2", b"two", True, None, Word("two"), ["two"], {"a": "two"}, ()])
def test_text_is_no_object_of_a_statement(stated):
    with pytest.raises(NoObject, match="stated must be the object of the statement"):
        statement(stated=stated)


def test_a_check_that_calls_no_mathematics_checks_nothing(collector):
    def compares(stated):
        if stated != Sum(2):
            raise AssertionError("1 + 1 is 2")

    with pytest.raises(NoCheck, match="compares calls none of them"):
        collector.check(compares, STATED, mutants(3), at=ONE)
    with pytest.raises(NoCheck, match="calls none of them"):
        collector.mutants(compares, STATED, mutants(3), at=ONE)
    with pytest.raises(NoCheck, match="calls none of them"):
        collector.dispensable("positive", lambda: None)


def test_the_margin_is_another_route_than_the_check(collector):
    def same(stated, at):
        try:
            check(stated)
        except AssertionError:
            return -1
        return 0

    with pytest.raises(NoCheck, match="one route, not two"):
        collector.check(check, statement(margins={"statement": same}), mutants(3), at=ONE)


def test_a_check_of_theory_needs_a_statement_and_its_claim(collector):
    with pytest.raises(NoCheck, match="a check of theory needs a Statement"):
        collector.check(check, Sum(), mutants(3))
    with pytest.raises(ValueError, match=r"this test is marked for \(sum, product\), got 'other'"):
        collector.check(check, statement("other"), mutants(3), at=ONE)
    with pytest.raises(NoCheck, match="must be an edit"):
        collector.check(check, STATED, {"factor": 3}, at=ONE)


def test_an_experiment_may_give_a_plain_object_that_is_no_text():
    run = Evidence([Claim("run", "suite", "here", "$x$", kind="experiment")])
    run.check(check, Sum(), mutants(3))
    assert [(m.name, m.false_at) for m in run.fields(run._claims[0])["mutants"]] == [("factor: 2 → 3", "")]
    with pytest.raises(NoCheck, match="must be an object"):
        run.mutants(check, "two", mutants(3))


# ---------------------------------------------------------------------- derivations


def derivation(*lemmas: Lemma) -> Derivation:
    return Derivation(lemmas)


SCALED = Lemma("$s$.", "By scaling.", global_minimizer.bilinear, "all n")
PROSE = Lemma("$t$.", "By induction.", step="induction")


def test_prove_runs_the_lemmas_and_records_them_with_their_checks():
    theorem = Claim("theorem", "suite", "here", "$x$")
    proof = Evidence([theorem], {"theorem": "proof"})
    stated = global_minimizer.STATED
    subject = Statement(
        "theorem", stated, {"statement": lambda s, at: s.A_power * at.n + at.n}, {}, None, None
    )
    edits = [changed(stated, "Lemma 5: the factors of b and A do not cancel", A_power=-2)]
    proof.prove(global_minimizer.DERIVATION, subject, edits, at=ONE)
    lemmas = proof.fields(theorem)["lemmas"]
    assert [lemma.number for lemma in lemmas] == [1, 2, 3, 4, 5]
    assert lemmas[4].checked_by == "icl_claims.theory.derivations.global_minimizer.rescaling"
    (mutant,) = proof.fields(theorem)["mutants"]
    assert mutant.reason.startswith("Lemma 5: the factors of b and A do not cancel: γ^1 and γ^-2")


@pytest.mark.parametrize(
    ("lemmas", "grade", "better"),
    [((SCALED,), "argument", "proof"), ((SCALED, PROSE), "proof", "argument")],
)
def test_the_grade_is_the_one_that_the_lemmas_give(lemmas, grade, better):
    with pytest.raises(
        ValueError, match=f"grade of sum must be '{better}', as its lemmas say, got '{grade}'"
    ):
        Evidence([SUM], {"sum": grade}).prove(derivation(*lemmas), STATED, [])
    Evidence([SUM], {"sum": better}).prove(derivation(*lemmas), STATED, [])
    Evidence([SUM], {"sum": "exact"}).prove(derivation(*lemmas), STATED, [])


def test_a_lemma_is_checked_by_the_theory(collector):
    own = Lemma("$s$.", "Trust me.", check, "all n")
    with pytest.raises(NoCheck, match="checked by a function of the theory, got tests"):
        collector.prove(derivation(own), STATED, [])


def test_a_false_lemma_fails_the_proof(collector, monkeypatch):
    def fails():
        raise Refuted("it does not scale")

    false = Lemma("$s$.", "By scaling.", global_minimizer.excess, "all n")
    object.__setattr__(false, "check", fails)
    monkeypatch.setattr(fails, "__module__", "icl_claims.theory.sums")
    with pytest.raises(Refuted, match="Lemma 2: it does not scale"):
        collector.prove(derivation(SCALED, false), STATED, [])


# ---------------------------------------------------------------------- figures


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


# ---------------------------------------------------------------------- necessity and counterexamples


def holds_for_all():
    """The sum of no terms is 0.

    Not shown.
    """
    assert exact.total([]) == 0


def test_necessity_needs_an_instance_that_breaks_a_part_and_one_assumption(collector):
    collector.necessary(STATED, "positive", Count(0))
    (said,) = collector.fields(SUM)["necessity"]
    assert (said.assumption, said.necessary, said.part) == ("positive", True, "statement")
    assert said.instance == "Count(n=0): margin -1"
    assert collector.fields(PRODUCT)["necessity"] == ()


@pytest.mark.parametrize(
    ("key", "instance", "message"),
    [
        ("positive", Count(1), "Count\\(n=1\\) violates none"),
        ("finite", Count(0), "violates positive"),
        ("positive", Count(-1), "does not fail at Count\\(n=-1\\): 0"),
    ],
)
def test_an_instance_that_shows_no_necessity_is_refused(key, instance, message):
    margins = {"statement": lambda stated, at: 0 if at.n == -1 else margin(stated, at)}
    with pytest.raises(NotFalse, match=message):
        Evidence([SUM]).necessary(statement(margins=margins), key, instance)


def test_an_instance_that_violates_a_second_assumption_shows_nothing_of_the_first(collector):
    both = {"positive": lambda at: at.n > 0, "finite": lambda at: 0 < at.n < 9}
    with pytest.raises(NotFalse, match="violates positive, finite"):
        collector.necessary(statement(conditions=both), "positive", Count(0))


def test_an_assumption_must_be_one_of_the_claim(collector):
    of_product = statement("product", conditions={"positive": lambda at: at.n > 0})
    with pytest.raises(ValueError, match=r"an assumption of product \(finite\), got 'positive'"):
        collector.necessary(of_product, "positive", Count(0))


def test_an_instance_must_say_what_it_is(collector):
    class Opaque:
        n = 0

    with pytest.raises(NoEvidence, match="must print as what it is"):
        collector.necessary(STATED, "positive", Opaque())


def test_dispensable_needs_a_check_that_says_what_it_shows(collector):
    collector.dispensable("finite", holds_for_all)
    for claim in (SUM, PRODUCT):
        (said,) = collector.fields(claim)["necessity"]
        assert (said.necessary, said.part, said.instance) == (False, "", "The sum of no terms is 0.")
    with pytest.raises(ValueError, match=r"key must be an assumption of sum, product, got 'finit'"):
        collector.dispensable("finit", holds_for_all)

    def silent():
        check(Sum())

    def false():
        """It says so."""
        check(Sum(3))

    with pytest.raises(NoEvidence, match="must say in a docstring"):
        collector.dispensable("positive", silent)
    with pytest.raises(Refuted):
        collector.dispensable("positive", false)


def test_an_assumption_is_addressed_once(collector):
    collector.necessary(STATED, "positive", Count(0))
    with pytest.raises(ValueError, match="'positive' twice"):
        collector.dispensable("positive", holds_for_all)
    with pytest.raises(ValueError, match="part must be one of statement of sum, got 'other'"):
        collector.necessary(STATED, "finite", Count(9), part="other")


def test_a_counterexample_satisfies_every_assumption_and_violates_a_part(collector):
    false = statement(stated=Sum(3))
    collector.refute(false, "statement", ONE)
    (found,) = collector.fields(SUM)["counterexamples"]
    assert (found.part, found.instance, found.margin) == ("statement", "Count(n=1)", "-1")
    assert collector.fields(PRODUCT)["counterexamples"] == ()
    with pytest.raises(NotFalse, match="is no instance of sum: it violates positive"):
        collector.refute(false, "statement", Count(0))
    with pytest.raises(NotFalse, match="does not refute statement of sum: margin 0"):
        collector.refute(STATED, "statement", ONE)


# ---------------------------------------------------------------------- tightness and charts


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


def test_a_statement_of_another_claim_is_refused_without_mutants_too(collector):
    with pytest.raises(ValueError, match="statement must be of a claim that this test is marked for"):
        collector.check(check, statement("other"), [], at=ONE)
