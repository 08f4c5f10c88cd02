"""Ahn et al. (2023), Theorem 4: critical points of the relaxed parametrization, GD++, the free last B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from sympy.polys.rings import ring

from icl_claims.claims.evidence import Evidence
from icl_claims.models import parametrizations
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import FIELD, SIZES, Words, eye, letter, n, zero
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK, NOISE, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import relaxed
from icl_claims.theory.transformer.preconditioned_gd import LABELS, gradient
from icl_claims.theory.transformer.prompts import SIGMA, over_prompts
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from icl_claims.theory.transformer.recursion import residual_jet
from icl_claims.theory.transformer.rotations import inverse_pairs, without_inverse_pairs
from icl_claims.theory.transformer.symmetries import of_degree
from icl_claims.theory.wishart import spectral_moments
from icl_claims.theory.wishart.sizes import in_ring
from tests.shared import coordinates
from tests.shared.coordinates import Law, Prompt, Variables, gaussian, rademacher
from tests.shared.integer_tensors import draw_integers
from tests.shared.prompts import noiseless

SLOT = letter("t", "1", "1")
"""The query's label slot, whatever it holds."""
STATE = prompt(LABELS, SLOT)
FIRST, SECOND = letter("A_0", "d", "d"), letter("A_1", "d", "d")
MOVE, LAST_MOVE = letter("B_0", "d", "d"), letter("B_1", "d", "d")
INVERSE = inverse_pairs("C", "K")
"""K = C⁻¹."""
SCALAR = {name: letter(name.lower().replace("_", ""), "1", "1") for name in ("A_0", "A_1", "B_0")}


class Point(NamedTuple):
    """A critical point that is claimed, with d and n symbols."""

    first: Any
    """a_l and"""
    move: Any
    """b_l for l < L − 1."""
    last: Any
    """a_{L−1}."""


def check_point(point: Point) -> None:
    """All slopes of f on 𝒮′ vanish there, as rational functions of d and n, for L = 1, …, 5."""
    size_d, size_n = SIZES["d"], SIZES["n"]
    moments = [in_ring(m, size_d, 1 / size_n) for m in spectral_moments(8)]
    polynomials, s = ring("s", FIELD)
    for layers in range(1, 6):
        a, b = [point.first] * (layers - 1) + [point.last], [point.move] * (layers - 1)
        unit = polynomials.one
        r = residual_jet([FIELD(x) for x in a], [FIELD(x) for x in b], s, unit, second=False)
        for i, slope in enumerate(r.slopes):
            if sum((c * moments[k] for (k,), c in (r.value * slope).terms()), start=FIELD.zero):
                raise Refuted(f"L = {layers}: derivative {i} does not vanish")


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="proof",
    range="all d, n, L by the argument; every derivative on 𝒮′ symbolically in d, n for L ≤ 5",
    parts=("infimum",),
)
@pytest.mark.claim(
    slug="gdpp_minimum_attained",
    grade="proof",
    range="all d, n, L by the argument; every derivative on 𝒮′ symbolically in d, n for L ≤ 5",
    parts=("critical_point",),
)
def test_claim_gdpp_critical_points(evidence: Evidence) -> None:
    """The infimum is 0 and is attained: a_l = 0, b_l = −1/2 for l < L − 1 and a_{L−1} = −n/(n+d+1) is critical on
    𝒮′, as all p_l are 1 there, r_L = 1 + as, and every slope is s or 0; by invariance under orthogonal maps each
    block of the full gradient is a multiple of I (for general Σ, of Σ and I), of trace ∂f/∂a_l or ∂f/∂b_l. For
    L ≥ 2 it is a saddle: ∂²f/∂b_0² = 0 while ∂²f/∂a_0∂b_0 = 4a ∫ s²(1 + as) dμ = 4a (m_2² − m_1 m_3)/m_2 ≠ 0."""
    size_d, size_n = SIZES["d"], SIZES["n"]
    half, best = FIELD.one / 2, -size_n / (size_n + size_d + 1)
    mutants = {
        "b = −1/3": Point(0 * half, -half * 2 / 3, best),
        "b = +1/2": Point(0 * half, half, best),
        "b = 0": Point(0 * half, 0 * half, best),
        "−n/(n + d)": Point(0 * half, -half, -size_n / (size_n + size_d)),
        "sign of a": Point(0 * half, -half, -best),
        "the best layer in every place": Point(best, -half, best),
    }
    evidence.check(check_point, Point(0 * half, -half, best), mutants)
    for d, size in ((1, 1), (2, 5), (5, 3), (5, 20)):
        for layers in (2, 3):
            a, b = gdpp.explicit_critical_point(isotropic(d, size), layers)
            slopes = gdpp.gradient(isotropic(d, size), a, b)
            hessian = gdpp.hessian(isotropic(d, size), a, b)
            if any(slopes[0] + slopes[1]) or hessian[layers, layers] != 0 or hessian[0, layers] == 0:
                raise Refuted(f"{(d, size, layers)}: not a critical point, or not shown to be a saddle")
    evidence.figure(
        "the critical point at d = 5, n = 20, L = 3", "a = (0, 0, −10/13), b = (−1/2, −1/2), loss 15/13"
    )
    task = isotropic(5, 20)
    if gdpp.loss(task, *gdpp.explicit_critical_point(task, 3)) != fmpq(15, 13):
        raise Refuted("the loss at the explicit point is not 15/13")


