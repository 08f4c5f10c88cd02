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

from collections.abc import Callable, Sequence
from typing import NamedTuple

import sympy
from flint import fmpq, fmpq_poly, fmpz

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.orthogonal_polynomials import kernel_polynomial, monic, recurrence
from icl_claims.theory.algebra.real_roots import isolate
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.one_layer.large_context import CONTEXT
from icl_claims.theory.task import RegressionTask, isotropic, whitened_sizes
from icl_claims.theory.wishart import trace_moments

LAYERS = sympy.Symbol("L", integer=True, positive=True)
"""L."""


class Optimum(NamedTuple):
    """A recipe for the best steps and their loss.

    The steps are the reciprocals of the roots of the orthogonal polynomial of this ``degree`` for s^weight_power dμ,
    and the loss is 1/Σ_{k ≤ last} π_k(0)²/h_k, π_k the monic orthogonal polynomials of μ and h_k = ∫ π_k² dμ. μ is
    the expected spectral measure of S for contexts of length ``context``.
    """

    weight_power: int
    degree: sympy.Expr
    last: sympy.Expr
    context: sympy.Expr

    def at(
        self, moments: Callable[[int, int], Sequence[int]], context_length: int, layers: int
    ) -> tuple[fmpq_poly, fmpq]:
        """q = ∏_l (1 − a_l s) and the loss.

        Args:
            moments: (count, n) ↦ E tr Wᵏ for k ≤ count, W = nS.
            context_length: n.
            layers: L ≥ 1.

        Raises:
            ZeroDivisionError: μ has too few points of support for the recipe, or the polynomial vanishes at 0.
        """
        values = {LAYERS: layers, CONTEXT: context_length}
        degree, last, n = (int(x.subs(values)) for x in (self.degree, self.last, self.context))
        m = [fmpz(x) for x in moments(2 * max(degree, last) + 2 + self.weight_power, n)]
        q = monic(*recurrence(m[self.weight_power :], degree + 1))[degree](fmpq_poly([0, n]))
        return q / q[0], kernel_polynomial(*recurrence(m, last + 1))[1]


def prove_recipe(optimum: Optimum, sizes: Sequence[tuple[int, int, int]]) -> None:
    """At these sizes (d, n, L) the recipe gives the only minimizer and the minimum (:func:`prove_optimal`).

    Raises:
        Refuted: it does not, or a step of it is not positive and real.
    """
    for d, n, L in sizes:
        residual, loss = optimum.at(lambda count, m, d=d: trace_moments(count, d, m), n, L)  # type: ignore[misc]
        prove_optimal(isotropic(d, n), residual, loss, L)


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
