r"""Step sizes on 𝒮 = {A_l = a_l Σ⁻¹}: the exact loss of a linear transformer, and its minimizers.

On the task Ω = Σ⁻¹, σ² = 0 a transformer with layers A_l = a_l Σ⁻¹ runs L steps of gradient descent in
context, and leaves in whitened coordinates the residual ∏_l (I − a_l S), S = XXᵀ/n, X d × n standard
normal. So its loss depends on Σ no more, and only on the spectrum of S:

    f(a_0, …, a_{L−1}) = E tr ∏_l (I − a_l S)² = ∫ q_a(s)² dμ(s),     q_a(s) = ∏_l (1 − a_l s),

μ the expected spectral measure of S, of total mass d and moments ∫ sᵏ dμ = E tr Sᵏ.

**Proposition (the global minimum on 𝒮).** For all d, n, L ≥ 1, f attains its minimum over ℝᴸ; the
minimizer is unique up to the order of the steps; its steps are positive and distinct; and the gradient of f
vanishes there. The steps are the reciprocals of the roots of the orthogonal polynomial of degree L of
the measure s dμ(s), and the minimal loss is 1 / Σ_{k≤L} π_k(0)²/h_k, π_k the monic orthogonal
polynomials of μ and h_k = ∫ π_k² dμ. Lemma by lemma: :mod:`icl_claims.theory.derivations.optimal_steps_global_minimum`.

The minimum decreases strictly in L, for the degree of q* is exactly L, and stays above μ({0}) =
max(d − n, 0), for q(0) = 1: a context shorter than d leaves d − n directions of w unseen.

With all steps equal: :mod:`icl_claims.theory.loops.step`. The loss, gradient and Hessian are those of
:mod:`icl_claims.theory.many_layers.spectral_loss` at weights −a_l without covariate updates.

Sources: Ahn et al. (2023), Theorem 3 and Appendix B.2 (that 𝒮 holds critical points); the minimizers are derived
here. Orthogonal polynomials: Szegő, Orthogonal Polynomials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz_poly

from icl_claims.theory.algebra.orthogonal_polynomials import least_square_polynomial
from icl_claims.theory.algebra.real_roots import RealRoot, isolate
from icl_claims.theory.algebra.validation import bounded_integer, vector
from icl_claims.theory.many_layers import spectral_loss
from icl_claims.theory.many_layers.spectral_loss import Moments
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.transformer.recursion import recursion
from icl_claims.theory.wishart import trace_moments

MOST_LAYERS = 100
"""The largest L: the exact minimizer takes a few milliseconds at L = 10. At L = 100 it takes half a second for
sizes of one digit and some 5 s for sizes of 17, where the steps' polynomial has coefficients of 157 000 digits."""

_BITS = 64
"""Relative precision of the intervals that are returned; ``refined`` gives any other."""


@dataclass(frozen=True)
class OptimalSteps:
    """The global minimum on 𝒮.

    Attributes:
        task: the task, whitened and without label noise.
        loss: the minimum, exactly.
        residual: q*(s) = ∏_l (1 − a_l s), over ℚ.
        steps: a_0 < … < a_{L−1}, each as the root of :attr:`polynomial` in an interval of rational ends.
    """

    task: RegressionTask
    loss: fmpq
    residual: fmpq_poly
    steps: tuple[RealRoot, ...]

    @property
    def polynomial(self) -> fmpq_poly:
        """∏_l (a − a_l), the monic polynomial over ℚ whose roots are the steps."""
        return _reversed(self.residual)

    def refined(self, bits: int) -> OptimalSteps:
        """The same with intervals of relative width at most 2⁻ᵇⁱᵗˢ."""
        return replace(self, steps=tuple(step.refined(bits) for step in self.steps))


