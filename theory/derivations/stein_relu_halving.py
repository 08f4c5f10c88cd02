r"""Ahn et al. (2023), App. A.4: why a ReLU halves the moments that the proof of Theorem 5 needs.

Of an x and its negative one has a positive score and the other a negative one, of the same size. Averaged over the
two, σ(xᵀv) x is half of (xᵀv) x; and the normal law weighs the two alike.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.one_layer.rectifier import (
    RELU,
    prove_mean_of_a_pair,
    prove_mean_of_score,
    prove_squares_of_a_pair,
)


class Halving(NamedTuple):
    """E[σ(xᵀv) x] = ``share`` v, and σ(α)² + σ(−α)² = ``squares`` α², for the activation σ(s) = ``sigma``."""

    sigma: sympy.Expr
    share: sympy.Rational
    squares: sympy.Rational


STATED = Halving(RELU, share=sympy.Rational(1, 2), squares=sympy.Integer(1))
"""As the paper writes it."""


def pair(stated: Halving) -> None:
    """The mean of σ(s) x over x and −x."""
    prove_mean_of_a_pair(stated.sigma, stated.share)


def mean() -> None:
    """The mean of (xᵀv) x over the normal law."""
    prove_mean_of_score()


def squares(stated: Halving) -> None:
    """The sum of the squares over α and −α."""
    prove_squares_of_a_pair(stated.sigma, stated.squares)


DERIVATION = Derivation(
    (
        Lemma(
            r"For every $x$ and $v$ the mean of $\sigma(x^\top v)x$ over $x$ and $-x$ is $\frac12(x^\top v)x$.",
            r"With $s=x^\top v$ it is $\frac12(\sigma(s)-\sigma(-s))\,x$, and $\sigma(s)-\sigma(-s)=s$ for $s>0$, for "
            "$s<0$ and for $s=0$.",
            pair,
            "all x, v",
        ),
        Lemma(
            r"$\mathbb E[(x^\top v)x]=v$ for $x\sim\mathcal N(0,I_d)$. As $x$ and $-x$ have one law, $\mathbb "
            r"E[\sigma(x^\top v)x]$ is the mean of what Lemma 1 gives, so $\frac12v$.",
            r"$\mathbb E[xx^\top]=I_d$, here by integration by parts.",
            mean,
            "all d, v",
        ),
        Lemma(
            r"$\sigma(\alpha)^2+\sigma(-\alpha)^2=\alpha^2$.",
            r"One of $\sigma(\alpha)$ and $\sigma(-\alpha)$ is $|\alpha|$ and the other is $0$.",
            squares,
            "all α",
        ),
    )
)
