"""Points of 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I}: minima that are known, and the numbers that Ahn et al. print.

Rounded points are starts for the certificate of :func:`icl_claims.numerics.gdpp.certify`, or witnesses of a loss that
is attained.
"""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.numerics.gdpp import CriticalPoint, certify
from icl_claims.theory.algebra.definiteness import is_positive_definite
from icl_claims.theory.derivations.gdpp_minimum_attained import STATED
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import spectral_moments


class Point(NamedTuple):
    """a_0, …, a_{L−1} and b_0, …, b_{L−2}, in decimals."""

    a: tuple[str, ...]
    b: tuple[str, ...]

    def certified(self, dim: int, context_length: int) -> CriticalPoint:
        """The critical point next to it, proved to exist.

        Raises:
            ArithmeticError: there is none near.
        """
        return certify(isotropic(dim, context_length), [float(x) for x in self.a], [float(x) for x in self.b])


PRINTED = Point(("-0.38", "-2.40", "-9.55"), ("0.90", "0.56"))
"""Ahn et al. (2023), Figs. 3–5, in whitened coordinates."""

BESIDE_PRINTED = Point(("-0.3383", "-2.0908", "-8.5681"), ("0.8776", "0.5782"))
"""The strict local minimum next to them at d = 5, n = 20."""

LEAST_KNOWN: dict[tuple[int, int, int], Point] = {
    **{(*sizes, 3): Point(a, b) for sizes, (a, b) in STATED.witnesses.items()},
    (5, 10, 2): Point(("-0.374", "-3.016"), ("0.923",)),
    (5, 20, 2): Point(("-0.517", "-3.475"), ("0.868",)),
}
"""(d, n, L): the strict local minimum of least loss that a search finds, rounded; for L = 2 the global one."""


def least_known(dim: int, context_length: int, layers: int) -> CriticalPoint:
    """The minimum of :data:`LEAST_KNOWN`, certified from its rounded numbers."""
    return LEAST_KNOWN[dim, context_length, layers].certified(dim, context_length)


def newton_step(point: Point, dim: int, context_length: int) -> tuple[list[fmpq], bool]:
    """Newton's step −H⁻¹∇f from the decimals, and whether H is positive definite there: exactly, no enclosure."""
    task = isotropic(dim, context_length)
    slopes = [x for part in gdpp.gradient(task, *point) for x in part]
    hessian = gdpp.hessian(task, *point)
    step = hessian.solve(fmpq_mat([[-x] for x in slopes]))
    return [row[0] for row in step.tolist()], is_positive_definite(hessian)


def along_printed(context_length: int) -> fmpq_poly:
    """f(c a, b) at the printed numbers and d = 5, a polynomial in c.

    r depends on cs alone, so that its coefficients are those of r² times ∫ s^k dμ.
    """
    r = gdpp.residual(*PRINTED)
    square = (r * r).coeffs()
    moments = spectral_moments(len(square) - 1, 5, context_length)
    return fmpq_poly([x * m for x, m in zip(square, moments, strict=True)])
