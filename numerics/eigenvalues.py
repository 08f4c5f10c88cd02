"""Eigenvalues of rational matrices: proposed in float64, proved exactly."""

from __future__ import annotations

import numpy as np
from flint import fmpq, fmpq_mat

from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.exact import is_diagonal
from icl_claims.theory.algebra.validation import rational
from icl_claims.theory.one_layer.distance import proved_least_eigenvalue

_SHRINK = fmpq(2**20 - 1, 2**20)


def least_eigenvalue(matrix: fmpq_mat) -> fmpq:
    """A rational lower bound on λ_min of a positive semidefinite matrix, at most one part in 2²⁰ below it.

    A float64 eigenvalue proposes it and an exact test proves it, so rounding cannot make it too large. The
    bound is 0 where λ_min is too close to 0 for float64.

    >>> bound = least_eigenvalue(fmpq_mat([[2, 1], [1, 2]]))
    >>> fmpq(999999, 10**6) < bound <= 1
    True
    """
    if is_diagonal(matrix):  # Exactly so, also beyond the range of float64.
        return proved_least_eigenvalue(matrix, fmpq(0))
    rows = np.array([[nearest(x) for x in row] for row in matrix.tolist()])
    proposed = rational("eigenvalue", float(np.linalg.eigvalsh(rows)[0])) * _SHRINK
    return proved_least_eigenvalue(matrix, proposed)
