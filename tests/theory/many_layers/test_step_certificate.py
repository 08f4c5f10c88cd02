"""The certificate of optimal steps: it accepts the optimum, and each of its conditions refuses by itself."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import step_certificate
from icl_claims.theory.many_layers.step_certificate import (
    LAYERS,
    Optimum,
    prove_different_positive_roots,
    prove_optimal,
    prove_orthogonal,
    prove_recipe,
)
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer.large_context import CONTEXT
from icl_claims.theory.task import isotropic

TASK = isotropic(3, 2)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_optimum_is_accepted(layers: int) -> None:
    best = optimal_steps(TASK, layers)
    prove_optimal(TASK, best.residual, best.loss, layers)


def test_each_condition_refuses() -> None:
    best = optimal_steps(TASK, 2)
    q, loss = best.residual, best.loss
    for residual, value, layers, reason in (
        (q * 2, loss, 2, r"q\(0\) is not 1"),
        (q, loss, 3, "degree of q is not L"),
        (q, loss, 1, "degree of q is not L"),
        (q + fmpq_poly([0, fmpq(1, 100)]), loss, 2, "not orthogonal"),
        (q, loss + fmpq(1, 10**9), 2, "loss is not ∫"),
    ):
        with pytest.raises(Refuted, match=reason):
            prove_optimal(TASK, residual, value, layers)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(0, "the loss is not 1/Σ"), (1, "q is not the kernel polynomial")],
    ids=["the value", "the polynomial"],
)
def test_the_kernel_is_a_route_of_its_own(monkeypatch: pytest.MonkeyPatch, change: int, reason: str) -> None:
    honest = step_certificate.kernel_polynomial

    def other(*arguments: object) -> tuple[fmpq_poly, fmpq]:
        kernel, least = honest(*arguments)  # type: ignore[arg-type]
        return (kernel, least + 1) if change == 0 else (kernel + 1, least)

    monkeypatch.setattr(step_certificate, "kernel_polynomial", other)
    best = optimal_steps(TASK, 2)
    with pytest.raises(Refuted, match=reason):
        prove_optimal(TASK, best.residual, best.loss, 2)


def test_orthogonality_is_that_of_the_stated_measure() -> None:
    q = optimal_steps(TASK, 3).residual
    prove_orthogonal(TASK, q, 3)
    for power in (0, 2):
        with pytest.raises(Refuted, match=f"s\\^{power}"):
            prove_orthogonal(TASK, q, 3, power)


@pytest.mark.parametrize(
    ("roots", "reason"),
    [
        ([1, 1], "double one"),
        ([1, -2], "not positive"),
        ([1, 0], "not positive"),
        ([1, 2, 3], "2 roots"),
    ],
)
def test_roots(roots: list[int], reason: str) -> None:
    polynomial = fmpq_poly([1])
    for root in roots:
        polynomial *= fmpq_poly([-root, 1])
    with pytest.raises(Refuted, match=reason):
        prove_different_positive_roots(polynomial, 2)


def test_roots_that_are_not_real() -> None:
    with pytest.raises(Refuted, match="not real"):
        prove_different_positive_roots(fmpq_poly([1, 0, 1]), 2)


OPTIMUM = Optimum(1, LAYERS, LAYERS, CONTEXT)


@pytest.mark.parametrize(
    ("optimum", "reason"),
    [
        (OPTIMUM._replace(weight_power=0), "orthogonal"),
        (OPTIMUM._replace(degree=LAYERS + 1), "degree of q is not L"),
        (OPTIMUM._replace(last=LAYERS - 1), "loss is not ∫"),
        (OPTIMUM._replace(context=CONTEXT + 1), "orthogonal"),
    ],
)
def test_another_recipe_is_refused(optimum: Optimum, reason: str) -> None:
    prove_recipe(OPTIMUM, [(3, 2, 2)])
    with pytest.raises(Refuted, match=reason):
        prove_recipe(optimum, [(3, 2, 2)])


def test_a_recipe_for_too_few_points_of_support() -> None:
    """S = 1 always: no orthogonal polynomial of degree 2."""
    with pytest.raises(ZeroDivisionError):
        OPTIMUM.at(lambda count, n: [n**k for k in range(count + 1)], 3, 2)


def test_a_recipe_is_tried_at_every_size() -> None:
    """One step for any number of layers: right for one layer alone."""
    one_step = Optimum(1, LAYERS**0, LAYERS**0, CONTEXT)
    prove_recipe(one_step, [(3, 2, 1)])
    with pytest.raises(Refuted, match="L = 2: the degree of q is not L"):
        prove_recipe(one_step, [(3, 2, 1), (3, 2, 2)])
