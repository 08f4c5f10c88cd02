r"""What every loss offers: its parameters, value, gradient, Hessian and minimum, exactly, for a task that comes first.

A :class:`Loss` is one family of weights with its population loss. A *point* of the family is a flat sequence of
rational numbers; :meth:`Loss.parameters` says which numbers these are at a task, :meth:`Loss.point` makes a point from
weights in their natural shapes and :meth:`Loss.split` gives these back. Each family says which tasks it accepts, what
degree its loss has along a line, and how a point changes when prompts are seen through x ↦ T x, w ↦ T⁻ᵀ w, under which
all losses are invariant. The members are in :mod:`icl_claims.theory.families`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import validation
from icl_claims.theory.task import RegressionTask, regression_task, whitened_sizes


class NoMinimum(LookupError):
    """The theory does not know the minimum of this family at this task; the message says what is known."""


@dataclass(frozen=True)
class Parameter:
    """One group of parameters: a number, a vector, a matrix or a list of matrices.

    Args:
        name: its letter.
        shape: () for a number, (k,), (rows, columns) or (count, rows, columns).
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it is."""
        return prod(self.shape)


@dataclass(frozen=True)
class Minimum:
    """The least value and one point that attains it, each known exactly or enclosed.

    Args:
        lower, upper: lower ≤ minimum ≤ upper; equal where it is a known rational number.
        minimizer: for each coordinate of the point its lower and its upper end.
    """

    lower: fmpq
    upper: fmpq
    minimizer: tuple[tuple[fmpq, fmpq], ...]

    @classmethod
    def exactly(cls, value: fmpq, point: Sequence[fmpq]) -> Minimum:
        """A minimum that is attained at a rational point."""
        return cls(value, value, tuple((x, x) for x in point))


class Loss(ABC):
    """One family of weights and its population loss.

    Every method takes the task first and raises :exc:`TypeError` or :exc:`ValueError` for a task that the family does
    not accept and for a point that is no sequence of so many finite numbers.

    Attributes:
        whitened: whether only tasks with Ω = Σ⁻¹ and σ² = 0 are accepted.
    """

    whitened: ClassVar[bool]

    @property
    @abstractmethod
    def degree(self) -> int:
        """The degree, at most, of the loss along a line of points, a polynomial."""

    @abstractmethod
    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """The groups of parameters, in the order of a point."""

    @abstractmethod
    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """The population loss."""

    @abstractmethod
    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """The first derivatives, in the order of the point."""

    @abstractmethod
    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """The second derivatives, in the order of the point."""

    @abstractmethod
    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """The minimum over all points, with one point that attains it.

        Args:
            task: one that the family accepts.
            bits: where the minimizer is irrational, each coordinate is enclosed to a relative width of 2⁻ᵇⁱᵗˢ.

        Raises:
            NoMinimum: the theory does not have it.
        """

    @abstractmethod
    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """The point that has on ``task.change_of_variables(transform)`` the loss that this one has on the task."""

    def accept(self, task: Any) -> RegressionTask:
        """The task, if the family accepts it.

        Raises:
            TypeError: it is no :class:`icl_claims.theory.task.RegressionTask`.
            ValueError: it is not whitened, or has label noise, and the family's tasks must be and have none.
        """
        if self.whitened:
            whitened_sizes(task)
        return regression_task(task)

    def size(self, task: RegressionTask) -> int:
        """How many numbers a point holds."""
        return sum(parameter.size for parameter in self.parameters(task))

    def point(self, task: RegressionTask, *weights: Any) -> list[fmpq]:
        """A point from its groups of parameters in their natural shapes.

        Raises:
            TypeError, ValueError: a group is missing, is one too many, or has another shape.
        """
        parameters = self.parameters(task)
        if len(weights) != len(parameters):
            names = ", ".join(parameter.name for parameter in parameters)
            raise TypeError(f"weights must be {names}, got {len(weights)} arguments")
        pairs = zip(parameters, weights, strict=True)
        return [x for parameter, value in pairs for x in _flat(parameter.name, parameter.shape, value)]

    def split(self, task: RegressionTask, point: Sequence[Any]) -> list[Any]:
        """The groups of parameters of a point: numbers, lists of numbers, matrices or lists of matrices."""
        rest = validation.vector("point", point, self.size(task))
        groups = []
        for parameter in self.parameters(task):
            groups.append(_shaped(parameter.shape, rest[: parameter.size]))
            rest = rest[parameter.size :]
        return groups


def _flat(name: str, shape: tuple[int, ...], value: Any) -> list[fmpq]:
    if not shape:
        return [validation.rational(name, value)]
    if len(shape) == 1:
        return validation.vector(name, value, shape[0])
    if len(shape) == 2:
        return list(validation.matrix(name, value, (shape[0], shape[1])).entries())
    if not isinstance(value, Sequence) or len(value) != shape[0]:
        raise ValueError(f"{name} must be a sequence of {shape[0]} matrices, got {value!r}")
    return [x for i, part in enumerate(value) for x in _flat(f"{name}[{i}]", shape[1:], part)]


def _shaped(shape: tuple[int, ...], entries: list[fmpq]) -> Any:
    if not shape:
        return entries[0]
    if len(shape) == 1:
        return entries
    if len(shape) == 2:
        return fmpq_mat(*shape, entries)
    size = prod(shape[1:])
    return [_shaped(shape[1:], entries[i * size : (i + 1) * size]) for i in range(shape[0])]
