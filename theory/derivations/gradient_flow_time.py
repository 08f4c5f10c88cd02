r"""The gradient flow of the looped loss from A = 0 at Σ = I: two-sided bounds of the time to a loss, for every n."""

from __future__ import annotations

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.gradient_dominance_sharp import (
    GRADIENT_ON_MULTIPLES,
    NORM_ON_MULTIPLES,
)
from icl_claims.theory.derivations.gradient_dominance_sharp import STATED as DOMINANCE
from icl_claims.theory.loops.dominance import RATIO, prove_on_multiples
from icl_claims.theory.loops.flow import FlowTime, prove_limit_time, prove_slack
from icl_claims.theory.many_layers.step_certificate import LAYERS

STATED = FlowTime(
    exponent=(LAYERS - 1) / LAYERS,
    divisor=4 * LAYERS * (LAYERS - 1),
    slack=((1 + RATIO) / (1 - RATIO)) ** 2,
    radius=1 + RATIO,
)
"""τ(ξ) = ((d/ξ)^{(L−1)/L} − 1)/(4L(L − 1)) ≤ t(ξ) ≤ ((1 + κ)/(1 − κ))² τ(ξ), |a − a*| ≤ (1 + κ)(ξ/d)^{1/(2L)}."""


def slope_on_multiples() -> None:
    """The squared gradient by φ'², and its least value."""
    prove_on_multiples(DOMINANCE)


def limit_time(stated: FlowTime) -> None:
    """τ rises with the speed 1 along the fastest flow."""
    prove_limit_time(stated)


def slack(stated: FlowTime) -> None:
    """What the least speed and two distances from 1 give."""
    prove_slack(stated)


DERIVATION = Derivation(
    (
        GRADIENT_ON_MULTIPLES,
        NORM_ON_MULTIPLES,
        Lemma(
            r"At $A=aI$: $\lVert\nabla_A\mathcal L\rVert_F^2=4L^2d\,\varphi'(a)^2\varphi(a)^{4L-2}$, and "
            r"$|\varphi'(a)|\ge\frac{1-\kappa}{1+\kappa}$ with $\kappa=\varphi(a^\star)/\varphi(a)$.",
            r"$f=d\varphi^{2L}$ in Lemma 1. By convexity $|\varphi'(a)|\,|a-a^\star|\ge\varphi(a)-\varphi(a^\star)$, "
            r"and $|a-a^\star|\le|1-a|+|1-a^\star|\le\varphi(a)+\varphi(a^\star)$.",
            slope_on_multiples,
            "all L, φ, κ",
        ),
        Lemma(
            r"The flow from $A=0$ is $A(t)=a(t)I$ with $a'=-f'(a)/d$; $a$ rises from $0$ to $a^\star$, the minimizer "
            r"of $f$. Along it $\frac{d\varphi}{dt}=-2L\varphi'(a)^2\varphi^{2L-1}$.",
            r"By Lemma 1 the gradient is tangent to the multiples of $I$, so the solution of the scalar equation "
            r"solves the flow, and the flow from a point is unique. $f$ is convex with $f'(0)=-2Ld<0$, and "
            r"$f'=2Ld\varphi^{2L-1}\varphi'$.",
            step="convexity",
        ),
        Lemma(
            r"$\tau(\xi)=\frac{(d/\xi)^{(L-1)/L}-1}{4L(L-1)}$, $\frac14\log\frac d\xi$ for $L=1$, is the time in which "
            r"$\varphi$ falls from $1$ to $(\xi/d)^{1/(2L)}$ by $\frac{d\varphi}{dt}=-2L\varphi^{2L-1}$. So the flow "
            r"needs at least $\tau(\xi)$ to the loss $\xi$, for every $n$.",
            r"Along this equation $\tau$ rises at the speed 1. By Lemmas 2 and 4 $\varphi'^2\le1$, so $\tau$ rises at "
            "most as fast along the flow.",
            limit_time,
            "all L, φ",
        ),
        Lemma(
            r"For $\xi>f^\star$ and $\kappa=(f^\star/\xi)^{1/(2L)}$ the flow needs at most "
            r"$\bigl(\frac{1+\kappa}{1-\kappa}\bigr)^2\tau(\xi)$, and $|a-a^\star|\le(1+\kappa)(\xi/d)^{1/(2L)}$ "
            r"from there on. As $n\to\infty$, $\kappa\to0$.",
            r"Before the loss is $\xi$, $\varphi^\star/\varphi\le\kappa$, so $\tau$ rises at least at the speed "
            r"$\bigl(\frac{1-\kappa}{1+\kappa}\bigr)^2$ by Lemma 3. $|a-a^\star|\le|1-a|+|1-a^\star|\le\varphi+"
            r"\varphi^\star$ by Lemma 2, and $\varphi$ falls. $f^\star\le f(1)\to0$.",
            slack,
            "all κ",
        ),
    )
)
"""A proposition of the suite: the time of Theorem 3.3 of Gatmiry et al. (2024)."""
