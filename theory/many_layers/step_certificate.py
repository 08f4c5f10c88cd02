r"""What makes steps on 𝒮 the only minimizer, up to their order: four facts about q(s) = ∏_l (1 − a_l s).

1. q(0) = 1 and deg q = L.
2. ∫ q sʲ · s dμ = 0 for j < L. With 1 this makes q the minimum of the convex ∫ q² dμ over all polynomials with the
   value 1 at 0 and degree at most L; the only one, as s, …, s^L are independent in L²(μ).
3. q has L different roots, all positive: so q is the residual of L real steps.
4. The loss is ∫ q² dμ, and 1/Σ_k π_k(0)²/h_k, and q is the kernel polynomial of μ at 0: another route, which
   knows no steps.

:func:`icl_claims.theory.many_layers.step_sizes.optimal_steps` computes q; here it is checked at given sizes, whoever
computed it, in exact arithmetic.

Source of the kernel: Szegő, Orthogonal Polynomials, Theorem 3.1.3.
"""

from __future__ import annotations

from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.orthogonal_polynomials import kernel_polynomial, recurrence
from icl_claims.theory.algebra.real_roots import isolate
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.wishart import trace_moments


def prove_optimal(task: RegressionTask, residual: fmpq_poly, loss: fmpq, layers: int) -> None:
    """The roots of the residual q are the reciprocals of the best L steps on 𝒮, and the loss is their loss.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        residual: q, over ℚ.
        loss: the minimum that is claimed.
        layers: L ≥ 1.

    Raises:
        Refuted: one of the four facts in the module docstring fails.

    >>> q = fmpq_poly([1, fmpq(-5, 8)])
    >>> prove_optimal(RegressionTask.isotropic(dim=2, context_length=5), q, fmpq(3, 4), 1)
    """
    d, n = whitened_sizes(task)
    where = f"d = {d}, n = {n}, L = {layers}"
    if residual[0] != 1:
        raise Refuted(f"{where}: q(0) is not 1")
    if residual.degree() != layers:
        raise Refuted(f"{where}: the degree of q is not L")
    prove_orthogonal(task, residual, layers)
    prove_different_positive_roots(residual, layers)
    kernel, least = kernel_polynomial(*recurrence(trace_moments(2 * layers + 1, d, n), layers + 1))
    if loss != integral(residual * residual, d, n):
        raise Refuted(f"{where}: the loss is not ∫ q² dμ")
    if loss != least:
        raise Refuted(f"{where}: the loss is not 1/Σ π_k(0)²/h_k")
    if residual != kernel(fmpq_poly([0, n])):
        raise Refuted(f"{where}: q is not the kernel polynomial")


def prove_orthogonal(task: RegressionTask, residual: fmpq_poly, layers: int, power: int = 1) -> None:
    """∫ q sʲ · s^power dμ = 0 for j < L.

    Raises:
        Refuted: one of them is not 0.
    """
    d, n = whitened_sizes(task)
    if any(integral(residual * fmpq_poly([0] * (power + j) + [1]), d, n) for j in range(layers)):
        raise Refuted(f"d = {d}, n = {n}, L = {layers}: q is not orthogonal for s^{power} dμ")


def prove_different_positive_roots(residual: fmpq_poly, layers: int) -> None:
    """q has L different real roots, all positive.

    Raises:
        Refuted: it has not.
    """
    try:
        roots = isolate(residual)
    except ValueError as error:
        raise Refuted(f"q has a root that is not real, or a double one: {residual}") from error
    if len(roots) != layers:
        raise Refuted(f"q does not have {layers} roots")
    if any(root.compare(fmpq(0)) <= 0 for root in roots):
        raise Refuted("a root of q is not positive")
