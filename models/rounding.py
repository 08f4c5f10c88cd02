r"""The prediction of a linear transformer over ℚ, with a bound on how far the one evaluated in float64 is from it.

Each matrix of the forward pass of :mod:`icl_claims.models.attention` is held as what it is exactly and a bound on the
error, entry by entry, of the one that is computed. With u = 2⁻⁵³, η = 2⁻¹⁰⁷⁵ and γ_m = mu/(1 − mu), rounding to
nearest gives [1, §2.1, §3.1 and §3.5], for the computed Â and B̂ and inner products of m terms,

    |fl(Â + B̂) − (Â + B̂)| ≤ u |Â + B̂|,     |fl(ÂB̂) − ÂB̂| ≤ γ_m |Â||B̂| + 2mη,     |fl(Â/n) − Â/n| ≤ γ_2 |Â|/n + 2η,

the second in any order of summation, with fused multiply-adds or without, and the third also where a backend
multiplies by fl(1/n). η is for products below 2⁻¹⁰²². On the right, |Â| ≤ |A| + R for |Â − A| ≤ R. Where products are
computed, R is rounded up to a multiple of 2⁻²⁰⁰ and one more added, far above all the η. An overflow on the way
leaves a prediction that is not finite.

[1] N. J. Higham (2002), Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.models.weights import Weights
from icl_claims.theory.algebra import validation

_UNIT = fmpq(1, 2**53)
_GRID = 2**200


class Prediction(NamedTuple):
    """TF_L(Z_0) exactly, and a bound on the error of the float64 evaluation."""

    exact: fmpq
    radius: fmpq


@dataclass(frozen=True)
class Computed:
    """A matrix that float64 arithmetic computes: what it is exactly, and a bound on the error of each entry.

    Args:
        exact: rational.
        radius: of the same shape, ≥ 0.
    """

    exact: fmpq_mat
    radius: fmpq_mat

    @classmethod
    def stored(cls, m: fmpq_mat, *, rounded: bool = False) -> Computed:
        """A matrix of float64 numbers; or, where ``rounded``, one whose entries are rounded to the nearest of these.

        >>> Computed.stored(fmpq_mat([[fmpq(1, 3)]]), rounded=True).radius[0, 0] > fmpq(1, 3 * 2**53)
        True
        """
        return cls(m, _above(_absolute(m) * _UNIT) if rounded else m * 0)

    @property
    def size(self) -> fmpq_mat:
        """Bounds on the absolute values of the computed entries."""
        return _absolute(self.exact) + self.radius

    def __add__(self, other: Computed) -> Computed:
        exact, radius = self.exact + other.exact, self.radius + other.radius
        return Computed(exact, radius + (_absolute(exact) + radius) * _UNIT)

    def __matmul__(self, other: Computed) -> Computed:
        m = self.exact.ncols()
        brought = self.size * other.size - _absolute(self.exact) * _absolute(other.exact)
        radius = brought + self.size * other.size * _gamma(m)
        return Computed(self.exact * other.exact, _above(radius))

    def __truediv__(self, n: int) -> Computed:
        radius = (self.radius + self.size * _gamma(2)) / n
        return Computed(self.exact / n, _above(radius))

    def transpose(self) -> Computed:
        """The transpose."""
        return Computed(self.exact.transpose(), self.radius.transpose())

    def columns(self, count: int) -> Computed:
        """The first columns."""
        return Computed(*(fmpq_mat([row[:count] for row in m.tolist()]) for m in (self.exact, self.radius)))


def prediction(
    layers: Iterable[tuple[fmpq_mat, fmpq_mat]],
    prompt: fmpq_mat,
    *,
    rounded: bool = False,
    masked: bool = True,
) -> Prediction:
    """TF_L(Z_0) of linear attention, and how far :class:`icl_claims.models.attention.LinearTransformer` is from it.

    Args:
        layers: (P_l, Q_l), (d + 1) × (d + 1).
        prompt: Z_0, (d + 1) × (n + 1), its last column the query.
        rounded: whether the model gets the float64 numbers nearest to the entries of all these, or the entries.
        masked: whether the query is hidden from keys and values.

    >>> one = fmpq_mat([[1, 1], [1, 1]])
    >>> found = prediction([(one, one)], one)
    >>> found.exact, float(found.radius) < 1e-14
    (-9, True)
    """
    Z, n = Computed.stored(prompt, rounded=rounded), prompt.ncols() - 1
    for layer in layers:
        P, Q = (Computed.stored(m, rounded=rounded) for m in layer)
        examples = Z.columns(n) if masked else Z
        Z = Z + P @ (examples @ examples.transpose()) @ (Q @ Z) / n
    last = prompt.nrows() - 1
    return Prediction(-Z.exact[last, n], Z.radius[last, n])


def rational_layers(weights: Weights) -> list[tuple[fmpq_mat, fmpq_mat]]:
    """(P_l, Q_l) as the rational matrices that the stored ones are."""
    stacks = zip(weights.P, weights.Q, strict=True)
    return [(validation.matrix("P", P), validation.matrix("Q", Q)) for P, Q in stacks]


def _absolute(m: fmpq_mat) -> fmpq_mat:
    return fmpq_mat([[abs(x) for x in row] for row in m.tolist()])


def _gamma(m: int) -> fmpq:
    return m * _UNIT / (1 - m * _UNIT)


def _above(radius: fmpq_mat) -> fmpq_mat:
    return fmpq_mat([[fmpq((x * _GRID).floor() + 2, _GRID) for x in row] for row in radius.tolist()])
