r"""Ahn et al., Theorem 3: on 𝒮 = {A_l = a_l Σ⁻¹} the gradient in all matrix entries comes arbitrarily near 0."""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq

from icl_claims.theory.algebra.words import Words
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.directions import (
    INVERSE,
    prove_gradient_is_that_of_the_steps,
    prove_infimum_of_gradients,
)


class Infimum(NamedTuple):
    """inf Σ_l ‖∇_{A_l} f‖_F² over A_l = a_l · matrix."""

    matrix: Words
    value: fmpq


STATED = Infimum(INVERSE, fmpq(0))


def gradients(stated: Infimum) -> None:
    """At points of the stated set the gradient is a multiple of Σ, by the derivative in the step."""
    prove_gradient_is_that_of_the_steps(stated.matrix)


def infimum(stated: Infimum) -> None:
    """The squared gradient is not below the stated infimum near the best steps."""
    prove_infimum_of_gradients(stated.value, 40)


DERIVATION = Derivation(
    (
        Lemma(
            r"At $A_l=a_l\Sigma^{-1}$: $\nabla_{A_l}f=\frac1d\frac{\partial f}{\partial a_l}\,\Sigma$. So "
            r"$\sum_l\lVert\nabla_{A_l}f\rVert_F^2=\frac{\lVert\Sigma\rVert_F^2}{d^2}\lVert\nabla g\rVert^2$ with "
            r"$g(a)=f(a_0\Sigma^{-1},\dots,a_{L-1}\Sigma^{-1})$ on $\mathbb R^L$.",
            r"The derivative in any direction $R_l$ is that in $r_l\Sigma^{-1}$ with "
            r"$r_l=\frac1d\operatorname{tr}\Sigma R_l$, which is $r_l\,\partial f/\partial a_l$. At numbers it is "
            "compared with the derivatives in all entries.",
            gradients,
            "d ≤ 3, n ≤ 3, L ≤ 3, three Σ",
            step="claim",
            claim="invariant_direction_reduction",
        ),
        Lemma(
            r"$\inf_{\mathbb R^L}\lVert\nabla g\rVert=0$, so the infimum of the theorem is 0.",
            r"$g\ge0$ is continuous, so for every $\varepsilon>0$ the function $g(a)+\varepsilon\sqrt{1+\lVert "
            r"a\rVert^2}$ tends to infinity with $\lVert a\rVert$ and attains its minimum. Its gradient vanishes "
            r"there: $\lVert\nabla g\rVert=\varepsilon\lVert a\rVert/\sqrt{1+\lVert a\rVert^2}<\varepsilon$. Near "
            "the best two steps the gradient is computed.",
            infimum,
            "L = 2, three tasks",
            step="compactness",
        ),
    )
)
"""Ahn et al. (2023), Theorem 3. That the infimum is attained: the claim ``critical_points_attained``."""
