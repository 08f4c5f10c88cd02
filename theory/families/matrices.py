"""Families of layers whose weights are matrices, on any task. Each calls the functions of its own module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import differences, exact, validation
from icl_claims.theory.loops import matrix as looped_matrix
from icl_claims.theory.losses import Loss, Minimum, NoMinimum, Parameter
from icl_claims.theory.many_layers import matrix_layers
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask


@dataclass(frozen=True)
class OneLayer(Loss):
    """One layer of attention with any P and Q: b, the last row of P, and A, the first d columns of Q.

    Args:
        keep: the chance ρ that an example counts, 1 for linear attention and 1/2 for ReLU attention
            (:mod:`icl_claims.theory.one_layer.single_layer`).

    >>> task = RegressionTask.isotropic(1, 1)
    >>> OneLayer().value(task, [0, 1, "-1/3", 0]), OneLayer().minimum(task).upper
    (2/3, 2/3)
    """

    keep: Fraction = single_layer.LINEAR
    whitened: ClassVar[bool] = False

    @property
    def degree(self) -> int:
        """4: two in b times two in A."""
        return 4

    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """b, d + 1 numbers, and A, (d + 1) × d."""
        d = self.accept(task).dim
        return Parameter("b", (d + 1,)), Parameter("A", (d + 1, d))

    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """f_ρ(b, A)."""
        b, A = self.split(task, point)
        return single_layer.loss(task, b, A, self.keep)

    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """By differences: f is an expected square of a form that is linear in b and in A."""
        return differences.slopes(lambda x: self.value(task, x), self._numbers(task, point))

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """By differences, see :meth:`gradient`: about 2 p² losses for p numbers."""
        return differences.curvatures(lambda x: self.value(task, x), self._numbers(task, point))

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """At b = e_{d+1}, A = (−Γ; 0), exactly."""
        d = self.accept(task).dim
        closed_form = single_layer.minimizer(task, self.keep)
        stated = self.point(task, [0] * d + [1], [*(-closed_form).tolist(), [0] * d])
        return Minimum.exactly(single_layer.minimum(task, self.keep), stated)

    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """u ↦ T⁻ᵀ u, β ↦ β, A_x ↦ T⁻ᵀ A_x T⁻¹, a ↦ T⁻ᵀ a."""
        d, inverse = self.accept(task).dim, _inverse(task, transform)
        blocks = single_layer.weight_blocks(task, *self.split(task, point))
        u, a = (inverse.transpose() * blocks[name] for name in ("u", "a"))
        acting = inverse.transpose() * blocks["A_x"] * inverse
        return self.point(
            task,
            [*u.entries(), blocks["beta"][0, 0]],
            [*acting.tolist(), [a[i, 0] for i in range(d)]],
        )

    def _numbers(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        return validation.vector("point", point, self.size(task))


@dataclass(frozen=True)
class Layers(Loss):
    """L layers of the sparse parametrization with any matrices A_l.

    Their loss: :mod:`icl_claims.theory.many_layers.matrix_layers`.

    Args:
        layers: L, from 1 to :data:`icl_claims.theory.many_layers.matrix_layers.MOST_LAYERS`.
    """

    layers: int
    whitened: ClassVar[bool] = False

    @property
    def degree(self) -> int:
        """2L."""
        return 2 * self.layers

    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """A_0, …, A_{L−1}, each d × d."""
        d = self.accept(task).dim
        return (Parameter("A", (self.layers, d, d)),)

    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """f(A_0, …, A_{L−1})."""
        return matrix_layers.layered_loss(task, *self.split(task, point))

    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """∂f/∂A_l[i, j]."""
        slopes = matrix_layers.layered_gradient(task, *self.split(task, point))
        return [x for slope in slopes for x in slope.entries()]

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """∂²f/∂A_l[i, j]∂A_m[p, q]."""
        return matrix_layers.layered_hessian(task, *self.split(task, point))

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """For one layer the matrix Γ of :func:`icl_claims.theory.one_layer.single_layer.minimizer`."""
        return _minimum_of_one_matrix(self.accept(task), self.layers)

    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """A_l ↦ T⁻ᵀ A_l T⁻¹."""
        inverse = _inverse(task, transform)
        (matrices,) = self.split(task, point)
        return self.point(task, [inverse.transpose() * m * inverse for m in matrices])


@dataclass(frozen=True)
class LoopedMatrix(Loss):
    """One layer with matrix A, looped L times (:mod:`icl_claims.theory.loops.matrix`).

    Args:
        loops: L ≥ 1, as far as :func:`icl_claims.theory.loops.matrix.looped_loss` goes.
        symmetric: whether A runs through the symmetric matrices only; a point is then their upper triangle, row by row.

    >>> LoopedMatrix(2, symmetric=True).point(RegressionTask.isotropic(2, 5), [[1, 2], [2, 3]])
    [1, 2, 3]
    """

    loops: int
    symmetric: bool = False
    whitened: ClassVar[bool] = False

    @property
    def degree(self) -> int:
        """2L."""
        return 2 * self.loops

    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """A, d × d; or the d(d + 1)/2 numbers of its upper triangle."""
        d = self.accept(task).dim
        return (Parameter("A", (d * (d + 1) // 2,) if self.symmetric else (d, d)),)

    def point(self, task: RegressionTask, *weights: Any) -> list[fmpq]:
        """A point from a d × d matrix; it must be symmetric where the family's are."""
        if not self.symmetric:
            return super().point(task, *weights)
        (given,) = weights
        d = self.accept(task).dim
        a = validation.matrix("A", given, (d, d))
        if a != a.transpose():
            raise ValueError(f"A must be symmetric, got {a.tolist()}")
        return [a[i, j] for i, j in _upper(d)]

    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """f(A, …, A)."""
        return looped_matrix.looped_loss(task, self._matrix(task, point), self.loops)

    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """In the entries of A; in those of the upper triangle, each counted with the one that it is equal to."""
        slopes = looped_matrix.looped_gradient(task, self._matrix(task, point), self.loops)
        flat = fmpq_mat(1, task.dim**2, slopes.entries())
        return list((flat * self._embedding(task.dim)).entries())

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """In the same numbers as :meth:`gradient`."""
        curved = looped_matrix.looped_hessian(task, self._matrix(task, point), self.loops)
        embedding = self._embedding(task.dim)
        return embedding.transpose() * curved * embedding

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """For one loop that of one layer, attained at the symmetric matrix Γ."""
        least = _minimum_of_one_matrix(self.accept(task), self.loops)
        closed_form = fmpq_mat(task.dim, task.dim, [lower for lower, _ in least.minimizer])
        return Minimum.exactly(least.upper, self.point(task, closed_form))

    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """A ↦ T⁻ᵀ A T⁻¹."""
        inverse = _inverse(task, transform)
        return self.point(task, inverse.transpose() * self._matrix(task, point) * inverse)

    def _matrix(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        (given,) = self.split(task, point)
        if not self.symmetric:
            return given
        a = fmpq_mat(task.dim, task.dim)
        for (i, j), x in zip(_upper(task.dim), given, strict=True):
            a[i, j] = a[j, i] = x
        return a

    def _embedding(self, d: int) -> fmpq_mat:
        """The d² entries of A from the numbers of a point, a linear map."""
        if not self.symmetric:
            return exact.identity(d * d)
        columns = [
            [int((p, q) in ((i, j), (j, i))) for p in range(d) for q in range(d)] for i, j in _upper(d)
        ]
        return fmpq_mat(columns).transpose()


def _minimum_of_one_matrix(task: RegressionTask, layers: int) -> Minimum:
    if layers > 1:
        raise NoMinimum(
            f"the minimum of {layers} layers or loops over all matrices is not known; "
            "many_layers.equivariant_bound bounds it from below, the steps on 𝒮 from above"
        )
    return Minimum.exactly(single_layer.minimum(task), single_layer.minimizer(task).entries())


def _inverse(task: RegressionTask, transform: Any) -> fmpq_mat:
    return validation.matrix("transform", transform, (task.dim, task.dim)).inv()


def _upper(d: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(d) for j in range(i, d)]
