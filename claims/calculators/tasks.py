"""The task that the options describe, with no d × d matrix where none is needed.

Σ and Ω are each the identity of any size, diagonal with given eigenvalues, or a matrix. A formula that needs
their joint eigenvalues only takes :meth:`Task.levels`; others take :meth:`Task.matrices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask

Covariance = tuple[fmpq, ...] | fmpq_mat | None
"""The eigenvalues of a diagonal matrix, a matrix, or None for the identity."""


class Level(NamedTuple):
    """Directions in which Σ and Ω are multiples of the identity: λ, ω and how many they are."""

    covariance: fmpq
    task_covariance: fmpq
    multiplicity: int


@dataclass(frozen=True)
class Task:
    """(d, n, Σ, Ω, σ²). Where ``whitened`` is set, Ω = Σ⁻¹ and ``task_covariance`` is None.

    Args:
        dim: d ≥ 1.
        context_length: n ≥ 1.
        covariance: Σ ⪰ 0, and Σ ≻ 0 where ``whitened`` is set.
        task_covariance: Ω ⪰ 0.
        whitened: whether Ω = Σ⁻¹.
        noise: σ² ≥ 0.

    >>> Task(2, 5, (fmpq(1), fmpq(3)), None, whitened=False, noise=fmpq(0)).signal
    4
    """

    dim: int
    context_length: int
    covariance: Covariance
    task_covariance: Covariance
    whitened: bool
    noise: fmpq

    @property
    def signal(self) -> fmpq:
        """tr ΣΩ."""
        if self.whitened:
            return fmpq(self.dim)
        levels = self.levels()
        if levels is not None:
            return total([x.covariance * x.task_covariance * x.multiplicity for x in levels])
        sigma, omega = self.matrices()
        return exact.trace(sigma * omega)

    @property
    def is_whitened(self) -> bool:
        """Whether Ω = Σ⁻¹, said or not: for diagonal ones it is seen.

        >>> Task(2, 5, (fmpq(2), fmpq(1)), (fmpq(1, 2), fmpq(1)), whitened=False, noise=fmpq(0)).is_whitened
        True
        """
        levels = () if self.whitened else self.levels()
        return levels is not None and all(x.covariance * x.task_covariance == 1 for x in levels)

    def levels(self) -> list[Level] | None:
        """The joint eigenvalues, in the order of the diagonals; None where Σ or Ω is not diagonal.

        Two identities make one level of multiplicity d, otherwise there are d levels.
        """
        sigma = diagonal_of(self.covariance)
        omega = () if self.whitened else diagonal_of(self.task_covariance)
        if sigma is None or omega is None:
            return None
        if not sigma and not omega:
            return [Level(fmpq(1), fmpq(1), self.dim)]
        ones = (fmpq(1),) * (len(sigma) or len(omega))
        first = sigma or ones
        second = tuple(1 / x for x in first) if self.whitened else omega or ones
        return [Level(x, y, 1) for x, y in zip(first, second, strict=True)]

    def matrices(self) -> tuple[fmpq_mat, fmpq_mat]:
        """Σ and Ω, d × d."""
        sigma = _matrix_of(self.covariance, self.dim)
        return sigma, sigma.inv() if self.whitened else _matrix_of(self.task_covariance, self.dim)

    def regression(self) -> RegressionTask:
        """The task of the theory, with its d × d matrices."""
        sigma, omega = self.matrices()
        return RegressionTask(sigma, self.context_length, omega, self.noise)


def diagonal_of(covariance: Covariance) -> tuple[fmpq, ...] | None:
    """The diagonal of a diagonal matrix, () for the identity of any size, None where it is not diagonal.

    >>> diagonal_of(fmpq_mat([[2, 0], [0, 3]])), diagonal_of(None), diagonal_of(fmpq_mat([[2, 1], [1, 3]]))
    ((2, 3), (), None)
    """
    if covariance is None:
        return ()
    if isinstance(covariance, tuple):
        return covariance
    size = range(covariance.nrows())
    if any(covariance[i, j] != 0 for i in size for j in size if i != j):
        return None
    return tuple(covariance[i, i] for i in size)


def total(values: Sequence[fmpq]) -> fmpq:
    """The sum, in pairs: denominators that have nothing in common then grow as slowly as they can.

    >>> total([fmpq(1, 2), fmpq(1, 3), fmpq(1, 6)]), total([])
    (1, 0)
    """
    terms = list(values) or [fmpq(0)]
    while len(terms) > 1:
        terms = [sum(terms[i : i + 2], fmpq(0)) for i in range(0, len(terms), 2)]
    return terms[0]


def _matrix_of(covariance: Covariance, dim: int) -> fmpq_mat:
    if covariance is None:
        return exact.identity(dim)
    return exact.diagonal(covariance) if isinstance(covariance, tuple) else covariance
