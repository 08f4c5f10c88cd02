r"""One linear attention layer with free P and Q: its population loss, its minimiser, and why.

With G = (1/n) Σ_i z_i z_iᵀ over context tokens z_i = (x_i, y_i), the query entry after the layer is
bᵀ G A x_q, where bᵀ is the last row of P and A the first d columns of Q, so

    f(b, A) = E[ (bᵀ G A x_q + wᵀ x_q)² ].

Blocks: b = (u, β), A = (A_x; aᵀ), G = [[S, g], [gᵀ, h]] with S = XXᵀ/n, g = Xy/n, h = yyᵀ/n.

The minimiser (any Σ, Ω ⪰ 0 with tr ΣΩ + σ² > 0, commuting or not):

    u = 0, a = 0, β A_x = −Γ,   Γ = Ω N⁻¹,   N = ((n+1)/n) Σ Ω + ((tr ΣΩ + σ²)/n) I.

Why it is global. f is a convex function of the products T_j = b a_jᵀ (a_j the columns of A): an expected
square of an affine map of them. So a point whose gradient in *all* product directions vanishes is a
global minimum over products, hence over the factorised ones, among which it is. With the residual
r = w − Γ g at the stated point, the gradient pairs r with S, g and h:

    E[(pᵀ S q) r] = 0 and E[h r] = 0   (odd in (w, ε)),     E[r gᵀ] = (Ω − Γ N) Σ = 0.

:func:`product_gradient` computes all of it at once, from the layer.

Sources: Ahn et al. (2023), Theorem 1, Eq. (6), App. A.1; for general Ω and σ² derived here.
"""

from __future__ import annotations

from functools import cache, lru_cache

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.evaluation import at_levels, at_task
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.semidefinite import Run, SemidefiniteMatrix
from icl_claims.theory.algebra.words import Words, eye, letter, n, one, sigma2
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import MASK, NOISE, X_QUERY, W, X, layer, prompt

SIGMA = letter("Sigma", "d", "d", symmetric=True)
OMEGA = letter("Omega", "d", "d", symmetric=True)
GAMMA = letter("Gamma", "d", "d", symmetric=True)
"""The preconditioner Γ of a layer that predicts x_qᵀ Γ g."""

U = letter("u", "d", "1")
BETA = letter("beta", "1", "1")
A_X = letter("A_x", "d", "d")
A_LABEL = letter("a", "d", "1")

LABELS = W.T @ X + NOISE.T
"""y = wᵀX + εᵀ."""
S = X @ X.T / n
CROSS = X @ LABELS.T / n
"""g = X y/n, the vector that one step of gradient descent from 0 moves along."""
LABEL_SQUARE = LABELS @ LABELS.T / n
"""h = y yᵀ/n."""

TEX = {
    "Sigma": r"\Sigma", "Omega": r"\Omega", "Gamma": r"\Gamma", "beta": r"\beta", "A_x": "A_x",
    "X": "X", "x_q": "x_q", "w": "w", "epsilon": r"\varepsilon", "D": "D", "m": "m", "delta": r"\delta",
}  # fmt: skip


def over_prompts(polynomial: Words) -> Words:
    """E over query, context, noise and task: x ~ N(0, Σ), ε ~ N(0, σ² I), w ~ N(0, Ω)."""
    given_query = expectation(polynomial, X_QUERY, SIGMA)
    given_context = expectation(given_query, X, SIGMA)
    given_noise = expectation(given_context, NOISE, eye("n") * sigma2)
    return expectation(given_noise, W, OMEGA)


def free_weights() -> tuple[Blocks, Blocks]:
    """P = [[P_x, p], [uᵀ, β]] and Q = [[A_x, q], [aᵀ, q_0]], all entries free."""
    P = Blocks([[letter("P_x", "d", "d"), letter("p", "d", "1")], [U.T, BETA]])
    Q = Blocks([[A_X, letter("q", "d", "1")], [A_LABEL.T, letter("q_0", "1", "1")]])
    return P, Q


@cache
def query_entry(mask: Blocks = MASK, query_label: Words | None = None) -> Words:
    """[Z_1]_{d+1,n+1} for free P and Q, from the layer itself. TF_1 is its negative."""
    return layer(*free_weights(), prompt(LABELS, query_label), mask)[1, 1]


@cache
def loss_polynomial() -> Words:
    """f(b, A) in closed form: a polynomial in traces of words in Σ, Ω, u, β, A_x, a.

    Derived, not typed: the expectation of (TF_1 − ⟨w, x_q⟩)² with TF_1 from the layer.
    """
    residual = query_entry() + W.T @ X_QUERY
    return over_prompts(residual * residual)


def normal_matrix() -> Words:
    """N = ((n+1)/n) ΣΩ + ((tr ΣΩ + σ²)/n) I, d × d: E[g gᵀ] = N Σ."""
    return SIGMA @ OMEGA * ((n + 1) / n) + eye("d") * (((SIGMA @ OMEGA).trace() + one() * sigma2) / n)


@cache
def cross_second_moment() -> Words:
    """E[g gᵀ], d × d, from the moments of the prompt."""
    return over_prompts(CROSS @ CROSS.T)


def error_at(preconditioner: Words) -> Words:
    """⟨w, x_q⟩ minus the prediction x_qᵀ Γ g: the error of the layer b = e_{d+1}, A = (−Γ; 0)."""
    return X_QUERY.T @ (W - preconditioner @ CROSS)


@cache
def loss_at_preconditioner() -> Words:
    """The loss of the layer b = e_{d+1}, A = (−Γ; 0), a polynomial in Γ."""
    error = error_at(GAMMA)
    return over_prompts(error * error)


