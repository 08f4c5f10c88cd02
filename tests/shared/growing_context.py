r"""The loss of equal layers A = aΣ⁻¹ as a polynomial in 1/n, in any setting, from its values at small n."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.task import RegressionTask
from tests.shared.scaled_set import loss
from tests.shared.settings import Setting


def with_context(setting: Setting, context_length: int) -> Setting:
    """The same law of prompts with another number of examples."""
    task = setting.task
    other = RegressionTask(task.covariance, context_length, task.task_covariance, task.noise_variance)
    return replace(setting, task=other)


def in_context(setting: Setting, loops: int, step: fmpq) -> fmpq_poly:
    """f as a polynomial in 1/n of degree 2L, from its values at n = 1, …, 2L + 1, checked at one more n.

    Raises:
        ArithmeticError: the loss at that n is another one.
    """
    return _in_context(with_context(setting, 1), loops, str(step))


@lru_cache(maxsize=500)
def _in_context(setting: Setting, loops: int, step: str) -> fmpq_poly:
    A = setting.task.covariance.inv() * fmpq(*map(int, step.split("/")))
    sizes = range(1, 2 * loops + 3)
    values = [loss(with_context(setting, n), [A] * loops) for n in sizes]
    powers = fmpq_mat([[fmpq(1, n) ** (k - 1) for k in sizes[:-1]] for n in sizes[:-1]])
    found = fmpq_poly(powers.solve(fmpq_mat([[value] for value in values[:-1]])).entries())
    if found(fmpq(1, sizes[-1])) != values[-1]:
        raise ArithmeticError("the loss must be a polynomial in 1/n of degree at most 2L")
    return found
