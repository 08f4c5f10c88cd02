r"""Gatmiry, Saunshi, Reddi, Jegelka, Kumar (2024), arXiv:2410.08292: looped linear transformers.

Setting. One block of linear attention is applied L times with shared weights:

    Z_t = Z_{t-1} - (1/n) P Z_{t-1} M (Z_{t-1}ᵀ Q Z_{t-1}),
    Q = diag(A, 0),  P = [[0, 0], [uᵀ, 1]],

so only A (d×d) and u (in R^d) are trained. The minus sign is the paper's; the layer of the common
notation has a plus. Data: x ~ N(0, Σ), w ~ N(0, Σ⁻¹), no noise. The paper calls the population loss
L(A, u), too; it is written 𝓛(A, u) here, L being the number of loops.

Theorem numbers, constants and exponents come from a secondary reading of the paper: a verdict about a
constant is a verdict about the constant recorded here.
"""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    WHITENED_TASK,
)
from icl_claims.claims.claim import Assumption

DATA: tuple[Assumption, ...] = (
    GAUSSIAN_COVARIATES,
    POSITIVE_DEFINITE_COVARIANCE,
    INDEPENDENT_TASK,
    WHITENED_TASK,
    NOISELESS_LABELS,
)

LOOPED = (
    r"The looped transformer applies one block $L$ times, "
    r"$Z_t=Z_{t-1}-\frac1n PZ_{t-1}M(Z_{t-1}^\top QZ_{t-1})$, with $Q=\operatorname{diag}(A,0)$ and "
    r"$P=\begin{pmatrix}0&0\\u^\top&1\end{pmatrix}$, where $A\in\mathbb R^{d\times d}$ and "
    r"$u\in\mathbb R^d$. "
)

LOSS = (
    LOOPED
    + r"Its population loss is $\mathcal L(A,u)=\mathbb E[(\mathrm{TF}_L(Z_0)-\langle w,x_q\rangle)^2]$. "
)
