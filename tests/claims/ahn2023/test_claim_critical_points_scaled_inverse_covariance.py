"""Ahn et al. (2023), Theorem 3: on 𝒮 the gradient in all matrix directions comes arbitrarily near 0."""

from collections.abc import Callable

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter
from icl_claims.theory.many_layers.matrix_layers import layered_gradient
from icl_claims.theory.many_layers.step_sizes import gradient, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import MASK, NO_MASK, X_QUERY, W, X, layer, prompt, sparse
from tests.shared.coordinates import Variables, gaussian, rademacher
from tests.shared.strategies import rationals, tasks_of

Directions = Callable[[RegressionTask], fmpq_mat]
"""What A_l is claimed to be a multiple of."""

TASKS = (
    RegressionTask.whitened(exact.diagonal([1, 4]), 2),
    RegressionTask.whitened([[2, 1], [1, 1]], 3),
    RegressionTask.whitened([[2, 1, 0], [1, 3, 1], [0, 1, 1]], 2),
)
STEPS = ((fmpq(2, 5),), (fmpq(1, 2), fmpq(1, 3)), (fmpq(1, 3), fmpq(-1, 2), fmpq(1, 5)))


def check_gradient_is_that_of_the_steps(direction: Directions) -> None:
    """∇_{A_l} f = (1/d) ∂f/∂a_l · Σ at A_l = a_l Σ⁻¹, exactly, from derivatives in all d² entries.

    So Σ_l ‖∇_{A_l} f‖² = (‖Σ‖_F²/d²) ‖∂f/∂a‖², whose infimum is that of a gradient on ℝᴸ.
    """
    for task in TASKS:
        for steps in STEPS:
            slopes = gradient(task, steps)
            found = layered_gradient(task, [direction(task) * a for a in steps])
            for slope, matrix in zip(slopes, found, strict=True):
                if matrix != task.covariance * (slope / task.dim):
                    raise Refuted(f"the gradient at steps {steps} is not that of the steps, times Σ/d")


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="exact",
    range="d ≤ 3, n ≤ 3, L ≤ 3, three Σ",
    complete=False,
)
def test_claim_critical_points_scaled_inverse_covariance_gradient(evidence: Evidence) -> None:
    """The exact gradient in all entries of all A_l, at rational points of 𝒮, is a multiple of Σ in each
    layer, by the derivative in that layer's step: no direction but that of the steps is left."""
    mutants: dict[str, Directions] = {
        "A_l = a_l I": lambda task: exact.identity(task.dim),
        "A_l = a_l Σ": lambda task: task.covariance,
        "A_l = 2 a_l Σ⁻¹": lambda task: task.covariance.inv() * 2,
    }
    evidence.check(check_gradient_is_that_of_the_steps, lambda task: task.covariance.inv(), mutants)


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="proof",
    range="all d, n, L ≥ 1, all Σ ≻ 0",
)
def test_claim_critical_points_scaled_inverse_covariance() -> None:
    """In whitened variables f(U A_0 Uᵀ, …) = f(A_0, …), so the gradient at multiples of I commutes with every
    orthogonal U: a multiple of I, of trace ∂f/∂a_l. That vanishes at the minimiser of f on 𝒮, which exists for
    all sizes (orthogonal polynomials), so the infimum is 0. The invariance is an identity in symbolic blocks."""
    check_rotation(MASK)
    for d, n, L in ((1, 1, 2), (2, 5, 1), (3, 2, 3), (5, 20, 4)):
        residual = optimal_steps(isotropic(d, n), L).residual
        if residual.degree() != L:
            raise Refuted("the minimiser on 𝒮 does not exist")

    @given(tasks_of("critical_points_scaled_inverse_covariance"), rationals, rationals)
    def whitens(task: RegressionTask, a: fmpq, b: fmpq) -> None:
        found = layered_gradient(task, [task.covariance.inv() * x for x in (a, b)])
        slopes = gradient(task, [a, b])
        assert found == [task.covariance * (slope / task.dim) for slope in slopes]

    whitens()


def check_rotation(mask: Blocks) -> None:
    """One layer with U A Uᵀ on the prompt turned by U gives the label row that A gives on the prompt itself, and
    the covariates turned: by induction all layers do. Turned covariates, queries and tasks have the same law
    where Σ = Ω = I. U is orthogonal: Uᵀ U = I is applied as a rule to each word."""
    U, A = letter("U", "d", "d"), letter("A", "d", "d")
    labels, slot = letter("y", "1", "n"), letter("c", "1", "1")
    plain = layer(*sparse(A), prompt(labels, slot), mask)
    turned_prompt = Blocks([[U @ X, U @ X_QUERY], [labels, slot]])
    turned = layer(*sparse(U @ A @ U.T), turned_prompt, mask)
    for column in range(2):
        if orthogonal(turned[1, column]) != plain[1, column]:
            raise Refuted("the label row changes under a rotation")
        if turned[0, column] != U @ plain[0, column]:
            raise Refuted("the covariates are not turned")


