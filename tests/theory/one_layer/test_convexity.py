"""The excess of one layer over its minimum against the distance of its effective preconditioner from the minimizer."""

from __future__ import annotations

from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.one_layer.single_layer import loss, minimum, preconditioner_excess
from tests.shared.strategies import matrices, positive_rationals, rationals, tasks


@given(st.data())
def test_the_excess_bounds_the_distance(data: st.DataObject) -> None:
    """The bound by which trained weights are judged; an equality where only the preconditioner deviates."""
    task = data.draw(tasks({"positive_definite_covariance"}))
    if task.signal + task.noise_variance == 0:
        return
    d = task.dim
    A = data.draw(matrices(d + 1, d))
    b = data.draw(st.lists(rationals, min_size=d + 1, max_size=d + 1))
    assert loss(task, b, A) - minimum(task) >= preconditioner_excess(task, b, A) >= 0
    only = [*A.tolist()[:d], [fmpq(0)] * d]
    e_last = [fmpq(0)] * d + [data.draw(positive_rationals)]
    assert loss(task, e_last, only) - minimum(task) == preconditioner_excess(task, e_last, only)
