r"""One step size for all loops: the loss on 𝒮 = {A_l = a_l Σ⁻¹} with all a_l = a, and its minimizer.

On the task Ω = Σ⁻¹, σ² = 0 a layer with A = aΣ⁻¹, looped L times, has the loss

    f(a) = E tr (I − aS)^{2L} = ∫ (1 − a s)^{2L} dμ(s),

μ the expected spectral measure of S = XXᵀ/n in whitened coordinates, which has infinitely many points of support
(:mod:`icl_claims.theory.many_layers.step_sizes`).

**Proposition.** f is strictly convex: f″(a) = 2L(2L − 1) ∫ s² (1 − a s)^{2L−2} dμ > 0. It has exactly one critical
point a*, which is positive and its only minimizer (:mod:`icl_claims.theory.derivations.optimal_looped_step_unique`).

Sources: Gatmiry et al. (2024) for loops; the proposition is derived here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb

from flint import fmpq_poly

from icl_claims.theory.algebra.real_roots import ConvexMinimum, RealRoot, root_of_increasing
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.wishart import spectral_moments

MOST_LOOPS = 100
"""The largest L."""

_BITS = 64
"""Relative precision of the interval that is returned; ``refined`` gives any other."""


@dataclass(frozen=True)
class OptimalLoopedStep:
    """The global minimum on 𝒮 with all steps equal.

    Attributes:
        task: the task, whitened and without label noise.
        loops: L.
        step: a*, the only real root of the derivative of the loss, in an interval of rational ends.
        loss: the minimum, enclosed; its ``polynomial`` is the loss as a polynomial in a.
    """

    task: RegressionTask
    loops: int
    step: RealRoot
    loss: ConvexMinimum

    def refined(self, bits: int) -> OptimalLoopedStep:
        """The same with a* enclosed to a relative width of 2⁻ᵇⁱᵗˢ."""
        step = self.step.refined(bits)
        return replace(self, step=step, loss=replace(self.loss, minimizer=step))


def optimal_looped_step(task: RegressionTask, loops: int) -> OptimalLoopedStep:
    """The step a* that minimizes the loss of L equal steps, and the minimum, enclosed.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0; n < d is allowed.
        loops: L, from 1 to :data:`MOST_LOOPS`.

    Raises:
        TypeError, ValueError: ``task`` is no such task, or ``loops`` no integer of its range.

    >>> from flint import fmpq
    >>> best = optimal_looped_step(RegressionTask.isotropic(1, 1), loops=2)
    >>> best.loss.polynomial
    105*x^4 + (-60)*x^3 + 18*x^2 + (-4)*x + 1
    >>> best.step.compare(fmpq(1, 5)), best.step.compare(fmpq(1, 4)), best.loss.compare(fmpq(1, 2))
    (1, -1, 1)
    """
    loss = looped_step_loss(task, loops)
    step = root_of_increasing(loss.derivative()).refined(_BITS)
    return OptimalLoopedStep(task, int(loops), step, ConvexMinimum(loss, step))


def looped_step_loss(task: RegressionTask, loops: int) -> fmpq_poly:
    """f(a) = ∫ (1 − a s)^{2L} dμ(s), a convex polynomial in a of degree 2L over ℚ.

    Arguments, errors: as for :func:`optimal_looped_step`.

    >>> looped_step_loss(RegressionTask.isotropic(2, 5), loops=1)
    16/5*x^2 + (-4)*x + 2
    """
    degree = 2 * bounded_integer("loops", loops, MOST_LOOPS)
    moments = spectral_moments(degree, *whitened_sizes(task))
    return fmpq_poly([(-1) ** k * comb(degree, k) * m for k, m in enumerate(moments)])
