"""Ahn et al. (2023), App. B.4, Lemma 4: the order of the layers does not matter on 𝒮, and only there."""

from typing import NamedTuple

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from sympy.polys.fields import FracElement

from icl_claims.claims.evidence import Evidence
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra import validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.words import Words, letter, zero
from icl_claims.theory.algebra.words import d as dim
from icl_claims.theory.algebra.words import n as context
from icl_claims.theory.loops.step import looped_step_loss
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_certificate import prove_different_positive_roots, prove_orthogonal
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import MASK, NO_MASK
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import query_label, target
from icl_claims.theory.transformer.symmetries import C, after_layers, step
from icl_claims.theory.wishart import spectral_moments, trace_moments
from icl_claims.theory.wishart.sizes import in_ring
from tests.shared.integer_tensors import draw_integers
from tests.shared.strategies import rationals, tasks_of


class Exchange(NamedTuple):
    """Two layers, and the two that are claimed to do the same."""

    layers: tuple[Words, Words]
    exchanged: tuple[Words, Words]


def check_exchange(exchange: Exchange) -> None:
    """The label row after two layers, from any state, with the mask and without it."""
    for mask in (MASK, NO_MASK):
        if after_layers(exchange.layers, mask) != after_layers(exchange.exchanged, mask):
            raise Refuted("the label rows differ")


def exchange(first: Words, second: Words) -> Exchange:
    return Exchange((first, second), (second, first))


@pytest.mark.claim(
    slug="permutation_symmetry",
    grade="proof",
    range="all d, n, L, every prompt, all steps",
    parts=("exchange",),
)
def test_claim_permutation_symmetry(evidence: Evidence) -> None:
    """Layers with matrices aC and bC, C any matrix, take every state to the same state in both orders: word
    identities for neighbours, which generate all permutations. The prediction itself is unchanged."""
    a, b, other = step(0), step(1), letter("D", "d", "d")
    evidence.check(
        check_exchange,
        exchange(C * a, C * b),
        {
            "two matrices aC and bD": exchange(C * a, other * b),
            "aC and bCᵀ": exchange(C * a, C.T * b),
            "aC and bC², which commute": exchange(C * a, C @ C * b),
            "a and b exchanged, one sign changed": Exchange((C * a, C * b), (C * b, C * -1 * a)),
            "both layers given the step a": Exchange((C * a, C * b), (C * a, C * a)),
        },
    )


@pytest.mark.claim(
    slug="permutation_symmetry",
    grade="exact",
    range="d ≤ 3, n ≤ 5, L ≤ 3, random rational steps and Σ",
    parts=("exchange",),
)
def test_claim_permutation_symmetry_exact() -> None:
    """The loss of general layers at a_lΣ⁻¹, averaged by a route that knows no symmetry, in every order of the
    steps the integral of ∏ (1 − a_l s)²."""

    @given(st.data())
    def unchanged(data: st.DataObject) -> None:
        task = data.draw(tasks_of("permutation_symmetry", max_context=5))
        steps = data.draw(st.lists(rationals, min_size=1, max_size=3))
        order = data.draw(st.permutations(steps))
        inverse = task.covariance.inv()
        value = layered_loss(task, [inverse * a for a in order])
        assert value == layered_loss(task, [inverse * a for a in steps])
        assert value == loss_of_steps(task, steps)

    unchanged()


@pytest.mark.claim(
    slug="permutation_symmetry",
    grade="exact",
    range="d ≤ 3, n ∈ {1, 2, 4}, L ≤ 3, integer values",
    parts=("exchange",),
)
def test_claim_permutation_symmetry_torch() -> None:
    """The torch model with A_l = a_l C: its predictions in both orders are equal, not close. Quotients of integers
    below 2⁵³ by 4³."""

    @given(st.data())
    def unchanged(data: st.DataObject) -> None:
        d, n = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
        steps = data.draw(st.lists(st.integers(-2, 2), min_size=1, max_size=3))
        order = data.draw(st.permutations(steps))
        common, Z0 = (draw_integers(data, shape, 2) for shape in ((d, d), (d + 1, n + 1)))

        def prediction(of: list[int]) -> float:
            return LinearTransformer.from_preconditioners(torch.stack([a * common for a in of]))(Z0).item()

        assert prediction(order) == prediction(steps)

    unchanged()


SIZES = [(d, n, L) for d in (1, 2, 5) for n in (1, 3, 20) for L in (2, 3, 4)]


def check_several(power: int) -> None:
    """At each size: q* orthogonal to lower degrees for s^power dμ (1: ∂f/∂a_l = −2∫ s q* q*/(1 − a_l s) dμ is 0), and
    L different steps. For L = 2 and all d, n: the discriminant of q* is positive."""
    for d, n, L in SIZES:
        residual = optimal_steps(isotropic(d, n), L).residual
        prove_orthogonal(isotropic(d, n), residual, L, power)
        prove_different_positive_roots(residual, L)
    if not is_positive(discriminant(power), {"d": 1, "n": 1}):
        raise Refuted("the discriminant for L = 2 is not shown to be positive")


def discriminant(power: int) -> FracElement:
    """e_1² − 4e_2 for the q = 1 − e_1 s + e_2 s² with q orthogonal to 1 and s for s^power dμ, times a square; in
    units of W."""
    m = [in_ring(moment, dim, context) for moment in trace_moments(6)][power:]
    determinant = m[1] * m[3] - m[2] ** 2
    # q = 1 − e_1 s + e_2 s² with e_1 = first/determinant and e_2 = −second/determinant.
    first, second = m[3] * m[0] - m[2] * m[1], m[1] ** 2 - m[2] * m[0]
    return first**2 + 4 * second * determinant


