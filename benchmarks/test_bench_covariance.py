"""Speed of moments with a general covariance, of words with matrices and of the looped loss.

Baselines: the operator on power sums, where near-hooks are used; pairings counted one by one, for words.
"Cold" empties the caches before every call; the others are the second call's time.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.matrix import looped_gradient, looped_loss
from icl_claims.theory.many_layers import matrix_layers
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import covariance, near_hooks, two_sided
from icl_claims.theory.wishart.matrix_words import word_trace_moment

Gate = Callable[..., Any]

D, N = 5, 20
SIGMA = fmpq_mat(D, D, [fmpq(int(i == j) * (2 * i + 3) + 1, 4) for i in range(D) for j in range(D)])
GENERAL = fmpq_mat(D, D, [fmpq((3 * i + 5 * j * j) % 7 - 3, 30) for i in range(D) for j in range(D)])
SYMMETRIC = GENERAL + GENERAL.transpose()
TASK = RegressionTask.whitened(SIGMA, N)


def cold(work: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        near_hooks.coefficients.cache_clear()
        near_hooks._two_rows.cache_clear()
        covariance.trace_moment_polynomial.cache_clear()
        two_sided.two_sided_table.cache_clear()
        matrix_layers.layout.cache_clear()
        return work()

    return run


def test_trace_moment_20_in_power_sums_cold(gate: Gate) -> None:
    moment = gate(
        cold(lambda: covariance.covariance_trace_moment([20])),
        at_most=0.05,
        baseline=lambda: covariance.by_operator((20,)),
    )
    assert len(moment) == 627


def test_matrix_moment_20_in_power_sums_cold(gate: Gate) -> None:
    gate(cold(lambda: covariance.power_moment_polynomial(20)), at_most=0.05)


def test_exact_matrix_moments_to_40(gate: Gate) -> None:
    gate(lambda: covariance.power_moments(40, SIGMA, N), at_most=0.1)


def test_exact_matrix_moments_to_40_cold(gate: Gate) -> None:
    gate(cold(lambda: covariance.power_moments(40, SIGMA, N)), at_most=0.5)


def test_two_sided_moments_to_8(gate: Gate) -> None:
    gate(lambda: two_sided.two_sided_moments(8, GENERAL, SIGMA, N), at_most=0.3)


def test_two_sided_moments_to_8_cold(gate: Gate) -> None:
    gate(cold(lambda: two_sided.two_sided_moments(8, GENERAL, SIGMA, N)), at_most=0.3)


def test_word_of_7_different_matrices(gate: Gate) -> None:
    word = [GENERAL + exact.identity(D) * k for k in range(7)]
    value = gate(lambda: word_trace_moment([word], SIGMA, N), baseline=pairings, at_least=10)
    assert value == word_trace_moment([word[3:] + word[:3]], SIGMA, N)


def pairings() -> None:
    """One step for each of the 13!! pairings of the 14 X in a word of 7, and nothing else."""
    waiting, met = [0], count()
    while waiting:
        used = waiting.pop()
        if used == (1 << 14) - 1:
            next(met)
            continue
        first = next(i for i in range(14) if not used >> i & 1)
        waiting.extend(used | 1 << first | 1 << j for j in range(first + 1, 14) if not used >> j & 1)
    if next(met) != 135135:
        raise ValueError("13!! pairings were not met")


def test_looped_loss_3_general_cold(gate: Gate) -> None:
    gate(cold(lambda: looped_loss(TASK, GENERAL, 3)), at_most=0.1)


def test_looped_loss_4_general_cold(gate: Gate) -> None:
    gate(cold(lambda: looped_loss(TASK, GENERAL, 4)), at_most=2)


def test_looped_loss_6_general(gate: Gate) -> None:
    gate(lambda: looped_loss(TASK, GENERAL, 6), at_most=2)


def test_looped_gradient_4_general(gate: Gate) -> None:
    gate(lambda: looped_gradient(TASK, GENERAL, 4), at_most=2)


def test_looped_loss_8_symmetric_cold(gate: Gate) -> None:
    gate(cold(lambda: looped_loss(TASK, SYMMETRIC, 8)), at_most=2)


def test_layered_gradient_3_general(gate: Gate) -> None:
    layers = [GENERAL, SYMMETRIC, GENERAL.transpose()]
    gate(lambda: matrix_layers.layered_gradient(TASK, layers), at_most=0.1)
