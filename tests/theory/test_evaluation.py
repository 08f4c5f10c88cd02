"""Polynomials in words on the levels of a task, against the same at d × d matrices."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import Words, d, eye, letter, n, one, sigma2
from icl_claims.theory.evaluation import at_levels, at_task
from icl_claims.theory.task import RegressionTask
from tests.shared.strategies import rationals

SIGMA, OMEGA, GAMMA = (letter(name, "d", "d", symmetric=True) for name in ("Sigma", "Omega", "Gamma"))
weights = st.sampled_from([fmpq(0), fmpq(1), fmpq(5, 2)])

POLYNOMIALS = [
    eye("d"),
    eye("d").trace() + one() * sigma2,
    SIGMA @ OMEGA @ GAMMA * (n / (d + 1)) + GAMMA @ GAMMA * (SIGMA @ OMEGA).trace() - eye("d") * sigma2,
    (SIGMA @ SIGMA @ GAMMA).trace() * OMEGA.trace() * ((n + sigma2) / d) + one() * 3,
]


@pytest.mark.parametrize("polynomial", POLYNOMIALS)
@given(pairs=st.lists(st.tuples(weights, weights), min_size=1, max_size=5), noise=weights, data=st.data())
def test_levels_are_those_of_matrices(
    polynomial: Words, pairs: list[tuple[fmpq, fmpq]], noise: fmpq, data: st.DataObject
) -> None:
    task = RegressionTask.diagonal([x for x, _ in pairs], 4, [y for _, y in pairs], noise)
    levels = task.levels() or ()
    gamma = [data.draw(rationals) for _ in levels]
    found = at_levels(polynomial, task, {"Gamma": gamma})
    expanded = [x for x, level in zip(gamma, levels, strict=True) for _ in range(level.multiplicity)]
    expected = at_task(polynomial, task, {"Gamma": exact.diagonal(expanded)})
    if polynomial.is_scalar:
        assert fmpq_mat([found]) == expected
    else:
        entries = zip(found, levels, strict=True)
        assert exact.diagonal([x for x, level in entries for _ in range(level.multiplicity)]) == expected


def test_refusals() -> None:
    with pytest.raises(ValueError, match="task must have diagonal Σ and Ω, got RegressionTask"):
        at_levels(SIGMA, RegressionTask([[2, 1], [1, 1]], 3), {})
    task = RegressionTask.diagonal([1, 2], 3)
    with pytest.raises(ValueError, match="Gamma must have one value for each of 2 levels, got 1"):
        at_levels(GAMMA, task, {"Gamma": [fmpq(1)]})
    with pytest.raises(KeyError, match="Gamma"):
        at_levels(GAMMA, task, {})
