r"""The relaxed parametrisation on 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I}: GD++, its exact loss and derivatives.

A layer with P = diag(B, 1) and Q = diag(A, 0) moves covariates and labels; with the mask, for any prompt,

    X ← (I + B S A) X,   x_q ← (I + B S A) x_q,   y ← y (I + Xᵀ A X/n),   t ← t + y Xᵀ A x_q/n,    S = XXᵀ/n,

t the query's label slot. On the task Ω = Σ⁻¹, σ² = 0 the change of variables x = Σ^{1/2} x̄, w = Σ^{-1/2} w̄,
A = Σ^{-1/2} Ā Σ^{-1/2}, B = Σ^{1/2} B̄ Σ^{-1/2} turns it into the same with Σ = I, and takes 𝒮′ to Ā = a I,
B̄ = b I. There everything is a polynomial in the S of the prompt: X_l = p_l(S) X_0, x_{q,l} = p_l(S) x_q,
y_l = wᵀ r_l(S) X_0, t_l = wᵀ (r_l(S) − I) x_q, with p_0 = r_0 = 1 and

    r_{l+1} = r_l (1 + a_l s p_l²),     p_{l+1} = p_l (1 + a_l b_l s p_l²),        deg p_l = deg r_l = (3ˡ − 1)/2.

So the error is −wᵀ r_L(S) x_q, and, with μ the expected spectral measure of S (of mass d),

    f(a, b) = E tr r_L(S)² = ∫ r_L(s)² dμ(s),

of degree 3ᴸ − 1 in s: exact moments of S, no samples. b_{L−1} does not occur.

Source: Ahn et al. (2023), Eq. (11), Theorem 4, Appendix B.3; GD++: von Oswald et al. (2023), Section 4. The
recursion, the degree and the derivatives are derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from theory.blocks import Blocks, block_diagonal
from theory.exact import vector
from theory.step_sizes import integral
from theory.words import Words, one, zero

MOST_LAYERS = 6
"""The largest L: the loss has degree 3ᴸ − 1 = 728 in s there."""


def relaxed(A: Words, B: Words) -> tuple[Blocks, Blocks]:
    """The relaxed parametrisation P = diag(B, 1), Q = diag(A, 0) (Ahn et al., Eq. (11)); A has its own sign."""
    return block_diagonal(B, one()), block_diagonal(A, zero("1", "1"))


def recursion(a: Sequence[Any], b: Sequence[Any], s: Any, unit: Any) -> tuple[list[Any], Any]:
    """([p_0, …, p_{L−1}], r_L) in any commutative ring: polynomials, numbers, arrays, jets.

    Args:
        a, b: L and L − 1 elements (with L elements of b the list ends with p_L).
        s, unit: the variable and 1.
    """
    covariates, residual = [unit], unit
    for layer, factor in enumerate(a):
        gram = s * covariates[-1] * covariates[-1]
        residual = residual * (unit + factor * gram)
        if layer < len(b):
            covariates.append(covariates[-1] * (unit + factor * b[layer] * gram))
    return covariates, residual


def covariate_polynomials(a: Sequence[Any], b: Sequence[Any]) -> list[fmpq_poly]:
    """p_0, …, p_{L−1}: the covariates after l layers are p_l(S) X_0. Arguments, errors: see :func:`loss`.

    >>> covariate_polynomials(["-1/2", -1], [1])
    [1, (-1/2)*x + 1]
    """
    return recursion(*parameters(a, b), fmpq_poly([0, 1]), fmpq_poly([1]))[0]


def residual(a: Sequence[Any], b: Sequence[Any]) -> fmpq_poly:
    """r_L, with r_L(0) = 1. Arguments, errors: see :func:`loss`.

    >>> residual(["-1/2", -1], [0])
    1/2*x^2 + (-3/2)*x + 1
    """
    return recursion(*parameters(a, b), fmpq_poly([0, 1]), fmpq_poly([1]))[1]


def loss(a: Sequence[Any], b: Sequence[Any], dim: int, context_length: int) -> fmpq:
    """f(a, b) = ∫ r_L² dμ, exactly: the population loss at A_l = a_l Σ⁻¹, B_l = b_l I, for every Σ ≻ 0.

    Args:
        a: a_0, …, a_{L−1}, with their own sign (descent has a_l < 0); 1 ≤ L ≤ :data:`MOST_LAYERS`.
        b: b_0, …, b_{L−2}. Floats count as the dyadic rationals they are.
        dim, context_length: d, n ≥ 1.

    Raises:
        TypeError, ValueError: an argument is not of its type, length or range.

    >>> loss(["-5/8"], [], dim=2, context_length=5)
    3/4
    >>> loss(["-1/2", -1], ["1/2"], dim=1, context_length=1)
    503953/1024
    """
    r = residual(a, b)
    return integral(r * r, dim, context_length)


def gradient(
    a: Sequence[Any], b: Sequence[Any], dim: int, context_length: int
) -> tuple[list[fmpq], list[fmpq]]:
    """((∂f/∂a_l)_l, (∂f/∂b_l)_l), exactly: 2 ∫ r ∂r dμ. Arguments, errors: see :func:`loss`.

    >>> gradient(["-5/8"], [], dim=2, context_length=5)
    ([0], [])
    """
    alphas, betas = parameters(a, b)
    r = polynomial_jet(alphas, betas, fmpq_poly([0, 1]), fmpq_poly([1]), fmpq_poly([0]))
    slopes = [2 * integral(r.value * slope, dim, context_length) for slope in r.slopes]
    return slopes[: len(alphas)], slopes[len(alphas) :]


def hessian(a: Sequence[Any], b: Sequence[Any], dim: int, context_length: int) -> fmpq_mat:
    """Second derivatives in (a_0, …, a_{L−1}, b_0, …, b_{L−2}), exactly. Arguments, errors: see :func:`loss`.

    >>> hessian(["-5/8"], [], dim=2, context_length=5).tolist()
    [[32/5]]
    """
    alphas, betas = parameters(a, b)
    r = polynomial_jet(alphas, betas, fmpq_poly([0, 1]), fmpq_poly([1]), fmpq_poly([0]))
    size = len(r.slopes)
    entries = [
        [
            2 * integral(r.slopes[i] * r.slopes[j] + r.value * r.curvature(i, j), dim, context_length)
            for j in range(size)
        ]
        for i in range(size)
    ]
    return fmpq_mat(entries)


def parameters(a: Sequence[Any], b: Sequence[Any]) -> tuple[list[fmpq], list[fmpq]]:
    """(a, b) as exact numbers. Errors: see :func:`loss`."""
    try:
        layers = len(a)
    except TypeError:
        raise TypeError(f"a must be a sequence of numbers, got {a!r}") from None
    if not 1 <= layers <= MOST_LAYERS:
        raise ValueError(f"a must hold 1 to {MOST_LAYERS} numbers, got {layers}")
    return vector("a", a, layers), vector("b", b, layers - 1)


@dataclass(frozen=True)
class Jet:
    """An element of a commutative ring with its first and second derivatives in some parameters.

    Args:
        value: the element.
        slopes: its derivatives.
        curvatures: second derivatives, ``curvatures[i][j]`` for j ≤ i.
    """

    value: Any
    slopes: tuple[Any, ...]
    curvatures: tuple[tuple[Any, ...], ...]

    def __add__(self, other: Jet) -> Jet:
        return Jet(
            self.value + other.value,
            tuple(x + y for x, y in zip(self.slopes, other.slopes, strict=True)),
            tuple(
                tuple(x + y for x, y in zip(row, line, strict=True))
                for row, line in zip(self.curvatures, other.curvatures, strict=True)
            ),
        )

    def __mul__(self, other: Jet) -> Jet:
        f, g = self, other
        return Jet(
            f.value * g.value,
            tuple(x * g.value + f.value * y for x, y in zip(f.slopes, g.slopes, strict=True)),
            tuple(
                tuple(
                    f.curvatures[i][j] * g.value
                    + f.slopes[i] * g.slopes[j]
                    + f.slopes[j] * g.slopes[i]
                    + f.value * g.curvatures[i][j]
                    for j in range(i + 1)
                )
                for i in range(len(f.slopes))
            ),
        )

    def curvature(self, i: int, j: int) -> Any:
        """The second derivative in parameters i and j."""
        return self.curvatures[max(i, j)][min(i, j)]


def polynomial_jet(a: Sequence[Any], b: Sequence[Any], s: Any, unit: Any, nothing: Any) -> Jet:
    """r_L with its derivatives in (a_0, …, a_{L−1}, b_0, …, b_{L−2}), in any commutative ring.

    Args:
        a, b: the parameters, elements that multiply ``unit``.
        s, unit, nothing: the variable, 1 and 0.
    """
    size = len(a) + len(b)
    flat = tuple((nothing,) * (i + 1) for i in range(size))

    def constant(value: Any) -> Jet:
        return Jet(value, (nothing,) * size, flat)

    def variable(value: Any, index: int) -> Jet:
        slopes = tuple(unit if i == index else nothing for i in range(size))
        return Jet(unit * value, slopes, flat)

    jets = [variable(x, i) for i, x in enumerate([*a, *b])]
    result: Jet = recursion(jets[: len(a)], jets[len(a) :], constant(s), constant(unit))[1]
    return result
