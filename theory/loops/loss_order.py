r"""How well L layers can do: optimal steps, one step looped, and plain gradient descent, in this order.

For a whitened task (Ω = Σ⁻¹, σ² = 0) let

* u be the least loss on 𝒮 = {A_l = a_l Σ⁻¹}, L steps of their own;
* p the least loss with one common step, A_l = a Σ⁻¹: preconditioned gradient descent;
* g the least loss of gradient descent without a preconditioner, A_l = ηI.

u is rational, p a root of a polynomial that is enclosed and compared exactly, and g > c is decided by counting the
real roots of f_GD − c (:func:`icl_claims.theory.loops.descent.is_above`): no rounding enters.

Source: Ahn et al. (2023), Appendix D, compare trained weights with p and g.
"""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.descent import descent_loss, is_above
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask


class Order(NamedTuple):
    """The statement u < p < g, or u = p < g where ``equal``.

    Attributes:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        layers: L.
        equal: whether u = p is stated in the place of u < p.
    """

    task: RegressionTask
    layers: int
    equal: bool = False


def prove_order(order: Order) -> None:
    """u against p by the sign of the loss at rational enclosures of a*; p < g by the real roots of f_GD − c, c ≥ p.

    Raises:
        Refuted: u is not below p (or not equal to it where that is stated), or g is not above p.
        ValueError: the task is not whitened, or there are too many layers.

    >>> prove_order(Order(RegressionTask.whitened([[1, 0], [0, 4]], context_length=5), layers=2))
    """
    task, layers, equal = order
    where = f"L = {layers}, n = {task.context_length}"
    looped = optimal_looped_step(task, layers).loss
    side = looped.compare(optimal_steps(task, layers).loss)
    if side != (0 if equal else 1):
        raise Refuted(f"{where}: u is {'below' if side > 0 else 'not below'} p")
    if not is_above(descent_loss(task, layers), looped.upper):
        raise Refuted(f"{where}: g is not above p")
