"""One layer by joint eigenvalues, against the same at d × d matrices, and against another route."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.calculators import one_layer
from icl_claims.claims.calculators.tasks import Task
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.looped_loss import layered_gradient, layered_loss
from icl_claims.theory.one_layer import single_layer

weights = st.fractions(0, 5, max_denominator=12).map(lambda x: fmpq(x.numerator, x.denominator))


@given(st.lists(st.tuples(weights, weights), min_size=1, max_size=4), weights, st.integers(1, 9))
def test_eigenvalues_are_those_of_matrices(pairs: list[tuple[fmpq, fmpq]], noise: fmpq, n: int) -> None:
    """And at them the gradient of the loss, averaged word by word, vanishes."""
    sigma, omega = tuple(x for x, _ in pairs), tuple(y for _, y in pairs)
    task = Task(len(pairs), n, sigma, omega, whitened=False, noise=noise)
    if task.signal + noise == 0:
        return
    eigenvalues, least = one_layer.optimum(task)
    gamma = exact.diagonal(eigenvalues)
    assert gamma == single_layer.minimizer(task.regression())
    assert layered_loss(task.regression(), [gamma]) == least
    (gradient,) = layered_gradient(task.regression(), [gamma])
    assert gradient == gradient * 0


@pytest.mark.parametrize("noise", ["0", "1/3"])
def test_the_whitened_optimum_is_that_of_every_covariance(noise: str) -> None:
    sigma = fmpq_mat([[2, 1, 0], [1, 3, 1], [0, 1, 1]])
    task = Task(3, 5, sigma, None, whitened=True, noise=exact.rational("noise", noise))
    step, least = one_layer.whitened_optimum(task)
    assert single_layer.minimizer(task.regression()) == sigma.inv() * step
    assert single_layer.minimum(task.regression()) == least


@given(st.integers(1, 10**18), st.integers(1, 10**18))
def test_sizes_beyond_matrices(d: int, n: int) -> None:
    """a = n/(n + d + 1) and min f = d (d + 1)/(n + d + 1)."""
    step, least = one_layer.whitened_optimum(Task(d, n, None, None, whitened=True, noise=fmpq(0)))
    assert Fraction(int(step.p), int(step.q)) == Fraction(n, n + d + 1)
    assert Fraction(int(least.p), int(least.q)) == Fraction(d * (d + 1), n + d + 1)
