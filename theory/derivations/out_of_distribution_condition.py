r"""A step aΣ_0⁻¹ on prompts of another covariance: when the error of a prompt falls, the limit, and the expectation."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.words import Words, eye
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.loops.more_loops import (
    INVERSE_ROOT,
    LOOPS,
    STEP,
    prove_beyond,
    prove_contracting,
    prove_limit,
    prove_rate,
    prove_similar,
)
from icl_claims.theory.transformer.prompts import S

SPECTRAL_THEOREM = (
    "spectral theorem for symmetric matrices (Horn and Johnson, Matrix Analysis, Theorem 4.1.5)"
)
PAIRINGS = "Isserlis (1918), Biometrika 12, 134–139"


class Shifted(NamedTuple):
    """A loop multiplies by ``factor``; the error is at most |1 − aμ|^``exponent`` times a norm, and so in the limit.

    It falls where 0 < aμ < ``threshold``; |1 − m| ≥ ``base`` where |m| ≥ ``beyond``.
    """

    factor: Words
    exponent: sympy.Expr
    threshold: sympy.Expr
    beyond: sympy.Expr
    base: sympy.Expr


STATED = Shifted(
    factor=eye("d") - S @ INVERSE_ROOT @ INVERSE_ROOT * STEP,
    exponent=LOOPS,
    threshold=sympy.Integer(2),
    beyond=sympy.Integer(3),
    base=sympy.Integer(2),
)


def similar(shifted: Shifted) -> None:
    """The factor of a loop in coordinates that whiten Σ_0."""
    prove_similar(shifted.factor, eye("d") - INVERSE_ROOT @ S @ INVERSE_ROOT * STEP)


def rate(shifted: Shifted) -> None:
    """The error along an eigenvector."""
    prove_rate(shifted.exponent)


def threshold(shifted: Shifted) -> None:
    """Where |1 − aμ| < 1."""
    prove_contracting(shifted.threshold)


def limit(shifted: Shifted) -> None:
    """The loss of one loop and of two as n → ∞."""
    prove_limit(shifted.exponent)


def beyond(shifted: Shifted) -> None:
    """Where |1 − m| is at least the base."""
    prove_beyond(shifted.beyond, shifted.base)


DERIVATION = Derivation(
    (
        Lemma(
            r"On a prompt whose context has the second moments $S$: $\operatorname{TF}_T-\langle "
            r"w,x_q\rangle=-w^\top(I-a"
            r"S\Sigma_0^{-1})^Tx_q$.",
            r"$A=a\Sigma_0^{-1}$, $u=0$. No law of the prompt enters.",
            step="claim",
            claim="loop_is_preconditioned_gd",
        ),
        Lemma(
            r"With $S'=\Sigma_0^{-1/2}S\Sigma_0^{-1/2}$: $(I-aS\Sigma_0^{-1})\Sigma_0^{1/2}=\Sigma_0^{1/2}(I-aS')$. So "
            r"$(I-aS\Sigma_0^{-1})^T=\Sigma_0^{1/2}(I-aS')^T\Sigma_0^{-1/2}$.",
            "Multiplied out; then from loop to loop.",
            similar,
            "all d, n, a, Σ_0, every X",
        ),
        Lemma(
            r"With $\rho=\max_j|1-a\mu_j|$ over the eigenvalues of $S'$ the error is at most "
            r"$\rho^T\lVert\Sigma_0^{1/2}w\rVert\lVert\Sigma_0^{-1/2}x_q\rVert$ in size, with equality for some "
            r"$w$ and "
            "$x_q$.",
            r"$(I-aS')^T$ is symmetric with the eigenvalues $(1-a\mu_j)^T$, so $\rho^T$ is its norm, which its "
            "eigenvector attains.",
            rate,
            "one eigenvalue: all T, a, μ",
            step="citation",
            cites=(SPECTRAL_THEOREM,),
        ),
        Lemma(
            r"The error tends to 0 for all $w$ and $x_q$ if and only if $0<a\mu_j<2$ for all $j$.",
            r"By Lemma 3 if and only if $\rho<1$; $1-(1-a\mu)^2=a\mu(2-a\mu)$.",
            threshold,
            "all a, μ",
        ),
        Lemma(
            r"As $n\to\infty$, $S\to\Sigma$, and the loss of $T$ loops tends to $\operatorname{tr}(\Sigma "
            r"G^\top\Omega G)$ "
            r"with $G=(I-a\Sigma\Sigma_0^{-1})^T$. So Lemmas 2 to 4 hold in the limit with $\Sigma$ for $S$: the "
            r"boundary "
            r"is $0<a\mu_j<2$ for the eigenvalues of $\Sigma_0^{-1/2}\Sigma\Sigma_0^{-1/2}$.",
            r"The loss is a sum of means of products of entries of $S=\frac1n\sum_ix_ix_i^\top$. Such a mean is a "
            r"sum over "
            r"pairings of the $x$: one that pairs the two $x_i$ of every factor $S$ gives the product with "
            r"$\Sigma$ for "
            r"$S$, every other one ties the indices $i$ of two factors or more and has a factor $\frac1n$. For "
            r"one and two "
            "loops the limit is read off the loss in words.",
            limit,
            "T ≤ 2; all d, n, Σ, Ω, A",
            step="citation",
            cites=(PAIRINGS,),
        ),
        Lemma(
            r"$|1-m|\ge2$ where $|m|\ge3$.",
            r"$|1-m|\ge|m|-1$.",
            beyond,
            "all m",
        ),
        Lemma(
            r"For every $n$ and $a\ne0$ the loss of $T$ loops is at least "
            r"$4^T\,\lambda_{\min}(\Lambda)\,\lambda_{\min}(C)\,\mathbb "
            r"P\bigl(z^2\ge\frac{3nd}{|a|\operatorname{tr}\Lambda}"
            r"\bigr)$ with $\Lambda=\Sigma_0^{-1/2}\Sigma\Sigma_0^{-1/2}$, $C=\Sigma_0^{1/2}\Omega\Sigma_0^{1/2}$ "
            r"and $z$ "
            r"standard normal. So where $\Sigma,\Omega\succ0$ it tends to infinity with $T$.",
            r"In whitened coordinates it is $\mathbb E\operatorname{tr}(\Lambda RCR)$, $R=(I-aS')^T$, at least "
            r"$\lambda_{\min}(\Lambda)\lambda_{\min}(C)\,\mathbb E\operatorname{tr}R^2$. $S'$ has an eigenvalue "
            r"of at least "
            r"$v^\top S'v\ge\frac1n\langle v,\Sigma_0^{-1/2}x_1\rangle^2=\frac1nv^\top\Lambda v\,z^2$ for any "
            r"unit vector "
            r"$v$, and for an eigenvector of the greatest eigenvalue $v^\top\Lambda "
            r"v\ge\frac1d\operatorname{tr}\Lambda$. "
            r"Where $z^2\ge3nd/(|a|\operatorname{tr}\Lambda)$, $\operatorname{tr}R^2\ge4^T$ by Lemma 6; this has "
            r"positive "
            "probability, and elsewhere the trace is not negative.",
            step="compactness",
        ),
    )
)
"""What Theorem 4.5 of Gatmiry et al. (2024) needs, and what replaces it at finite n."""