@dataclass(frozen=True)
class Setting:
    """A point of 𝒮′ (or off it), a direction, and a law of the task."""

    layers: int = 2
    direction: str = "A_0"
    off: str | None = None
    """The matrix that is replaced by a general symmetric one."""
    task_covariance: Words | None = None
    query_covariance: Words | None = None


def derivative(setting: Setting) -> Words:
    """The derivative of f in a direction R at a point of 𝒮′ for Σ = I: a polynomial in a0, b0, a1 and tr R."""
    Z = prompt(W.T @ X)
    for A, B in [(FIRST, MOVE), (SECOND, LAST_MOVE)][: setting.layers]:
        Z = layer(*relaxed(A, B), Z)
    error = Z[1, 1] + W.T @ X_QUERY
    f = expectation(error * error, X_QUERY, setting.query_covariance or eye("d"))
    f = expectation(f, W, setting.task_covariance or eye("d"))
    values = {name: eye("d") * scalar for name, scalar in SCALAR.items()}
    if setting.off:
        values[setting.off] = letter("D", "d", "d", symmetric=True)
    values[setting.direction] = values[setting.direction] + letter("R", "d", "d")
    return expectation(of_degree(f.substitute(values), "R", 1), X, eye("d"))


def check_invariance(setting: Setting) -> None:
    """The derivative is a multiple of tr R: the gradient is a multiple of I, with the trace that 𝒮′ sees."""
    slope = derivative(setting)
    R = letter("R", "d", "d")
    traces = {trace for traces, _ in slope.terms for trace in traces if any(x.name == "R" for x in trace)}
    if not slope or traces != set(next(iter(R.trace().terms))[0]):
        raise Refuted(f"{setting}: the derivative in R is no multiple of tr R")
    if any(x.name in ("D", "R") for traces, _ in slope.terms for t in traces for x in t if len(t) > 1):
        raise Refuted(f"{setting}: the derivative holds other traces than tr R")


def check_against_the_recursion(setting: Setting) -> None:
    """At numbers: d times the multiple is the derivative on 𝒮′, by the recursion and the moments of S."""
    slope = derivative(setting)
    a0, b0, a1 = fmpq(-1, 2), fmpq(3, 4), fmpq(-2, 3)
    a, b = [a0, a1][: setting.layers], [b0][: setting.layers - 1]
    index = {"A_0": (0, 0), "A_1": (0, 1), "B_0": (1, 0)}[setting.direction]
    for d, size in ((1, 1), (2, 3), (3, 2)):
        values = {"a0": a0, "b0": b0, "a1": a1}
        matrices = {name: fmpq_mat([[x]]) for name, x in values.items()}
        identity = fmpq_mat([[int(i == j) for j in range(d)] for i in range(d)])
        value = at_task(slope, isotropic(d, size), {**matrices, "R": identity})[0, 0]
        if value != gdpp.gradient(isotropic(d, size), a, b)[index[0]][index[1]]:
            raise Refuted(f"{setting} at {(d, size)}: another derivative than by the recursion")


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="proof",
    range="L = 2, direction B_0, all d, n, a_0, b_0, a_1",
    parts=("infimum",),
    complete=False,
)
def test_claim_gdpp_critical_points_invariance(evidence: Evidence) -> None:
    """The layer multiplied out in blocks and averaged by integration by parts: at every point of 𝒮′ the
    derivative of f in any direction of B_0 is a multiple of its trace, and agrees with the recursion."""

    def check(setting: Setting) -> None:
        check_invariance(setting)
        check_against_the_recursion(setting)

    mutants = {
        "A_0 off 𝒮′": Setting(layers=1, off="A_0"),
        "Ω ≠ Σ⁻¹": Setting(layers=1, task_covariance=letter("Omega", "d", "d", symmetric=True)),
        "query of another covariance": Setting(layers=1, query_covariance=SIGMA),
    }
    check(Setting(layers=1))
    evidence.check(check, Setting(direction="B_0"), mutants)


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="proof",
    range="L = 2, directions A_0 and A_1, all d, n, a_0, b_0, a_1",
    parts=("infimum",),
    complete=False,
    level="full",
)
@pytest.mark.parametrize("direction", ["A_0", "A_1"])
def test_claim_gdpp_critical_points_invariance_of_all(direction: str) -> None:
    """The same for the directions of A_0 and A_1."""
    check_invariance(Setting(direction=direction))
    check_against_the_recursion(Setting(direction=direction))


