r"""One layer of ReLU attention, Theorem 5 of Ahn et al.: why the stated weights minimize the loss over all P and Q.

The first lemmas are those of any task. For Σ = Ω = I and σ² = 0 the stated multiple of I solves ΓN = Ω.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.relu_attention_minimizer_general_task import (
    BILINEAR,
    COINS,
    CONTEXT,
    DIM,
    EXCESS,
    GRADIENT,
)
from icl_claims.theory.one_layer.products import prove_residual_vanishes
from icl_claims.theory.one_layer.single_layer import RELU, normal_matrix


class Theorem(NamedTuple):
    """Theorem 5: Q_0 = −c diag(I, 0), c = ``numerator`` n/(``weight`` (d + ``of_dim``) + n + ``of_context``)."""

    numerator: int
    weight: int
    of_dim: int
    of_context: int

    def scalar(self, n: Any, d: Any) -> Any:
        """c."""
        return self.numerator * n / (self.weight * (d + self.of_dim) + n + self.of_context)


STATED = Theorem(numerator=2, weight=2, of_dim=2, of_context=-1)
"""As the paper writes it: c = 2n/(2(d + 2) + (n − 1))."""


def residual(theorem: Theorem) -> None:
    """Ω − ΓN vanishes for Σ = Ω = I, σ² = 0 and Γ = cI."""
    prove_residual_vanishes(
        normal_matrix(RELU),
        covariance=1,
        preconditioner=sympy.sympify(theorem.scalar(CONTEXT, DIM)),
        trace=DIM,
        context_length=CONTEXT,
    )


DERIVATION = Derivation(
    (
        COINS,
        BILINEAR,
        EXCESS,
        GRADIENT,
        Lemma(
            r"For $\Sigma=\Omega=I$, $\sigma^2=0$ and $\Gamma=cI$ with the stated $c$: $\Omega-\Gamma N=0$. So the "
            "stated weights are a global minimizer, by Lemma 4, the last row of $Q$ zero or not.",
            r"It is $1-c\,\bigl(\frac{n+3}{2n}+\frac dn\bigr)$ times $I$, a rational function that is zero.",
            residual,
            "all d, n",
        ),
    )
)
