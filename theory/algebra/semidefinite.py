r"""Symmetric positive semidefinite rational matrices, diagonal ones of any size.

A diagonal matrix is held by the runs of equal entries along its diagonal, (λ_1, m_1), (λ_2, m_2), …, neighbours
different: I_d is the one run (1, d), however large d is. Any other matrix is held entry by entry. However a matrix is
given, it is held in the same way, so that equality of these objects is equality of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain, groupby, pairwise, repeat
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import definiteness, exact, validation

LARGEST_WRITTEN = 2000
"""The largest d for which a diagonal matrix is written out."""


class Run(NamedTuple):
    """Equal entries, one after the other on a diagonal: their value and how many they are."""

    eigenvalue: fmpq
    multiplicity: int


class SemidefiniteMatrix:
    """A symmetric positive semidefinite rational matrix. Immutable.

    Made by :meth:`of`, :meth:`of_eigenvalues` or :meth:`identity`, which check what they are given.

    Attributes:
        dim: d, the number of rows.
        runs: the diagonal of a diagonal matrix, run by run; None for any other.

    >>> SemidefiniteMatrix.of("covariance", [[2, 0], [0, 2]]) == SemidefiniteMatrix.of_eigenvalues("λ", [2, 2])
    True
    """

    dim: int
    runs: tuple[Run, ...] | None
    _entries: fmpq_mat | None

    def __init__(self, runs: Iterable[Run] | None, entries: fmpq_mat | None = None) -> None:
        """The matrix with these runs or, where they are None, these entries; neither is checked."""
        vars(self)["runs"] = None if runs is None else _merged(runs)
        vars(self)["_entries"] = entries
        vars(self)["dim"] = entries.nrows() if entries is not None else sum(m for _, m in self.runs or ())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a SemidefiniteMatrix cannot be changed: make a new one with another {name}")

    @classmethod
    def of(cls, name: str, value: Any, size: int | None = None) -> SemidefiniteMatrix:
        """The matrix that ``value`` holds; a :class:`SemidefiniteMatrix` is taken as it is.

        Args:
            name: what error messages call the matrix.
            value: rows of numbers, see :func:`icl_claims.theory.algebra.validation.semidefinite`.
            size: the number of rows that it must have; None allows any.

        Raises:
            TypeError, ValueError: it is no symmetric positive semidefinite matrix of that size.
        """
        if isinstance(value, cls):
            if size not in (None, value.dim):
                raise ValueError(f"{name} must be {size} × {size}, got {value.dim} × {value.dim}")
            return value
        m = validation.semidefinite(name, value, size)
        if exact.is_diagonal(m):
            return cls(Run(m[i, i], 1) for i in range(m.nrows()))
        return cls(None, fmpq_mat(m))

    @classmethod
    def of_eigenvalues(cls, name: str, eigenvalues: Any, size: int | None = None) -> SemidefiniteMatrix:
        """The diagonal matrix with these entries, in this order.

        Args:
            name: what error messages call the eigenvalues.
            eigenvalues: numbers ≥ 0, a sequence or an array of one axis.
            size: how many there must be; None allows any number above 0.

        Raises:
            TypeError, ValueError: they are no such numbers.

        >>> SemidefiniteMatrix.of_eigenvalues("eigenvalues", [3, 3, "1/2"]).runs
        (Run(eigenvalue=3, multiplicity=2), Run(eigenvalue=1/2, multiplicity=1))
        """
        entries = validation.vector(name, eigenvalues, size)
        if not entries:
            raise ValueError(f"{name} must hold at least one number, got none")
        for i, x in enumerate(entries):
            if x < 0:
                raise ValueError(f"{name} must hold numbers ≥ 0, got {x} at [{i}]")
        return cls(Run(x, 1) for x in entries)

    @classmethod
    def identity(cls, dim: Any) -> SemidefiniteMatrix:
        """I_d, for any integer d ≥ 1.

        >>> SemidefiniteMatrix.identity(10**17).scalar
        1
        """
        return cls([Run(fmpq(1), validation.positive_integer("dim", dim))])

    @cached_property
    def matrix(self) -> fmpq_mat:
        """The matrix, d × d, written out.

        Raises:
            ValueError: it is diagonal and d is above :data:`LARGEST_WRITTEN`.
        """
        if self._entries is not None:
            return self._entries
        if self.dim > LARGEST_WRITTEN:
            raise ValueError(
                f"dim must be at most {LARGEST_WRITTEN} where a d × d matrix is needed, got {self.dim}"
            )
        return exact.diagonal(self.eigenvalues)

    @property
    def eigenvalues(self) -> list[fmpq]:
        """The d entries of a diagonal matrix in their order; none for any other matrix."""
        return list(chain.from_iterable(repeat(x, m) for x, m in self.runs or ()))

    @property
    def scalar(self) -> fmpq | None:
        """c where the matrix is c I, else None."""
        return self.runs[0].eigenvalue if self.runs is not None and len(self.runs) == 1 else None

    @cached_property
    def is_definite(self) -> bool:
        """Whether the matrix is positive definite."""
        if self.runs is None:
            return definiteness.is_positive_definite(self.matrix)
        return all(x > 0 for x, _ in self.runs)

    def inverse(self) -> SemidefiniteMatrix:
        """The inverse of a positive definite matrix; it is one itself.

        >>> SemidefiniteMatrix.of("covariance", [[2, 0], [0, "1/3"]]).inverse().eigenvalues
        [1/2, 3]
        """
        if self.runs is None:
            return type(self)(None, self.matrix.inv())
        return type(self)(Run(1 / x, m) for x, m in self.runs)

    def __repr__(self) -> str:
        if self.runs is None:
            return f"SemidefiniteMatrix({self.matrix.tolist()})"
        return f"SemidefiniteMatrix({', '.join(f'{x} × {m}' for x, m in self.runs)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SemidefiniteMatrix) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        """In integers, which are hashed faster than flint's fractions."""
        if self.runs is None:
            return tuple((int(x.p), int(x.q)) for x in self.matrix.entries())
        return tuple((int(x.p), int(x.q), multiplicity) for x, multiplicity in self.runs)


def joint_runs(first: SemidefiniteMatrix, second: SemidefiniteMatrix) -> list[tuple[fmpq, fmpq, int]] | None:
    """(λ, ω, m) along two diagonals of one length: m neighbouring entries that are λ in one and ω in the other.

    None where one of the matrices is not diagonal.

    >>> joint_runs(SemidefiniteMatrix.identity(3), SemidefiniteMatrix.of_eigenvalues("eigenvalues", [5, 5, 2]))
    [(1, 5, 2), (1, 2, 1)]
    """
    if first.runs is None or second.runs is None:
        return None
    found, i, j = [], 0, 0
    ends, other_ends = _ends(first.runs), _ends(second.runs)
    for start, end in pairwise(sorted({0, *ends, *other_ends})):
        i, j = i + (ends[i] == start), j + (other_ends[j] == start)
        found.append((first.runs[i].eigenvalue, second.runs[j].eigenvalue, end - start))
    return found


def _ends(runs: Sequence[Run]) -> list[int]:
    return list(accumulate(run.multiplicity for run in runs))


def _merged(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The same diagonal with neighbouring runs of one value made into one."""
    groups = groupby(runs, key=lambda run: run.eigenvalue)
    return tuple(Run(x, sum(run.multiplicity for run in group)) for x, group in groups)
