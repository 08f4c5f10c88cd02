"""Ahn et al. (2023), App. B.2, Eqs. (27)–(30): on 𝒮 only one direction of each layer matters."""

from collections.abc import Callable

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import Words, d, eye, letter, one
from icl_claims.theory.many_layers.directions import directional_derivatives, reduced_direction
from icl_claims.theory.many_layers.step_sizes import gradient
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import MASK, NO_MASK, NOISE, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.symmetries import (
    C,
    after_layers,
    derivative,
    of_degree,
    signed_permutation_mean,
    step,
)
from tests.shared import coordinates
from tests.shared.coordinates import Prompt, Variables, gaussian, gaussian_prompt, layer_with, rademacher
from tests.shared.prompts import noiseless
from tests.shared.strategies import matrices, rationals, tasks_of

R = letter("R", "d", "d")

Reduction = Callable[[Words], Words]
"""R ↦ R̃ in whitened coordinates, where Σ = I."""

WHITENED_MUTANTS: dict[str, Reduction] = {
    "1/d dropped": lambda R: eye("d") * R.trace(),
    "1/(d + 1)": lambda R: eye("d") * (R.trace() / (d + 1)),
    "the traceless part": lambda R: R - eye("d") * (R.trace() / d),
    "sign": lambda R: eye("d") * (-R.trace() / d),
    "symmetric part doubled": lambda R: R + R.T,
}


def check_symbolic(reduce: Reduction) -> None:
    """For L ≤ 3 and symbolic d, n, σ² and steps: the derivative in the direction R is that in R̃."""
    for layers in (1, 2, 3):
        for index in range(layers):
            change = derivative(layers, index)
            if change != change.substitute({"R": reduce(R)}) or not change:
                raise Refuted(f"L = {layers}, l = {index}: the derivatives in R and R̃ differ")


def check_change_of_basis(basis: Words) -> None:
    """Covariates CX and matrices A_l give the labels that X and ``basis`` A_l C give, with the mask and without it.

    One layer from any state; the covariates never change, so the same holds for any number of layers."""
    A = letter("A", "d", "d")
    for mask in (MASK, NO_MASK):
        if after_layers([A], mask, C) != after_layers([basis @ A @ C], mask):
            raise Refuted("the change of basis is another one")


@pytest.mark.claim(
    slug="invariant_direction_reduction",
    grade="proof",
    range="all d, n, L ≥ 1, Σ ≻ 0, all steps and directions",
)
def test_claim_invariant_direction_reduction(evidence: Evidence) -> None:
    """For all L: the labels with covariates CX and matrices A_l are those with X and CᵀA_lC (word identity), so f
    whitens (C = Σ^{1/2}) and is invariant under orthogonal C; at A_l = a_l I a direction may so be replaced
    by its mean over signed permutations, (tr R/d) I. For L ≤ 3 once more by the moments, for symbolic d, n."""
    evidence.check(check_change_of_basis, C.T, {"C for Cᵀ": C, "no C on the left": eye("d")})
    evidence.check(check_symbolic, lambda R: eye("d") * (R.trace() / d), WHITENED_MUTANTS)
    for size in (1, 2, 3, 4):
        for i in range(size):
            for j in range(size):
                unit = fmpq_mat(size, size)
                unit[i, j] = 1
                if signed_permutation_mean(unit) != exact.identity(size) * (exact.trace(unit) / size):
                    raise Refuted(f"the mean of E_{i}{j} is not its trace over d times I")


Candidate = Callable[[RegressionTask, fmpq_mat], fmpq_mat]
"""(task, R) ↦ R̃, without whitening."""

MUTANTS: dict[str, Candidate] = {
    "tr R in the place of tr ΣR": lambda task, R: task.covariance.inv() * (exact.trace(R) / task.dim),
    "tr Σ⁻¹R": lambda task, R: task.covariance.inv() * (exact.trace(task.covariance.inv() * R) / task.dim),
    "r I in the place of r Σ⁻¹": lambda task, R: (
        exact.identity(task.dim) * (exact.trace(task.covariance * R) / task.dim)
    ),
    "1/d dropped, Σ ≠ I": lambda task, R: task.covariance.inv() * exact.trace(task.covariance * R),
    "half of it": lambda task, R: reduced_direction(task, R) / 2,
}

TASKS = [
    RegressionTask.whitened([[2, 1], [1, 1]], 3),
    RegressionTask.whitened([[1, 0, 0], [0, 4, 1], [0, 1, 2]], 2),
]
STEPS = [fmpq(1, 2), fmpq(-1, 3), fmpq(2, 5)]


def check_numbers(reduce: Candidate) -> None:
    """Σ ≠ I, L = 3, every unit direction of every layer (most are not symmetric), by moments that know no symmetry."""
    for task in TASKS:
        size = task.dim
        points = [task.covariance.inv() * a for a in STEPS]
        for i in range(size):
            for j in range(size):
                unit = fmpq_mat(size, size)
                unit[i, j] = 1
                reduced = reduce(task, unit)
                if directional_derivatives(task, points, [unit] * 3) != directional_derivatives(
                    task, points, [reduced] * 3
                ):
                    raise Refuted(f"the derivatives in E_{i}{j} and in its reduced direction differ")


@pytest.mark.claim(slug="invariant_direction_reduction", grade="exact", range="L = 3, two tasks with Σ ≠ I")
def test_claim_invariant_direction_reduction_numbers(evidence: Evidence) -> None:
    """The constant and the place of Σ^{1/2}, at numbers: unit directions span all, symmetric or not."""
    evidence.check(check_numbers, reduced_direction, MUTANTS)


