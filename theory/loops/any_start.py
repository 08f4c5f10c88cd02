r"""The gradient flow of the limit loss from any matrix, symmetric or not.

On the task Ω = Σ⁻¹ the limit g(A) = ‖(I − Σ^{1/2}AΣ^{1/2})^L‖_F² (:mod:`icl_claims.theory.loops.limit`) is
homogeneous of degree 2L in A − Σ⁻¹, so that ⟨∇g, A − Σ⁻¹⟩ = 2L g by Euler: no critical point has a positive loss, and
along dA/dt = −∇g

    d/dt ‖A − Σ⁻¹‖_F² = −4L g,   hence   g(A(t)) ≤ ‖A(0) − Σ⁻¹‖_F²/(4Lt),   as g falls.

For L = 2 and Σ = I, with N = I − A = U diag(x) Vᵀ and W = VᵀU orthogonal:

    ‖∇g‖²/4 = ‖N²Nᵀ‖² + ‖NᵀN²‖² + 2‖N³‖²,
    ‖N²Nᵀ‖² + ‖NᵀN²‖² = Σ_ij W_ij² x_i² x_j² (x_i² + x_j²) ≥ 2 Σ_ij W_ij² (x_i x_j)³,

and g = Σ_ij W_ij² (x_i x_j)², with weights W_ij² of sum d: the power mean gives ‖∇g‖² ≥ 8 d^{−1/2} g^{3/2}.

Source: derived here.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.limit import limit_gradient, limit_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic


class AnyStart(NamedTuple):
    """⟨∇g, A − Σ⁻¹⟩ = degree g; g(A(t)) ≤ ‖A(0) − Σ⁻¹‖²/(divisor t); for L = 2, ‖∇g‖² ≥ constant d^{−1/2} λ² g^{3/2}.

    λ is the least eigenvalue of Σ.
    """

    degree: sympy.Expr
    divisor: sympy.Expr
    constant: fmpq


def prove_homogeneous(degree: sympy.Expr, task: RegressionTask, direction: fmpq_mat, loops: int) -> None:
    """At A = Σ⁻¹ + sH: g is s^degree times g at s = 1, for s = 2 and −1/3; and ⟨∇g, H⟩ = degree g at s = 1.

    Raises:
        Refuted: one of them is not so.
    """
    k = int(degree.subs(LAYERS, loops))
    origin = task.covariance.inv()
    value = limit_loss(task, origin + direction, loops)
    for s in (fmpq(2), fmpq(-1, 3)):
        if limit_loss(task, origin + direction * s, loops) != s**k * value:
            raise Refuted(f"g is not homogeneous of degree {k} at L = {loops}")
    if exact.inner(limit_gradient(task, origin + direction, loops), direction) != k * value:
        raise Refuted(f"⟨∇g, A − Σ⁻¹⟩ is not {k} g at L = {loops}")


def prove_rate(stated: AnyStart) -> None:
    """d/dt ‖A − Σ⁻¹‖² = −2 degree g, so that t g(A(t)) ≤ ∫g ≤ ‖A(0) − Σ⁻¹‖²/(2 degree).

    Raises:
        Refuted: the stated divisor is not twice the degree.
    """
    if sympy.cancel(stated.divisor - 2 * stated.degree) != 0:
        raise Refuted("the divisor is not twice the degree")


def prove_two_loops(constant: fmpq, matrix: fmpq_mat) -> None:
    """At N: ∇g = −2(NᵀN² + N²Nᵀ) and ‖∇g‖² = 4(‖N²Nᵀ‖² + ‖NᵀN²‖² + 2‖N³‖²); the constant is 4 · 2.

    Raises:
        Refuted: one of them is not so.
    """
    d, turned = matrix.nrows(), matrix.transpose()
    square = matrix * matrix
    slope = limit_gradient(isotropic(d, 1), exact.identity(d) - matrix, 2)
    left, right, cube = square * turned, turned * square, square * matrix
    if slope != (left + right) * -2:
        raise Refuted("the gradient is not −2(NᵀN² + N²Nᵀ)")
    parts = exact.inner(left, left) + exact.inner(right, right) + 2 * exact.inner(cube, cube)
    if exact.inner(slope, slope) != 4 * parts:
        raise Refuted("the squared gradient is not the stated sum of squares")
    if constant != 8:
        raise Refuted("the constant is not 4 · 2")


def prove_means() -> None:
    """x²y⁴ + x⁴y² − 2x³y³ is the square of xy(x − y): the arithmetic mean is at least the geometric one.

    Raises:
        Refuted: it is not.
    """
    x, y = sympy.symbols("x y", nonnegative=True)
    if sympy.expand(x**2 * y**4 + x**4 * y**2 - 2 * x**3 * y**3 - (x * y * (x - y)) ** 2) != 0:
        raise Refuted("the difference is no square")
