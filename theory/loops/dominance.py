r"""Gradient dominance of the looped loss: ‖∇f‖_F² ≥ c f^{(2L−1)/L}, with the best constants.

Task Ω = Σ⁻¹, σ² = 0. Two families of matrices A:

*Symmetric A, infinitely long contexts.* With N = I − Σ^{1/2} A Σ^{1/2} the loss is g = tr N^{2L} and its gradient is
−2L Σ^{1/2} N^{2L−1} Σ^{1/2}. By Hölder's inequality for Schatten norms

    ‖∇g‖_F² ≥ 4L² ‖Σ⁻¹‖_p^{−2} g^{(2L−1)/L},   p = 2L/(L − 1),

with equality where N is a multiple of Σ^{−1/(L−1)}; p = ∞ for L = 1, with equality on the least eigenvector of Σ.

*A = aΣ⁻¹, every n.* With μ the expected spectral measure of S, of mass d and mean 1,
φ(a) = (∫ (1 − as)^{2L} dμ/d)^{1/2L} is the norm of 1 − as in a space L^{2L}, so convex in a; f = dφ^{2L} and

    ‖∇f‖_F² = 4L² tr(Σ²) d^{−(2L−1)/L} φ'(a)² f^{(2L−1)/L},   φ'(0) = −1.

With φ* = min φ and κ = φ*/φ(a) convexity gives |φ'| ≥ (1 − κ)/(1 + κ), for |1 − a| ≤ φ(a) at every a.

Source: derived here; the inequality with a constant of 1/16 is ascribed to Gatmiry et al. (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.limit import limit_gradient, limit_loss
from icl_claims.theory.loops.matrix import looped_gradient, looped_loss
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic

RATIO = sympy.Symbol("kappa", positive=True)
"""κ = (f*/f)^{1/(2L)}, the least loss on {aΣ⁻¹} against the loss at a."""


class Dominance(NamedTuple):
    """‖∇g‖² ≥ factor ‖Σ⁻¹‖_norm^{−2} g^exponent; ‖∇f‖² ≥ factor tr(Σ²) d^{−exponent} slack f^exponent.

    ``norm`` is the index of a Schatten norm; at L = 1, where it has a pole, the norm is the operator norm.
    """

    factor: sympy.Expr
    norm: sympy.Expr
    exponent: sympy.Expr
    slack: sympy.Expr


def prove_limit(task: RegressionTask, matrix: fmpq_mat, loops: int) -> None:
    """The loss and its gradient at A are polynomials in 1/n of degree below 2L, with constant terms g(A) and ∇g(A).

    Interpolated from 2L context lengths, and held against one more.

    Raises:
        Refuted: they are not.
    """
    lengths = range(1, 2 * loops + 2)
    rows = []
    for n in lengths:
        at = RegressionTask(task.covariance, n, task.task_covariance)
        rows.append([looped_loss(at, matrix, loops), *looped_gradient(at, matrix, loops).entries()])
    powers = fmpq_mat([[fmpq(1, n) ** k for k in range(2 * loops)] for n in lengths[:-1]])
    coefficients = powers.solve(fmpq_mat(rows[:-1]))
    again = fmpq_mat([[fmpq(1, lengths[-1]) ** k for k in range(2 * loops)]]) * coefficients
    if again.entries() != rows[-1]:
        raise Refuted("the loss is no polynomial in 1/n of degree below 2L")
    constant = [coefficients[0, j] for j in range(coefficients.ncols())]
    if constant != [limit_loss(task, matrix, loops), *limit_gradient(task, matrix, loops).entries()]:
        raise Refuted("the constant terms are not those of the limit")


def prove_symmetric_gradient(root: fmpq_mat, matrix: fmpq_mat, loops: int) -> None:
    """With Σ^{1/2} = root and symmetric A: g = tr N^{2L} and ∇g = −2L Σ^{1/2} N^{2L−1} Σ^{1/2}.

    Raises:
        Refuted: one of them is not.
    """
    task = RegressionTask.whitened(root * root, 1)
    N = exact.identity(task.dim) - root * matrix * root
    power = exact.identity(task.dim)
    for _ in range(2 * loops - 1):
        power *= N
    if limit_loss(task, matrix, loops) != exact.trace(power * N):
        raise Refuted("the limit of the loss is not tr N^{2L}")
    if limit_gradient(task, matrix, loops) != root * power * root * (-2 * loops):
        raise Refuted("the gradient of the limit is not −2L Σ^{1/2} N^{2L−1} Σ^{1/2}")


def prove_exponents(stated: Dominance) -> None:
    """Hölder's inequality gives the stated constant, and it is attained: identities of exponents, L a symbol.

    With B = N^{2L−1} and q = 2L/(2L − 1): g = ‖B‖_q^q, and ‖B‖_q ≤ ‖Σ^{−1/2}‖²_{2r} ‖Σ^{1/2}BΣ^{1/2}‖_2 for
    1/q = 1/2 + 1/r, in which ‖Σ^{−1/2}‖²_{2r} = ‖Σ⁻¹‖_r. At N = Σ^{−1/(L−1)} and with T = tr Σ^{−p} the two sides are
    4L² T and factor · T^{exponent − 2/p}.

    Raises:
        Refuted: the index of the norm, the power of the loss or the factor is another one.
    """
    q = 2 * LAYERS / (2 * LAYERS - 1)
    if sympy.cancel(1 / stated.norm - (1 / q - sympy.Rational(1, 2))) != 0:
        raise Refuted("1/q is not 1/2 + 1/p")
    if sympy.cancel(stated.exponent - 2 / q) != 0:
        raise Refuted("the power of the loss is not 2/q")
    attained = -1 / (LAYERS - 1)
    of_gradient, of_loss = 2 + 2 * (2 * LAYERS - 1) * attained, 2 * LAYERS * attained
    powers = (of_gradient + stated.norm, of_loss + stated.norm, stated.exponent - 2 / stated.norm - 1)
    if any(sympy.cancel(x) != 0 for x in (*powers, stated.factor - 4 * LAYERS**2)):
        raise Refuted("the two sides differ at N = Σ^{−1/(L−1)}")


def prove_gradient_on_multiples(root: fmpq_mat, context_length: int, loops: int) -> None:
    """At A = aΣ⁻¹, for several a: ∇f = (f'(a)/d) Σ.

    Raises:
        Refuted: it is not.
    """
    task = RegressionTask.whitened(root * root, context_length)
    slope = looped_step_loss(task, loops).derivative()
    for a in (fmpq(0), fmpq(1, 3), fmpq(-1), fmpq(3, 2)):
        found = looped_gradient(task, task.covariance.inv() * a, loops)
        if found != task.covariance * (slope(a) / task.dim):
            raise Refuted(f"the gradient at {a} Σ⁻¹ is not f'(a)/d Σ")


def prove_probability_of_mean_one(sizes: Sequence[tuple[int, int, int]]) -> None:
    """At these (d, n, L): f(0) = d, f'(0) = −2Ld, so that μ/d has the mass 1 and the mean 1, and φ'(0) = −1.

    Raises:
        Refuted: one of them is another number.
    """
    for d, n, L in sizes:
        f = looped_step_loss(isotropic(d, n), L)
        if f[0] != d or f[1] != -2 * L * d:
            raise Refuted(f"μ/d is no probability measure of mean 1 at d = {d}, n = {n}")


def prove_on_multiples(stated: Dominance) -> None:
    """From f = dφ^{2L}: ‖∇f‖² = factor tr(Σ²) d^{−exponent} φ'² f^exponent; and the stated slack is ((1 − κ)/(1 + κ))².

    With f' = 2L d φ^{2L−1} φ' the left side is f'² tr(Σ²)/d² = 4L² φ^{4L−2} φ'² tr(Σ²), L a symbol. |φ'| is at least
    (φ − φ*)/|a − a*|, and |a − a*| ≤ |1 − a| + |1 − a*| ≤ φ + φ*.

    Raises:
        Refuted: a power, the factor or the slack is another one.
    """
    if sympy.cancel(2 * LAYERS * stated.exponent - (4 * LAYERS - 2)) != 0:
        raise Refuted("the powers of φ differ")
    if sympy.cancel(stated.factor - 4 * LAYERS**2) != 0:
        raise Refuted("the factor is not (2L)²")
    value, least = sympy.symbols("phi phi_star", positive=True)
    bound = ((value - least) / (value + least)) ** 2
    if sympy.cancel(stated.slack.subs(RATIO, least / value) - bound) != 0:
        raise Refuted("the slack is not what convexity gives")
