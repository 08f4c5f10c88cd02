r"""One layer of attention with free P and Q that keeps each example with probability ρ: loss and global minimizer.

Linear attention keeps every example, ρ = 1. Attention with a ReLU,

    Attn^σ_{P,Q}(Z) = P Z M σ(Zᵀ Q Z),   σ(s) = max(s, 0) entrywise,

acts as if ρ = 1/2. With bᵀ the last row of P and A the first d columns of Q, the query entry after the layer is
(1/n) Σ_i t_i,

    t_i = p_i σ(s_i),   p_i = bᵀz_i,   s_i = z_iᵀ A x_q,   z_i = (x_i, y_i),

and has the law of (1/n) Σ_i κ_i p_i s_i with fair coins κ_i in {0, 1}: the proof is
:mod:`icl_claims.theory.derivations.relu_attention_drops_examples`.

**The loss.** For independent κ_i ∈ {0, 1} with E κ_i = ρ, and τ = p s for one example,

    f_ρ(b, A) = E[((1/n) Σ_i κ_i τ_i + ⟨w, x_q⟩)²]
              = E[ (ρ/n) E[τ² | w, x_q] + ρ² ((n−1)/n) E[τ | w, x_q]² + 2ρ E[τ | w, x_q] ⟨w, x_q⟩ + ⟨w, x_q⟩² ].

**The minimizer** (any Σ, Ω ⪰ 0 with tr ΣΩ + σ² > 0, commuting or not), in the blocks b = (u, β), A = (A_x; aᵀ):

    u = 0, a = 0, β A_x = −Γ,   Γ = Ω N⁻¹,   N = ((2 + ρ(n−1))/n) ΣΩ + ((tr ΣΩ + σ²)/n) I.

No row of Q need be zero. Why it is global: for the ReLU
:mod:`icl_claims.theory.derivations.relu_attention_minimizer_general_task`, for ρ = 1
:mod:`icl_claims.theory.derivations.global_minimizer`.

Sources: Ahn et al. (2023), Theorem 1, Eq. (6), App. A.1, for ρ = 1 and Ω = I, σ² = 0; Theorem 5, App. A.4, for the
ReLU with Σ = Ω = I, σ² = 0, where Γ = 2n/(2(d+2) + (n−1)) I. The rest is derived here.
:mod:`icl_claims.theory.one_layer.linear_attention` derives ρ = 1 from the layer itself, as a second route.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache

from flint import fmpq, fmpq_mat
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.semidefinite import Run, SemidefiniteMatrix
from icl_claims.theory.algebra.words import FIELD, Words, eye, letter, n, one, sigma2, zero
from icl_claims.theory.evaluation import at_levels, at_task
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import X_QUERY, W
from icl_claims.theory.transformer.prompts import CROSS, OMEGA, SIGMA, over_prompts, over_query_and_task

LINEAR, RELU = Fraction(1), Fraction(1, 2)
"""ρ, the chance that an example counts: for the identity and for the ReLU in the place of σ."""

GAMMA = letter("Gamma", "d", "d", symmetric=True)
"""The preconditioner Γ of a layer that predicts x_qᵀ Γ g."""

U = letter("u", "d", "1")
BETA = letter("beta", "1", "1")
A_X = letter("A_x", "d", "d")
A_LABEL = letter("a", "d", "1")

TOKEN = letter("x", "d", "1")
"""x_i, the covariates of one example."""
TOKEN_NOISE = letter("e", "1", "1")
"""ε_i, its label noise."""
LABEL = W.T @ TOKEN + TOKEN_NOISE
"""y_i = ⟨w, x_i⟩ + ε_i."""
TARGET = W.T @ X_QUERY
"""⟨w, x_q⟩."""


def value() -> Words:
    """p = bᵀz = uᵀx + βy, odd in z = (x, y)."""
    return U.T @ TOKEN + BETA * LABEL


def score() -> Words:
    """s = zᵀA x_q = xᵀA_x x_q + y aᵀx_q, odd in z = (x, y)."""
    return TOKEN.T @ A_X @ X_QUERY + LABEL * (A_LABEL.T @ X_QUERY)


def over_token(polynomial: Words) -> Words:
    """E over one example given w and x_q: x ~ N(0, Σ), ε ~ N(0, σ²)."""
    return expectation(expectation(polynomial, TOKEN, SIGMA), TOKEN_NOISE, one() * sigma2)


@cache
def loss_polynomial(keep: Fraction = LINEAR) -> Words:
    """f_ρ(b, A) in closed form, a polynomial in traces of words in Σ, Ω, u, β, A_x, a."""
    return averaged_square(value() * score(), keep)


def averaged_square(contribution: Words, keep: Fraction, target: Words = TARGET) -> Words:
    """E[((1/n) Σ_i κ_i τ_i + ``target``)²], for the contribution τ of one example, even in z."""
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
def product_gradient(preconditioner: Words = GAMMA, keep: Fraction = LINEAR) -> Words:
    """Half the derivative of f_ρ at b = e_{d+1}, A = (−Γ; 0), in the direction of any product bA.

    The sum over the pairs of examples of E[κ_iκ_j τ_i τ'_j] for τ at the point and τ' = p s in the direction.
    """
    at_point, direction = -(LABEL * (TOKEN.T @ preconditioner @ X_QUERY)), value() * score()
    rho = FIELD(keep)
    mean, both = over_token(direction), over_token(at_point * direction)
    given = both * (rho / n) + over_token(at_point) * mean * (rho**2 * (n - 1) / n) + TARGET * mean * rho
    return over_query_and_task(given)


def normal_matrix(keep: Fraction = LINEAR) -> Words:
    """N = ((2 + ρ(n−1))/n) ΣΩ + ((tr ΣΩ + σ²)/n) I, d × d; for ρ = 1, E[g gᵀ] = N Σ."""
    label_variance = (SIGMA @ OMEGA).trace() + one() * sigma2
    return SIGMA @ OMEGA * ((2 + FIELD(keep) * (n - 1)) / n) + eye("d") * (label_variance / n)


@cache
def loss_at_preconditioner(keep: Fraction = LINEAR) -> Words:
    """f_ρ at b = e_{d+1}, A = (−Γ; 0), a polynomial in Γ."""
    point = {"u": zero("d", "1"), "beta": one(), "A_x": -GAMMA, "a": zero("d", "1")}
    return loss_polynomial(keep).substitute(point)


@cache
def cross_second_moment() -> Words:
    """E[g gᵀ], d × d, from the moments of the prompt."""
    return over_prompts(CROSS @ CROSS.T)


def minimizer(task: RegressionTask, keep: Fraction = LINEAR) -> fmpq_mat:
    """Γ = Ω N⁻¹ (d × d, symmetric), exactly: P = diag(0, 1), Q = −diag(Γ, 0) minimizes f_ρ over all P, Q.

    For ρ = 1 and invertible Ω it is ( ((n+1)/n) Σ + ((tr ΣΩ + σ²)/n) Ω⁻¹ )⁻¹; for Ω = I this is Theorem 1 of
    Ahn et al. (2023). The linear layer predicts x_qᵀ Γ (1/n) Σ_i x_i y_i.

    Raises:
        ValueError: tr ΣΩ + σ² = 0, so that every label is 0 and every Γ is optimal.

    >>> minimizer(RegressionTask([[2, 0], [0, "1/2"]], context_length=4)).tolist()
    [[8/25, 0], [0, 4/5]]
    >>> minimizer(RegressionTask.isotropic(dim=2, context_length=5), RELU).tolist()
    [[5/6, 0], [0, 5/6]]
    """
    _check_labels(task)
    return fmpq_mat(_minimizer(task, keep))


def _check_labels(task: RegressionTask) -> None:
    if task.signal + task.noise_variance == 0:
        raise ValueError("task must have tr ΣΩ + σ² > 0: here every label is 0 and every Γ is optimal")


@lru_cache(maxsize=4)
def _minimizer(task: RegressionTask, keep: Fraction) -> fmpq_mat:
    levels = task.levels()
    if levels is not None:
        eigenvalues = zip(minimizer_eigenvalues(task, keep), levels, strict=True)
        return SemidefiniteMatrix(Run(x, level.multiplicity) for x, level in eigenvalues).matrix
    if task.inverse_covariances:
        # In whitened coordinates Γ is γI, so here it is γΣ⁻¹: numerators of Σ⁻¹ need not be multiplied.
        return task.task_covariance * minimizer_eigenvalues(task.in_whitened_coordinates(), keep)[0]
    return task.task_covariance * at_task(normal_matrix(keep), task, {}).inv()


def minimum(task: RegressionTask, keep: Fraction = LINEAR) -> fmpq:
    """The least loss f_ρ over all P and Q, exactly. Errors: as for :func:`minimizer`.

    >>> minimum(RegressionTask.isotropic(dim=2, context_length=5))
    3/4
    >>> minimum(RegressionTask.isotropic(dim=2, context_length=5), RELU)
    7/6
    """
    if task.levels() is not None:
        eigenvalues = minimizer_eigenvalues(task, keep)
        return at_levels(loss_at_preconditioner(keep), task, {"Gamma": eigenvalues})[0]
    if task.inverse_covariances:
        return minimum(task.in_whitened_coordinates(), keep)
    return at_task(loss_at_preconditioner(keep), task, {"Gamma": minimizer(task, keep)})[0, 0]


def minimizer_eigenvalues(task: RegressionTask, keep: Fraction = LINEAR) -> list[fmpq]:
    """Of Γ, where Σ and Ω are diagonal, the eigenvalue on each level of the task: γ = ω/N, for any d.

    Raises:
        ValueError: Σ or Ω is not diagonal; or as for :func:`minimizer`.

    >>> minimizer_eigenvalues(RegressionTask.diagonal([2, 2, "1/2"], context_length=4))
    [8/29, 4/7]
    """
    _check_labels(task)
    return list(_minimizer_eigenvalues(task, keep))


@lru_cache(maxsize=4)
def _minimizer_eigenvalues(task: RegressionTask, keep: Fraction) -> tuple[fmpq, ...]:
    normal = at_levels(normal_matrix(keep), task, {})
    return tuple(x.task_covariance / y for x, y in zip(task.levels() or (), normal, strict=True))


def loss(task: RegressionTask, b: object, A: object, keep: Fraction = LINEAR) -> fmpq:
    """The population loss f_ρ(b, A), exactly; floats count as the dyadic rationals they are.

    Args:
        task: the distribution of prompts.
        b: last row of P, d + 1 numbers.
        A: first d columns of Q, (d+1) × d.
        keep: ρ, :data:`LINEAR` or :data:`RELU`, or any other probability.

    Raises:
        TypeError, ValueError: an argument has the wrong shape, or an entry is no finite number.

    >>> task = RegressionTask.isotropic(dim=2, context_length=5)
    >>> loss(task, [0, 0, 1], [["-5/8", 0], [0, "-5/8"], [0, 0]])
    3/4
    >>> loss(RegressionTask.isotropic(dim=1, context_length=1), [0, 1], [["-1/3"], [0]], RELU)
    5/6
    """
    return at_task(loss_polynomial(keep), task, weight_blocks(task, b, A))[0, 0]


def preconditioner_excess(task: RegressionTask, b: object, A: object) -> fmpq:
    """tr(Σ E 𝒢 Eᵀ) ≤ f(b, A) − min f for linear attention, ρ = 1, with E = −(β A_x + u aᵀ)ᵀ − Γ and 𝒢 = E[g gᵀ].

    The excess loss splits exactly into this and a non-negative form in the other blocks of the products
    (:mod:`icl_claims.theory.one_layer.convexity`); so it bounds the distance of any weights, trained ones too,
    from the minimizer, whatever their scale between P and Q. Arguments as for :func:`loss`.
    """
    blocks = weight_blocks(task, b, A)
    error = effective_preconditioner(blocks) - minimizer(task)
    second_moment = at_task(cross_second_moment(), task, {})
    return exact.trace(task.covariance * error * second_moment * error.transpose())


def weight_blocks(task: RegressionTask, b: object, A: object) -> dict[str, fmpq_mat]:
    """The letters u, β, A_x and a at given weights. Arguments and errors as for :func:`loss`."""
    d = task.dim
    last_row = validation.vector("b", b, d + 1)
    columns = validation.matrix("A", A, (d + 1, d))
    return {
        "u": fmpq_mat([[x] for x in last_row[:d]]),
        "beta": fmpq_mat([[last_row[d]]]),
        "A_x": fmpq_mat([[columns[i, j] for j in range(d)] for i in range(d)]),
        "a": fmpq_mat([[columns[d, j]] for j in range(d)]),
    }


def effective_preconditioner(blocks: Mapping[str, fmpq_mat]) -> fmpq_mat:
    """−(β A_x + u aᵀ)ᵀ, d × d, of the blocks that :func:`weight_blocks` gives.

    To first order in the labels the layer predicts x_qᵀ (·) g. At the minimizer it is Γ.
    """
    return -(blocks["A_x"] * blocks["beta"][0, 0] + blocks["u"] * blocks["a"].transpose()).transpose()


def isotropic_loss(scalar: FracElement, keep: Fraction = LINEAR) -> FracElement:
    """f_ρ at b = e_{d+1}, A = (−cI; 0) for Σ = Ω = I and σ² = 0, symbolic in n and d.

    Args:
        scalar: c, in ℚ(n, d).
        keep: ρ.

    >>> isotropic_loss(FIELD.zero)
    d
    """
    point = {"Sigma": eye("d"), "Omega": eye("d"), "Gamma": eye("d") * scalar}
    value = loss_at_preconditioner(keep).substitute(point)
    return sum(value.terms.values(), FIELD.zero).subs(sigma2, 0)


def isotropic_minimum(keep: Fraction = LINEAR) -> FracElement:
    """The least loss f_ρ over all P and Q for Σ = Ω = I and σ² = 0, symbolic in n and d: at Γ = N⁻¹.

    >>> from icl_claims.theory.algebra.words import d
    >>> isotropic_minimum() == d * (d + 1) / (n + d + 1)
    True
    """
    normal = normal_matrix(keep).substitute({"Sigma": eye("d"), "Omega": eye("d")})
    eigenvalue = sum(normal.terms.values(), FIELD.zero).subs(sigma2, 0)
    return isotropic_loss(1 / eigenvalue, keep)
