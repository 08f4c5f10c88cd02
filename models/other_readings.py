r"""Weights that are far from the minimum as they are read, and what else they or their task may be.

A file says neither which sign convention its weights follow, nor whether tokens are rows or columns, nor on which Σ
they were trained. Where the loss f as read is *far*, (f − min f)/min f > 1, other readings are tried, and those are
*near* that have (f − min f)/min f < 1/10, f and min f being theirs:

1. of the weights: −Q_l; Q_lᵀ (keys and queries exchanged); P_lᵀ and Q_lᵀ (tokens as rows);
2. of the task: Σ = I; Ω = I, and Ω = Σ⁻¹; Σ̂, the covariance that the weights themselves suggest;
3. where none of these is near: two changes of the weights, or one of the weights and one of the task.

**Σ̂.** On the task Ω = Σ⁻¹ optimal layers are A_l = a_l Σ⁻¹. So the mean Ā of the A_l suggests Σ̂ = a Ā⁻¹, a the mean
of the optimal steps. On the task Ω = I a single optimal layer has the preconditioner Γ with

    Γ⁻¹ = ((n+1)/n) Σ + ((tr Σ + σ²)/n) I,   so that   tr Σ = (n tr Γ⁻¹ − dσ²)/(n + d + 1),

and the weights' own preconditioner in the place of Γ gives Σ̂. The inverse of the symmetric part is taken in float64:
this proposes Σ̂, rounded to 30 bits of its largest entry, and the loss at it is exact. Of a single layer such a Σ̂
proves nothing, as any Ā ≻ 0 is optimal for some Σ; of several layers it does.

With covariate updates only the loss at the nearest A_l = a_l Σ⁻¹, B_l = b_l I is known. It takes the place of f, and
a reading is near only if besides Dist(Ā_l, I) ≤ 1/10 and Dist(B_l, I) ≤ 1/10 in every layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat

from icl_claims.models.comparison import compare_layers, effective_blocks, layer_blocks
from icl_claims.models.weights import ExactWeights, WeightsError
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.definiteness import is_positive_definite
from icl_claims.theory.algebra.semidefinite import SemidefiniteMatrix
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask

FAR, NEAR = fmpq(1), fmpq(1, 10)
"""Relative excess above which weights are far from the minimum, and below which another reading is near it."""

LARGEST_DIMS = (40, 40, 40, 20, 5)
"""The largest d for which other readings of 1, 2, …, 5 layers are tried: some ten seconds at most."""

_SQUARED_DIST = fmpq(1, 100)
_BITS = 30


@dataclass(frozen=True)
class Other:
    """Another reading that is near the minimum.

    Attributes:
        what: the change, in words.
        loss, minimum: f and min f of this reading.
        eigenvalues: of Σ̂ in float64, ascending, where the change is to that; else none.
    """

    what: str
    loss: fmpq
    minimum: fmpq
    eigenvalues: tuple[float, ...] = ()


class Tried(NamedTuple):
    """The readings that are near, and in words all that were tried; nothing was where both are empty."""

    near: tuple[Other, ...] = ()
    words: tuple[str, ...] = ()


def is_far(loss: fmpq, minimum: fmpq) -> bool:
    """Whether the relative excess is above :data:`FAR`.

    >>> is_far(fmpq(2), fmpq(1)), is_far(fmpq(5, 2), fmpq(1)), is_far(fmpq(1), fmpq(0))
    (False, True, False)
    """
    return bool(minimum > 0 and loss - minimum > FAR * minimum)


def other_readings(task: RegressionTask, weights: ExactWeights) -> Tried:
    """The other readings of weights that are far, see the module.

    Args:
        task: the distribution of prompts; of several layers Ω = Σ⁻¹, σ² = 0.
        weights: of the task's d, and such that they compare.
    """
    singles, pairs = _changes(task, weights), _pairs(task, weights)
    words: list[str] = []
    for level in (singles, pairs):
        near = []
        for what, other_task, other_weights, covariance in level:
            words.append(what)
            found = _losses(other_task, other_weights)
            if found is not None and found[0] - found[1] < NEAR * found[1]:
                near.append(Other(what, *found, _eigenvalues(covariance)))
        if near:
            return Tried(tuple(near), tuple(words))
    return Tried((), tuple(words))


Change = tuple[str, RegressionTask, ExactWeights, fmpq_mat | None]


def _changes(task: RegressionTask, weights: ExactWeights) -> Iterator[Change]:
    yield from ((what, task, changed, None) for what, changed in _of_weights(weights))
    yield from ((what, changed, weights, sigma) for what, changed, sigma in _of_task(task, weights))


def _pairs(task: RegressionTask, weights: ExactWeights) -> Iterator[Change]:
    flipped = _flipped(weights)
    for what, changed in _of_weights(weights):
        if changed != flipped:
            yield f"−Q_l, with {what}", task, _flipped(changed), None
        for and_what, other, sigma in _of_task(task, changed):
            yield f"{what} and {and_what}", other, changed, sigma


def _flipped(weights: ExactWeights) -> ExactWeights:
    return ExactWeights(tuple((P, -Q) for P, Q in weights.layers))


def _of_weights(weights: ExactWeights) -> Iterator[tuple[str, ExactWeights]]:
    """The weights changed in one way; transposed only where that is a change."""
    yield "−Q_l in the place of Q_l", _flipped(weights)
    exchanged = ExactWeights(tuple((P, Q.transpose()) for P, Q in weights.layers))
    if exchanged != weights:
        yield "Q_lᵀ in the place of Q_l", exchanged
    transposed = ExactWeights(tuple((P.transpose(), Q.transpose()) for P, Q in weights.layers))
    if transposed not in (weights, exchanged):
        yield "P_lᵀ and Q_lᵀ in the place of P_l and Q_l", transposed


def _of_task(
    task: RegressionTask, weights: ExactWeights
) -> Iterator[tuple[str, RegressionTask, fmpq_mat | None]]:
    """The task changed in one way."""
    d, n, noise = task.dim, task.context_length, task.noise_variance
    one = SemidefiniteMatrix.identity(d)
    if task.covariance_scalar != 1:
        other = (
            RegressionTask.whitened(one, n, noise)
            if task.inverse_covariances
            else RegressionTask(one, n, task.task_covariance, noise)
        )
        yield "Σ = I", other, None
    if weights.depth == 1 and task.task_covariance != one.matrix:
        yield "Ω = I", RegressionTask(task.covariance, n, None, noise), None
    if not task.inverse_covariances and task.has_definite_covariance:
        yield "Ω = Σ⁻¹", RegressionTask.whitened(task.covariance, n, noise), None
    inverse = _inverse(_mean_preconditioner(task, weights))
    if inverse is None:
        return
    if task.inverse_covariances:
        sigma = _rounded(inverse * _mean_step(task, weights.depth))
        if is_positive_definite(sigma):
            yield "Σ̂ and Ω = Σ̂⁻¹", RegressionTask.whitened(sigma, n, noise), sigma
    if weights.depth == 1 and task.task_covariance == one.matrix:
        trace = (n * exact.trace(inverse) - d * noise) / (n + d + 1)
        sigma = _rounded((inverse * n - one.matrix * (trace + noise)) / (n + 1))
        if is_positive_definite(sigma):
            yield "Σ̂ and Ω = I", RegressionTask(sigma, n, None, noise), sigma


def _mean_preconditioner(task: RegressionTask, weights: ExactWeights) -> fmpq_mat:
    if weights.depth == 1:
        blocks = single_layer.weight_blocks(task, *effective_blocks(weights))
        return single_layer.effective_preconditioner(blocks)
    matrices = [A for A, _ in layer_blocks(weights)]
    return sum(matrices[1:], matrices[0]) / len(matrices)


def _mean_step(task: RegressionTask, depth: int) -> fmpq:
    standard = task.in_whitened_coordinates()
    if depth == 1:
        return single_layer.minimizer_eigenvalues(standard)[0]
    steps = [step.lower for step in optimal_steps(standard, depth).steps]
    return sum(steps, fmpq(0)) / depth


def _inverse(m: fmpq_mat) -> fmpq_mat | None:
    """An inverse of the symmetric part in float64, symmetric; None where float64 has none."""
    try:
        rows = np.array([[nearest(x) for x in row] for row in ((m + m.transpose()) / 2).tolist()])
        with np.errstate(all="ignore"):  # What is not finite is seen below.
            found = np.linalg.inv(rows)
    except (OverflowError, np.linalg.LinAlgError):
        return None
    if not np.isfinite(found).all():
        return None
    inverse = validation.matrix("inverse", found)
    return (inverse + inverse.transpose()) / 2


def _rounded(m: fmpq_mat) -> fmpq_mat:
    """To multiples of 2⁻³⁰ times a power of two near the largest entry: short numbers, for the exact loss."""
    largest = max(map(abs, m.entries()))
    unit = fmpq(2) ** (largest.p.bit_length() - largest.q.bit_length() - _BITS)
    return fmpq_mat([[((x / unit) + fmpq(1, 2)).floor() * unit for x in row] for row in m.tolist()])


def _eigenvalues(m: fmpq_mat | None) -> tuple[float, ...]:
    """In float64, for the eye."""
    if m is None:
        return ()
    rows = np.array([[nearest(x) for x in row] for row in m.tolist()])
    return tuple(map(float, np.linalg.eigvalsh(rows)))


def _losses(task: RegressionTask, weights: ExactWeights) -> tuple[fmpq, fmpq] | None:
    """f and min f; None where the weights do not compare, or where no f is known and they are far from 𝒮′."""
    if weights.depth == 1:
        return single_layer.loss(task, *effective_blocks(weights)), single_layer.minimum(task)
    try:
        found = compare_layers(task, weights)
    except WeightsError:
        return None
    if found.loss is not None:
        return found.loss, found.minimum
    dists: list[Any] = [layer.distance for layer in found.layers]
    dists += [layer.factor_distance or fmpq(0) for layer in found.layers]
    if any(dist is None or dist > _SQUARED_DIST for dist in dists):
        return None
    return found.projected_loss, found.minimum
