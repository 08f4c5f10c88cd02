r"""How fast the looped loss f(a) = ∫ (1 − as)^{2L} dμ of L equal steps falls with the context: f(1), and f(1) − f(a*).

With h_k = E tr (S − I)ᵏ and m_k = E tr Sᵏ:

* f(1) = h_{2L} and f′(1) = 2L (h_{2L} + h_{2L−1}), for S = I + H;
* f″(a) ≥ κ = 2L(2L − 1) m_2 (1 − m_3²/(m_2 m_4))^{L−1} for every a, by Jensen's inequality for the power L − 1 and the
  probability s² dμ/m_2, as ∫ s²(1 − as)² dμ ≥ m_2 − m_3²/m_4;
* hence a* ≥ 1 − f′(1)/κ and f(1) − f(a*) ≤ f′(1)²/(2κ).

Source: derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import sympy
from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.real_roots import count_real_roots
from icl_claims.theory.loops.centred_moments import DIM, centred_moment
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments
from icl_claims.theory.wishart.sizes import in_ring


class Rate(NamedTuple):
    """f(1) = Σ_{j=lowest}^{last} c_j n^{−j}, deg c_j ≤ j + excess, c_lowest = E tr G^{2L}; what bounds f(1) − f(a*).

    E G_ij G_kl = variance (δ_ik δ_jl + δ_il δ_jk) + common δ_ij δ_kl; f′(1) = slope (h_{2L} + h_{2L−1}); f″ is at least
    curvature m_2 (1 − m_3²/(m_2 m_4))^exponent. All but the law of G are expressions in L.
    """

    lowest: sympy.Expr
    last: sympy.Expr
    excess: sympy.Expr
    variance: int
    common: int
    slope: sympy.Expr
    curvature: sympy.Expr
    exponent: sympy.Expr

    def number(self, name: str, loops: int) -> int:
        """One of the expressions at L."""
        return int(getattr(self, name).subs(LAYERS, loops))

    def curvature_at(self, m: Sequence[fmpq], loops: int) -> fmpq:
        """κ from m_2, m_3, m_4."""
        ratio = 1 - m[3] ** 2 / (m[2] * m[4])
        return self.number("curvature", loops) * m[2] * ratio ** self.number("exponent", loops)


STATED = Rate(
    lowest=LAYERS,
    last=2 * LAYERS - 1,
    excess=sympy.Integer(1),
    variance=1,
    common=0,
    slope=2 * LAYERS,
    curvature=2 * LAYERS * (2 * LAYERS - 1),
    exponent=LAYERS - 1,
)


def prove_slope(factor: int, loops: int) -> None:
    """f′(1) = factor (h_{2L} + h_{2L−1}), a polynomial in d and 1/n with no negative coefficient.

    Raises:
        Refuted: it is another polynomial, or a coefficient is negative.

    >>> prove_slope(4, 2)
    """
    moments, size = spectral_moments(2 * loops), 2 * loops
    # −2L ∫ s (1 − s)^{2L−1} dμ.
    slope = sum(
        (moments[k + 1] * (-size * (-1) ** k * int(sympy.binomial(size - 1, k))) for k in range(size)),
        0 * DIM,
    )
    if slope != (centred_moment(size) + centred_moment(size - 1)) * factor:
        raise Refuted("f′(1) is not the stated multiple of h_{2L} + h_{2L−1}")
    if any(c < 0 for c in slope.to_dict().values()):
        raise Refuted("a coefficient of f′(1) is negative")


def prove_remainder(rate: Rate, dim: int, context_length: int, loops: int) -> None:
    """f″(a) ≥ κ for every a, and f(1) − f(a*) ≤ f′(1)²/(2κ), at these sizes; κ > 0.

    Raises:
        Refuted: one of them is false.

    >>> prove_remainder(STATED, 2, 3, 2)
    """
    task = isotropic(dim, context_length)
    f = looped_step_loss(task, loops)
    kappa = rate.curvature_at(spectral_moments(4, dim, context_length), loops)
    if kappa <= 0:
        raise Refuted("the lower bound of f″ is not positive")
    second = f.derivative().derivative() - kappa
    if not is_nonnegative(second):
        raise Refuted("f″ is not above its stated lower bound")
    bound = f.derivative()(fmpq(1)) ** 2 / (2 * kappa)
    if optimal_looped_step(task, loops).loss.compare(f(fmpq(1)) - bound) < 0:
        raise Refuted("the least loss is below f(1) less the stated remainder")


def is_nonnegative(polynomial: fmpq_poly) -> bool:
    """Whether p(a) ≥ 0 for all real a: its factors of odd multiplicity have no real root, and it is positive somewhere.

    >>> is_nonnegative(fmpq_poly([1, -2, 1])), is_nonnegative(fmpq_poly([0, 1])), is_nonnegative(fmpq_poly([-1]))
    (True, False, False)
    """
    if polynomial.degree() < 1:
        return bool(polynomial[0] >= 0)
    odd = fmpq_poly([1])
    for factor, multiplicity in polynomial.factor()[1]:
        odd *= factor if multiplicity % 2 else 1
    leading = polynomial[polynomial.degree()]
    return bool(leading > 0) and (odd.degree() < 1 or count_real_roots(odd) == 0)


def remainder_order(loops: int) -> int:
    """The power of 1/n with which f′(1)²/(2κ) falls for fixed d, by the lowest powers of 1/n of its factors.

    >>> [remainder_order(L) for L in (1, 2, 3)]
    [2, 3, 4]
    """
    moments = [in_ring(m, sympy.Symbol("d"), sympy.Symbol("x")) for m in spectral_moments(4)]
    x = sympy.Symbol("x")
    gap = sympy.Poly(sympy.expand(moments[2] * moments[4] - moments[3] ** 2), x)
    slope = in_ring(centred_moment(2 * loops) + centred_moment(2 * loops - 1), sympy.Symbol("d"), x)
    lowest = (min(k for (k,), _ in p.terms()) for p in (sympy.Poly(slope, x), gap))
    of_slope, of_gap = lowest
    return 2 * of_slope - (loops - 1) * of_gap


def prove_remainder_order(loops: int) -> None:
    """The remainder is of order n^{−L−1}.

    Raises:
        Refuted: it is of another order.

    >>> prove_remainder_order(3)
    """
    if remainder_order(loops) != loops + 1:
        raise Refuted("the remainder is not of order n^{-L-1}")


def leading_shift(loops: int, dim: int) -> Fraction:
    """α in a* = 1 − α/n + O(1/n²): the leading coefficient of f′(1)/f″(1).

    >>> leading_shift(1, 5), leading_shift(2, 5)
    (Fraction(6, 1), Fraction(62, 9))
    """
    size = 2 * loops

    def at(k: int, j: int) -> int:
        """The coefficient of n^{−j} in h_k, as h_0 = d."""
        moment = centred_moment(k) if k else DIM
        return sum(int(c) * dim ** int(i) for (i, p), c in moment.to_dict().items() if p == j)

    above = sum(at(k, loops) for k in (size, size - 1))
    return Fraction(above, (size - 1) * at(size - 2, loops - 1))