class Whitening(NamedTuple):
    """What A and B become for x = C x̄, K = C⁻¹."""

    A: Words
    B: Words


def check_whitening(whitening: Whitening) -> None:
    """Any layer on x = C x̄, w = Kᵀ w̄ is the layer Ā, B̄ on x̄, w̄: block by block, for every prompt."""
    C = letter("C", "d", "d")
    bar = prompt(LABELS, SLOT)
    original = Blocks([[C @ X, C @ X_QUERY], [LABELS, SLOT]])
    after = layer(*relaxed(whitening.A, whitening.B), original)
    plain = layer(*relaxed(FIRST, MOVE), bar)
    for j in range(2):
        covariates, labels = (without_inverse_pairs(after[i, j], INVERSE) for i in range(2))
        if covariates != C @ plain[0, j] or labels != plain[1, j]:
            raise Refuted("the change of variables does not carry the layer over")


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="proof",
    range="all Σ, all A_l, B_l, every prompt",
    parts=("infimum",),
    complete=False,
)
def test_claim_gdpp_critical_points_whitening(evidence: Evidence) -> None:
    """x = C x̄, w = C⁻ᵀ w̄, A = C⁻ᵀ Ā C⁻¹, B = C B̄ C⁻¹: with C = Σ^{1/2} the problem whitens for all A and B, and
    A = aΣ⁻¹, B = bI become aI, bI. B is a similarity where A is a congruence."""
    C, K = letter("C", "d", "d"), letter("K", "d", "d")
    A, B = K.T @ FIRST @ K, C @ MOVE @ K
    mutants = {
        "B̄ = CᵀBC, as for A": Whitening(A, K.T @ MOVE @ K),
        "B = K B̄ C": Whitening(A, K @ MOVE @ C),
        "A a similarity": Whitening(C @ FIRST @ K, B),
    }
    evidence.check(check_whitening, Whitening(A, B), mutants)
    if without_inverse_pairs(C @ (eye("d") * letter("b", "1", "1")) @ K, INVERSE) != eye("d") * letter(
        "b", "1", "1"
    ):
        raise Refuted("B = bI is not kept")


class GdPlusPlus(NamedTuple):
    """γ and the step η of GD++ that a layer (aI, bI) is claimed to run."""

    gamma: Words
    step: Words
    mask: Blocks


def check_gd_plus_plus(claimed: GdPlusPlus) -> None:
    """The layer on any state, the query's column too: x_j ← (I − γXXᵀ) x_j, y_j ← y_j − ⟨w_1, x_j⟩, w_1 = −η∇R(0)."""
    a, b = letter("a", "1", "1"), letter("b", "1", "1")
    w = -(gradient(zero("d", "1")) * claimed.step)
    H = eye("d") - X @ X.T * claimed.gamma
    expected = Blocks([[H @ X, H @ X_QUERY], [LABELS - w.T @ X, SLOT - w.T @ X_QUERY]])
    found = layer(*relaxed(eye("d") * a, eye("d") * b), STATE, claimed.mask)
    for i in range(2):
        for j in range(2):
            if found[i, j] != expected[i, j]:
                raise Refuted(f"block ({i}, {j}) is not that of GD++")


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="proof",
    range="all d, n, every state of a prompt, all a_l, b_l",
    parts=("gd_plus_plus",),
)
def test_claim_gdpp_critical_points_gd_plus_plus(evidence: Evidence) -> None:
    """For Σ = I a layer (a I, b I) is one step of GD++, with gradient step −a and γ = −ab/n, on any covariates and
    labels: so L layers are L steps of it."""
    from icl_claims.theory.transformer.attention import MASK

    a, b = letter("a", "1", "1"), letter("b", "1", "1")
    gamma = -(a * b) / n
    mutants = {
        "sign of γ": GdPlusPlus(-gamma, -a, MASK),
        "γ = −ab": GdPlusPlus(gamma * n, -a, MASK),
        "γ = −b/n": GdPlusPlus(-b / n, -a, MASK),
        "ascent": GdPlusPlus(gamma, a, MASK),
        "no mask": GdPlusPlus(gamma, -a, NO_MASK),
    }
    evidence.check(check_gd_plus_plus, GdPlusPlus(gamma, -a, MASK), mutants)


