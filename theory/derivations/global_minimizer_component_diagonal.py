r"""One layer of linear attention for Σ = diag(λ), Lemma 3 of Ahn et al.: each f_j is minimized by the stated X_j."""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.words import Words, eye, zero
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.components import EXCESS, GRADIENTS
from icl_claims.theory.derivations.global_minimizer import STATED as THEOREM
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.one_layer.products import prove_residual_vanishes, prove_weighted_sum
from icl_claims.theory.one_layer.single_layer import normal_matrix
from icl_claims.theory.transformer.prompts import SIGMA


class Components(NamedTuple):
    """Lemma 3: minus the entry of X_j, in λ = λ_j, T = Σ_k λ_k and n; and the weight of f_j in the loss, in λ_j."""

    eigenvalue: sympy.Expr
    weight: sympy.Expr


STATED = Components(THEOREM.eigenvalue, EIGENVALUE)


def at_covariance(polynomial: sympy.Expr) -> Words:
    """A polynomial in λ, at Σ.

    >>> at_covariance(EIGENVALUE**2) == SIGMA @ SIGMA
    True
    """
    value = zero("d", "d")
    for c in sympy.Poly(polynomial, EIGENVALUE).all_coeffs():
        value = value @ SIGMA + eye("d") * int(c)
    return value


def residual(stated: Components) -> None:
    """Ω − ΓN vanishes in every coordinate."""
    prove_residual_vanishes(
        normal_matrix(),
        covariance=EIGENVALUE,
        preconditioner=stated.eigenvalue,
        trace=TRACE,
        context_length=CONTEXT,
    )


def decomposition(stated: Components) -> None:
    """The loss is the sum of the f_j with these weights."""
    prove_weighted_sum(at_covariance(stated.weight))


DERIVATION = Derivation(
    (
        EXCESS,
        GRADIENTS,
        Lemma(
            r"For $\Sigma=\operatorname{diag}(\lambda)$, $\Omega=I$, $\sigma^2=0$ and $\Gamma$ the diagonal matrix of "
            r"the stated numbers $\gamma_j$: $\Omega-\Gamma N=0$. So $f_j(X_j+\Delta)-f_j(X_j)=\mathbb E\langle "
            r"G,\Delta\rangle^2\ge0$: each $f_j$ is minimized by $X_j=-\gamma_jE_{d+1,j}$.",
            r"The $j$-th entry of $\Omega-\Gamma N$ is $1-\gamma_j\bigl(\frac{n+1}n\lambda_j+\frac1n\sum_k\lambda_k"
            r"\bigr)$, a rational function that is zero. An expected square is not negative.",
            residual,
            "all d, n, λ",
        ),
        Lemma(
            r"$f(b,A)=\mathbb E[\rho\,\Sigma\rho^\top]$ with $\rho_j=\langle G,ba_j^\top\rangle+w_j$, which for "
            r"$\Sigma=\operatorname{diag}(\lambda)$ is $\sum_j\lambda_jf_j(ba_j^\top)$.",
            "The loss of the layer itself and the right side, averaged over prompts, are the same polynomial.",
            decomposition,
            "all d, n, Σ, Ω, σ², b, A",
        ),
    )
)
