r"""The relaxed parametrization on 𝒮′ = {A_l = a_l Σ⁻¹, B_l = b_l I}: GD++, its exact loss and derivatives.

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

That it is so, that 𝒮′ holds a point which is critical in all matrices, and where the minimum over 𝒮′ is attained, is
derived in :mod:`icl_claims.theory.derivations.gdpp_loss`, ``gdpp_infimum_attained`` and ``gdpp_minimum_attained``.

Source: Ahn et al. (2023), Eq. (11), Theorem 4, Appendix B.3; GD++: von Oswald et al. (2023), Section 4. The
derivatives are derived here, see :mod:`icl_claims.theory.transformer.recursion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import determinant
from icl_claims.theory.algebra.real_roots import count_real_roots
from icl_claims.theory.algebra.validation import vector
from icl_claims.theory.many_layers import spectral_loss
from icl_claims.theory.many_layers.loss_variance import mean_and_variance_by_pfaffians
from icl_claims.theory.many_layers.spectral_loss import Moments
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.transformer.recursion import recursion
from icl_claims.theory.wishart import spectral_moments

MOST_LAYERS = 6
"""The largest L: the loss has degree 3ᴸ − 1 = 728 in s there."""


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


def loss(task: RegressionTask, a: Sequence[Any], b: Sequence[Any]) -> fmpq:
    """f(a, b) = ∫ r_L² dμ, exactly: the population loss at A_l = a_l Σ⁻¹, B_l = b_l I, for every Σ ≻ 0.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        a: a_0, …, a_{L−1}, with their own sign (descent has a_l < 0); 1 ≤ L ≤ :data:`MOST_LAYERS`.
        b: b_0, …, b_{L−2}. Floats count as the dyadic rationals they are.

    Raises:
        TypeError, ValueError: an argument is not of its type, length or range.

    >>> loss(RegressionTask.isotropic(2, 5), ["-5/8"], [])
    3/4
    >>> loss(RegressionTask.isotropic(1, 1), ["-1/2", -1], ["1/2"])
    503953/1024
    """
    return spectral_loss.loss(*_problem(task, a, b))


def gradient(task: RegressionTask, a: Sequence[Any], b: Sequence[Any]) -> tuple[list[fmpq], list[fmpq]]:
    """((∂f/∂a_l)_l, (∂f/∂b_l)_l), exactly: 2 ∫ r ∂r dμ. Arguments, errors: see :func:`loss`.

    >>> gradient(RegressionTask.isotropic(2, 5), ["-5/8"], [])
    ([0], [])
    """
    slopes = spectral_loss.gradient(*_problem(task, a, b))
    return slopes[: len(a)], slopes[len(a) :]


def hessian(task: RegressionTask, a: Sequence[Any], b: Sequence[Any]) -> fmpq_mat:
    """Second derivatives in (a_0, …, a_{L−1}, b_0, …, b_{L−2}), exactly. Arguments, errors: see :func:`loss`.

    >>> hessian(RegressionTask.isotropic(2, 5), ["-5/8"], []).tolist()
    [[32/5]]
    """
    return fmpq_mat(spectral_loss.hessian(*_problem(task, a, b)))


def parameters(a: Sequence[Any], b: Sequence[Any]) -> tuple[list[fmpq], list[fmpq]]:
    """(a, b) as exact numbers. Errors: see :func:`loss`."""
    try:
        layers = len(a)
    except TypeError:
        raise TypeError(f"a must be a sequence of numbers, got {a!r}") from None
    if not 1 <= layers <= MOST_LAYERS:
        raise ValueError(f"a must hold 1 to {MOST_LAYERS} numbers, got {layers}")
    return vector("a", a, layers), vector("b", b, layers - 1)


def _problem(task: RegressionTask, a: Any, b: Any) -> tuple[Moments, list[fmpq], list[fmpq]]:
    alphas, betas = parameters(a, b)
    return Moments(*whitened_sizes(task), 3 ** len(alphas) - 1), alphas, betas


def one_prompt_variance(task: RegressionTask, a: Sequence[Any], b: Sequence[Any]) -> fmpq:
    """Var tr r_L(S)², exactly: of the loss of one prompt with w and x_q averaged out.

    By Pfaffians (:func:`icl_claims.theory.many_layers.loss_variance.mean_and_variance_by_pfaffians`), which
    need moments of order 2(3ᴸ − 1): L ≤ 4 in seconds. Arguments, errors: see :func:`loss`.

    >>> one_prompt_variance(RegressionTask.isotropic(2, 5), ["-5/8"], [])
    25/128
    """
    d, n = whitened_sizes(task)
    r = residual(a, b)
    of_w = (r * r)(fmpq_poly([0, fmpq(1, n)]))
    return mean_and_variance_by_pfaffians(of_w, d, n)[1]


def explicit_critical_point(task: RegressionTask, layers: int) -> tuple[list[fmpq], list[fmpq]]:
    r"""a_l = 0, b_l = −1/2 for l < L − 1, a_{L−1} = −n/(n + d + 1): a critical point of f over all A_l, B_l.

    Derived in :mod:`icl_claims.theory.derivations.gdpp_infimum_attained`.

    >>> task = RegressionTask.isotropic(2, 5)
    >>> point = explicit_critical_point(task, 2)
    >>> point, gradient(task, *point)
    (([0, -5/8], [-1/2]), ([0, 0], [0]))
    """
    d, n = whitened_sizes(task)
    best = fmpq(-n, n + d + 1)
    return [fmpq(0)] * (layers - 1) + [best], [fmpq(-1, 2)] * (layers - 1)


def degenerate_layer_excess(task: RegressionTask, bound: fmpq) -> fmpq_poly:
    """det G(a) − f̂ det G′(a): positive for all real a only if no residual with ε_0 = 0, L = 3, loses f̂ or less.

    With ε_0 = 0 the residual of three layers is (1 + a s) q(s³) with q(0) = 1, deg q ≤ 4. Over all such q the least
    loss at a is det G/det G′, G the Gram matrix of 1, s³, …, s¹² for the measure (1 + a s)² dμ, and G′ that without its
    first row and column; det G′ > 0.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        bound: f̂, a loss on 𝒮′.
    """
    moments = spectral_moments(26, *whitened_sizes(task))

    def moment(k: int) -> fmpq_poly:
        return fmpq_poly([moments[k], 2 * moments[k + 1], moments[k + 2]])

    gram = [[moment(3 * (i + j)) for j in range(5)] for i in range(5)]
    return determinant(gram, fmpq_poly([1])) - bound * determinant(
        [row[1:] for row in gram[1:]], fmpq_poly([1])
    )


def prove_degenerate_layer_loses(task: RegressionTask, bound: fmpq) -> None:
    """Every residual of three layers with ε_0 = 0 loses more than the bound, decided exactly.

    :func:`degenerate_layer_excess` has no real root (Sturm's theorem) and is positive at 0.

    Raises:
        Refuted: it has a real root or is not positive, so that this argument does not decide.

    >>> task = RegressionTask.isotropic(5, 20)
    >>> prove_degenerate_layer_loses(task, loss(task, ["-1/3", -2, -8], ["7/8", "3/5"]))
    """
    excess = degenerate_layer_excess(task, bound)
    where = f"a bound of {bound} at {task!r} does not exclude a degenerate first layer"
    if excess[0] <= 0:
        raise Refuted(f"{where}: the excess is not positive at 0")
    if count_real_roots(excess):
        raise Refuted(f"{where}: the excess has a real root")
