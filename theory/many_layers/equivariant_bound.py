r"""A lower bound on the loss of L sparse layers over *all* matrices A_l, by averaging over rotations.

On the task Ω = Σ⁻¹, σ² = 0, L layers of the sparse parametrization leave, in whitened coordinates, the residual

    G(S) = (I − B_{L−1}S) ⋯ (I − B_0S) = I − H(S)S,     f = E‖G(S)‖_F²,

with any d × d matrices B_l and H a polynomial of degree L − 1 in the entries of S = XXᵀ/n, X standard
normal. The law of S is invariant under S ↦ USUᵀ, U orthogonal, and so is the norm; hence, by Jensen's
inequality for the average over all U,

    f = E ∫ ‖Uᵀ G(USUᵀ) U‖² dU ≥ E‖Ḡ(S)‖²,     Ḡ(S) = ∫ Uᵀ G(USUᵀ) U dU = I − H̄(S)S.

H̄ is a polynomial map of degree ≤ L − 1 with H̄(USUᵀ) = U H̄(S) Uᵀ. Such maps are the combinations
H̄(S) = Σ c_{j,ν} p_ν(S) Sʲ, j + |ν| ≤ L − 1, of powers of S with products p_ν = ∏ tr S^{ν_i} of traces (first
fundamental theorem for the orthogonal group). So f is at least

    min over c of E tr(I − Σ c_{j,ν} p_ν(S) S^{j+1})²,

a linear least-squares problem whose moments E p_ν p_ν′ tr S^k are known exactly. On 𝒮 only c_{j,∅} ≠ 0, and
those are bound by L real roots, which the minimizer has anyway: the bound lies below the minimum on 𝒮 by what
traces of S can add. For L = 1 there are none, and the two agree.

Source: derived here. For the invariant theory: C. Procesi (1976), Adv. Math. 19, 306–381.
"""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.partitions import partitions
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.wishart import trace_moment_list

MOST_LAYERS = 5
"""The largest L: the joint moments are of degree 2L."""


def equivariant_minimum(task: RegressionTask, layers: int) -> fmpq:
    """A number that the loss of no L sparse layers falls below, whatever their matrices; exact.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        layers: L, from 1 to :data:`MOST_LAYERS`.

    Raises:
        TypeError, ValueError: ``task`` is no such task, or ``layers`` no integer of its range.

    >>> equivariant_minimum(RegressionTask.isotropic(2, 5), layers=1)
    3/4
    """
    d, n = whitened_sizes(task)
    count = bounded_integer("layers", layers, MOST_LAYERS)
    basis = [
        (j + 1, parts) for size in range(count) for j in range(size + 1) for parts in partitions(size - j)
    ]
    pairs = [(k + m, *left, *right) for k, left in basis for m, right in basis]
    moments = trace_moment_list([(k, *parts) for k, parts in basis] + pairs, d, n)
    linear, gram = moments[: len(basis)], fmpq_mat(len(basis), len(basis), moments[len(basis) :])
    # For small d traces and powers of S depend on each other: an independent part of the basis spans the same.
    reduced, rank = gram.rref()
    chosen = [next(j for j in range(len(basis)) if reduced[i, j] != 0) for i in range(rank)]
    right = fmpq_mat([[linear[j]] for j in chosen])
    left = fmpq_mat([[gram[i, j] for j in chosen] for i in chosen])
    return d - (right.transpose() * left.solve(right))[0, 0]
