"""The functions on the relaxed parametrization: derivatives, enclosures, bad arguments, and the weights' layout."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from flint import fmpq, fmpq_mat, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.models.parametrizations import relaxed
from icl_claims.numerics.gdpp import Interval, certify, local_minima
from icl_claims.numerics.gdpp_two_layers import candidates
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.many_layers.step_sizes import gradient as steps_gradient
from icl_claims.theory.many_layers.step_sizes import hessian as steps_hessian
from icl_claims.theory.many_layers.step_sizes import loss_of_steps
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments
from tests.shared.strategies import rationals

shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3))


def numbers(data: st.DataObject, count: int) -> list[fmpq]:
    return data.draw(st.lists(rationals, min_size=count, max_size=count))


@given(st.data(), shapes)
@settings(max_examples=30)
def test_derivatives_are_those_of_the_loss(data: st.DataObject, shape: tuple[int, int, int]) -> None:
    """f is a polynomial of degree D ≤ 2(3ᴸ − 1) in one parameter: the value, gradient and Hessian entry at a point
    against the polynomial through D + 1 exact values along one coordinate."""
    d, n, layers = shape[0], shape[1], min(shape[2], 2)
    a, b = numbers(data, layers), numbers(data, layers - 1)
    size = 2 * layers - 1
    i = data.draw(st.integers(0, size - 1))

    def along(t: int) -> fmpq:
        point = [*a, *b]
        point[i] = point[i] + t
        return gdpp.loss(isotropic(d, n), point[:layers], point[layers:])

    degree = 2 * (3**layers - 1) // 2 + 2
    through = interpolate([fmpq(t) for t in range(degree + 1)], [along(t) for t in range(degree + 1)])
    slopes = [x for part in gdpp.gradient(isotropic(d, n), a, b) for x in part]
    assert through[0] == gdpp.loss(isotropic(d, n), a, b)
    assert through[1] == slopes[i]
    assert 2 * through[2] == gdpp.hessian(isotropic(d, n), a, b)[i, i]
    assert gdpp.hessian(isotropic(d, n), a, b) == gdpp.hessian(isotropic(d, n), a, b).transpose()


def interpolate(points: list[fmpq], values: list[fmpq]) -> fmpq_poly:
    """Lagrange's polynomial."""
    total = fmpq_poly([0])
    for i, (x, y) in enumerate(zip(points, values, strict=True)):
        part = fmpq_poly([y])
        for j, z in enumerate(points):
            if j != i:
                part = part * fmpq_poly([-z, 1]) / (x - z)
        total = total + part
    return total


@given(st.data(), shapes)
def test_without_covariate_updates_it_is_descent(data: st.DataObject, shape: tuple[int, int, int]) -> None:
    """b = 0 gives the loss on 𝒮 with steps −a, its gradient and its Hessian."""
    d, n, layers = shape
    a = numbers(data, layers)
    steps, zeros = [-x for x in a], [fmpq(0)] * (layers - 1)
    assert gdpp.loss(isotropic(d, n), a, zeros) == loss_of_steps(isotropic(d, n), steps)
    assert gdpp.gradient(isotropic(d, n), a, zeros)[0] == [-x for x in steps_gradient(isotropic(d, n), steps)]
    hessian, plain = (
        gdpp.hessian(isotropic(d, n), a, zeros),
        steps_hessian(isotropic(d, n), steps),
    )
    assert all(hessian[i, j] == plain[i, j] for i in range(layers) for j in range(layers))
    if layers < 3:
        assert gdpp.one_prompt_variance(isotropic(d, n), a, zeros) == loss_variance(isotropic(d, n), steps)


def test_mixed_derivatives() -> None:
    """∂²f/∂a_0∂b_0: the slope in a_0 is of degree 4 in b_0, so five values give its derivative exactly."""
    a, b, d, n = [fmpq(-1, 2), fmpq(-2, 3)], fmpq(3, 4), 2, 3
    shifts = [fmpq(t) for t in range(5)]
    slope = interpolate(shifts, [gdpp.gradient(isotropic(d, n), a, [b + t])[0][0] for t in shifts])
    assert slope[1] == gdpp.hessian(isotropic(d, n), a, [b])[0, 2]


def test_enclosures_hold_the_exact_point() -> None:
    """One layer: the minimizer is −n/(n+d+1)."""
    for d, n in ((1, 1), (2, 5), (5, 3)):
        point = certify(isotropic(d, n), [-0.5], [])
        assert point.a[0].lower <= fmpq(-n, n + d + 1) <= point.a[0].upper
        assert point.loss.lower <= gdpp.loss(isotropic(d, n), [fmpq(-n, n + d + 1)], []) <= point.loss.upper
        assert point.minimum


def test_a_saddle_is_no_minimum() -> None:
    """The explicit critical point is certified, as a saddle."""
    a, b = gdpp.explicit_critical_point(isotropic(2, 5), 2)
    point = certify(
        isotropic(2, 5),
        [float(x.p) / float(x.q) for x in a],
        [float(x.p) / float(x.q) for x in b],
    )
    assert not point.minimum
    assert all(x.lower <= y <= x.upper for x, y in zip((*point.a, *point.b), (*a, *b), strict=True))


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 5), (5, 3)])
def test_searches_agree(d: int, n: int) -> None:
    """The local minima that a search finds are among the critical points found by elimination, three each."""
    eliminated = candidates(isotropic(d, n))
    found = local_minima(isotropic(d, n), 2)
    assert len(eliminated) == 6
    assert len(found) == 3
    own = [
        [x for x in eliminated if overlap(x.loss, point.loss) and overlap(x.a0, point.a[0])]
        for point in found
    ]
    assert all(len(matches) == 1 for matches in own)
    assert own[0] == [eliminated[0]]


