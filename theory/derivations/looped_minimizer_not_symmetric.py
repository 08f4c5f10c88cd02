r"""Two loops: the best multiple of Σ⁻¹ is a saddle for long contexts, and what the best matrices gain over it."""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.global_minimizer_looped import LOSS
from icl_claims.theory.loops.two_loops import (
    STATED,
    TwoLoops,
    prove_curvature,
    prove_gain,
    prove_limit_of_loss,
    prove_saddle,
)

__all__ = ["DERIVATION", "STATED"]


def curvature(stated: TwoLoops) -> None:
    """The curvature in antisymmetric directions."""
    prove_curvature(stated)


def saddle(stated: TwoLoops) -> None:
    """It is negative at a*."""
    prove_saddle(stated)


def limit_of_loss() -> None:
    """φ."""
    prove_limit_of_loss()


def gain(stated: TwoLoops) -> None:
    """What a pair of eigenvalues gains."""
    prove_gain(stated.gain)


DERIVATION = Derivation(
    (
        LOSS,
        Lemma(
            r"For $K^\top=-K$: $f(aI+K)=f(aI)+q(a)\lVert K\rVert_F^2+O(\lVert K\rVert^4)$ with the stated $q$.",
            r"$f(aI+K)$ is averaged as a polynomial in traces of words in $K$ and $K^\top$; traces of odd "
            r"powers vanish, and $\operatorname{tr}K^2=-\lVert K\rVert_F^2$.",
            curvature,
            "all d, n, a, K",
        ),
        Lemma(
            r"For $d\ge2$ and $n\ge2(d+1)(d+2)$: $q(a^\star)<0$. So $a^\star I$ is a saddle of $f$.",
            r"$f'(\frac n{n+d+3})<0<f'(1)$ puts $a^\star$ between the two, where $q$, convex in $a$, is "
            "negative since it is at both ends. Numerators and denominators have positive coefficients in "
            "$d-2$ and $n-2(d+1)(d+2)$. Along multiples of $I$ $f$ is strictly convex.",
            saddle,
            "all d ≥ 2, n ≥ 2(d+1)(d+2)",
        ),
        Lemma(
            r"With $A'=I-M/\sqrt n$, $M=D+K$: $n^2f(A')\to\varphi(M)=\mathbb "
            r"E\lVert(G-M)^2\rVert_F^2=c_2+(4d+6)\lVert D\rVert^2-2\lVert "
            r"K\rVert^2+2(\operatorname{tr}D)^2+\lVert M^2\rVert^2$, uniformly for bounded $M$.",
            r"$I-SA'=(M-\sqrt nH)/\sqrt n+HM/\sqrt n$ with $H=S-I$; moments of $\sqrt nH$ are polynomials "
            r"in $1/n$ and $\sqrt{1/n}$ that tend to those of $G$. $\varphi$ is averaged for any matrix "
            "$M$.",
            limit_of_loss,
            "φ: all d, M",
            step="compactness",
        ),
        Lemma(
            r"$\min\varphi=c_2(d)-2\lfloor d/2\rfloor$, attained at $D=0$ and $K$ with $\lfloor "
            r"d/2\rfloor$ pairs of eigenvalues $\pm i$.",
            r"At $D=0$ it is $c_2+\operatorname{tr}K^4-2\lVert K\rVert^2$, a sum over pairs. In general "
            r"let $Q=D^2$, $P=KK^\top$: the symmetric part of $M^2$ is $Q-P$, so "
            r"$\varphi-c_2\ge(4d+6)\operatorname{tr}Q-2\operatorname{tr}P+\lVert P-Q\rVert^2\ge\lVert "
            r"P-Q-I\rVert^2-d$. For odd $d$ some unit $v$ has $Pv=0$, and $v^\top(P-Q-I)v\le-1$ makes the "
            "square at least 1.",
            gain,
            "one pair of eigenvalues; the rest is prose",
            step="convexity",
        ),
        Lemma(
            r"$n^2\inf_{A,u}\mathcal L(A,u)\to c_2(d)-2\lfloor d/2\rfloor$ for $L=2$, every $d$.",
            r"At most this by Lemmas 4 and 5. Let $A$ have $\mathcal L(A,u)\le\mathcal L(\Sigma^{-1},0)$: "
            r"by the claim its symmetric part is $I+O(n^{-1/2})$, and $(1-\frac1n)\lVert "
            r"K\rVert^2\le\lVert I-B\rVert^2+\frac1n(\lVert "
            r"B\rVert^2+(\operatorname{tr}B)^2)+O(\frac1n)=O(\frac1n)$ in its Lemma 8. So $M$ stays "
            "bounded, and Lemmas 1, 4 and 5 give the lower bound.",
            step="claim",
            claim="global_minimizer_looped",
        ),
    )
)
"""A proposition of the suite, beside Theorem 3.2 of Gatmiry et al. (2024)."""