@pytest.mark.claim(
    slug="invariant_direction_reduction",
    grade="exact",
    range="d ≤ 3, n ≤ 5, L ≤ 3, random rational Σ, steps and directions",
)
def test_claim_invariant_direction_reduction_exact() -> None:
    """Random Σ, steps and directions: the derivatives agree, and are r_l ∂f/∂a_l, with ∂f/∂a_l from the spectral
    moments, another route."""

    @given(st.data())
    def agree(data: st.DataObject) -> None:
        task = data.draw(tasks_of("invariant_direction_reduction", max_context=5))
        steps = data.draw(st.lists(rationals, min_size=1, max_size=3))
        directions = [data.draw(matrices(task.dim, task.dim)) for _ in steps]
        reduced = [reduced_direction(task, direction) for direction in directions]
        points = [task.covariance.inv() * a for a in steps]
        slopes = directional_derivatives(task, points, directions)
        assert slopes == directional_derivatives(task, points, reduced)
        ratios = [exact.trace(task.covariance * direction) / task.dim for direction in directions]
        along = gradient(task, steps)
        assert slopes == [r * slope for r, slope in zip(ratios, along, strict=True)]

    agree()


def slope(v: Variables, prompt: Prompt, direction: list[list[int]]) -> fmpq:
    """The derivative at A_0 = I, L = 1, of the loss in coordinates, a parabola along each line."""
    ahead, behind = (
        [[int(i == j) + t * fmpq(direction[i][j]) for j in range(2)] for i in range(2)] for t in (1, -1)
    )
    return (
        coordinates.loss(v, prompt, *layer_with(ahead)) - coordinates.loss(v, prompt, *layer_with(behind))
    ) / 2


def slopes(v: Variables, prompt: Prompt) -> tuple[fmpq, fmpq]:
    """The slopes along E_11 and along I/2, which for Σ = I it reduces to."""
    along_identity = slope(v, prompt, [[1, 0], [0, 1]]) / 2
    along_first = slope(v, prompt, [[1, 0], [0, 0]])
    if along_first == along_identity:
        raise Refuted("the instance obeys the reduction")
    return along_first, along_identity


def without_gaussian_covariates() -> str:
    v = Variables(x0=gaussian, x1=rademacher, q0=gaussian, q1=rademacher, w0=gaussian, w1=gaussian)
    x, q, w = ([v.of[f"{name}{a}"] for a in range(2)] for name in "xqw")
    first, reduced = slopes(v, noiseless([x], q, w))
    return (
        f"x with independent entries N(0, 1) and ±1, so Σ = I, d = 2, n = 1, L = 1, A_0 = I: the slope along E_11 is "
        f"{first}, along I/2 {reduced}."
    )


def without_independent_task() -> str:
    v = Variables(x0=gaussian, x1=gaussian, q0=gaussian, q1=gaussian, w1=gaussian)
    x, q = ([v.of[f"{name}{a}"] for a in range(2)] for name in "xq")
    w = [x[0], v.of["w1"]]
    first, reduced = slopes(v, noiseless([x], q, w))
    return (
        f"w = (x_11, g), so w ~ N(0, I) but not independent of x_1, d = 2, n = 1, L = 1, A_0 = I: the slope along "
        f"E_11 is {first}, along I/2 {reduced}."
    )


def without_whitened_task() -> str:
    v, prompt = gaussian_prompt(1, [[1, 0], [0, 1]], [[2, 0], [0, 1]])
    first, reduced = slopes(v, prompt)
    return (
        f"Σ = I, Ω = diag(4, 1), n = 1, L = 1, A_0 = I: the slope along E_11 is {first}, along I/2 {reduced}."
    )


def off_the_set() -> str:
    task = isotropic(2, 1)
    unit, half = fmpq_mat([[1, 0], [0, 0]]), exact.identity(2) / 2
    point = [[[1, 0], [0, 0]]]
    (first,), (reduced,) = (directional_derivatives(task, point, [r]) for r in (unit, half))
    if first == reduced:
        raise Refuted("the instance obeys the reduction")
    return f"A_0 = diag(1, 0), Σ = I, n = 1, L = 1: the slope along E_11 is {first}, along I/2 {reduced}."


@pytest.mark.claim(
    slug="invariant_direction_reduction", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_invariant_direction_reduction_necessity(evidence: Evidence) -> None:
    """What breaks the invariance breaks the reduction, exactly; noise, mask and a number in the slot do not."""
    evidence.necessary("gaussian_covariates", without_gaussian_covariates())
    evidence.necessary("independent_task", without_independent_task())
    evidence.necessary("whitened_task", without_whitened_task())
    evidence.necessary("scaled_set", off_the_set())
    if not any("sigma2" in repr(c) for c in derivative(2, 0).terms.values()):
        raise Refuted("the derivative that was reduced holds no noise")
    evidence.dispensable(
        "noiseless_labels", "Noise is as invariant: the symbolic derivatives that are reduced above hold σ²."
    )
    check_change_of_basis(C.T)
    evidence.dispensable(
        "masked_query",
        "The change of basis, which the proof rests on, is the same identity without the mask.",
    )
    Z = prompt(W.T @ X + NOISE.T, letter("c", "1", "1"))
    for index in range(2):
        Z = layer(*sparse(eye("d") * step(index) + R), Z)
    change = of_degree(Z[1, 1], "R", 1)
    if expectation(expectation(change, W, eye("d")), NOISE, eye("n") * one()) or not change:
        raise Refuted("the mean change of the query's label is not 0")
    evidence.dispensable(
        "zero_query_label",
        "A number c in the slot shifts the error by c (`query_label_shift`) and f by c²: the error is odd in (w, ε).",
    )
