r"""Layers A_l = a_l Σ⁻¹ as steps of gradient descent, in symbolic blocks: the loss is an integral of a square.

In whitened coordinates (Σ = Ω = I, A_l = a_l I), with the query's slot filled with ⟨w, x_q⟩, the label row starts as
wᵀ(X, x_q). One layer takes vᵀ(X, x_q) to ((I − aS)v)ᵀ(X, x_q), S = XXᵀ/n, for every vector v. So after L layers the
query's label is (q(S)w)ᵀx_q with q(s) = ∏_l (1 − a_l s), and its expected square over x_q and w is tr q(S)².

The second half of the module is about the integral alone: μ is the expected spectral measure of S, of moments
∫ sᵏ dμ = E tr Sᵏ.
"""

from __future__ import annotations

from functools import cache

import sympy

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, eye, letter
from icl_claims.theory.transformer.attention import X_QUERY, W, X, layer
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.wishart import trace_moments
from icl_claims.theory.wishart.sizes import in_ring

STEP = letter("a", "1", "1")
"""a, the step of one layer."""

VECTOR = letter("v", "d", "1")
"""v, any vector."""


def prove_layer_contracts(factor: Words) -> None:
    """One layer A = aI takes the label row vᵀ(X, x_q) to (factor · v)ᵀ(X, x_q) and leaves the covariates.

    Args:
        factor: d × d; I − aS where it is true.

    Raises:
        Refuted: the label row is another one, or the covariates change.

    >>> from icl_claims.theory.algebra.words import n
    >>> prove_layer_contracts(eye("d") - X @ X.T * STEP / n)
    """
    state = Blocks([[X, X_QUERY], [VECTOR.T @ X, VECTOR.T @ X_QUERY]])
    after = layer(*sparse(eye("d") * STEP), state)
    if any(after[0, j] != state[0, j] for j in range(2)):
        raise Refuted("the layer changes the covariates")
    moved = (factor @ VECTOR).T
    if after[1, 0] != moved @ X or after[1, 1] != moved @ X_QUERY:
        raise Refuted("the label row after one layer is not that of (I − aS)v")


def prove_mean_square(value: Words) -> None:
    """E((Gw)ᵀx_q)² over w, x_q ~ N(0, I) is ``value``, for every d × d matrix G.

    Raises:
        Refuted: it is another one than tr GGᵀ.

    >>> G = letter("G", "d", "d")
    >>> prove_mean_square((G @ G.T).trace())
    """
    error = (letter("G", "d", "d") @ W).T @ X_QUERY
    if expectation(expectation(error * error, X_QUERY, eye("d")), W, eye("d")) != value:
        raise Refuted("the expected square over query and task is not the trace of GGᵀ")


def prove_polynomial_does_not_vanish(degree: int) -> None:
    """At X = t E_11 an eigenvalue of S is t²/n: only the zero polynomial of this degree vanishes there for all t.

    Raises:
        Refuted: another polynomial does.
    """
    t, size = sympy.symbols("t n", positive=True)
    c = sympy.symbols(f"c0:{degree + 1}")
    at_eigenvalue = sympy.Poly(sum(c[k] * (t**2 / size) ** k for k in range(degree + 1)), t)
    found = sympy.solve(at_eigenvalue.coeffs(), c, dict=True)
    if found != [dict.fromkeys(c, 0)]:
        raise Refuted("a nonzero polynomial vanishes at every t²/n")


@cache
def prove_normal_equations(power: int, layers: int) -> None:
    """For L up to ``layers`` and all d, n: the q that is orthogonal for s^power dμ solves the normal equations.

    These say that ∫ q² dμ is least among q = 1 − s r(s), deg r < L: ∫ q sʲ · s dμ = 0 for j < L. Their Gram matrix
    (m_{i+j+2}) has leading minors with positive coefficients in d − 1 and n − 1, so that they have one solution.

    Raises:
        Refuted: a minor is not shown to be positive, or the orthogonal polynomial of s^power dμ is not the solution.
    """
    d, size, u, v = sympy.symbols("d n u v")
    m = [in_ring(moment, d, size) for moment in trace_moments(2 * layers + max(power, 1))]
    for L in range(1, layers + 1):
        gram = sympy.Matrix(L, L, lambda i, j: m[i + j + 2])
        minor = sympy.Poly(sympy.expand(gram.det().subs({d: u + 1, size: v + 1})), u, v)
        if not all(c > 0 for c in minor.coeffs()):
            raise Refuted(f"L = {L}: the minor has a coefficient that is not positive")
        # q = 1 − s r with r = x/det, x the solution by Cramer's rule of ∫ q sʲ s^power dμ = 0.
        other = sympy.Matrix(L, L, lambda i, j: m[i + j + 1 + power])
        x = other.adjugate() * sympy.Matrix([m[j + power] for j in range(L)])
        for j in range(L):
            defect = m[j + 1] * other.det() - sum(x[i] * m[i + j + 2] for i in range(L))
            if not sympy.Poly(sympy.expand(defect), d, size).is_zero:
                raise Refuted(f"L = {L}: the polynomial orthogonal for s^{power} dμ is not the least")
