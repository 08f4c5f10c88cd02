"""Trained weights beside the theory: which exact matrices they are, and where these sit.

One layer: P and Q in full (:mod:`icl_claims.theory.one_layer.distance`). Several: the sparse or the relaxed
parametrization (:mod:`icl_claims.theory.many_layers.distance`). Every floating-point entry counts as the
rational that it is.
"""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from icl_claims.models.weights import ExactWeights, Weights, WeightsError
from icl_claims.numerics.eigenvalues import least_eigenvalue
from icl_claims.theory.many_layers import distance as many_layers
from icl_claims.theory.many_layers.matrix_layers import MOST_LAYERS
from icl_claims.theory.one_layer import distance as one_layer
from icl_claims.theory.task import RegressionTask


def compare(task: RegressionTask, weights: Weights | ExactWeights) -> one_layer.Distance:
    """Where one layer's weights sit: exact loss, excess, distance from the closed form.

    Raises:
        WeightsError: there are several layers (:func:`compare_layers`), or d differs from the task's.
        ValueError: every label of the task is 0.

    >>> import torch
    >>> from icl_claims.models.parametrizations import sparse
    >>> optimum = Weights(*sparse(torch.full((1, 1, 1), 0.5, dtype=torch.float64)))
    >>> compare(RegressionTask([[1]], 2), optimum).excess
    0
    """
    if weights.depth != 1:
        raise WeightsError(
            f"weights must be of one layer to compare P and Q in full, got {weights.depth} layers"
        )
    _check_dim(task, weights)
    return one_layer.distance(task, *effective_blocks(weights.exact()), least_eigenvalue)


def effective_blocks(weights: ExactWeights) -> tuple[list[fmpq], fmpq_mat]:
    """What a single layer predicts by: the last row of P and the first d columns of Q."""
    (P, Q), *_ = weights.layers
    d = weights.dim
    columns = fmpq_mat([[Q[i, j] for j in range(d)] for i in range(d + 1)])
    return [P[d, j] for j in range(d + 1)], columns


def compare_layers(task: RegressionTask, weights: Weights | ExactWeights) -> many_layers.LayersComparison:
    """Where the weights of L layers sit, for 1 ≤ L ≤ :data:`icl_claims.theory.many_layers.matrix_layers.MOST_LAYERS`.

    Raises:
        WeightsError: d differs from the task's, there are too many layers, or some P or Q is of neither
            parametrization.
        ValueError: the task is not Ω = Σ⁻¹, σ² = 0, with Σ ≻ 0.
    """
    _check_dim(task, weights)
    if weights.depth > MOST_LAYERS:
        raise WeightsError(f"weights must be of at most {MOST_LAYERS} layers, got {weights.depth}")
    return many_layers.compare_layers(task, layer_blocks(weights.exact()))


def _check_dim(task: RegressionTask, weights: Weights | ExactWeights) -> None:
    if weights.dim != task.dim:
        raise WeightsError(f"weights must be of dimension {task.dim}, that of the task, got {weights.dim}")


def layer_blocks(weights: ExactWeights) -> list[tuple[fmpq_mat, fmpq_mat]]:
    """(A_l, B_l) in the gauge β_l = 1. Of the last layer, P's rows above the last have no effect: B = 0.

    Raises:
        WeightsError: some P or Q is of neither parametrization.
    """
    d, found = weights.dim, []
    for index, (P, Q) in enumerate(weights.layers):
        last = index == weights.depth - 1
        beta = P[d, d]
        outside = [P[d, j] for j in range(d)] + [Q[d, j] for j in range(d)] + [Q[i, d] for i in range(d + 1)]
        if not last:
            outside += [P[i, d] for i in range(d)]
        if beta == 0 or any(x != 0 for x in outside):
            raise WeightsError(
                "weights of several layers must be P_l = β_l diag(B_l, 1), Q_l = diag(·, 0)/β_l with β_l ≠ 0, "
                f"got others in layer {index}"
            )
        A = fmpq_mat([[-beta * Q[i, j] for j in range(d)] for i in range(d)])
        B = fmpq_mat([[fmpq(0) if last else P[i, j] / beta for j in range(d)] for i in range(d)])
        found.append((A, B))
    return found
