r"""What the exponent (2L − 1)/L of gradient dominance guarantees, and why the landscape is not convex."""

from __future__ import annotations

from flint import fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.gradient_dominance_sharp import LIMIT
from icl_claims.theory.derivations.gradient_dominance_sharp import STATED as DOMINANCE
from icl_claims.theory.loops.nilpotent import Guarantee, prove_implied_time, prove_segment
from icl_claims.theory.many_layers.step_certificate import LAYERS

STATED = Guarantee((2 * LAYERS - 1) / LAYERS, LAYERS / (LAYERS - 1), first_loops=2)
"""f ≤ ξ after L/(c(L − 1)) (ξ^{−(L−1)/L} − f(0)^{−(L−1)/L}); not convex for L ≥ 2."""


def implied_time(stated: Guarantee) -> None:
    """The time that follows from the dominance."""
    prove_implied_time(stated, DOMINANCE)


def not_convex(stated: Guarantee) -> None:
    """A segment between two zeros of the limit."""
    for covariance in (exact.identity(2), fmpq_mat([[2, 1, 0], [1, 1, 0], [0, 0, 3]])):
        prove_segment(stated.first_loops, 8, covariance)


DERIVATION = Derivation(
    (
        Lemma(
            r"While $\lVert\nabla f\rVert_F^2\ge c\,f^{(2L-1)/L}$ holds along a gradient flow, "
            r"$\frac{L}{c(L-1)}f^{-(L-1)/L}$ rises at least at the speed 1; for $L=1$, $-\frac1c\log f$ does. So "
            r"$f\le\xi$ after $\frac{L}{c(L-1)}\bigl(\xi^{-(L-1)/L}-f(0)^{-(L-1)/L}\bigr)$, or "
            r"$\frac1c\log\frac{f(0)}\xi$.",
            r"$\frac{df}{dt}=-\lVert\nabla f\rVert_F^2\le-c\,f^p$ with $p=\frac{2L-1}L$, and "
            r"$\frac{d}{dt}f^{1-p}\ge c(p-1)$.",
            implied_time,
            "all L",
        ),
        Lemma(
            "Such a dominance holds in long contexts for every symmetric $A$, and on the multiples of $\\Sigma^{-1}$ "
            "for every $n$, above a level of the loss: there the guarantee is not empty.",
            "This is the corrected theorem.",
            step="claim",
            claim="gradient_dominance_sharp",
        ),
        LIMIT,
        Lemma(
            r"For $L\ge2$, $d\ge2$ and $n$ large enough $\mathcal L(\cdot,0)$ is not convex: at the two $A$ with "
            r"$I-A^\top\Sigma=e_1e_2^\top$ and $e_2e_1^\top$ it tends to $0$, and in their middle to a number above 0.",
            r"$g=\operatorname{tr}(\Sigma K^L\Sigma^{-1}(K^L)^\top)$ with $K=I-A^\top\Sigma$. At the ends $K^2=0$. In "
            r"the middle $K^2=\frac14(e_1e_1^\top+e_2e_2^\top)$, and $K^L$ is $2^{-L}$ times this projection or the "
            "exchange of its two axes: not 0 for any $L$. By Lemma 3 the losses are as near to these as wanted.",
            not_convex,
            "L from 2 to 8, Σ = I at d = 2 and one Σ at d = 3",
            step="induction",
        ),
    )
)
"""Gatmiry et al. (2024), §1 and §3, with d ≥ 2."""
