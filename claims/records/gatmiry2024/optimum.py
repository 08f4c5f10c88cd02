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
    ISOTROPIC_COVARIATES,
    LARGE_CONTEXT,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    TIED_LAYERS,
    WHITENED_TASK,
    ZERO_QUERY_LABEL,
    ZERO_VALUE_ROW,
)
from icl_claims.claims.claim import Assumption, Claim

_NOT_STARTED = "Not started: no evidence has been written yet."

_DATA: tuple[Assumption, ...] = (
    GAUSSIAN_COVARIATES,
    POSITIVE_DEFINITE_COVARIANCE,
    INDEPENDENT_TASK,
    WHITENED_TASK,
    NOISELESS_LABELS,
)

_LOOPED = (
    r"The looped transformer applies one block $L$ times, "
    r"$Z_t=Z_{t-1}-\frac1n PZ_{t-1}M(Z_{t-1}^\top QZ_{t-1})$, with $Q=\operatorname{diag}(A,0)$ and "
    r"$P=\begin{pmatrix}0&0\\u^\top&1\end{pmatrix}$, where $A\in\mathbb R^{d\times d}$ and "
    r"$u\in\mathbb R^d$. "
)
_LOSS = (
    _LOOPED
    + r"Its population loss is $\mathcal L(A,u)=\mathbb E[(\mathrm{TF}_L(Z_0)-\langle w,x_q\rangle)^2]$. "
)
_TRAINED = _LOSS + r"The model is trained with $d=10$ and, unless stated, $\Sigma=I$. "

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="loop_is_preconditioned_gd",
        paper="gatmiry2024",
        location="§3",
        statement=_LOOPED
        + r"With $u=0$, $L$ loops are $L$ steps of gradient descent on the least-squares loss of the "
        r"context, preconditioned by $A$, from $w_0=0$: the residual after $t$ loops is $(I-SA)^t$ applied "
        r"to $w$ (up to transposes).",
        assumptions=(NOISELESS_LABELS, MASKED_QUERY, ZERO_QUERY_LABEL, TIED_LAYERS, ZERO_VALUE_ROW),
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="global_minimizer_looped_u",
        paper="gatmiry2024",
        location="Theorem 3.2",
        statement=_LOSS + r"Every global minimiser $(A_{\mathrm{opt}},u_{\mathrm{opt}})$ of $\mathcal L$ "
        r"has $u_{\mathrm{opt}}=0$: the optimal looped transformer implements exactly $L$ steps of "
        r"preconditioned gradient descent.",
        assumptions=(*_DATA, TIED_LAYERS),
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="global_minimizer_looped",
        paper="gatmiry2024",
        location="Theorem 3.2",
        statement=_LOSS + r"Every global minimiser $(A_{\mathrm{opt}},u_{\mathrm{opt}})$ of $\mathcal L$ "
        r"has $(1-c)\Sigma^{-1}\preccurlyeq A_{\mathrm{opt}}\preccurlyeq(1+c)\Sigma^{-1}$ with "
        r"$c=8\delta d^{1/(2L)}$ and $\delta=\bigl(\frac{8Ld}{\sqrt n}\bigr)^{1/(2L)}$; so "
        r"$A_{\mathrm{opt}}\to\Sigma^{-1}$ as $n\to\infty$.",
        assumptions=(*_DATA, TIED_LAYERS),
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="optimal_loss_vanishes",
        paper="gatmiry2024",
        location="Consequence of Theorem 3.2",
        statement=_LOSS
        + r"The minimal loss $\min_{A,u}\mathcal L(A,u)$ tends to $0$ as $n\to\infty$ for fixed $d$ and $L$.",
        assumptions=_DATA,
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="gradient_dominance",
        paper="gatmiry2024",
        location="Theorem 3.4",
        statement=_LOSS + r"$\lVert\nabla_A\mathcal L(A,0)\rVert_F^2\ge\frac1{16}\mathcal L(A,0)^{(2L-1)/L}$ "
        r"whenever the loss $\mathcal L(A,0)$ is not already tiny ($n$ is large enough relative to $L$ and "
        r"$d$ for the stated level of the loss).",
        assumptions=(*_DATA, LARGE_CONTEXT),
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="gradient_flow_convergence",
        paper="gatmiry2024",
        location="Theorem 3.3",
        statement=_LOSS + r"For $\Sigma=I$, the gradient flow "
        r"$\frac{\mathrm dA}{\mathrm dt}=-\nabla_A\mathcal L(A,0)$ reaches loss at most $\xi$ by time "
        r"$t\ge\bigl(\frac1\xi\bigr)^{(L-1)/(2L-1)}\bigl(\frac{16L}{L-1}\bigr)^{(L-1)/L}$, for $\xi$ above "
        r"the level that $n$ allows, and $A(t)$ is then spectrally close to the global minimiser "
        r"$A_{\mathrm{opt}}$.",
        assumptions=(
            GAUSSIAN_COVARIATES,
            ISOTROPIC_COVARIATES,
            INDEPENDENT_TASK,
            WHITENED_TASK,
            NOISELESS_LABELS,
            LARGE_CONTEXT,
        ),
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="faster_than_polyak_lojasiewicz",
        paper="gatmiry2024",
        location="§1, §3",
        statement=_LOSS + r"The exponent $(2L-1)/L$ of the gradient dominance "
        r"$\lVert\nabla_A\mathcal L(A,0)\rVert_F^2\ge\frac1{16}\mathcal L(A,0)^{(2L-1)/L}$ gives a "
        r"convergence guarantee although the landscape in $A$ is not convex for $L\ge2$.",
        assumptions=(*_DATA, LARGE_CONTEXT),
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="out_of_distribution",
        paper="gatmiry2024",
        location="Theorem 4.5",
        statement=_LOSS
        + r"The minimiser for $\Sigma$, used on prompts of another covariance $\tilde\Sigma$, still runs "
        r"convergent preconditioned gradient descent on them, so its error there is controlled by how far "
        r"$\Sigma^{-1/2}\tilde\Sigma\Sigma^{-1/2}$ is from $I$.",
        assumptions=_DATA,
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="trained_looped_converges",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED + r"Trained looped models reach near-zero loss; more loops $L$ give a lower loss.",
        kind="experiment",
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="looped_matches_unlooped",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED
        + r"The trained model of one layer and $L$ loops roughly matches a trained model of $L$ layers with "
        r"untied weights.",
        kind="experiment",
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="trained_preconditioner_is_scaled_identity",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED
        + r"During training $A(t)$ converges to (a multiple of) the identity, even for $n<d$, which the "
        r"convergence theorem does not cover.",
        kind="experiment",
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
    Claim(
        slug="test_time_loops",
        paper="gatmiry2024",
        location="Experiments",
        statement=_TRAINED
        + r"For models trained with $2$ (or $5$) loops, running an arbitrarily large number of loops at "
        r"test time keeps decreasing the loss, in distribution and out of distribution.",
        kind="experiment",
        reason=_NOT_STARTED,
        provenance="secondary",
    ),
)
