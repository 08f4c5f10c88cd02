r"""One layer of ReLU attention: linear attention that forgets each example with probability 1/2.

    Attn^σ_{P,Q}(Z) = P Z M σ(Zᵀ Q Z),   σ(s) = max(s, 0) entrywise.

With b the last row of P and A the first d columns of Q, the query entry after the layer is (1/n) Σ_i t_i,

    t_i = p_i σ(s_i),   p_i = bᵀz_i,   s_i = z_iᵀ A x_q,   z_i = (x_i, y_i).

**Proposition (half of the examples).** Given w and x_q let the z_i be independent and symmetric, z_i and −z_i of
one law. Then, given w and x_q, the query entry has the law of

    (1/n) Σ_i κ_i p_i s_i,   κ_i independent fair coins in {0, 1}:

linear attention in which each example is kept with probability 1/2.

*Proof.* σ(s) = s 1{s > 0}, so t_i = p_i s_i 1{s_i > 0}. The flip z_i ↦ −z_i leaves the law and p_i s_i as they are
and exchanges s_i > 0 and s_i < 0. So given p_i s_i ≠ 0 the indicator is a fair coin; where p_i s_i = 0 it does not
matter. The z_i are independent. ∎

The flip is all that the halving in Ahn et al. (2023), App. A.4, needs: σ(s) = (s + |s|)/2, and |s| x is odd under
x ↦ −x, so that E[σ(xᵀv) x] = ½ E[x xᵀ] v for every symmetric law of x.

So with any chance ρ of keeping an example (1: linear; 1/2: ReLU), τ = p s for one example,

    f_ρ = E[ (ρ/n) E[τ² | w, x_q] + ρ² ((n−1)/n) E[τ | w, x_q]² + 2ρ E[τ | w, x_q] ⟨w, x_q⟩ + ⟨w, x_q⟩² ],

an expected square of a map that is affine in the products b a_jᵀ, so convex in them, as for linear attention
(:mod:`icl_claims.theory.one_layer.single_layer`). The gradient in *all* product directions vanishes at b =
e_{d+1}, A = (−Γ; 0),

    Γ = Ω N⁻¹,   N = ((2 + ρ(n−1))/n) ΣΩ + ((tr ΣΩ + σ²)/n) I :

that point is a global minimum over all P and Q; no row of Q need be zero. For ρ = 1/2, Σ = Ω = I, σ² = 0:
Γ = 2n/(2(d+2) + (n−1)) I, Theorem 5 of Ahn et al.; the proposition and the rest are derived here.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from flint import fmpq, fmpq_mat
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.evaluation import at_task
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import FIELD, Words, eye, letter, n, one, sigma2, zero
from icl_claims.theory.one_layer.single_layer import A_LABEL, A_X, BETA, GAMMA, OMEGA, SIGMA, U, weight_blocks
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import X_QUERY, W

TOKEN = letter("x", "d", "1")
"""x_i, the covariates of one example."""
TOKEN_NOISE = letter("e", "1", "1")
"""ε_i, its label noise."""
LABEL = W.T @ TOKEN + TOKEN_NOISE
"""y_i = ⟨w, x_i⟩ + ε_i."""

LINEAR, RELU = Fraction(1), Fraction(1, 2)
"""The chance that an example counts, for the identity and for the ReLU in the place of σ."""


def value() -> Words:
    """p = bᵀz = uᵀx + βy, odd in z = (x, y)."""
    return U.T @ TOKEN + BETA * LABEL


def score() -> Words:
    """s = zᵀA x_q = xᵀA_x x_q + y aᵀx_q, odd in z = (x, y)."""
    return TOKEN.T @ A_X @ X_QUERY + LABEL * (A_LABEL.T @ X_QUERY)


def over_token(polynomial: Words) -> Words:
    """E over one example given w and x_q: x ~ N(0, Σ), ε ~ N(0, σ²)."""
    return expectation(expectation(polynomial, TOKEN, SIGMA), TOKEN_NOISE, one() * sigma2)


def over_query_and_task(polynomial: Words) -> Words:
    """E over x_q ~ N(0, Σ) and w ~ N(0, Ω)."""
    return expectation(expectation(polynomial, X_QUERY, SIGMA), W, OMEGA)


@cache
def loss_polynomial(keep: Fraction = RELU) -> Words:
    """f_ρ(b, A) in closed form, a polynomial in traces of words in Σ, Ω, u, β, A_x, a."""
    return averaged_square(value() * score(), keep)


def averaged_square(contribution: Words, keep: Fraction = RELU) -> Words:
    """E[((1/n) Σ_i κ_i τ_i + ⟨w, x_q⟩)²], for the contribution τ of one example, even in z."""
    target = W.T @ X_QUERY
    mean, second = over_token(contribution), over_token(contribution * contribution)
    rho = FIELD(keep)
    given = (
        second * (rho / n)
        + mean * mean * (rho**2 * (n - 1) / n)
        + mean * target * (2 * rho)
        + target * target
    )
    return over_query_and_task(given)


@cache
def product_gradient(preconditioner: Words = GAMMA, keep: Fraction = RELU) -> Words:
    """Half the derivative of f_ρ at b = e_{d+1}, A = (−Γ; 0), in the direction of any product bA.

    The sum over the pairs of examples of E[κ_iκ_j τ_i τ'_j] for τ at the point and τ' = p s in the direction.
    """
    at_point, direction = -(LABEL * (TOKEN.T @ preconditioner @ X_QUERY)), value() * score()
    rho = FIELD(keep)
    mean, both = over_token(direction), over_token(at_point * direction)
    given = (
        both * (rho / n) + over_token(at_point) * mean * (rho**2 * (n - 1) / n) + W.T @ X_QUERY * mean * rho
    )
    return over_query_and_task(given)


def normal_matrix(keep: Fraction = RELU) -> Words:
    """N = ((2 + ρ(n−1))/n) ΣΩ + ((tr ΣΩ + σ²)/n) I, d × d."""
    label_variance = (SIGMA @ OMEGA).trace() + one() * sigma2
    return SIGMA @ OMEGA * ((2 + FIELD(keep) * (n - 1)) / n) + eye("d") * (label_variance / n)


def minimizer(task: RegressionTask, keep: Fraction = RELU) -> fmpq_mat:
    """Γ = Ω N⁻¹, exactly: P = diag(0, 1), Q = −diag(Γ, 0) minimises f_ρ over all P, Q.

    Raises:
        ValueError: tr ΣΩ + σ² = 0, so that every label is 0 and every Γ is optimal.

    >>> minimizer(RegressionTask.isotropic(dim=2, context_length=5)).tolist()
    [[5/6, 0], [0, 5/6]]
    """
    if task.signal + task.noise_variance == 0:
        raise ValueError("task must have tr ΣΩ + σ² > 0: here every label is 0 and every Γ is optimal")
    return task.task_covariance * at_task(normal_matrix(keep), task, {}).inv()


def minimum(task: RegressionTask, keep: Fraction = RELU) -> fmpq:
    """The least loss f_ρ over all P and Q, exactly.

    >>> minimum(RegressionTask.isotropic(dim=2, context_length=5))
    7/6
    """
    d = task.dim
    stated = [[-x for x in row] for row in minimizer(task, keep).tolist()] + [[fmpq(0)] * d]
    return loss(task, [0] * d + [1], stated, keep)


def loss(task: RegressionTask, b: object, A: object, keep: Fraction = RELU) -> fmpq:
    """The population loss f_ρ(b, A), exactly. Arguments and errors as
    :func:`icl_claims.theory.one_layer.single_layer.loss`.

    >>> loss(RegressionTask.isotropic(dim=1, context_length=1), [0, 1], [["-1/3"], [0]])
    5/6
    """
    return at_task(loss_polynomial(keep), task, weight_blocks(task, b, A))[0, 0]


def isotropic_loss(scalar: FracElement, keep: Fraction = RELU) -> FracElement:
    """f_ρ at b = e_{d+1}, A = (−cI; 0) for Σ = Ω = I and σ² = 0, symbolic in n and d.

    Args:
        scalar: c, in ℚ(n, d).

    >>> isotropic_loss(FIELD.zero)
    d
    """
    point: dict[str, Words] = {
        "Sigma": eye("d"),
        "Omega": eye("d"),
        "u": zero("d", "1"),
        "beta": one(),
        "A_x": eye("d") * -scalar,
        "a": zero("d", "1"),
    }
    value = loss_polynomial(keep).substitute(point)
    return sum(value.terms.values(), FIELD.zero).subs(sigma2, 0)


def isotropic_minimum(keep: Fraction = RELU) -> FracElement:
    """The least loss f_ρ over all P and Q for Σ = Ω = I and σ² = 0, symbolic in n and d: at Γ = N⁻¹.

    >>> from icl_claims.theory.algebra.words import d
    >>> isotropic_minimum(LINEAR) == d * (d + 1) / (n + d + 1)
    True
    """
    normal = normal_matrix(keep).substitute({"Sigma": eye("d"), "Omega": eye("d")})
    eigenvalue = sum(normal.terms.values(), FIELD.zero).subs(sigma2, 0)
    return isotropic_loss(1 / eigenvalue, keep)
