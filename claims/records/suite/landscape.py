r"""Propositions about the landscape of the sparse loss: all critical points on 𝒮, and two layers globally.

$q_a(s)=\prod_l(1-a_ls)$; $\mu$ is the expected spectral measure of $S$ for standard normal covariates.
"""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    GAUSSIAN_TASK_IDENTITY,
    INDEPENDENT_TASK,
    ISOTROPIC_COVARIATES,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    SYMMETRIC_PRECONDITIONERS,
    WHITENED_TASK,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Claim

_UNMASKED = replace(
    MASKED_QUERY,
    not_shown="Without the mask the query attends to itself and the loss on the set is another polynomial, "
    "whose critical points the suite does not count.",
)

_WHITENED = (
    GAUSSIAN_COVARIATES,
    POSITIVE_DEFINITE_COVARIANCE,
    INDEPENDENT_TASK,
    WHITENED_TASK,
    NOISELESS_LABELS,
    _UNMASKED,
    ZERO_QUERY_LABEL,
)


_NOT_TRIED = {
    POSITIVE_DEFINITE_COVARIANCE.key: "The statement is not defined: without it there is no "
    r"$\Sigma^{-1}$, and neither $\mathcal S$ nor the task is.",
    MASKED_QUERY.key: "Not tried for all sizes: without the mask the query attends to itself and the loss on the "
    "set is another polynomial. At $L=2$ it has as many critical points there for $d=1$, $n\\le3$ and for $d=2$, "
    "$n=1$.",
}

_SPARSE = (
    r"Sparse parametrization, $x\sim\mathcal N(0,\Sigma)$, $w\sim\mathcal N(0,\Sigma^{-1})$, "
    r"$\mathcal S=\{A_l=a_l\Sigma^{-1}\}$. "
)

_NO_SET = replace(
    POSITIVE_DEFINITE_COVARIANCE,
    not_shown=r"Without it there is no $\Sigma^{-1}$, and neither $\mathcal S$ nor the task is defined.",
)
_CURVED = "The best steps on the set are then others, and the curvature there has not been enclosed."

_SHARED = (
    GAUSSIAN_COVARIATES,
    _NO_SET,
    INDEPENDENT_TASK,
    WHITENED_TASK,
    replace(NOISELESS_LABELS, not_shown=_CURVED),
    replace(MASKED_QUERY, not_shown=_CURVED),
    ZERO_QUERY_LABEL,
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="critical_points_attained",
        paper="suite",
        location="settles the footnote of Ahn et al., Theorem 3",
        statement=_SPARSE + r"For all $d,n,L\ge1$ and $\Sigma\succ0$ the infimum $\inf_{\mathcal S}\sum_l"
        r"\lVert\nabla_{A_l}f\rVert_F^2=0$ is attained, so $\mathcal S$ always holds exact critical points of $f$ "
        r"over all matrices. There are finitely many on $\mathcal S$: exactly one for each ordered partition of "
        r"the layers into blocks of equal steps, the step rising from block to block (so $1,3,13,75$ for "
        r"$L=1,2,3,4$). All steps are positive. Along $\mathcal S$ each is nondegenerate, of index $L-k$ for $k$ "
        r"blocks: the $L!$ points with different steps are the minimizers, all others are saddles, the looped "
        r"minimizer among them for $L\ge2$.",
        assumptions=tuple(replace(a, not_shown=_NOT_TRIED.get(a.key)) for a in _WHITENED),
        parts=("attained", "count", "index"),
        derivation="theory.derivations.critical_points_attained",
        rests_on=("query_label_shift", "invariant_direction_reduction", "optimal_steps_global_minimum"),
    ),
    Claim(
        slug="critical_points_local_minimum_two_layers",
        paper="suite",
        location="beyond Ahn et al., Theorem 3, for L = 2",
        statement=_SPARSE
        + r"For $L=2$ and all $d,n\ge1$ the Hessian of $f$ in all $2d^2$ matrix entries is positive definite at "
        r"both minimizers on $\mathcal S$: they are strict local minima of $f$ over all pairs of matrices, symmetric "
        r"or not.",
        assumptions=_SHARED,
        derivation="theory.derivations.critical_points_local_minimum_two_layers",
    ),
    Claim(
        slug="critical_points_local_minimum",
        paper="suite",
        location="beyond Ahn et al., Theorem 3",
        statement=_SPARSE
        + r"For all $d,n,L\ge1$ the Hessian of $f$ in all $Ld^2$ matrix entries is positive definite at each of "
        r"the $L!$ minimizers on $\mathcal S$: they are strict local minima of $f$ over all matrices.",
        assumptions=_SHARED,
    ),
    Claim(
        slug="two_layer_symmetric_minimizer_scalar",
        paper="suite",
        location="sharpens Ahn et al., Theorem 2",
        statement=r"$L=2$, sparse parametrization, $A_0$ and $A_1$ symmetric, $\Sigma=\Omega=I$. For all "
        r"$d,n\ge1$ the global minimizers of $f$ are exactly two: $(aI,bI)$ and $(bI,aI)$, with $a\ne b$ the "
        r"roots of $z^2-ez+p$, $e=\frac{m_1m_4-m_2m_3}{m_2m_4-m_3^2}$, $p=\frac{m_1m_3-m_2^2}{m_2m_4-m_3^2}$, "
        r"$m_k=\mathbb E\operatorname{tr}S^k$: every coordinate takes the same two steps in the same order. The "
        r"minimum is $f^\star=m_0-e\,m_1+p\,m_2$. No other pair in which one matrix is symmetric and the "
        "other any matrix does better or as well.",
        assumptions=(
            ISOTROPIC_COVARIATES,
            GAUSSIAN_COVARIATES,
            INDEPENDENT_TASK,
            GAUSSIAN_TASK_IDENTITY,
            NOISELESS_LABELS,
            MASKED_QUERY,
            ZERO_QUERY_LABEL,
            replace(
                SYMMETRIC_PRECONDITIONERS,
                not_shown="One symmetric matrix of the two is enough, as the statement says. Whether a pair "
                "without any does better is not decided: near the minimizers none does "
                "(`critical_points_local_minimum_two_layers`).",
            ),
        ),
        parts=("minimum", "uniqueness"),
        derivation="theory.derivations.two_layer_symmetric_minimizer_scalar",
    ),
)
