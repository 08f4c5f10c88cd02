r"""One layer of linear attention for Σ = I, Eq. (7) and Lemma 2 of Ahn et al.: each f_j is minimized by the stated X_j.

The derivative of f_j at X_j vanishes in every direction, so f_j exceeds its value there by an expected square; and
the loss is the sum of the f_j.
"""

from __future__ import annotations

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.components import EXCESS, GRADIENTS, SUM
from icl_claims.theory.one_layer.large_context import CONTEXT
from icl_claims.theory.one_layer.products import prove_residual_vanishes
from icl_claims.theory.one_layer.single_layer import normal_matrix

DIM = sympy.Symbol("d", positive=True)

STATED: sympy.Expr = 1 / ((CONTEXT - 1) / CONTEXT + (DIM + 2) / CONTEXT)
"""The scalar of −Q_0's block, as Eq. (7) writes it."""


def residual(scalar: sympy.Expr) -> None:
    """Ω − ΓN vanishes for Σ = Ω = I, σ² = 0 and Γ the scalar times I."""
    prove_residual_vanishes(
        normal_matrix(), covariance=1, preconditioner=scalar, trace=DIM, context_length=CONTEXT
    )


DERIVATION = Derivation(
    (
        EXCESS,
        GRADIENTS,
        Lemma(
            r"For $\Sigma=\Omega=I$, $\sigma^2=0$ and $\Gamma$ the stated scalar times $I$: $\Omega-\Gamma N=0$. So "
            r"$f_j(X_j+\Delta)-f_j(X_j)=\mathbb E\langle G,\Delta\rangle^2\ge0$: each $f_j$ is minimized by $X_j$, the "
            "scalar times $-E_{d+1,j}$.",
            r"$N=\frac{n+1+d}nI$, and the product with the scalar is $1$ as a rational function of $n$ and $d$.",
            residual,
            "all d, n",
        ),
        SUM,
        Lemma(
            r"At $\Sigma=I$ the stated $P_0$, $Q_0$ minimize $f=\sum_jf_j(ba_j^\top)$ over all $P$ and $Q$.",
            r"Their products $ba_j^\top=e_{d+1}a_j^\top$ are the $X_j$, which minimize every summand; that takes the "
            "scalar of the two lemmas to be one and the same.",
            residual,
            "all d, n",
        ),
    )
)
