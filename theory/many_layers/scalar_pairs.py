r"""Two layers with A_0 = aI, A_1 = bI, for any task: the loss as a quadratic polynomial in e = a + b and p = ab.

The query entry of two such layers is a polynomial in S with the coefficients e and p, for (I − aS)(I − bS) =
I − eS + pS². So f is a quadratic polynomial in (e, p), found exactly from six values of f. Where it is strictly
convex it has one critical point (e*, p*), the minimum over all real or conjugate complex pairs a, b; a real pair
with a ≠ b attains it if and only if e*² > 4p*.
"""

from __future__ import annotations

from typing import NamedTuple

from flint import fmpq

from icl_claims.theory.algebra import definiteness, exact, validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import RegressionTask

_PLACES = ((0, 0), (1, 0), (2, 0), (1, 1), (1, -1), (2, 2))
"""Pairs (a, b) at which the six coefficients are determined."""

_CHECKED = (3, -2)
"""One pair more, at which the polynomial must have the value of the loss."""


class PairMinimum(NamedTuple):
    """The critical point of the loss in e = a + b and p = ab, and the loss there."""

    e: fmpq
    p: fmpq
    loss: fmpq

    @property
    def discriminant(self) -> fmpq:
        """e² − 4p: positive where two different real steps have this sum and product, negative where none have."""
        return self.e * self.e - 4 * self.p


def scalar_pair_minimum(task: RegressionTask) -> PairMinimum:
    """The least loss over A_0 = aI, A_1 = bI, as a quadratic polynomial in (e, p), exactly.

    Args:
        task: any Σ, Ω and σ².

    Raises:
        Refuted: the loss is not quadratic in (e, p), by its value at a seventh pair, or not strictly convex.

    >>> scalar_pair_minimum(RegressionTask.isotropic(dim=1, context_length=1))
    PairMinimum(e=2/3, p=1/15, loss=8/15)
    """
    c = _coefficients(task)
    at_seventh = sum((x * y for x, y in zip(c, _monomials(*_CHECKED), strict=True)), fmpq(0))
    if at_seventh != _loss(task, *_CHECKED):
        raise Refuted("the loss is no quadratic polynomial in (e, p)")
    curved = validation.matrix("curved", [[2 * c[3], c[4]], [c[4], 2 * c[5]]])
    if not definiteness.is_positive_definite(curved):
        raise Refuted("the loss is not strictly convex in (e, p)")
    e, p = curved.solve(validation.matrix("slopes", [[-c[1]], [-c[2]]])).entries()
    return PairMinimum(e, p, c[0] + (c[1] * e + c[2] * p) / 2)


def _coefficients(task: RegressionTask) -> list[fmpq]:
    """Of 1, e, p, e², ep, p²."""
    system = validation.matrix("system", [_monomials(*place) for place in _PLACES])
    return list(
        system.solve(validation.matrix("values", [[_loss(task, *place)] for place in _PLACES])).entries()
    )


def _monomials(a: int, b: int) -> list[int]:
    e, p = a + b, a * b
    return [1, e, p, e * e, e * p, p * p]


def _loss(task: RegressionTask, a: int, b: int) -> fmpq:
    identity = exact.identity(task.dim)
    return layered_loss(task, [identity * a, identity * b])
