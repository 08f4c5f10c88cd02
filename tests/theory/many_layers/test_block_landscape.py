"""Identities behind the critical points on 𝒮: accepted as they are, and each refusal is reached."""

from __future__ import annotations

from math import comb

import pytest
import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers import block_landscape
from icl_claims.theory.many_layers.block_landscape import (
    logarithmic_derivatives,
    prove_index,
    prove_mixed_derivative,
    prove_ordered_partitions,
    prove_second_derivatives,
)
from icl_claims.theory.many_layers.critical_points import ordered_partitions
from icl_claims.theory.many_layers.step_sizes import gradient, hessian
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize("between", [-1, 2, 0])
def test_another_factor_between_values_is_refused(between: int) -> None:
    prove_mixed_derivative(-2)
    with pytest.raises(Refuted, match="gradient's difference"):
        prove_mixed_derivative(between)


@pytest.mark.parametrize("within", [0, 1])
def test_another_factor_at_equal_steps_is_refused(within: int) -> None:
    prove_second_derivatives(2)
    with pytest.raises(Refuted, match="at equal steps"):
        prove_second_derivatives(within)


def test_other_second_derivatives_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        block_landscape,
        "logarithmic_derivatives",
        lambda *arguments: {
            **logarithmic_derivatives(*arguments),
            "aa": sympy.Integer(0),
            "ab": sympy.Integer(0),
        },
    )
    with pytest.raises(Refuted, match="positive square"):
        prove_second_derivatives(2)
    with pytest.raises(Refuted, match="not 4mk"):
        prove_mixed_derivative(-2)


@pytest.mark.parametrize(
    "steps", [[fmpq(1, 2), fmpq(-1, 3), fmpq(1, 2)], [fmpq(k, 7) for k in (1, 3, 4, 4, 9)]]
)
def test_the_identities_in_the_gradient_and_hessian_of_the_steps(steps: list[fmpq]) -> None:
    slopes, curved = gradient(isotropic(3, 2), steps), hessian(isotropic(3, 2), steps)
    for i in range(len(steps)):
        for j in range(i):
            gap = steps[i] - steps[j]
            if gap:
                assert gap * curved[i, j] == -2 * (slopes[i] - slopes[j])
            else:
                assert curved[i, j] == 2 * curved[i, i]


def test_another_index_is_refused() -> None:
    prove_index(lambda L, k: L - k, 5)
    with pytest.raises(Refuted, match=r"L = 2: the Hessian has another index for blocks of sizes \(1, 1\)"):
        prove_index(lambda L, k: k - 1, 2)
    with pytest.raises(Refuted, match="degenerate"):
        prove_index(lambda L, k: L - k, 2, within=1)


def test_another_number_of_partitions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_ordered_partitions(ordered_partitions, 4)
    with pytest.raises(Refuted, match="L = 2: 2 ordered partitions into 2 blocks, not 1"):
        prove_ordered_partitions(lambda L, k: comb(L - 1, k - 1), 3)
    monkeypatch.setattr(block_landscape, "assignments", lambda sizes: 1)
    with pytest.raises(Refuted, match="the sizes of 2 blocks"):
        prove_ordered_partitions(ordered_partitions, 2)
