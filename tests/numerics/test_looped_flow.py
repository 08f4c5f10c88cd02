"""Times of the looped flow and norms in balls: against closed forms, and against steps of another integrator."""

from __future__ import annotations

import pytest
from flint import arb, fmpq, fmpq_mat, fmpq_poly

from icl_claims.numerics.looped_flow import (
    Recomputed,
    dominance_level,
    flow_time,
    limit_constant,
    limit_time,
    power,
    recorded_time,
    schatten_norm,
    slowest_time,
    time_along,
)
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize("level", [fmpq(1), fmpq(3, 4), fmpq(8, 10)])
def test_one_loop_is_exponential(level: fmpq) -> None:
    """f = d − 2da + qa² and da/dt = 2 − 2qa/d: f − f* falls as exp(−4qt/d)."""
    f = looped_step_loss(isotropic(1, 2), 1)
    q = f[2]
    least = 1 - 1 / q
    expected = (arb((1 - least) / (level - least))).log() / (4 * arb(q))
    assert flow_time(1, 2, 1, level).overlaps(expected)
    assert flow_time(1, 2, 1, level).rad() < 1e-9


def test_runge_kutta_agrees() -> None:
    """Steps of the fourth order in float64 for da/dt = −f'(a)/d."""
    d, n, L = 3, 10, 2
    f = looped_step_loss(isotropic(d, n), L)
    slope = [float(arb(c)) for c in f.derivative().coeffs()]

    def speed(a: float) -> float:
        return -sum(c * a**k for k, c in enumerate(slope)) / d

    a, steps, end = 0.0, 4000, 0.05
    h = end / steps
    for _ in range(steps):
        k1 = speed(a)
        k2 = speed(a + h * k1 / 2)
        k3 = speed(a + h * k2 / 2)
        a += h * (k1 + 2 * k2 + 2 * k3 + speed(a + h * k3)) / 6
    level = f(fmpq(*a.as_integer_ratio()))
    assert abs(float(flow_time(d, n, L, level)) - end) < 1e-9


@pytest.mark.parametrize(("d", "loops"), [(1, 1), (2, 2), (3, 4)])
def test_long_contexts_come_close_to_the_limit(d: int, loops: int) -> None:
    level = fmpq(d, 7)
    times = [flow_time(d, 10**k, loops, level) for k in (3, 6, 9)]
    limit = limit_time(d, loops, level)
    gaps = [float(time - limit) for time in times]
    assert gaps[0] > 100 * gaps[1] > 10**4 * gaps[2] > 0


def test_the_start_takes_no_time() -> None:
    assert flow_time(2, 5, 2, fmpq(2)).contains(0)
    assert limit_time(2, 2, fmpq(2)) == 0


@pytest.mark.parametrize("level", [fmpq(0), fmpq(3), fmpq(-1)])
def test_levels_out_of_range_are_refused(level: fmpq) -> None:
    with pytest.raises(ValueError, match="level"):
        limit_time(2, 2, level)
    with pytest.raises(ValueError, match="level"):
        flow_time(2, 5, 2, level)


def test_powers_and_norms() -> None:
    assert power(fmpq(8), fmpq(2, 3)).contains(4)
    assert power(fmpq(0), fmpq(2, 3)) == 0
    assert power(fmpq(0), fmpq(0)) == 1
    definite = fmpq_mat([[2, 1], [1, 2]])
    assert schatten_norm(definite, fmpq(1)).contains(4)
    assert schatten_norm(definite, fmpq(2)).overlaps(arb(10).sqrt())
    assert schatten_norm(definite, None).contains(3)
    with pytest.raises(ValueError, match="positive definite"):
        schatten_norm(fmpq_mat([[1, 2], [2, 1]]), fmpq(2))


@pytest.mark.parametrize(("d", "n", "loops"), [(1, 1, 1), (2, 3, 2), (5, 50, 3)])
def test_the_level_separates_points_where_the_inequality_holds(d: int, n: int, loops: int) -> None:
    f, level = looped_step_loss(isotropic(d, n), loops), dominance_level(d, n, loops, fmpq(1, 16))
    failed = []
    for k in range(-200, 500):
        a = fmpq(k, 250)
        value, slope = f(a), f.derivative()(a)
        holds = (slope**2 * 16 / d) ** loops >= value ** (2 * loops - 1)
        assert holds or arb(value) < level
        failed += [] if holds else [a]
    assert failed


@pytest.mark.parametrize(("d", "constant"), [(65537, fmpq(1, 16)), (2, fmpq(12))])
def test_a_constant_that_is_too_large_has_no_level(d: int, constant: fmpq) -> None:
    with pytest.raises(ValueError, match="constant"):
        dominance_level(d, 10 * d, 2, constant)


def test_multiple_roots_of_the_slope_are_refused() -> None:
    with pytest.raises(ArithmeticError, match="simple roots"):
        time_along(fmpq_poly([1, -1]) ** 4, 1, fmpq(1, 2))


def test_a_recomputed_number_is_narrowed_and_compared() -> None:
    root = Recomputed(lambda _: arb(2).sqrt())
    assert root.compare(fmpq(7, 5)) == 1
    assert root.compare(fmpq(3, 2)) == -1
    assert Recomputed(lambda _: arb(4).sqrt() / arb(3).sqrt() * arb(3).sqrt()).compare(fmpq(2)) == 0
    assert root.refined(300).upper - root.refined(300).lower < fmpq(1, 1 << 300) < root.upper - root.lower
    assert root.lower**2 < 2 < root.upper**2


def test_formulas_by_hand() -> None:
    assert limit_constant(8, 3).contains(9)
    assert recorded_time(2, fmpq(1, 8)).overlaps(2 * arb(32).sqrt())
    # κ = 1/2 gives the factor 9.
    assert slowest_time(1, 2, fmpq(1, 16), arb(fmpq(1, 256))).overlaps(9 * limit_time(1, 2, fmpq(1, 16)))