def product_gradient(preconditioner: Words, mask: Blocks = MASK) -> Words:
    """Half the derivative of f at the predictor x_qᵀ Γ g, in the direction of any product b A.

    The query entry is linear in the product of b = (u, β) and A = (A_x; aᵀ), and such products span all
    directions; so if this vanishes for all u, β, A_x, a, then so does the gradient in every block:

        E[(⟨w, x_q⟩ − x_qᵀ Γ g) · [Attn]_{d+1,n+1}(b, A)],   zero exactly when Γ N = Ω on the range of Σ.
    """
    return over_prompts(error_at(preconditioner) * query_entry(mask))


def minimizer(task: RegressionTask) -> fmpq_mat:
    """Γ = Ω N⁻¹ (d × d, symmetric), exactly: P = diag(0, 1), Q = −diag(Γ, 0) minimises f over all P, Q.

    For invertible Ω it is ( ((n+1)/n) Σ + ((tr ΣΩ + σ²)/n) Ω⁻¹ )⁻¹; for Ω = I this is Theorem 1 of
    Ahn et al. (2023). The layer predicts x_qᵀ Γ (1/n) Σ_i x_i y_i.

    Raises:
        ValueError: tr ΣΩ + σ² = 0, so that every label is 0 and every Γ is optimal.

    >>> minimizer(RegressionTask([[2, 0], [0, "1/2"]], context_length=4)).tolist()
    [[8/25, 0], [0, 4/5]]
    """
    _check_labels(task)
    return fmpq_mat(_minimizer(task))


def _check_labels(task: RegressionTask) -> None:
    if task.signal + task.noise_variance == 0:
        raise ValueError("task must have tr ΣΩ + σ² > 0: here every label is 0 and every Γ is optimal")


@lru_cache(maxsize=4)
def _minimizer(task: RegressionTask) -> fmpq_mat:
    levels = task.levels()
    if levels is not None:
        eigenvalues = zip(minimizer_eigenvalues(task), levels, strict=True)
        return SemidefiniteMatrix(Run(x, level.multiplicity) for x, level in eigenvalues).matrix
    return task.task_covariance * at_task(normal_matrix(), task, {}).inv()


def minimum(task: RegressionTask) -> fmpq:
    """The least loss over all P and Q, exactly.

    >>> minimum(RegressionTask.isotropic(dim=2, context_length=5))
    3/4
    """
    if task.levels() is not None:
        return at_levels(loss_at_preconditioner(), task, {"Gamma": minimizer_eigenvalues(task)})[0]
    return at_task(loss_at_preconditioner(), task, {"Gamma": minimizer(task)})[0, 0]


def minimizer_eigenvalues(task: RegressionTask) -> list[fmpq]:
    """Of Γ, where Σ and Ω are diagonal, the eigenvalue on each level of the task: γ = ω/N, for any d.

    Raises:
        ValueError: Σ or Ω is not diagonal; or as for :func:`minimizer`.

    >>> minimizer_eigenvalues(RegressionTask.diagonal([2, 2, "1/2"], context_length=4))
    [8/29, 4/7]
    """
    _check_labels(task)
    return list(_minimizer_eigenvalues(task))


@lru_cache(maxsize=4)
def _minimizer_eigenvalues(task: RegressionTask) -> tuple[fmpq, ...]:
    normal = at_levels(normal_matrix(), task, {})
    return tuple(x.task_covariance / y for x, y in zip(task.levels() or (), normal, strict=True))


def loss(task: RegressionTask, b: object, A: object) -> fmpq:
    """The population loss f(b, A), exactly; floats count as the dyadic rationals they are.

    Args:
        task: the distribution of prompts.
        b: last row of P, d + 1 numbers.
        A: first d columns of Q, (d+1) × d.

    Raises:
        TypeError, ValueError: an argument has the wrong shape, or an entry is no finite number.

    >>> task = RegressionTask.isotropic(dim=2, context_length=5)
    >>> loss(task, [0, 0, 1], [["-5/8", 0], [0, "-5/8"], [0, 0]])
    3/4
    """
    return at_task(loss_polynomial(), task, weight_blocks(task, b, A))[0, 0]


def preconditioner_excess(task: RegressionTask, b: object, A: object) -> fmpq:
    """tr(Σ E 𝒢 Eᵀ) ≤ f(b, A) − min f, with E = −(β A_x + u aᵀ)ᵀ − Γ and 𝒢 = E[g gᵀ].

    The excess loss splits exactly into this and a non-negative form in the other blocks of the products
    (:mod:`icl_claims.theory.one_layer.convexity`); so it bounds the distance of any weights, trained ones too,
    from the minimiser, whatever their scale between P and Q. Arguments as for :func:`loss`.
    """
    blocks = weight_blocks(task, b, A)
    acting = blocks["A_x"] * blocks["beta"][0, 0] + blocks["u"] * blocks["a"].transpose()
    error = -acting.transpose() - minimizer(task)
    second_moment = at_task(cross_second_moment(), task, {})
    return exact.trace(task.covariance * error * second_moment * error.transpose())


def weight_blocks(task: RegressionTask, b: object, A: object) -> dict[str, fmpq_mat]:
    """The letters u, β, A_x and a at given weights. Arguments and errors as for :func:`loss`."""
    d = task.dim
    last_row = exact.vector("b", b, d + 1)
    columns = exact.matrix("A", A, (d + 1, d))
    return {
        "u": fmpq_mat([[x] for x in last_row[:d]]),
        "beta": fmpq_mat([[last_row[d]]]),
        "A_x": fmpq_mat([[columns[i, j] for j in range(d)] for i in range(d)]),
        "a": fmpq_mat([[columns[d, j]] for j in range(d)]),
    }
