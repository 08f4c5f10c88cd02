r"""Where the minimizers of the looped loss lie for long contexts, over all matrices A, symmetric or not.

In whitened coordinates let f(A) = E‖(I − SA)^L‖_F² be at most f(I) and let n ≥ 8⁶L⁴d⁴. With B = (A + Aᵀ)/2, every
eigenvalue b of B has |b − 1| ≤ 260 L²d²/√n. The argument compares two contexts X and (I + (σ − 1)vvᵀ)X, v a unit
eigenvector of B, σ² = 1 + 1/√n. With S and S_σ their second moments,

    tr S_σA − tr SA = (σ² − 1) b vᵀSv,      det S_σA = σ² det SA,

and both matrices have eigenvalues 1 − λ_i with Σ|λ_i|² ≤ q = 128 L²d²/n, for some X: then tr − d and log det differ by
at most q. What is used, and checked here:

* f(I) ≤ (2L)^{2L} d (d/n)^L for n ≥ d, and P(Σ|λ_i|^{2L} > 32 f(I)) ≤ 1/32 (Schur, Markov);
* the density of N(0, σ²) over that of N(0, 1) has the second moment (σ²(2 − σ²))^{−1/2}.

Source: derived here, for Gatmiry et al. (2024), Theorem 3.2.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import sympy
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Term, Word, Words, eye, letter, n
from icl_claims.theory.loops.centred_moments import centred_moment, prove_limit
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.many_layers.two_symmetric_layers import S, mean

RADIUS = 260
"""|b − 1| ≤ RADIUS L² d²/√n."""

TAIL = 32
"""T: the event Σ|λ_i|^{2L} ≤ T f(I)."""

SPREAD = 2
"""s: the event |vᵀSv − 1| ≤ s/√n."""

LEAST_CONTEXT = 8**6
"""n ≥ LEAST_CONTEXT L⁴ d⁴."""


class Bound(NamedTuple):
    """(centre − c)Σ⁻¹ ≼ A ≼ (centre + c)Σ⁻¹, c = outer δ d^{1/root}, δ = (inner L d / n^context_power)^{1/root}."""

    centre: fmpq
    outer: int
    inner: int
    context_power: sympy.Expr
    root: sympy.Expr


RECORDED = Bound(fmpq(1), 8, 8, sympy.Rational(1, 2), 2 * LAYERS)


def first_context(loops: int, dim: int) -> int:
    """The n at which the recorded c is 1: 8^{4L+2} L² d⁴. The bound says c < 1 for larger n only.

    >>> first_context(1, 1), first_context(2, 10)
    (262144, 42949672960000)
    """
    return 8 ** (4 * loops + 2) * loops**2 * dim**4


def prove_first_context(bound: Bound, loops: int, dim: int) -> None:
    """c = 1 at n = 8^{4L+2} L² d⁴: c^{2 root} = outer^{2 root} (inner L d²)² / n^{2 context_power}.

    Raises:
        Refuted: it is another number there, or c falls faster with n than √(1/n), which is what is proved of A.

    >>> prove_first_context(RECORDED, 2, 3)
    """
    root = bound.root.subs(LAYERS, loops)
    if bound.context_power / root > sympy.Rational(1, 2):
        raise Refuted("c falls faster with n than what is proved")
    size = sympy.Integer(first_context(loops, dim))
    power = sympy.Integer(bound.outer) ** (2 * root) * (bound.inner * loops * dim**2) ** 2
    if power != size ** (2 * bound.context_power):
        raise Refuted("c is not 1 at the first context")


def prove_centre(bound: Bound, loops: int) -> None:
    """The loss at A = centre Σ⁻¹ tends to 0.

    Raises:
        Refuted: it does not.

    >>> prove_centre(RECORDED, 2)
    """
    prove_limit(bound.centre, fmpq(0), loops)


def prove_moment_at_one(order: int) -> None:
    """g_k = E(z² − 1)^k, z ~ N(0, 1), satisfies g_k = 2(k − 1)(g_{k−1} + g_{k−2}) and g_k ≤ k^k, 2 ≤ k ≤ order.

    The step of the induction is (1 + 1/(k − 1))^{k−1} ≥ 2.

    Raises:
        Refuted: one of them fails.

    >>> prove_moment_at_one(20)
    """
    g = [1, 0]
    for k in range(2, order + 1):
        found = sum(int(c) for c in centred_moment(k).to_dict().values())
        if found != 2 * (k - 1) * (g[-1] + g[-2]):
            raise Refuted("the recursion of E(z² − 1)^k is another one")
        if found > k**k or k ** (k - 1) < 2 * (k - 1) ** (k - 1):
            raise Refuted("E(z² − 1)^k is not at most k^k")
        g.append(found)


def prove_moment_bound(loops: int) -> None:
    """E tr H^{2L} ≤ d (d/n)^L Σ_j c_j(1) for n ≥ d: each coefficient c_j of n^{−j} has degree at most j + 1, and j ≥ L.

    Raises:
        Refuted: a term is larger.

    >>> prove_moment_bound(3)
    """
    for (i, j), c in centred_moment(2 * loops).to_dict().items():
        if c < 0 or i > j + 1 or j < loops:
            raise Refuted("a term of E tr H^{2L} is not below the bound")


def prove_density_ratio() -> None:
    """∫ p_σ²/p = (σ²(2 − σ²))^{−1/2} for p_σ the density of N(0, σ²): the integrand is a multiple of a normal density.

    Its exponent is −(2/σ² − 1)x²/2 and its constant 1/(σ² √(2π)); with σ² = 1 + τ the product is 1 − τ².

    Raises:
        Refuted: it is another number.

    >>> prove_density_ratio()
    """
    x, v, tau = sympy.symbols("x v tau", positive=True)
    exponent = 2 * (-(x**2) / (2 * v)) + x**2 / 2
    precision = -2 * sympy.cancel(exponent / x**2)
    square = sympy.cancel(1 / (v**2 * precision))
    if sympy.cancel(square - 1 / (v * (2 - v))) != 0:
        raise Refuted("the second moment of the density ratio is another one")
    if sympy.expand((v * (2 - v)).subs(v, 1 + tau) - (1 - tau**2)) != 0:
        raise Refuted("σ²(2 − σ²) is not 1 − τ²")


def prove_probabilities() -> None:
    """1/T + √(E ratio² / T) + 2/s² < 1 with E ratio² = (1 − 1/n)^{−n/2} ≤ 2 for n ≥ 2, and Var vᵀSv = 2/n.

    Raises:
        Refuted: one of them fails.

    >>> prove_probabilities()
    """
    # (1 − 1/n)^n increases with n, from 1/4 at n = 2.
    second = fmpq(2)
    if second**2 * (1 - fmpq(1, 2)) ** 2 < 1:
        raise Refuted("the second moment of the density ratio is not at most 2")
    of_second_context = fmpq(1, 4)
    if of_second_context**2 < second / TAIL:
        raise Refuted("the probability of the second context is larger")
    v = letter("v", "d", "1")
    square = mean((v.T @ S @ v) * (v.T @ S @ v))
    if square != (v.T @ v) * (v.T @ v) * (1 + 2 / n):
        raise Refuted("the variance of vᵀSv is not 2/n")
    if fmpq(1, TAIL) + of_second_context + fmpq(2, SPREAD**2) >= 1:
        raise Refuted("the events need not meet")


def prove_scaling() -> None:
    """With P = I + t vvᵀ, |v| = 1, B = b vvᵀ + C, Cv = 0: tr(PSP − S)B = ((1 + t)² − 1) b vᵀSv.

    Raises:
        Refuted: it is another number.

    >>> prove_scaling()
    """
    v, t, b = letter("v", "d", "1"), letter("t", "1", "1"), letter("b", "1", "1")
    T, C = letter("T", "d", "d", symmetric=True), letter("C", "d", "d", symmetric=True)
    P = eye("d") + v @ t @ v.T
    B = v @ b @ v.T + C
    moved = _unit(((P @ T @ P - T) @ B).trace())
    if moved != _unit((t * 2 + t * t) * b * (v.T @ T @ v)):
        raise Refuted("the trace changes by another number")


def _unit(words: Words) -> Words:
    """The polynomial with vᵀv = 1 and Cv = 0."""
    terms: dict[Term, Any] = {}
    for (traces, word), c in words.terms.items():
        if any(_meets(trace) for trace in traces):
            continue
        kept = tuple(trace for trace in traces if [x.name for x in trace] != ["v", "v"])
        key = (kept, word)
        terms[key] = terms.get(key, 0) + c
    return Words(words.rows, words.cols, terms)


def _meets(trace: Word) -> bool:
    """Whether C stands beside v, cyclically."""
    names = [x.name for x in trace]
    return any({a, b} == {"C", "v"} for a, b in pairwise(names)) or ({names[0], names[-1]} == {"C", "v"})


def prove_trace_of_square() -> None:
    """E tr(I − SA)² = tr(I − A)² + (1/n)(tr AAᵀ + (tr A)²), and E(tr SA)² = (tr A)² + (1/n)(tr AAᵀ + tr A²).

    Raises:
        Refuted: one of them is another polynomial.

    >>> prove_trace_of_square()
    """
    A = letter("A", "d", "d")
    R = eye("d") - S @ A
    M = eye("d") - A
    if mean((R @ R).trace()) != (M @ M).trace() + ((A @ A.T).trace() + A.trace() * A.trace()) / n:
        raise Refuted("the mean of tr(I − SA)² is another one")
    trace = (S @ A).trace()
    if mean(trace * trace) != A.trace() * A.trace() + ((A @ A.T).trace() + (A @ A).trace()) / n:
        raise Refuted("the mean of (tr SA)² is another one")


def prove_constants(loops: int) -> None:
    """The numbers of the argument, at τ = 1/√n and L²d²τ ≤ 1/(8³) (n ≥ 8⁶L⁴d⁴), with ℓ = L²d²:

    (2L)² T^{1/L} ≤ 4TL², q = 4TL²d²/n ≤ 1/4, e = 2q/τ + τ/2 ≤ 1 and (e + 2τ)/(1 − 2τ) ≤ 260ℓτ; and for the recorded c:
    8^{4L+2}L² ≥ 8⁶L⁴ and 260 L ≤ 8^{2L+1}.

    Raises:
        Refuted: one of them fails.

    >>> prove_constants(1)
    """
    # The largest ℓτ; τ ≤ ℓτ as ℓ ≥ 1, and every expression below increases with τ and ℓτ.
    tau = fmpq(1, 8**3)
    if tau**2 * LEAST_CONTEXT != 1:
        raise Refuted("the least context is another one")
    if 4 * TAIL * tau**2 > fmpq(1, 4):
        raise Refuted("the eigenvalues need not be at most 1/2")
    slope = fmpq(8 * TAIL) + fmpq(1, 2)  # e ≤ slope · ℓτ.
    if slope * tau > 1:
        raise Refuted("e need not be at most 1")
    if (slope + SPREAD) / (1 - SPREAD * tau) > RADIUS:
        raise Refuted("the radius is too small")
    if first_context(loops, 1) < LEAST_CONTEXT * loops**4:
        raise Refuted("the first context of the recorded bound is below the least one")
    if RADIUS * loops > 8 ** (2 * loops + 1):
        raise Refuted("the radius at the first context is above the recorded c")
