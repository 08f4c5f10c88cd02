"""Critical points found by elimination: against the theorem's counts, and each refusal by itself."""

from __future__ import annotations

import pytest
from flint import arb, ctx, fmpq, fmpq_poly, fmpz_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.real_roots import dyadic
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers import elimination
from icl_claims.theory.many_layers.critical_points import critical_points_by_index, enclosed_optimal_steps
from icl_claims.theory.many_layers.elimination import (
    index_of,
    multiple_points,
    negative_pivots,
    prove_counts,
)
from icl_claims.theory.many_layers.step_sizes import gradient
from icl_claims.theory.task import isotropic

TASK = isotropic(3, 2)


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_the_looped_point(layers: int) -> None:
    """One block: the looped optimum, of index L − 1."""
    (steps,) = multiple_points(TASK, layers, 0)
    assert len(steps) == layers
    best = optimal_looped_step(TASK, layers).refined(100).step
    assert abs(float(steps[0].mid()) - float(arb(best.lower).mid())) < 1e-12
    assert index_of(TASK, steps) == layers - 1


@pytest.mark.parametrize("simple", [1, 2])
def test_a_double_step_among_simple_ones(simple: int) -> None:
    """One point for each place of the double step in the order of the values, each of index 1."""
    found = multiple_points(TASK, 2, simple)
    assert len(found) == simple + 1
    for steps in found:
        assert index_of(TASK, steps) == 1
        slopes = gradient(TASK, [dyadic(a.mid()) for a in steps])
        assert all(abs(slope) < fmpq(1, 2**300) for slope in slopes)


def test_the_optimum_has_index_zero() -> None:
    assert index_of(TASK, enclosed_optimal_steps(TASK, 3)) == 0


def test_a_point_that_is_not_critical_is_refused() -> None:
    first, second = enclosed_optimal_steps(TASK, 2)
    with ctx.workprec(300):
        moved = first + arb("1e-20")
    with pytest.raises(Refuted, match="gradient does not vanish"):
        index_of(TASK, [moved, second])


def test_a_step_that_may_not_be_positive_is_refused() -> None:
    with pytest.raises(Refuted, match="not certainly positive"):
        index_of(TASK, [arb(1), arb(0, 1)])


def test_an_undecided_pivot_is_refused() -> None:
    with pytest.raises(Refuted, match="sign of a pivot"):
        negative_pivots([[arb(1), arb(1)], [arb(1), arb(1, "1e-30")]])


def test_the_inertia_of_a_matrix() -> None:
    """Indefinite with a positive determinant too: −I_2 has two."""
    assert negative_pivots([[arb(-1), arb(0)], [arb(0), arb(-1)]]) == 2
    assert negative_pivots([[arb(2), arb(1)], [arb(1), arb(2)]]) == 0


@pytest.mark.parametrize("polynomial", [fmpq_poly([1, -2, 1]), fmpq_poly([0, 0, 0, 1])])
def test_a_double_root_is_refused(monkeypatch: pytest.MonkeyPatch, polynomial: fmpq_poly) -> None:
    monkeypatch.setattr(elimination, "single_block_critical_points", lambda *_: (polynomial, fmpq_poly([1])))
    with pytest.raises(Refuted, match="double root"):
        multiple_points(TASK, 2, 0)


def test_another_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Balls of x² + 1, which has no real root, where Sturm's theorem counts one."""
    monkeypatch.setattr(elimination, "primitive", lambda _: fmpz_poly([1, 0, 1]))
    with pytest.raises(Refuted, match="Sturm"):
        multiple_points(TASK, 3, 0)


@pytest.mark.parametrize("simple", [-1, 3])
def test_the_number_of_simple_steps(simple: int) -> None:
    with pytest.raises(ValueError, match="simple must be an integer from 0 to 2"):
        multiple_points(TASK, 2, simple)


def test_other_counts_are_refused() -> None:
    """Pairs of double steps, which elimination does not find, are taken off for four layers."""
    prove_counts(critical_points_by_index, [(3, 2, 3), (1, 1, 4)])
    with pytest.raises(Refuted, match=r"d = 3, n = 2, L = 2: .* by elimination"):
        prove_counts(lambda _: {0: 2}, [(3, 2, 2)])
