"""Where looped minimizers lie: each refusal of the checks is reached, and the argument holds in numbers."""

from __future__ import annotations

import pytest
import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.loops import localization as module
from icl_claims.theory.loops.centred_moments import DIM, UNIT, centred_moment
from icl_claims.theory.loops.localization import (
    RECORDED,
    Bound,
    first_context,
    prove_centre,
    prove_constants,
    prove_density_ratio,
    prove_first_context,
    prove_moment_at_one,
    prove_moment_bound,
    prove_probabilities,
    prove_scaling,
    prove_trace_of_square,
)


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        (RECORDED._replace(context_power=sympy.Integer(4)), "falls faster"),
        (RECORDED._replace(root=sympy.Rational(1, 4)), "falls faster"),
        (RECORDED._replace(outer=7), "not 1 at the first context"),
        (RECORDED._replace(inner=9), "not 1 at the first context"),
        (RECORDED._replace(context_power=sympy.Rational(1, 3)), "not 1 at the first context"),
    ],
)
def test_another_bound_is_refused(bound: Bound, reason: str) -> None:
    prove_first_context(RECORDED, 2, 3)
    with pytest.raises(Refuted, match=reason):
        prove_first_context(bound, 2, 3)


def test_first_context_of_one_loop() -> None:
    """c² = 64 · 8d · d/√n is 1 at √n = 512 d²."""
    assert first_context(1, 3) == (512 * 9) ** 2


def test_another_centre_is_refused() -> None:
    prove_centre(RECORDED, 1)
    with pytest.raises(Refuted, match="does not tend"):
        prove_centre(RECORDED._replace(centre=fmpq(2)), 1)


@pytest.mark.parametrize(
    ("moment", "reason"), [(DIM**2, "recursion"), (DIM * 3 * UNIT, "recursion"), (DIM * 2, None)]
)
def test_another_moment_at_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, moment: object, reason: str | None
) -> None:
    monkeypatch.setattr(module, "centred_moment", lambda k: moment if k == 2 else centred_moment(k))
    if reason is None:
        prove_moment_at_one(4)
    else:
        with pytest.raises(Refuted, match=reason):
            prove_moment_at_one(4)


def test_a_large_moment_at_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A false power: k^k would have to be 1."""

    class One(int):
        def __pow__(self, exponent: int, modulo: int | None = None) -> int:
            return 1

    monkeypatch.setattr(module, "range", lambda *_: [One(2)], raising=False)
    with pytest.raises(Refuted, match="at most k"):
        prove_moment_at_one(2)


@pytest.mark.parametrize("term", [-DIM * UNIT**3, DIM**6 * UNIT**4, DIM * UNIT])
def test_a_larger_term_is_refused(monkeypatch: pytest.MonkeyPatch, term: object) -> None:
    prove_moment_bound(2)
    monkeypatch.setattr(module, "centred_moment", lambda k: centred_moment(k) + term * 100)
    with pytest.raises(Refuted, match="not below the bound"):
        prove_moment_bound(2)


def test_the_second_moment_of_the_density_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route of its own: SymPy's integral; and an algebra that errs is refused."""
    prove_density_ratio()
    x, v = sympy.symbols("x"), sympy.Rational(3, 2)
    density = sympy.exp(-(x**2) / v) / (2 * sympy.pi * v)
    ratio = density / (sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi))
    assert sympy.simplify(sympy.integrate(ratio, (x, -sympy.oo, sympy.oo)) ** 2) == 1 / (v * (2 - v))
    cancel = sympy.cancel
    monkeypatch.setattr(sympy, "cancel", lambda e: cancel(e) + 1)
    with pytest.raises(Refuted, match="density ratio"):
        prove_density_ratio()
    monkeypatch.undo()
    monkeypatch.setattr(sympy, "expand", lambda e: e + 1)
    with pytest.raises(Refuted, match="not 1 − τ²"):
        prove_density_ratio()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("TAIL", 31, "second context is larger"), ("SPREAD", 1, "need not meet")],
)
def test_other_events_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int, reason: str
) -> None:
    prove_probabilities()
    monkeypatch.setattr(module, name, value)
    with pytest.raises(Refuted, match=reason):
        prove_probabilities()


def test_other_means_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module.mean

    def doubled(words: Words) -> Words:
        return honest(words) * 2

    monkeypatch.setattr(module, "mean", doubled)
    with pytest.raises(Refuted, match="variance of vᵀSv"):
        prove_probabilities()
    with pytest.raises(Refuted, match="mean of tr"):
        prove_trace_of_square()
    monkeypatch.setattr(
        module, "mean", lambda words: honest(words) * (2 if _is_a_square_of_traces(words) else 1)
    )
    with pytest.raises(Refuted, match="mean of \\(tr SA\\)²"):
        prove_trace_of_square()
    monkeypatch.undo()
    monkeypatch.setattr(module, "fmpq", lambda p, q=1: fmpq(p, q) if (p, q) != (2, 1) else fmpq(1))
    with pytest.raises(Refuted, match="at most 2"):
        prove_probabilities()


def _is_a_square_of_traces(words: Words) -> bool:
    """Whether every term is a product of two traces."""
    return all(len(traces) == 2 for traces, _ in words.terms)


def test_another_scaling_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_scaling()
    monkeypatch.setattr(module, "_meets", lambda _: False)
    with pytest.raises(Refuted, match="changes by another"):
        prove_scaling()


@pytest.mark.parametrize(
    ("change", "loops", "reason"),
    [
        ({"LEAST_CONTEXT": 8**6 + 1}, 1, "least context is another"),
        ({"TAIL": 2**15}, 1, "need not be at most 1/2"),
        ({"TAIL": 2**7}, 1, "e need not be"),
        ({"RADIUS": 257}, 1, "radius is too small"),
        ({"RADIUS": 600}, 1, "above the recorded c"),
    ],
)
def test_other_constants_are_refused(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, int], loops: int, reason: str
) -> None:
    prove_constants(loops)
    for name, value in change.items():
        monkeypatch.setattr(module, name, value)
    with pytest.raises(Refuted, match=reason):
        prove_constants(loops)


def test_a_first_context_below_the_least_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "first_context", lambda L, d: first_context(L, d) // 2)
    with pytest.raises(Refuted, match="below the least one"):
        prove_constants(1)
