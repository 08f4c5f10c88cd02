r"""One layer with free P and Q: the minimiser and its loss, by joint eigenvalues where Σ and Ω are diagonal.

The polynomials are those of :mod:`icl_claims.theory.one_layer.single_layer`, here at diagonal matrices: a word is
a product of eigenvalues, a trace a sum over the levels of a task, so that no d × d matrix is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from math import prod
from typing import Any

from flint import fmpq, fmpq_mat
from sympy import QQ
from sympy.polys.fields import FracElement

from icl_claims.claims.calculators.tasks import Level, Task, total
from icl_claims.theory.algebra.evaluation import at_task
from icl_claims.theory.algebra.words import FIELD, Word, Words
from icl_claims.theory.one_layer import single_layer


def whitened_optimum(task: Task) -> tuple[fmpq, fmpq]:
    """(a, min f) on a task with Ω = Σ⁻¹: the layer A = a Σ⁻¹ minimises f over all P and Q.

    Neither changes under x ↦ Σ^{-1/2} x, so they are those of Σ = Ω = I.

    >>> whitened_optimum(Task(2, 5, None, None, whitened=True, noise=fmpq(0)))
    (5/8, 3/4)
    """
    isotropic = Task(task.dim, task.context_length, None, None, whitened=True, noise=task.noise)
    (step,), least = _diagonal_optimum(isotropic, [Level(fmpq(1), fmpq(1), task.dim)])
    return step, least


def optimum(task: Task) -> tuple[list[fmpq] | fmpq_mat, fmpq]:
    """(Γ, min f) for any Σ, Ω ⪰ 0 and σ²; of Γ the d eigenvalues in order where Σ and Ω are diagonal.

    >>> optimum(Task(2, 4, (fmpq(2), fmpq(1, 2)), None, whitened=False, noise=fmpq(0)))
    ([8/25, 4/5], 51/50)
    """
    levels = task.levels()
    if levels is None:
        regression = task.regression()
        gamma = single_layer.minimizer(regression)
        return gamma, at_task(single_layer.loss_at_preconditioner(), regression, {"Gamma": gamma})[0, 0]
    eigenvalues, least = _diagonal_optimum(task, levels)
    return [g for g, level in zip(eigenvalues, levels, strict=True) for _ in range(level.multiplicity)], least


def _diagonal_optimum(task: Task, levels: Sequence[Level]) -> tuple[list[fmpq], fmpq]:
    """γ = ω/N level by level, N the eigenvalue of the normal matrix, and the loss there."""
    plain = [{"Sigma": x.covariance, "Omega": x.task_covariance} for x in levels]
    counts = [x.multiplicity for x in levels]
    normal = _entries(single_layer.normal_matrix(), task, plain, counts)
    eigenvalues = [at["Omega"] / x for at, x in zip(plain, normal, strict=True)]
    at_optimum = [{**at, "Gamma": g} for at, g in zip(plain, eigenvalues, strict=True)]
    least = _entries(single_layer.loss_at_preconditioner(), task, at_optimum, counts)[0]
    return eigenvalues, least


def _entries(
    polynomial: Words, task: Task, values: Sequence[Mapping[str, fmpq]], counts: Sequence[int]
) -> list[fmpq]:
    """The diagonal of a polynomial in diagonal matrices, level by level; of a scalar one, the value each time."""

    def product(at: Mapping[str, fmpq], word: Word) -> fmpq:
        return prod((at[x.name] for x in word), start=fmpq(1))

    @cache
    def trace(word: Word) -> fmpq:
        return total([m * product(at, word) for m, at in zip(counts, values, strict=True)])

    @cache
    def number(c: FracElement) -> fmpq:
        sizes = {"n": fmpq(task.context_length), "d": fmpq(task.dim), "sigma2": task.noise}
        point = [QQ(int(x.p), int(x.q)) for x in (sizes[str(x)] for x in FIELD.gens)]
        value: Any = c.numer(*point) / c.denom(*point)
        return fmpq(int(value.numerator), int(value.denominator))

    rows = values[:1] if polynomial.rows == "1" else values
    return [polynomial.evaluate(number, partial(product, at), trace, fmpq(0)) for at in rows]
