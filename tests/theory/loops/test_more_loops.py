"""Loops beyond those that a step was made for: enclosures against exact losses, and refusals of what is false alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy
from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.real_roots import isolate
from icl_claims.theory.algebra.words import d, eye, n
from icl_claims.theory.loops.more_loops import (
    INVERSE_ROOT,
    LOOPS,
    STEP,
    P,
    R,
    at_infinity,
    best_loops,
    escape_bound,
    losses_by_loops,
    prove_beyond,
    prove_contracting,
    prove_limit,
    prove_log_convex,
    prove_rate,
    prove_similar,
    value_at,
)
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.prompts import S

WHITENED = eye("d") - INVERSE_ROOT @ S @ INVERSE_ROOT * STEP


def test_losses_at_a_rational_step() -> None:
    """One loop at d = 2, n = 5 has the step 5/8."""
    best = optimal_looped_step(isotropic(2, 5), 1)
    found = losses_by_loops(best, 6)
    assert all(x.contains(loss_of_steps(isotropic(2, 5), [fmpq(5, 8)] * T)) for T, x in enumerate(found))
    exact = [loss_of_steps(isotropic(2, 5), [fmpq(5, 8)] * T) for T in range(7)]
    assert best_loops(best) == exact.index(min(exact))


def test_the_best_number_of_loops_may_be_the_step_s_own_or_more() -> None:
    assert best_loops(optimal_looped_step(isotropic(1, 1), 1)) == 1
    assert best_loops(optimal_looped_step(isotropic(10, 100), 2)) == 12


def test_where_it_falls_for_all_loops_that_are_tried() -> None:
    with pytest.raises(ArithmeticError, match="must rise within 100 loops"):
        best_loops(optimal_looped_step(isotropic(1, 2000), 1))


def test_the_bound_of_prompts_that_escape() -> None:
    """At d = 1 it is above P(χ²_n ≥ 2n/a); for n = 1, L = 1, a = 1/3 that is P(z² ≥ 6) > 1/100."""
    best = optimal_looped_step(isotropic(1, 1), 1)
    assert fmpq(1, 100) < escape_bound(best) < fmpq(1, 6) + fmpq(1, 10**15)
    assert escape_bound(best, 1) > escape_bound(best, 4)


def test_a_value_that_is_zero_stays_undecided() -> None:
    root = isolate(fmpq_poly([-2, 0, 1]))[1]
    assert value_at(fmpq_poly([-2, 0, 1]), root).contains(0)
    assert value_at(fmpq_poly([-1, 0, 1]), root) > 0


def test_the_identities() -> None:
    prove_contracting(sympy.Integer(2))
    prove_beyond(sympy.Integer(3), sympy.Integer(2))
    prove_log_convex((P - R) ** 2 / 2, LOOPS - 1)
    prove_similar(eye("d") - S @ INVERSE_ROOT @ INVERSE_ROOT * STEP, WHITENED)

    prove_rate(LOOPS)
    prove_limit(LOOPS)


def test_limits_of_coefficients() -> None:
    assert at_infinity((3 * n**2 + d) / (n**2 + n)) == 3
    assert at_infinity((n + d * n**2) / (2 * n**2)) == d / 2
    assert at_infinity(d / n) == 0
    with pytest.raises(ValueError, match="must have a finite limit"):
        at_infinity(n)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: prove_contracting(sympy.Integer(1)), "not m times"),
        (lambda: prove_beyond(sympy.Integer(3), sympy.Integer(3)), "stated number"),
        (lambda: prove_rate(2 * LOOPS), "another power"),
        (lambda: prove_limit(LOOPS + 1), "1 loops has another limit"),
        (lambda: prove_limit(2 * LOOPS - 1), "2 loops has another limit"),
        (lambda: prove_log_convex((P - R) ** 2, LOOPS - 1), "another integrand"),
        (lambda: prove_log_convex((P - R) ** 2 / 2, LOOPS - 2), "power of pr"),
        (
            lambda: prove_similar(eye("d") - INVERSE_ROOT @ INVERSE_ROOT @ S * STEP, WHITENED),
            "not similar",
        ),
    ],
)
def test_what_is_refused(check: Callable[[], None], message: str) -> None:
    with pytest.raises(Refuted, match=message):
        check()
