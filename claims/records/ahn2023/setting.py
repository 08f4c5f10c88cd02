r"""Ahn, Cheng, Daneshmand, Sra (2023), arXiv:2306.00297v2: preconditioned gradient descent in context.

Setting. Single layer: all entries of P_0, Q_0 are free. Several layers, *sparse* parametrization (their
Eq. (8)): P_l = diag(0, 1), Q_l = −diag(A_l, 0), A_l any d×d matrix; *relaxed* parametrization (their
Eq. (11)): P_l = diag(B_l, 1), Q_l = diag(A_l, 0), where A_l carries its own sign.
"""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    GAUSSIAN_TASK_IDENTITY,
    INDEPENDENT_TASK,
    MASKED_QUERY,
    NOISELESS_LABELS,
    ZERO_QUERY_LABEL,
)

IDENTITY_TASK = (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    GAUSSIAN_TASK_IDENTITY,
    NOISELESS_LABELS,
    MASKED_QUERY,
    ZERO_QUERY_LABEL,
)
