r"""Trained weights of several layers beside the optimum on 𝒮 = {A_l = a_l Σ⁻¹}: exact losses and distances.

On the task Ω = Σ⁻¹, σ² = 0 (Ahn et al. (2023) [1], Theorems 3 and 4). Everything is rational in the weights as
stored. With Ā = Σ^{1/2} A Σ^{1/2}, the whitened matrix,

    tr Ā = tr ΣA,   ‖Ā‖_F² = tr ΣAΣAᵀ,   Dist(M, I)² = min_α ‖M − αI‖²/‖M‖² = 1 − (tr M)²/(d ‖M‖²),

no root of Σ is needed. The loss on 𝒮 does not change when layers are exchanged, so the distance to the optimum
a_0 < … < a_{L−1} is the least over all orders,

    min_π Σ_l ‖Ā_l − a_{π(l)} I‖² = Σ_l ‖Ā_l‖² − 2 Σ_l a_l t_l + d Σ_l a_l²,

t_0 ≤ … ≤ t_{L−1} the sorted traces tr Ā_l, by the rearrangement inequality.

[1] Ahn, Cheng, Daneshmand, Sra, arXiv:2306.00297v2, and github.com/chengxiang/LinearTransformer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.equivariant_bound import equivariant_minimum
from icl_claims.theory.many_layers.matrix_layers import MOST_LAYERS, layered_loss
from icl_claims.theory.many_layers.step_sizes import OptimalSteps, optimal_steps
from icl_claims.theory.task import RegressionTask, whitened_sizes

_BITS = 256
"""Relative precision of the optimal steps: the distance keeps half of them even where it is 10⁻³⁰."""


@dataclass(frozen=True)
class Layer:
    """One layer of the sparse or the relaxed parametrization: P = β diag(B, 1), Q = diag(−A, 0)/β.

    Attributes:
        A: the preconditioner, d × d; descent has tr ΣA > 0. (In the relaxed parametrization [1, Eq. (11)] the
            papers write −A for it.)
        B: the covariates' value block, d × d; 0 in the sparse parametrization.
        step: tr Ā/d, the α that is nearest to Ā.
        distance: Dist(Ā, I)², of the whitened matrix; None for A = 0.
        raw_distance: Dist(A, I)²; None for A = 0.
        factor: tr B/d.
        factor_distance: Dist(B, I)²; None for B = 0.
    """

    A: fmpq_mat
    B: fmpq_mat
    step: fmpq
    distance: fmpq | None
    raw_distance: fmpq | None
    factor: fmpq
    factor_distance: fmpq | None


@dataclass(frozen=True)
class LayersComparison:
    """Several layers beside the optimum on 𝒮. Every rational is exact for the weights as stored.

    Attributes:
        layers: as they are in the model, in order.
        loss: f at the weights; None in the relaxed parametrization (B ≠ 0 before the last layer, whose own B moves
            no label), where no exact loss of general matrices is at hand.
        projected_loss: f at the point of 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I} nearest to the weights, a_l and b_l
            being ``step`` and ``factor``.
        minimum: min f on 𝒮, where all B_l = 0.
        lower_bound: no choice of sparse matrices A_l has a loss below it
            (:mod:`icl_claims.theory.many_layers.equivariant_bound`).
        optimum: the steps a_0 < … < a_{L−1}, enclosed to a relative 2⁻²⁵⁶.
        squared_distance: min_π Σ_l ‖Ā_l − a_{π(l)} I‖², at the lower ends of these enclosures.
    """

    layers: tuple[Layer, ...]
    loss: fmpq | None
    projected_loss: fmpq
    minimum: fmpq
    lower_bound: fmpq
    optimum: OptimalSteps
    squared_distance: fmpq

    @property
    def excess(self) -> fmpq | None:
        """f − min f on 𝒮; it may be negative, for 𝒮 is not all weights."""
        return None if self.loss is None else self.loss - self.minimum


def compare_layers(task: RegressionTask, matrices: Sequence[tuple[fmpq_mat, fmpq_mat]]) -> LayersComparison:
    """Where layers with the matrices (A_l, B_l) sit, for 1 ≤ L ≤ MOST_LAYERS of the exact loss.

    Raises:
        TypeError: an entry is no real number.
        ValueError: the task is not Ω = Σ⁻¹, σ² = 0, with Σ ≻ 0; a matrix is not d × d; or there are
            too many layers.

    >>> one, zero = exact.identity(1), exact.identity(1) * 0
    >>> found = compare_layers(RegressionTask.isotropic(1, 1), [(one / 3, zero)])
    >>> found.loss, found.excess, found.layers[0].distance
    (2/3, 0, 0)
    """
    d, _ = whitened_sizes(task)
    depth = len(matrices)
    if not 1 <= depth <= MOST_LAYERS:
        raise ValueError(f"matrices must be of 1 to {MOST_LAYERS} layers, got {depth}")
    layers = [
        _layer(task, validation.matrix(f"A_{index}", A, (d, d)), validation.matrix(f"B_{index}", B, (d, d)))
        for index, (A, B) in enumerate(matrices)
    ]
    best = optimal_steps(task, depth).refined(_BITS)
    steps = [step.lower for step in best.steps]
    pairs = zip(sorted(layer.step for layer in layers), steps, strict=True)
    norms = sum((_inner(task, layer.A) for layer in layers), fmpq(0))
    relaxed = any(layer.B != layer.B * 0 for layer in layers[:-1])
    return LayersComparison(
        layers=tuple(layers),
        loss=None if relaxed else layered_loss(task, [layer.A for layer in layers]),
        projected_loss=gdpp.loss(
            task, [-layer.step for layer in layers], [layer.factor for layer in layers[:-1]]
        ),
        minimum=best.loss,
        lower_bound=equivariant_minimum(task, depth),
        optimum=best,
        squared_distance=norms + sum((d * (a * a - 2 * a * step) for step, a in pairs), fmpq(0)),
    )


def squared_dist(m: fmpq_mat, norm: fmpq | None = None, trace: fmpq | None = None) -> fmpq | None:
    """Dist(M, I)² = 1 − (tr M)²/(d ‖M‖_F²), exactly; None for M = 0.

    >>> squared_dist(exact.diagonal([1, 1, 4]))
    1/3
    """
    square = exact.trace(m * m.transpose()) if norm is None else norm
    total = exact.trace(m) if trace is None else trace
    return None if square == 0 else 1 - total**2 / (m.nrows() * square)


def _layer(task: RegressionTask, A: fmpq_mat, B: fmpq_mat) -> Layer:
    whitened_trace = exact.trace(task.covariance * A)
    return Layer(
        A=A,
        B=B,
        step=whitened_trace / task.dim,
        distance=squared_dist(A, _inner(task, A), whitened_trace),
        raw_distance=squared_dist(A),
        factor=exact.trace(B) / task.dim,
        factor_distance=squared_dist(B),
    )


def _inner(task: RegressionTask, A: fmpq_mat) -> fmpq:
    """‖Ā‖² = tr ΣAΣAᵀ."""
    sigma = task.covariance
    return exact.trace(sigma * A * sigma * A.transpose())
