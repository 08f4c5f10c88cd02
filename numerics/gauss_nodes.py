r"""Gauss rules of the expected spectral measure of S: certified nodes and weights, rounded to float64.

The N-point rule of a measure integrates polynomials of degree < 2N exactly, with positive weights:
sums over it have none of the cancellation of sums over moments, which costs 5 digits at L = 5 and 9
at L = 10. Golub and Welsch [1]: its nodes are the eigenvalues of the Jacobi matrix with diagonal α_k and
off-diagonal √β_k, and its weights w_i = 1/Σ_{k<N} π_k(x_i)²/h_k.

α and β are exact (:func:`icl_claims.theory.algebra.orthogonal_polynomials.recurrence`). The float64 eigenvalues
are only a proposal: Newton's method in ball arithmetic improves each, and sign changes of π_N across N disjoint
intervals certify all of them; the weights are evaluated on these intervals.

References:
    [1] G. H. Golub, J. H. Welsch (1969), Calculation of Gauss quadrature rules, Math. Comp. 23, 221–230.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from threading import RLock

import numpy as np
from flint import arb, ctx, fmpq
from scipy.linalg import eigh_tridiagonal

from icl_claims.numerics.balls import Balls, Floats, exactly, rounded
from icl_claims.numerics.rounding import nearest, nearest_root
from icl_claims.theory.algebra.orthogonal_polynomials import recurrence
from icl_claims.theory.algebra.real_roots import dyadic
from icl_claims.theory.algebra.validation import positive_integer
from icl_claims.theory.wishart import trace_moments

_PRECISION = 256
_LARGEST_PRECISION = 16384
_ACCURACY = 110
"""Bits of each weight before rounding: enough that :func:`icl_claims.numerics.balls.rounded` holds."""

_lock = RLock()


@dataclass(frozen=True)
class GaussRule:
    """Nodes and weights: ∫ p dμ = Σ_i w_i p(x_i) for all polynomials p of degree < 2N.

    It is an :class:`icl_claims.theory.many_layers.spectral_loss.Integral`, of float64 with error bounds.

    Args:
        nodes: x_i > 0, ascending along the last axis, of shape (…, N); each a node rounded to float64.
        weights: w_i > 0, of the same shape, likewise.
    """

    nodes: Balls
    weights: Balls

    @property
    def variable(self) -> Balls:
        """s at the nodes: polynomials in s are computed in the ring of their values there."""
        return self.nodes

    @property
    def unit(self) -> Balls:
        """1."""
        return exactly(1.0)

    def __call__(self, values: Balls) -> Balls:
        """∫ p dμ from the values of p at the nodes, over the last axis."""
        return (self.weights * values).sum()

    def weighted(self, values: Balls) -> GaussRule:
        """The rule of p dμ."""
        return GaussRule(self.nodes, self.weights * values)


def spectral_rule(dim: int, context_length: int, size: int, *, shifted: bool = False) -> GaussRule:
    """The N-point Gauss rule of μ, the expected spectral measure of S = XXᵀ/n, of total mass d.

    Args:
        dim, context_length: d, n ≥ 1.
        size: N ≥ 1; degree 2L needs N = L + 1.
        shifted: whether for s dμ(s) instead. Its L nodes are the reciprocals of the optimal steps.

    Raises:
        TypeError, ValueError: an argument is no integer of its range.

    >>> rule = spectral_rule(dim=1, context_length=1, size=2)
    >>> rule.nodes.value.round(9).tolist(), rule.weights.value.round(9).tolist()
    ([0.550510257, 5.449489743], [0.90824829, 0.09175171])
    """
    nodes, weights = _rule(dim, context_length, size, shifted)
    return GaussRule(rounded(nodes), rounded(weights))


def spectral_rules(sizes: Sequence[tuple[int, int]], size: int, *, shifted: bool = False) -> GaussRule:
    """The rules of many (d, n), one below the other: nodes and weights of shape (len(sizes), N).

    Raises:
        TypeError, ValueError: there is no pair, or see :func:`spectral_rule`.

    >>> spectral_rules([(1, 4), (5, 20)], 3).nodes.value.shape
    (2, 3)
    """
    if not sizes:
        raise ValueError("sizes must hold at least one pair (d, n), got none")
    rules = [_rule(dim, context_length, size, shifted) for dim, context_length in sizes]
    nodes, weights = (np.stack(part) for part in zip(*rules, strict=True))
    return GaussRule(rounded(nodes), rounded(weights))


@lru_cache(maxsize=4096)
def _rule(dim: int, context_length: int, size: int, shifted: bool) -> tuple[Floats, Floats]:
    d, n = positive_integer("dim", dim), positive_integer("context_length", context_length)
    count = positive_integer("size", size)
    alphas, betas = recurrence(trace_moments(2 * count - 1 + shifted, d, n)[shifted:], count)
    # From W to S = W/n.
    alphas = [alpha / n for alpha in alphas]
    betas = [betas[0] / n**shifted, *(beta / n**2 for beta in betas[1:])]
    proposed = eigh_tridiagonal(
        np.array([nearest(alpha) for alpha in alphas]),
        np.array([nearest_root(beta) for beta in betas[1:]]),
        eigvals_only=True,
    )
    nodes, weights = _certified(alphas, betas, [arb(float(x)) for x in proposed])
    for part in (nodes, weights):
        part.setflags(write=False)
    return nodes, weights


def _certified(
    alphas: Sequence[fmpq], betas: Sequence[fmpq], proposed: Sequence[arb]
) -> tuple[Floats, Floats]:
    """The nodes near the proposed ones, and their weights, at the first precision that certifies them."""
    precision = _PRECISION
    while precision <= _LARGEST_PRECISION:
        # The working precision is global. Whatever it is, balls enclose; too low a one only fails to certify.
        with _lock, ctx.workprec(precision):
            jacobi = _Jacobi([arb(a) for a in alphas], [arb(b) for b in betas])
            nodes = [jacobi.node_near(x, precision) for x in proposed]
            weights = [jacobi.weight(x) for x in nodes]
            if all(
                [jacobi.has_sign_change(x) for x in nodes]
                + [bool(x < y) for x, y in pairwise(nodes)]
                + [w.rel_accuracy_bits() >= _ACCURACY for w in weights]
            ):
                return (
                    np.array([nearest(dyadic(x.mid())) for x in nodes]),
                    np.array([nearest(dyadic(w.mid())) for w in weights]),
                )
        precision *= 2
    raise ArithmeticError(f"no Gauss rule of {len(alphas)} nodes was certified with {precision // 2} bits")


class _Jacobi:
    """The three-term recurrence in balls of the working precision."""

    def __init__(self, alphas: list[arb], betas: list[arb]) -> None:
        self.alphas, self.betas = alphas, betas

    def polynomials(self, x: arb) -> list[arb]:
        """π_0(x), …, π_N(x)."""
        values = [arb(1), x - self.alphas[0]]
        for alpha, beta in zip(self.alphas[1:], self.betas[1:], strict=True):
            values.append((x - alpha) * values[-1] - beta * values[-2])
        return values

    def slope(self, x: arb, values: list[arb]) -> arb:
        """π_N′(x)."""
        before, now = arb(0), arb(1)
        for alpha, beta, value in zip(self.alphas[1:], self.betas[1:], values[1:], strict=False):
            before, now = now, (x - alpha) * now + value - beta * before
        return now

    def node_near(self, x: arb, precision: int) -> arb:
        """Newton's method from some 40 correct bits; the answer gets a relative radius of 2^{−precision/2}."""
        for _ in range((precision // 40).bit_length()):
            values = self.polynomials(x)
            x = (x - values[-1] / self.slope(x, values)).mid()
        return arb(x, abs(x) * arb(2) ** (-(precision // 2)))

    def has_sign_change(self, x: arb) -> bool:
        """Whether π_N has opposite signs at the two ends of a ball, for certain."""
        middle, radius = x.mid(), x.rad()
        return bool(self.polynomials(middle - radius)[-1] * self.polynomials(middle + radius)[-1] < 0)

    def weight(self, x: arb) -> arb:
        """1/Σ_{k<N} π_k(x)²/h_k."""
        total, norm = arb(0), arb(1)
        for value, beta in zip(self.polynomials(x), self.betas, strict=False):
            norm *= beta
            total += value * value / norm
        return 1 / total
