"""Families of layers whose weights are numbers times Σ⁻¹ and I, on whitened tasks.

Each calls the functions of its own module. A change of variables leaves the numbers as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import validation
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.losses import Loss, Minimum, NoMinimum, Parameter
from icl_claims.theory.many_layers import gdpp, step_sizes
from icl_claims.theory.task import RegressionTask


@dataclass(frozen=True)
class Relaxed(Loss):
    """𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I} with L layers (:mod:`icl_claims.theory.many_layers.gdpp`).

    Args:
        layers: L, from 1 to :data:`icl_claims.theory.many_layers.gdpp.MOST_LAYERS`.
    """

    layers: int
    whitened: ClassVar[bool] = True

    @property
    def degree(self) -> int:
        """2(3ᴸ − 1 − L): p_l has degree 3ˡ − 1 in (a, b), and r_{l+1} = r_l (1 + a_l s p_l²)."""
        return 2 * (3**self.layers - 1 - self.layers)

    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """a_0, …, a_{L−1} with their own sign, and b_0, …, b_{L−2}."""
        self.accept(task)
        return Parameter("a", (self.layers,)), Parameter("b", (self.layers - 1,))

    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """f(a, b)."""
        return gdpp.loss(task, *self.split(task, point))

    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """∂f in a, then in b."""
        in_a, in_b = gdpp.gradient(task, *self.split(task, point))
        return [*in_a, *in_b]

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """∂²f in a, then in b."""
        return gdpp.hessian(task, *self.split(task, point))

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """For one layer −1 times its optimal step."""
        self.accept(task)
        if self.layers > 1:
            raise NoMinimum(
                f"the minimizer on 𝒮′ of {self.layers} layers has no closed form: for 2 layers it is attained "
                "and enclosed by elimination, for more layers local minima are enclosed (numerics.gdpp)"
            )
        least = Steps(1).minimum(task, bits)
        return Minimum(least.lower, least.upper, tuple((-upper, -lower) for lower, upper in least.minimizer))

    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """The same numbers: 𝒮′ is defined by Σ."""
        return _unchanged(self, task, point)


@dataclass(frozen=True)
class Steps(Loss):
    """𝒮 = {A_l = a_l Σ⁻¹} with L layers (:mod:`icl_claims.theory.many_layers.step_sizes`).

    Args:
        layers: L, from 1 to :data:`icl_claims.theory.many_layers.step_sizes.MOST_LAYERS`.

    >>> Steps(1).value(RegressionTask.isotropic(2, 5), ["5/8"])
    3/4
    """

    layers: int
    whitened: ClassVar[bool] = True

    @property
    def degree(self) -> int:
        """2L."""
        return 2 * self.layers

    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """a_0, …, a_{L−1}."""
        self.accept(task)
        return (Parameter("steps", (self.layers,)),)

    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """f(a)."""
        return step_sizes.loss_of_steps(task, *self.split(task, point))

    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """∂f/∂a_l."""
        return step_sizes.gradient(task, *self.split(task, point))

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """∂²f/∂a_l∂a_m."""
        return step_sizes.hessian(task, *self.split(task, point))

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """The minimum exactly, the steps enclosed, ascending."""
        best = step_sizes.optimal_steps(task, self.layers).refined(bits)
        return Minimum(best.loss, best.loss, tuple((step.lower, step.upper) for step in best.steps))

    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """The same steps: 𝒮 is defined by Σ."""
        return _unchanged(self, task, point)


@dataclass(frozen=True)
class LoopedStep(Loss):
    """𝒮 with all L steps equal (:mod:`icl_claims.theory.loops.step`).

    Args:
        loops: L, from 1 to :data:`icl_claims.theory.loops.step.MOST_LOOPS`.
    """

    loops: int
    whitened: ClassVar[bool] = True

    @property
    def degree(self) -> int:
        """2L."""
        return 2 * self.loops

    def parameters(self, task: RegressionTask) -> tuple[Parameter, ...]:
        """a, one number."""
        self.accept(task)
        return (Parameter("step", ()),)

    def value(self, task: RegressionTask, point: Sequence[Any]) -> fmpq:
        """f(a)."""
        return looped_step_loss(task, self.loops)(*self.split(task, point))

    def gradient(self, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
        """f′(a)."""
        return [looped_step_loss(task, self.loops).derivative()(*self.split(task, point))]

    def hessian(self, task: RegressionTask, point: Sequence[Any]) -> fmpq_mat:
        """f″(a) > 0."""
        second = looped_step_loss(task, self.loops).derivative().derivative()
        return fmpq_mat([[second(*self.split(task, point))]])

    def minimum(self, task: RegressionTask, bits: int = 64) -> Minimum:
        """Minimum and step, both enclosed."""
        best = optimal_looped_step(task, self.loops).refined(bits)
        return Minimum(best.loss.lower, best.loss.upper, ((best.step.lower, best.step.upper),))

    def transformed(self, task: RegressionTask, point: Sequence[Any], transform: Any) -> list[fmpq]:
        """The same step: 𝒮 is defined by Σ."""
        return _unchanged(self, task, point)


def _unchanged(family: Loss, task: RegressionTask, point: Sequence[Any]) -> list[fmpq]:
    return validation.vector("point", point, family.size(task))