def orthogonal(words: Words) -> Words:
    """The polynomial with every Uᵀ U removed, in words and in traces, up to no further change."""

    def reduce_word(word: tuple) -> tuple:  # type: ignore[type-arg]
        for i in range(len(word) - 1):
            if word[i].name == word[i + 1].name == "U" and word[i].transposed and not word[i + 1].transposed:
                return reduce_word(word[:i] + word[i + 2 :])
        return word

    total = Words(words.rows, words.cols, {})
    for (traces, word), c in words.terms.items():
        reduced = tuple(sorted(reduce_word(trace) for trace in traces))
        total = total + Words(words.rows, words.cols, {(reduced, reduce_word(word)): c})
    return total


def check_slot_only_shifts() -> None:
    """Two layers with any A and B on a prompt whose query slot holds c: the query entry grows by c, no more."""
    slot, labels = letter("c", "1", "1"), W.T @ X
    weights = [sparse(letter(name, "d", "d")) for name in "AB"]
    filled, empty = (
        layer(*weights[1], layer(*weights[0], prompt(labels, value)))[1, 1] for value in (slot, slot - slot)
    )
    if filled - empty != slot:
        raise Refuted("the slot does more than shift the query entry")


def differing(model: str, numerators: list[fmpq], denominators: list[fmpq]) -> str:
    """The gradient in the i-th diagonal entry is 2(a · denominator − numerator): no a makes two of them 0."""
    zeros = [p / q for p, q in zip(numerators, denominators, strict=True)]
    if zeros[0] == zeros[1]:
        raise Refuted(f"{model}: the gradient vanishes at a = {zeros[0]}")
    return (
        f"{model}, L = 1: the derivative in the first diagonal entry of A vanishes at a = {zeros[0]} only, that in "
        f"the second at a = {zeros[1]} only: the infimum over 𝒮 is positive."
    )


def one_step(v: Variables, x: list, w: list) -> tuple[list[fmpq], list[fmpq]]:  # type: ignore[type-arg]
    """E[w_i g_i] and E[g_i²] for g = S w with n = 1."""
    inner = sum(a * b for a, b in zip(x, w, strict=True))
    g = [a * inner for a in x]
    return [v.mean(a * b) for a, b in zip(w, g, strict=True)], [v.mean(b * b) for b in g]


@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="exact",
    range="L = 1, one instance each",
    parts=(),
)
def test_claim_critical_points_scaled_inverse_covariance_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an instance in which the infimum is positive, or why it stays 0."""
    v = Variables(x0=gaussian, x1=rademacher, w0=gaussian, w1=gaussian)
    x, w = [v.of["x0"], v.of["x1"]], [v.of["w0"], v.of["w1"]]
    evidence.necessary("gaussian_covariates", differing("x = (normal, ±1), d = 2, n = 1", *one_step(v, x, w)))
    v = Variables(x0=gaussian, x1=gaussian, w1=gaussian)
    x = [v.of["x0"], v.of["x1"]]
    dependent = one_step(v, x, [v.of["x0"], v.of["w1"]])
    evidence.necessary(
        "independent_task", differing("w = (first entry of x_1, normal), d = 2, n = 1", *dependent)
    )
    v = Variables(x0=gaussian, x1=gaussian, w0=gaussian, w1=gaussian)
    x = [v.of["x0"], v.of["x1"]]
    weighted = one_step(v, x, [v.of["w0"], 2 * v.of["w1"]])
    evidence.necessary("whitened_task", differing("Σ = I, Ω = diag(1, 4), d = 2, n = 1", *weighted))
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened(exact.diagonal([1, 0]), 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮 exists.")
    noisy = RegressionTask.whitened([[2, 1], [1, 1]], 3, noise_variance=2)
    found = layered_gradient(noisy, [noisy.covariance.inv() * a for a in (fmpq(1, 2), fmpq(1, 3))])
    if any(m != noisy.covariance * (m[0, 0] / noisy.covariance[0, 0]) for m in found):
        raise Refuted("with label noise the gradient leaves the multiples of Σ")
    nonnegative = (
        "f ≥ 0 is smooth on ℝᴸ, so by Ekeland's principle its gradient there comes arbitrarily near 0."
    )
    evidence.dispensable(
        "noiseless_labels", f"The invariance holds with noise, so the gradient stays in 𝒮; {nonnegative}"
    )
    check_rotation(NO_MASK)
    evidence.dispensable(
        "masked_query", f"The invariance holds without the mask, so the gradient stays in 𝒮; {nonnegative}"
    )
    check_slot_only_shifts()
    evidence.dispensable(
        "zero_query_label",
        "A value c in the slot shifts the error by c at every layer; the error is odd in w, so f grows by c² "
        "and its gradient stays.",
    )