@pytest.mark.claim(
    slug="permutation_symmetry",
    grade="proof",
    range="all d, n ≥ 1, L ≥ 2: at least L! critical points",
    parts=("several",),
)
def test_claim_permutation_symmetry_several(evidence: Evidence) -> None:
    """The minimizer on 𝒮 is critical in all matrix directions (`invariant_direction_reduction`) and its L steps are
    the reciprocals of the roots of an orthogonal polynomial, so distinct (Szegő, Thm 3.3.1): exchange
    gives L! points. For L = 2 the discriminant is positive coefficient by coefficient in d − 1 and n − 1."""
    evidence.check(check_several, 1, {"orthogonal for dμ": 0, "orthogonal for s² dμ": 2})
    evidence.figure("critical points found", "$L!$")


def two_layer_critical_steps(loss: sympy.Poly) -> int:
    """How many points (a_0, a_1) are critical for f(e_1, e_2), e_1 = a_0 + a_1, e_2 = a_0a_1, a convex quadratic.

    ∂f/∂a_0 − ∂f/∂a_1 = (a_1 − a_0) ∂f/∂e_2: either a_0 = a_1 is a critical point of f(2a, a²), or
    ∂f/∂e_1 = ∂f/∂e_2 = 0, at one (e_1, e_2), whose a_0 ≠ a_1 are real where e_1² > 4e_2.
    """
    e1, e2 = loss.gens
    a = sympy.Symbol("a")
    (vertex,) = sympy.solve([loss.diff(e1).as_expr(), loss.diff(e2).as_expr()], [e1, e2], dict=True)
    diagonal = sympy.Poly(loss.as_expr().subs({e1: 2 * a, e2: a**2}), a, domain="QQ")
    distinct = 2 if vertex[e1] ** 2 > 4 * vertex[e2] else 0
    return distinct + int(diagonal.diff(a).sqf_part().count_roots())


@pytest.mark.claim(slug="permutation_symmetry", grade="exact", range="one instance per assumption", parts=())
def test_claim_permutation_symmetry_necessity(evidence: Evidence) -> None:
    """Off 𝒮 the order matters even for diagonal matrices; with one layer, with much noise or with the target in the
    slot there is a single critical point. At d = 1 every matrix is on 𝒮, so these counts are complete."""
    identity, projection = [[1, 0], [0, 1]], [[1, 0], [0, 0]]
    task = isotropic(2, 1)
    losses = layered_loss(task, [projection, identity]), layered_loss(task, [identity, projection])
    if losses[0] == losses[1]:
        raise Refuted("the exchange leaves the loss as it is")
    evidence.necessary(
        "scaled_set",
        f"d = 2, n = 1, Σ = I, diag(1, 0) and I: f = {losses[0]} where diag(1, 0) comes first and {losses[1]} where it "
        "comes second, though the two commute.",
    )
    evidence.figure("losses in the two orders off 𝒮", f"{losses[0]} and {losses[1]}")
    if looped_step_loss(isotropic(1, 1), 1).derivative().degree() != 1:
        raise Refuted("the loss of one layer is no parabola")
    evidence.necessary(
        "several_layers", "d = n = L = 1: f is a parabola in a_0, with one critical point, 1/3."
    )

    e1, e2, s = sympy.symbols("e1 e2 s")
    moments = [sympy.Rational(int(m.p), int(m.q)) for m in spectral_moments(5, 1, 1)]

    def mean(polynomial: sympy.Expr) -> sympy.Poly:
        terms = sympy.Poly(sympy.expand(polynomial), s).terms()
        return sympy.Poly(sum(c * moments[k] for (k,), c in terms), e1, e2, domain="QQ")

    noiseless = (1 - e1 * s + e2 * s**2) ** 2
    fitted = e1 * s - e2 * s**2
    at = {e1: sympy.Rational(5, 6), e2: sympy.Rational(1, 6)}
    steps = [["1/2"]], [["1/3"]]
    for noise in (0, 2):
        noisy = mean(noiseless + noise * sympy.cancel(fitted**2 / s)).as_expr().subs(at)
        if validation.rational("loss", str(noisy)) != layered_loss(
            RegressionTask([[1]], 1, [[1]], noise), steps
        ):
            raise Refuted("the loss in e_1 and e_2 is not that of the layers")
    if two_layer_critical_steps(mean(noiseless)) < 2:
        raise Refuted("the claim fails at d = n = 1, L = 2")
    if two_layer_critical_steps(mean(noiseless + 2 * sympy.cancel(fitted**2 / s))) != 1:
        raise Refuted("σ² = 2 leaves several critical points")
    evidence.necessary(
        "noiseless_labels", "σ² = 2, d = n = 1, L = 2: f has one critical point, with both steps equal."
    )
    layers = [sparse(letter("A", "d", "d")), sparse(letter("D", "d", "d"))]
    if query_label(layers, -target()) + target() != query_label(layers, zero("1", "1")):
        raise Refuted("with −⟨w, x_q⟩ in the slot the error is not what the layers fit, E(∏(1 − a_l s) − 1)²")
    if two_layer_critical_steps(mean(fitted**2)) != 1:
        raise Refuted("the filled slot leaves several critical points")
    evidence.necessary(
        "zero_query_label",
        "−⟨w, x_q⟩ in the slot, so that the prediction is right before any layer, d = n = 1, L = 2: "
        "f = E(e_1 s − e_2 s²)², e_1 = a_0 + a_1, e_2 = a_0a_1, has one critical point, a_0 = a_1 = 0.",
    )