def check_free(entry: tuple[int, int, str]) -> None:
    """An entry of the state after two layers does not hold a letter, whatever the prompt and the mask."""
    i, j, name = entry
    for mask in (None, NO_MASK):
        masks = () if mask is None else (mask,)
        Z = layer(*relaxed(SECOND, LAST_MOVE), layer(*relaxed(FIRST, MOVE), STATE, *masks), *masks)
        if any(x.name == name for x in Z[i, j].letters()):
            raise Refuted(f"entry {(i, j)} depends on {name}")


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="proof",
    range="all d, n, L, every prompt, all A_l, B_l",
    parts=("last_layer",),
)
def test_claim_gdpp_critical_points_last_layer(evidence: Evidence) -> None:
    """The label row of a layer's output does not hold its B: as the first layer may start from any state, the
    query entry after L layers does not depend on B_{L−1}. It does depend on B_{L−2}."""
    mutants = {
        "nor on B_{L−2}": (1, 1, "B_0"),
        "nor on A_{L−1}": (1, 1, "A_1"),
        "nor do the covariates": (0, 0, "B_1"),
        "nor does the query's covariate": (0, 1, "B_1"),
    }
    evidence.check(check_free, (1, 1, "B_1"), mutants)
    evidence.check(check_free, (1, 0, "B_1"), {})


@pytest.mark.claim(
    slug="gdpp_critical_points",
    grade="exact",
    range="d ≤ 3, n ∈ {1, 2, 4}, L = 2, integers",
    parts=("last_layer",),
    complete=False,
)
def test_claim_gdpp_critical_points_torch() -> None:
    """The torch model against the layer over ℚ, for random shapes and integers: equal, not close, and the same for
    every B_{L−1}. |x|, |y|, |A|, |B| ≤ 1 keep all numbers multiples of 2⁻¹² below 2³³, which float64 holds."""

    @given(st.data())
    def equal(data: st.DataObject) -> None:
        d, size = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
        shapes = (2, d, d), (2, d, d), (d + 1, size + 1)
        A, B, Z0 = (draw_integers(data, shape, 1) for shape in shapes)
        Z = fmpq_mat([[fmpq(int(x)) for x in row] for row in Z0.tolist()])
        mask = fmpq_mat([[int(i == j < size) for j in range(size + 1)] for i in range(size + 1)])
        for a, b in zip(A.tolist(), B.tolist(), strict=True):
            P = fmpq_mat([[*map(int, row), 0] for row in b] + [[0] * d + [1]])
            Q = fmpq_mat([[*map(int, row), 0] for row in a] + [[0] * (d + 1)])
            Z = Z + P * Z * mask * (Z.transpose() * Q * Z) / size
        model = LinearTransformer.from_matrices(*parametrizations.relaxed(A, B))
        last = model.states(Z0)[-1]
        assert [[fmpq(*x.as_integer_ratio()) for x in row] for row in last.tolist()] == Z.tolist()
        assert model(Z0) == -last[d, size]
        assert LinearTransformer.from_matrices(*parametrizations.relaxed(A, B[:1]))(Z0) == model(Z0)

    equal()


def least_square(entries: coordinates.Gradient) -> fmpq:
    """inf over a of Σ (α + βa)² = Σα² − (Σαβ)²/Σβ²."""
    pairs = [pair for row in entries for pair in row]
    aa, ab, bb = (sum((x[i] * x[j] for x in pairs), fmpq(0)) for i, j in ((0, 0), (0, 1), (1, 1)))
    return aa - ab**2 / bb


