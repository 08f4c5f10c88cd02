r"""Orthogonal polynomials of a measure given by its moments, in exact arithmetic.

For a positive measure μ on [0, ∞) with moments m_k = ∫ sᵏ dμ and infinitely many points of support, the
monic orthogonal polynomials satisfy

    π_{k+1}(s) = (s − α_k) π_k(s) − β_k π_{k−1}(s),     h_k = ∫ π_k² dμ = β_0 β_1 ⋯ β_k,   β_0 = m_0.

All of it comes out of one fraction-free elimination of the Hankel matrix (m_{i+j}): rational moments of
any size lose nothing, where floats would lose all digits by k = 20.

References:
    [1] G. Szegő, Orthogonal Polynomials, §§2.2, 3.1, 3.3, 3.4.
    [2] W. Gautschi (2004), Orthogonal Polynomials: Computation and Approximation, §§1.3, 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flint import fmpq, fmpq_poly, fmpz, fmpz_mat, fmpz_poly

from icl_claims.theory.algebra import hankel

_LONG = 3000
"""Bits of the moments from which lifting solves a Hankel system faster than elimination."""


def least_square_polynomial(moments: Sequence[fmpz], degree: int) -> tuple[fmpq_poly, fmpq]:
    r"""The polynomial q with q(0) = 1 of degree ≤ L that minimizes ∫ q² dμ, and that minimum.

    **Solution.** Write q = 1 − s r with deg r < L. The minimum exists and is unique, since the Gram matrix
    (m_{i+j+2}) of the functions s, …, s^L is positive definite: ∫ s² r² dμ = 0 forces r = 0, as μ
    has infinitely many points. It is where the gradient vanishes,

        ∫ q(s) s^j · s dμ(s) = 0   for j < L,     an L × L Hankel system in integers.

    So q is the orthogonal polynomial of degree L of the measure s dμ(s) on [0, ∞), scaled to 1 at 0. Its L
    roots are simple and positive [1, Thm 3.3.1]: otherwise let p be the product of (s − z) over its
    k < L places of sign change in (0, ∞); then q p has one sign there and ∫ q p s dμ ≠ 0,
    against orthogonality. In particular its degree is exactly L.

    The minimum is ∫ q² dμ = ∫ q dμ = 1 / Σ_{k≤L} π_k(0)²/h_k [1, §3.4], and also the weight at 0 of the
    (L+1)-point Gauss–Radau rule of μ with a node at 0; its other nodes are the roots of q.

    Args:
        moments: m_0, …, m_{2L} at least, integers.
        degree: L ≥ 0.

    Raises:
        ZeroDivisionError: μ has too few points of support.

    >>> least_square_polynomial([fmpz(1), fmpz(1), fmpz(2)], 1)
    ((-1/2)*x + 1, 1/2)
    """
    if degree == 0:
        return fmpq_poly([1]), fmpq(moments[0])
    entries, right = moments[2 : 2 * degree + 1], moments[1 : degree + 1]
    r, unit = _hankel_solution([fmpz(m) for m in entries], [fmpz(m) for m in right])
    total = sum((c * m for c, m in zip(r, right, strict=True)), fmpz(0))
    return fmpq_poly(fmpz_poly([unit, *(-c for c in r)]), unit), fmpq(moments[0]) - fmpq(total, unit)


def _hankel_solution(entries: Sequence[fmpz], right: Sequence[fmpz]) -> tuple[list[fmpz], fmpz]:
    """y and v with H y = v r, H = (c_{i+j}): by elimination, or by :mod:`icl_claims.theory.algebra.hankel`."""
    size = len(right)
    if entries[-1].bit_length() >= _LONG:
        with suppress(ArithmeticError):  # elimination decides, as for a singular H
            return hankel.solution(entries, right)
    gram = fmpz_mat([[entries[i + j] for j in range(size)] for i in range(size)])
    solved: Any = gram.solve(fmpz_mat([[x] for x in right]))
    y, unit = solved.numer_denom()
    return y.entries(), unit


def recurrence(moments: Sequence[fmpz], size: int) -> tuple[list[fmpq], list[fmpq]]:
    r"""α_0, …, α_{N−1} and β_0, …, β_{N−1}: the Jacobi matrix of the N-point Gauss rule.

    Fraction-free elimination of the N × (N+1) Hankel matrix leaves D_k σ_{k,l} at (k, l), where
    σ_{k,l} = ∫ π_k sˡ dμ and D_k is the leading k × k minor; and

        β_k = σ_{k,k} / σ_{k−1,k−1},    α_k = σ_{k,k+1}/σ_{k,k} − σ_{k−1,k}/σ_{k−1,k−1}    [2, §2.1.7].

    Args:
        moments: m_0, …, m_{2N−1} at least, integers.
        size: N ≥ 1.

    Raises:
        ZeroDivisionError: μ has fewer than N points of support.

    >>> from math import factorial
    >>> recurrence([fmpz(factorial(k)) for k in range(6)], 3)
    ([1, 3, 5], [1, 1, 4])
    """
    hankel = fmpz_mat([[moments[i + j] for j in range(size + 1)] for i in range(size)])
    reduced = hankel.fflu()[3]
    if any(reduced[k, k] == 0 for k in range(size)):
        raise ZeroDivisionError(f"moments must be of a measure with at least {size} points of support")
    minors = [fmpz(1)] + [reduced[k, k] for k in range(size)]
    ratios = [fmpq(reduced[k, k + 1], reduced[k, k]) for k in range(size)]
    alphas = [ratios[0]] + [ratios[k] - ratios[k - 1] for k in range(1, size)]
    betas = [fmpq(minors[1])] + [fmpq(minors[k + 1] * minors[k - 1], minors[k] ** 2) for k in range(1, size)]
    return alphas, betas


def monic(alphas: Sequence[fmpq], betas: Sequence[fmpq]) -> list[fmpq_poly]:
    """π_0, …, π_N from the three-term recurrence.

    >>> monic([fmpq(1), fmpq(3)], [fmpq(1), fmpq(1)])
    [1, x + (-1), x^2 + (-4)*x + 2]
    """
    s, polynomials = fmpq_poly([0, 1]), [fmpq_poly([1])]
    for k, (alpha, beta) in enumerate(zip(alphas, betas, strict=True)):
        behind = polynomials[k - 1] * beta if k else fmpq_poly([])
        polynomials.append((s - alpha) * polynomials[k] - behind)
    return polynomials


def kernel_polynomial(alphas: Sequence[fmpq], betas: Sequence[fmpq]) -> tuple[fmpq_poly, fmpq]:
    r"""K(0, s)/K(0, 0) and 1/K(0, 0) for K(x, y) = Σ_{k<N} π_k(x) π_k(y)/h_k.

    The reproducing kernel of polynomials of degree < N: the other route to
    :func:`least_square_polynomial` at degree N − 1, since q(0) = ∫ q K(0, ·) dμ and Cauchy–Schwarz give
    ∫ q² dμ ≥ q(0)²/K(0, 0), with equality only for multiples of K(0, ·).

    >>> kernel_polynomial([fmpq(1), fmpq(3)], [fmpq(1), fmpq(1)])
    ((-1/2)*x + 1, 1/2)
    """
    total, norm = fmpq_poly([]), fmpq(1)
    for polynomial, beta in zip(monic(alphas, betas), betas, strict=False):
        norm *= beta
        total += polynomial * (polynomial[0] / norm)
    return total / total[0], 1 / total[0]