def overlap(one: Interval, other: Interval) -> bool:
    return bool(one.lower <= other.upper and other.lower <= one.upper)


def test_residual_is_one_at_zero_and_of_its_degree() -> None:
    for layers in range(1, 5):
        r = gdpp.residual([-1] * layers, [1] * (layers - 1))
        assert r[0] == 1
        assert r.degree() == (3**layers - 1) // 2
    assert integral(fmpq_poly([1]), 3, 2) == 3


@pytest.mark.parametrize(
    ("excess", "reason"),
    [
        ([1, 0, 1], None),
        ([-1, 0, -1], "the excess is not positive at 0"),  # negative everywhere: no root says so
        ([0, 0, 1], "the excess is not positive at 0"),  # touches 0 there
        ([1, -2, 1], "the excess has a real root"),  # positive at 0, a double root at 1
        ([1, 0, -1], "the excess has a real root"),
    ],
)
def test_each_condition_on_the_excess(
    monkeypatch: pytest.MonkeyPatch, excess: list[int], reason: str | None
) -> None:
    monkeypatch.setattr(gdpp, "degenerate_layer_excess", lambda *_: fmpq_poly(excess))
    if reason is None:
        gdpp.prove_degenerate_layer_loses(isotropic(5, 20), fmpq(1))
    else:
        with pytest.raises(Refuted, match=f"a bound of 1 at .* does not exclude .*: {reason}"):
            gdpp.prove_degenerate_layer_loses(isotropic(5, 20), fmpq(1))


def test_the_excess_is_that_of_degenerate_residuals() -> None:
    """det G(a) − f̂ det G′(a) is not positive where a residual (1 + as) q(s³) loses f̂, and positive just below the
    least of them: q by the normal equations of ∫ (1 + as)² q(s³)² dμ, solved apart."""
    task, a = isotropic(2, 3), fmpq(-1, 3)
    moments = spectral_moments(26, 2, 3)

    def mean(k: int) -> fmpq:
        return moments[3 * k] + 2 * a * moments[3 * k + 1] + a**2 * moments[3 * k + 2]

    normal = fmpq_mat([[mean(i + j) for j in range(1, 5)] for i in range(1, 5)])
    q = normal.solve(fmpq_mat([[-mean(i)] for i in range(1, 5)])).entries()
    powers = fmpq_poly([1] + [x for c in q for x in (0, 0, c)])
    least = integral((fmpq_poly([1, a]) * powers) ** 2, 2, 3)
    assert gdpp.degenerate_layer_excess(task, least)(a) == 0
    assert gdpp.degenerate_layer_excess(task, least * fmpq(99, 100))(a) > 0
    with pytest.raises(Refuted, match="has a real root"):
        gdpp.prove_degenerate_layer_loses(task, least)


def test_the_most_layers_are_taken() -> None:
    most = gdpp.MOST_LAYERS
    assert gdpp.parameters([1] * most, [2] * (most - 1)) == ([fmpq(1)] * most, [fmpq(2)] * (most - 1))


def test_relaxed_layers_are_the_blocks() -> None:
    A, B = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), torch.tensor([[[5.0, 6.0], [7.0, 8.0]]])
    P, Q = relaxed(A, B)
    assert P.tolist() == [[[5, 6, 0], [7, 8, 0], [0, 0, 1]]]
    assert Q.tolist() == [[[1, 2, 0], [3, 4, 0], [0, 0, 0]]]
    P, _ = relaxed(A, B[:0])
    assert P.tolist() == [[[0, 0, 0], [0, 0, 0], [0, 0, 1]]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gdpp.loss(isotropic(1, 1), [], []), ValueError, "a must hold 1 to 6 numbers, got 0"),
        (lambda: gdpp.loss(isotropic(1, 1), [1] * 7, [1] * 6), ValueError, "a must hold 1 to 6 numbers, got 7"),
        (lambda: gdpp.loss(isotropic(1, 1), [1, 1], []), ValueError, "b must hold 1 numbers, got 0"),
        (lambda: gdpp.loss(isotropic(1, 1), 3, []), TypeError, "a must be a sequence of numbers, got 3"),
        (lambda: gdpp.loss(isotropic(1, 1), [float("nan")], []), ValueError, "must be a finite number, got nan"),
        (lambda: gdpp.loss(isotropic(0, 1), [1], []), ValueError, "dim must be an integer ≥ 1, got 0"),
        (lambda: relaxed(torch.ones(1, 2, 3), torch.ones(1, 2, 2)), ValueError, "A must be a stack of square"),
        (lambda: relaxed(torch.ones(3, 2, 2), torch.ones(1, 2, 2)), ValueError, "B must be 0, 2 or 3"),
        (lambda: candidates(isotropic(0, 1)), ValueError, "dim must be an integer ≥ 1, got 0"),
    ],
)  # fmt: skip
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
