r"""The exact variance of losses estimated from prompts, by Pfaffians.

From one prompt the loss f = E e², e = wᵀ R x_q with R = ∏_l (I − a_l S), has two unbiased estimators:
the squared error e², and v = tr R² = E[e² | X], which leaves out the randomness of w and x_q. Both are
heavy-tailed, so a sample's own standard error is of little worth; these variances are exact:

    Var v = E (tr R²)² − f²,     Var e² = 3 E (tr R²)² + 6 E tr R⁴ − f²,

the second since E[e⁴ | X] = 3 E|R x_q|⁴ = 3 ((tr R²)² + 2 tr R⁴).

v is a linear statistic tr g(W), g a polynomial. Its second moment has two routes.

**Integration by parts**: Σ g_i g_j E tr Wⁱ tr Wʲ, over partitions (:mod:`icl_claims.theory.wishart.partitions`): it
does not matter how large d and n are, but the states multiply with the degree.

**Pfaffians**: cost polynomial in N = min(d, n) and in the degree. The N nonzero eigenvalues of W have a
density proportional to ∏ ω(x_i) ∏_{i<j} |x_i − x_j|, ω(x) = x^α e^{−x/2}, 2α = |n − d| − 1. By de
Bruijn [1], for any N functions φ_j that span ω · (polynomials of degree < N),

    E ∏_i (1 + t g(x_i)) = Pf M(t) / Pf M(0),     M(t) = A + tB + t²C,

    A_{jk} = ⟨φ_j, φ_k⟩,   B_{jk} = ⟨gφ_j, φ_k⟩ + ⟨φ_j, gφ_k⟩,   C_{jk} = ⟨gφ_j, gφ_k⟩,
    ⟨φ, ψ⟩ = ∫∫ sgn(y − x) φ(x) ψ(y) dx dy;

for odd N all three are bordered by integrals: ∫ φ_j in A, ∫ gφ_j in B, 0 in C. As log Pf M = ½ tr log M,
comparing powers of t gives

    E tr g = ½ tr A⁻¹B,     Var tr g = E tr g² + tr A⁻¹C − ½ tr (A⁻¹B)².

Two choices make it exact and fast. Integration by parts, ∫ sgn(y − x) u′(x) dx = 2u(y), turns the integrals
I(a, b) = ⟨x^a ω, x^b ω⟩ into integers, up to one common factor Γ(2α + 2) that cancels:

    I(a, b) = (2α + 2a) I(a−1, b) − 4 Γ(2α + a + b + 1),    I(a, b) = −I(b, a).

And in the basis φ = ω, f_k = 2 (p_k x ω)′, k = 0, …, N − 2, with p_k = k! L_k^{(2α+1)} the Laguerre
polynomials of weight x^{2α+1} e^{−x}, A is tridiagonal: ⟨f_{k−1}, f_k⟩ = −4 h_k, h_k = k! Γ(2α + 2 + k),
⟨φ, f_0⟩ = −4 h_0, the other pairs vanish by orthogonality; and ∫ f_k = 0. So A⁻¹ is explicit.

References:
    [1] N. G. de Bruijn (1955), On some multiple integrals involving determinants, J. Indian Math. Soc. 19.
    [2] M. L. Mehta (2004), Random Matrices, 3rd ed., chapters 5 and 7: skew-orthogonal polynomials.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import comb
from operator import mul
from typing import Any, NamedTuple

from flint import fmpq, fmpq_poly, fmpz_mat, fmpz_poly

from icl_claims.theory.algebra.polynomials import inner_product
from icl_claims.theory.algebra.validation import positive_integer, rational
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.many_layers.step_sizes import residual
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.wishart import trace_moment_list, trace_moments
from icl_claims.theory.wishart.partitions import LARGEST_DEGREE

LARGEST_BY_PFAFFIANS = 160
"""The largest min(d, n) + degree of g for Pfaffians: up to ten seconds where the steps have 64 bits."""

LARGEST_BY_PARTS = LARGEST_DEGREE // 2
"""The largest degree of g for integration by parts: a quarter of a second."""


class Spread(NamedTuple):
    """What one prompt says of a loss.

    Attributes:
        loss: f, the mean of both estimators.
        loss_variance: Var v, of the loss with w and x_q averaged out.
        squared_error_variance: Var e².
    """

    loss: fmpq
    loss_variance: fmpq
    squared_error_variance: fmpq

    def prompts(self, relative_error: Any) -> int:
        """The least number of prompts whose mean of v has a relative standard error of at most ε: ⌈Var v/(ε f)²⌉.

        At least 1.

        Raises:
            TypeError, ValueError: ε is no number > 0.
        """
        error = rational("relative_error", relative_error)
        if error <= 0:
            raise ValueError(f"relative_error must be > 0, got {error}")
        return max(1, int((self.loss_variance / (error * self.loss) ** 2).ceil()))


def spread(task: RegressionTask, steps: Sequence[Any]) -> Spread:
    """f, Var v and Var e² = 3 Var v + 2 f² + 6 ∫ q⁴ dμ, exactly, for q(s) = ∏_l (1 − a_l s).

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        steps: see :func:`icl_claims.theory.many_layers.step_sizes.residual`.

    Raises:
        TypeError, ValueError: an argument is not of its type or range, or sizes and degree are beyond both
            routes: min(d, n) + 2L > :data:`LARGEST_BY_PFAFFIANS` and 2L > :data:`LARGEST_BY_PARTS`.

    >>> spread(RegressionTask.isotropic(2, 5), ["5/8"])[:2]
    (3/4, 25/128)
    """
    d, n = whitened_sizes(task)
    q = residual(steps)
    square = q * q
    loss, fourth = integral(square, d, n), integral(square * square, d, n)
    variance = _variance_of_trace(square, d, n)
    return Spread(loss, variance, 3 * variance + 2 * loss**2 + 6 * fourth)


def loss_variance(task: RegressionTask, steps: Sequence[Any]) -> fmpq:
    """Var tr ∏_l (I − a_l S)², exactly: of the loss of one prompt with w and x_q averaged out.

    Arguments, errors: see :func:`spread`.

    >>> loss_variance(RegressionTask.isotropic(2, 5), ["5/8"])
    25/128
    """
    return spread(task, steps).loss_variance


def squared_error_variance(task: RegressionTask, steps: Sequence[Any]) -> fmpq:
    """Var e², exactly: of the squared error of one prompt, over all its randomness.

    Arguments, errors: see :func:`spread`.

    >>> squared_error_variance(RegressionTask.isotropic(1, 3), [])
    8
    """
    return spread(task, steps).squared_error_variance


def prompts_needed(task: RegressionTask, steps: Sequence[Any], relative_error: Any = "1/100") -> int:
    """The least number of prompts whose mean of v has a relative standard error of at most ε, at least 1.

    Arguments, errors: see :func:`spread` and :meth:`Spread.prompts`.

    >>> prompts_needed(RegressionTask.isotropic(2, 5), ["5/8"])
    3473
    """
    return spread(task, steps).prompts(relative_error)


def variance_by_parts(polynomial: fmpq_poly, dim: int, context_length: int) -> fmpq:
    """Var tr g(W) = Σ g_i g_j (E tr Wⁱ tr Wʲ − E tr Wⁱ E tr Wʲ), from joint moments.

    Args:
        polynomial: g, over ℚ, of degree at most :data:`LARGEST_BY_PARTS`.
        dim, context_length: d, n ≥ 1.

    Raises:
        TypeError, ValueError: a size is no integer ≥ 1, or the degree is too large.

    >>> variance_by_parts(fmpq_poly([0, 1]), dim=2, context_length=5)
    20
    """
    d, n = positive_integer("dim", dim), positive_integer("context_length", context_length)
    g = [(k, c) for k, c in enumerate(polynomial.coeffs()) if k]
    pairs = [(i, j) for i, _ in g for j, _ in g if i <= j]
    joint = dict(zip(pairs, trace_moment_list(pairs, d, n), strict=True))
    moments = trace_moments(max(polynomial.degree(), 0), d, n)
    return sum(
        (a * b * (joint[min(i, j), max(i, j)] - moments[i] * moments[j]) for i, a in g for j, b in g), fmpq(0)
    )


def mean_and_variance_by_pfaffians(polynomial: fmpq_poly, dim: int, context_length: int) -> tuple[fmpq, fmpq]:
    """(E tr g(W), Var tr g(W)), exactly.

    Args:
        polynomial: g, over ℚ.
        dim, context_length: d, n ≥ 1.

    Raises:
        TypeError, ValueError: a size is no integer ≥ 1.

    >>> mean_and_variance_by_pfaffians(fmpq_poly([0, 1]), dim=2, context_length=5)
    (10, 20)
    """
    d, n = positive_integer("dim", dim), positive_integer("context_length", context_length)
    size, doubled = min(d, n), abs(n - d) - 1
    # Without its constant, g vanishes at the eigenvalues that are 0 for all X.
    varying = polynomial - polynomial[0]
    g, denominator = varying.numer(), varying.denom()
    span = size + max(g.degree(), 0)
    basis = _basis(size, doubled)
    times_g = [f * g for f in basis]
    images = _rows(times_g, span)
    paired = images * fmpz_mat(_pairings(span, doubled))
    near = fmpz_mat([row[:size] for row in paired.tolist()])
    mixed = near * _rows(basis, size).transpose()
    B: list[list[Any]] = (mixed - mixed.transpose()).tolist()
    left: list[list[Any]] = paired.tolist()
    right: list[list[Any]] = images.tolist()
    ratios = ((k + 1) * (doubled + 2 + k) for k in range(size - 2))
    chain = list(accumulate(ratios, mul, initial=-4))[: size - 1]
    if size % 2:
        weights = list(accumulate((doubled + 2 * k for k in range(1, span)), mul, initial=1))
        border = [sum(c * w for c, w in zip(f.coeffs(), weights, strict=False)) for f in times_g]
        B = [[0, *(-x for x in border)], *([x, *row] for x, row in zip(border, B, strict=True))]
        left, right, chain = [[0] * span, *left], [[0] * span, *right], [-1, *chain]
    X = _solve_chain(chain, B)
    # tr A⁻¹C with C = left · rightᵀ, without the product.
    crossed = sum(
        (inner_product(x, y) for x, y in zip(_solve_chain(chain, left), right, strict=True)), fmpq(0)
    )
    squared = sum(
        (inner_product(row, column) for row, column in zip(X, zip(*X, strict=True), strict=True)),
        fmpq(0),
    )
    square = (g * g).coeffs()
    whole = inner_product(square, trace_moments(len(square), d, n), fmpq(0))
    mean = sum((row[i] for i, row in enumerate(X)), fmpq(0)) / (2 * denominator)
    return d * polynomial[0] + mean, (whole + crossed - squared / 2) / denominator**2


def _variance_of_trace(of_s: fmpq_poly, dim: int, context_length: int) -> fmpq:
    """Var tr p(S) by the faster route."""
    d, n = positive_integer("dim", dim), positive_integer("context_length", context_length)
    g = of_s(fmpq_poly([0, fmpq(1, n)]))
    if g.degree() <= min(LARGEST_BY_PARTS, min(d, n) // 2):
        return variance_by_parts(g, d, n)
    if min(d, n) + g.degree() <= LARGEST_BY_PFAFFIANS:
        return mean_and_variance_by_pfaffians(g, d, n)[1]
    raise ValueError(
        f"steps must be at most {LARGEST_BY_PARTS // 2}, or min(dim, context_length) + 2 · their number at most "
        f"{LARGEST_BY_PFAFFIANS}, for an exact variance; got {g.degree() // 2} steps at {d} and {n}"
    )


def _pairings(span: int, doubled: int) -> list[list[int]]:
    """I(a, b)/Γ(2α + 2) for a, b < span."""
    gammas = list(accumulate((doubled + 2 + k for k in range(2 * span - 4)), mul, initial=4))
    table = [[0] * span for _ in range(span)]
    for a in range(1, span):
        for b in range(a):
            table[a][b] = (doubled + 2 * a) * table[a - 1][b] - gammas[a + b - 1]
            table[b][a] = -table[a][b]
    return table


def _basis(size: int, doubled: int) -> list[fmpz_poly]:
    """φ/ω = 1 and f_k/ω = Σ_i p_{k,i} ((2α + 2 + 2i) xⁱ − xⁱ⁺¹) for k = 0, …, N − 2.

    p_{k,i} = (−1)ⁱ C(k, i) (2α + 2 + i)(2α + 3 + i) ⋯ (2α + 1 + k).
    """
    basis = [fmpz_poly([1])]
    for k in range(size - 1):
        rising = list(accumulate((doubled + 2 + i for i in reversed(range(k))), mul, initial=1))[::-1]
        p = [(-1) ** i * comb(k, i) * r for i, r in enumerate(rising)]
        scaled = fmpz_poly([(doubled + 2 + 2 * i) * c for i, c in enumerate(p)])
        basis.append(scaled - fmpz_poly([0, *p]))
    return basis


def _rows(polynomials: Sequence[fmpz_poly], span: int) -> fmpz_mat:
    return fmpz_mat([[f[i] for i in range(span)] for f in polynomials])


def _solve_chain(chain: Sequence[int], right: Sequence[Sequence[Any]]) -> list[list[fmpq]]:
    """A⁻¹Y for the antisymmetric tridiagonal A of even size with e_0, e_1, … above its diagonal.

    Row i of AX = Y is e_i X_{i+1} − e_{i−1} X_{i−1} = Y_i: even i give the odd rows of X from the top, odd i
    the even rows from the bottom.
    """
    size = len(chain) + 1
    rows: list[list[fmpq]] = [[]] * size
    for i in range(0, size, 2):
        carried = rows[i - 1] if i else [fmpq(0)] * len(right[0])
        e = chain[i - 1] if i else 0
        rows[i + 1] = [(y + e * x) / chain[i] for x, y in zip(carried, right[i], strict=True)]
    for i in range(size - 1, 0, -2):
        carried = rows[i + 1] if i + 1 < size else [fmpq(0)] * len(right[0])
        e = chain[i] if i + 1 < size else 0
        rows[i - 1] = [(e * x - y) / chain[i - 1] for x, y in zip(carried, right[i], strict=True)]
    return rows
