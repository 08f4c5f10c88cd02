"""The hypotheses that several claims share, each stated once: one key, one text.

Named by the key in capitals. A claim whose suite has no instance for one of them replaces
``not_shown`` in its own record (:func:`dataclasses.replace`).
"""

from __future__ import annotations

from icl_claims.claims.claim import Assumption

# The data.
GAUSSIAN_COVARIATES = Assumption(
    "gaussian_covariates", r"$x_1,\dots,x_n,x_q$ are i.i.d. $\mathcal N(0,\Sigma)$."
)
POSITIVE_DEFINITE_COVARIANCE = Assumption("positive_definite_covariance", r"$\Sigma\succ 0$.")
ISOTROPIC_COVARIATES = Assumption("isotropic_covariates", r"$\Sigma=I_d$.")
DIAGONAL_COVARIANCE = Assumption("diagonal_covariance", r"$\Sigma=\operatorname{diag}(\lambda)$.")
INDEPENDENT_TASK = Assumption("independent_task", r"The task $w$ is independent of $x_1,\dots,x_n,x_q$.")
GAUSSIAN_TASK_IDENTITY = Assumption("identity_task", r"$w\sim\mathcal N(0,I_d)$, so $\Omega=I_d$.")
GAUSSIAN_TASK = Assumption(
    "gaussian_task", r"$w\sim\mathcal N(0,\Omega)$, $\varepsilon\sim\mathcal N(0,\sigma^2I)$."
)
WHITENED_TASK = Assumption(
    "whitened_task", r"$w\sim\mathcal N(0,\Sigma^{-1})$, so $\Omega=\Sigma^{-1}$: the problem whitens."
)
NOISELESS_LABELS = Assumption("noiseless_labels", r"$y_i=\langle w,x_i\rangle$ without noise: $\sigma^2=0$.")
NOISY_LABELS = Assumption(
    "noisy_labels", r"$y_i=\langle w,x_i\rangle+\varepsilon_i$ with noise of variance $\sigma^2>0$."
)
LARGE_CONTEXT = Assumption(
    "large_context",
    r"$n$ is large enough relative to $L$, $d$ and the level of the loss that the claim names.",
)
FULL_COLUMN_RANK = Assumption(
    "full_column_rank",
    r"The matrix with the examples as rows has full column rank, so $S\succ 0$.",
)

# The model.
MASKED_QUERY = Assumption(
    "masked_query", r"The query column is never a key or a value: $M=\operatorname{diag}(I_n,0)$."
)
ZERO_QUERY_LABEL = Assumption("zero_query_label", r"The query's label slot of $Z_0$ holds $0$.")
SYMMETRIC_PRECONDITIONERS = Assumption(
    "symmetric_preconditioners", r"The matrices $A_0,\dots,A_{L-1}$ are symmetric."
)
TIED_LAYERS = Assumption("tied_layers", r"The same weights are applied in each of the $L$ loops.")
ZERO_VALUE_ROW = Assumption("zero_value_row", r"$u=0$: the value matrix passes on the labels only.")

# The solvers.
ZERO_INITIAL_WEIGHTS = Assumption("zero_initial_weights", r"The iteration starts from $\hat w_0=0$.")
FIXED_STEP_SIZE = Assumption("fixed_step_size", r"The step size $\eta$ is the same at every step.")

WHITENED_SETTING = (
    GAUSSIAN_COVARIATES,
    POSITIVE_DEFINITE_COVARIANCE,
    INDEPENDENT_TASK,
    WHITENED_TASK,
    NOISELESS_LABELS,
    MASKED_QUERY,
    ZERO_QUERY_LABEL,
)
"""The data and the model of Ahn et al., Theorems 3 and 4, and of Gatmiry et al."""

GENERAL_SETTING = (GAUSSIAN_COVARIATES, INDEPENDENT_TASK, GAUSSIAN_TASK, MASKED_QUERY, ZERO_QUERY_LABEL)
"""The data and the model for one layer on any task: any Σ, Ω and σ²."""
