"""Where label and covariate change roles: critical in every eigendirection, and each condition of a strict minimum."""

from __future__ import annotations

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.one_layer.exchanged_roles import (
    Weights,
    derivatives,
    exchanged_critical_point,
    exchanged_weights,
    prove_excess,
    prove_strict_local_minimum,
)
from icl_claims.theory.one_layer.single_layer import loss, minimizer, minimum
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.strategies import rationals

TASK = RegressionTask.diagonal([1, "1/16"], 4)


def predictor(task: RegressionTask) -> Weights:
    columns = [[-x for x in row] for row in minimizer(task).tolist()] + [[fmpq(0)] * task.dim]
    return Weights([fmpq(0)] * task.dim + [fmpq(1)], columns)


@pytest.mark.parametrize("k", range(2))
def test_it_is_critical_in_every_eigendirection(k: int) -> None:
    """And with the eigenvalue of another direction it is not."""
    task = RegressionTask.diagonal([2, 5], 2)
    assert not any(derivatives(task, exchanged_critical_point(task, k))[0])
    wrong = exchanged_weights(2, k, minimizer(task)[1 - k, 1 - k])
    assert any(derivatives(task, wrong)[0])


@settings(max_examples=3)
@given(st.lists(rationals, min_size=9, max_size=9), st.lists(rationals, min_size=9, max_size=9))
def test_derivatives_are_those_along_a_line(start: list[fmpq], direction: list[fmpq]) -> None:
    """Along a line the loss is a quartic, whose derivatives at 0 five values give."""

    def at(t: int) -> fmpq:
        x = [a + t * v for a, v in zip(start, direction, strict=True)]
        return loss(TASK, x[:3], [x[3 + 2 * i : 5 + 2 * i] for i in range(3)])

    gradient, hessian = derivatives(
        TASK, Weights(start[:3], [start[3 + 2 * i : 5 + 2 * i] for i in range(3)])
    )
    f = {t: at(t) for t in range(-2, 3)}
    slope = sum((g * v for g, v in zip(gradient, direction, strict=True)), fmpq(0))
    assert 12 * slope == f[-2] - 8 * f[-1] + 8 * f[1] - f[2]
    rows = zip(direction, hessian.tolist(), strict=True)
    curvature = sum((v * x * w for v, row in rows for x, w in zip(row, direction, strict=True)), fmpq(0))
    assert 12 * curvature == -f[-2] + 16 * f[-1] - 30 * f[0] + 16 * f[1] - f[2]


def test_a_strict_local_minimum() -> None:
    prove_strict_local_minimum(TASK, exchanged_critical_point(TASK, 0))
    prove_strict_local_minimum(TASK, predictor(TASK))
    with pytest.raises(Refuted, match="gradient"):
        prove_strict_local_minimum(TASK, exchanged_weights(2, 0, fmpq(1)))
    for saddle in ((TASK, 1), (isotropic(2, 4), 0)):
        with pytest.raises(Refuted, match="negative eigenvalue"):
            prove_strict_local_minimum(saddle[0], exchanged_critical_point(*saddle))
    singular = RegressionTask.diagonal([1, 0], 4)
    with pytest.raises(Refuted, match="kernel of the Hessian has dimension"):
        prove_strict_local_minimum(singular, predictor(singular))


def test_the_excess() -> None:
    point = exchanged_critical_point(TASK, 0)
    prove_excess(TASK, point, loss(TASK, *point) - minimum(TASK))
    with pytest.raises(Refuted, match="by this number"):
        prove_excess(TASK, point, fmpq(1))
    with pytest.raises(Refuted, match=r"not exceed the minimum$"):
        prove_excess(TASK, predictor(TASK), fmpq(0))