def optimal_steps(task: RegressionTask, layers: int) -> OptimalSteps:
    """The steps a_0 < … < a_{L−1} that minimize the loss on 𝒮, and the minimum, exactly.

    The same for every positive definite Σ, with A_l = a_l Σ⁻¹ in any order.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0; n < d is allowed.
        layers: L, from 1 to :data:`MOST_LAYERS`.

    Raises:
        TypeError, ValueError: ``task`` is no such task, or ``layers`` no integer of its range.

    >>> best = optimal_steps(RegressionTask.isotropic(2, 5), layers=1)
    >>> best.loss, str(best.steps[0])
    (3/4, '5/8')
    >>> best = optimal_steps(RegressionTask.isotropic(1, 1), layers=2)
    >>> best.loss, best.polynomial, [step.compare(fmpq(1, 2)) for step in best.steps]
    (8/15, x^2 + (-2/3)*x + 1/15, [-1, 1])
    """
    (d, n), count = whitened_sizes(task), bounded_integer("layers", layers, MOST_LAYERS)
    q, least = least_square_polynomial(trace_moments(2 * count, d, n), count)
    residual = q(fmpq_poly([0, n]))
    steps = isolate(_reversed(residual))
    return OptimalSteps(task, least, residual, steps).refined(_BITS)


def residual(steps: Sequence[Any]) -> fmpq_poly:
    """q_a(s) = ∏_l (1 − a_l s); 1 where there are no steps.

    Args:
        steps: a_0, …, a_{L−1}, at most :data:`MOST_LAYERS` rational numbers; floats count as the dyadic
            rationals they are, see :func:`icl_claims.theory.algebra.validation.rational`.

    Raises:
        TypeError, ValueError: ``steps`` is no such sequence, or holds a value that is no finite number.

    >>> residual(["1/2", 1])
    1/2*x^2 + (-3/2)*x + 1
    """
    return recursion(*_weights(steps), fmpq_poly([0, 1]), fmpq_poly([1]))[1]


def loss_of_steps(task: RegressionTask, steps: Sequence[Any]) -> fmpq:
    """f(a) = E tr ∏_l (I − a_l S)², exactly; d where there are no steps.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        steps: see :func:`residual`. Their order has no effect.

    Raises:
        TypeError, ValueError: an argument is not of its type or range.

    >>> loss_of_steps(RegressionTask.isotropic(2, 5), ["5/8"])
    3/4
    """
    return spectral_loss.loss(_moments(task, steps), *_weights(steps))


def gradient(task: RegressionTask, steps: Sequence[Any]) -> list[fmpq]:
    """(∂f/∂a_l)_l = −2 ∫ s q_a ∏_{m≠l} (1 − a_m s) dμ, exactly. Arguments, errors: see :func:`loss_of_steps`.

    >>> task = RegressionTask.isotropic(2, 5)
    >>> gradient(task, ["5/8"]), gradient(task, [0, 0])
    ([0], [-4, -4])
    """
    return [-slope for slope in spectral_loss.gradient(_moments(task, steps), *_weights(steps))]


def hessian(task: RegressionTask, steps: Sequence[Any]) -> fmpq_mat:
    """(∂²f/∂a_l∂a_m), L × L, exactly. Arguments, errors: see :func:`loss_of_steps`; at least one step.

    >>> hessian(RegressionTask.isotropic(2, 5), [0, 0]).tolist()
    [[32/5, 64/5], [64/5, 32/5]]
    """
    over, weights = _moments(task, steps), _weights(steps)
    if not weights[0]:
        raise ValueError("steps must hold at least one number to have a Hessian, got none")
    return fmpq_mat(spectral_loss.hessian(over, *weights))


def rational_steps(steps: Any) -> list[fmpq]:
    """The steps as exact numbers. Errors: see :func:`residual`."""
    try:
        size = len(steps)
    except TypeError:
        raise TypeError(f"steps must be a sequence of numbers, got {steps!r}") from None
    if size > MOST_LAYERS:
        raise ValueError(f"steps must hold at most {MOST_LAYERS} numbers, got {size}")
    return vector("steps", steps, size)


def _reversed(polynomial: fmpq_poly) -> fmpq_poly:
    """s^{deg p} p(1/s), by the numerators alone: fractions of their length are slow to bring together."""
    return fmpq_poly(fmpz_poly(polynomial.numer().coeffs()[::-1]), polynomial.denom())


def _weights(steps: Any) -> tuple[list[fmpq], list[fmpq]]:
    """(a, b) of layers that descend: a_l = −step, and no covariate updates."""
    return [-step for step in rational_steps(steps)], []


def _moments(task: RegressionTask, steps: Any) -> Moments:
    return Moments(*whitened_sizes(task), 2 * len(rational_steps(steps)))