def positive_infimum(model: str, v: Variables, drawn: Prompt) -> str:
    """The instance in words, once the gradient is bounded away from 0 on 𝒮′."""
    least = least_square(coordinates.gradient_on_the_ray(v, drawn))
    if least <= 0:
        raise Refuted(f"{model}: the infimum is {least}")
    return f"L = 1, {model}: the infimum on 𝒮′ is {least}, not 0."


def planar(laws: dict[str, Law], task: Callable[[dict[str, Any]], list[Any]]) -> tuple[Variables, Prompt]:
    """d = 2, n = 1, Σ = I."""
    v = Variables(**laws)
    x, q, w = [v.of["x0"], v.of["x1"]], [v.of["q0"], v.of["q1"]], task(v.of)
    return v, noiseless([x], q, w)


@pytest.mark.claim(slug="gdpp_critical_points", grade="exact", range="one instance each", parts=())
@pytest.mark.claim(slug="gdpp_minimum_attained", grade="exact", range="one instance each", parts=())
def test_claim_gdpp_critical_points_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself; the gradient in all matrix directions, exactly, at L = 1, d = 2, n = 1."""
    names = ["x0", "x1", "q0", "q1", "w0", "w1"]
    laws: dict[str, Law] = dict.fromkeys(names, gaussian)
    own = lambda of: [of["w0"], of["w1"]]  # noqa: E731
    if least_square(coordinates.gradient_on_the_ray(*planar(laws, own))) != 0:
        raise Refuted("with all assumptions the infimum is not 0")
    signs = planar({**laws, "x1": rademacher, "q1": rademacher}, own)
    evidence.necessary("gaussian_covariates", positive_infimum("x = (g, ±1) with g normal, Σ = I", *signs))
    dependent = planar(laws, lambda of: [of["x0"], of["w1"]])
    evidence.necessary("independent_task", positive_infimum("w_1 = the first entry of x_1", *dependent))
    flat = planar(laws, lambda of: [of["w0"], 0 * of["w1"]])
    evidence.necessary("whitened_task", positive_infimum("Ω = diag(1, 0), Σ = I", *flat))
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened([[1, 0], [0, 0]], 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮′ exists.")
    a, b = letter("a", "1", "1"), letter("b", "1", "1")
    weights = relaxed(eye("d") * a, eye("d") * b)
    gained = layer(*weights, STATE, NO_MASK)[0, 0] - layer(*weights, STATE)[0, 0]
    if gained != X_QUERY @ X_QUERY.T @ X * (a * b) / n:
        raise Refuted("without the mask the covariates do not gain the query's own term")
    evidence.necessary(
        "masked_query",
        "Without the mask the context's covariates gain (ab/n) x_q x_qᵀX: the update depends on the query, and is "
        "not that of GD++ on the context.",
    )
    prove_slot_adds_its_square([relaxed(FIRST, MOVE)])
    evidence.dispensable(
        "zero_query_label",
        "With c in the slot the error is shifted by c (the query column is no key), and has mean 0 given the "
        "context: f grows by the constant c², and no derivative changes.",
    )


@pytest.mark.claim(slug="gdpp_critical_points", grade="proof", range="L = 1, all d, n", parts=())
def test_claim_gdpp_critical_points_with_noise(evidence: Evidence) -> None:
    """Label noise keeps the invariance, so Theorem 4 does not need its absence."""
    a = letter("a", "1", "1")
    labels = W.T @ X + NOISE.T
    noisy = layer(*relaxed(FIRST, MOVE), prompt(labels))[1, 1] + W.T @ X_QUERY
    averaged = over_prompts(noisy * noisy).substitute({"Sigma": eye("d"), "Omega": eye("d")})
    scalar = averaged.substitute({"A_0": eye("d") * a + letter("R", "d", "d")})
    first_order = of_degree(scalar, "R", 1)
    if {t for traces, _ in first_order.terms for t in traces if any(x.name == "R" for x in t)} != set(
        next(iter(letter("R", "d", "d").trace().terms))[0]
    ):
        raise Refuted("with noise the gradient is no multiple of I")
    evidence.dispensable(
        "noiseless_labels",
        "With noise the law of the prompt is still invariant under rotations, so the gradient on 𝒮′ is that of a "
        "polynomial f ≥ 0 in (a, b), whose infimum is 0 (Ekeland); checked with noise at L = 1.",
    )
