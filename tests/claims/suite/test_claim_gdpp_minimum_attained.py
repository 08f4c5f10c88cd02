"""The exact loss on 𝒮′, and its minimum: where it is proved to be attained, and the minimizer of two layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from flint import fmpq
from sympy import QQ
from sympy.polys.rings import ring

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.gdpp import CriticalPoint, certify
from icl_claims.numerics.gdpp_two_layers import candidates
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.words import FIELD, SIZES, Words, eye, letter, n, zero
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer import recursion as forward
from icl_claims.theory.transformer.attention import X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import relaxed
from icl_claims.theory.wishart import spectral_moments
from icl_claims.theory.wishart.sizes import in_ring
from tests.shared.coordinates import gaussian_prompt, gradient_on_the_ray
from tests.shared.decimals import encloses_what_rounds_to
from tests.shared.relaxed_points import LEAST_KNOWN

S = X @ X.T / n
COVARIATE, RESIDUAL = (letter(name, "d", "d", symmetric=True) for name in "pr")
STEP, SHARE = letter("a", "1", "1"), letter("b", "1", "1")

Recursion = Callable[[Sequence[Any], Sequence[Any], Any, Any], tuple[list[Any], Any]]


def state(p: Words, r: Words) -> Blocks:
    """Z_l for X_l = p X, x_{q,l} = p x_q, y_l = wᵀ r X, and wᵀ (r − I) x_q in the slot."""
    return Blocks([[p @ X, p @ X_QUERY], [W.T @ r @ X, W.T @ (r - eye("d")) @ X_QUERY]])


def in_words(polynomial: Any, scalars: Sequence[Words]) -> Words:
    """A polynomial in s and the scalars, with S for s."""
    total = zero("d", "d")
    powers = [eye("d")]
    for (k, *exponents), c in polynomial.terms():
        while len(powers) <= k:
            powers.append(powers[-1] @ S)
        part = powers[k] * FIELD(c)
        for scalar, exponent in zip(scalars, exponents, strict=True):
            for _ in range(exponent):
                part = part * scalar
        total = total + part
    return total


def check_recursion(recursion: Recursion) -> None:
    """L = 1, 2, 3 layers multiplied out in blocks are the state of p_L(S), r_L(S); degree (3ᴸ − 1)/2."""
    for layers in (1, 2, 3):
        names = [f"a{i}" for i in range(layers)] + [f"b{i}" for i in range(layers)]
        _, s, *generators = ring(["s", *names], QQ)
        scalars = [letter(name, "1", "1") for name in names]
        p, r = recursion(generators[:layers], generators[layers:], s, s**0)
        if r.degree(s) != (3**layers - 1) // 2:
            raise Refuted(f"L = {layers}: the degree is {r.degree(s)}")
        Z = prompt(W.T @ X)
        for step, share in zip(scalars[:layers], scalars[layers:], strict=True):
            Z = layer(*relaxed(eye("d") * step, eye("d") * share), Z)
        expected = state(in_words(p[layers], scalars), in_words(r, scalars))
        if any(Z[i, j] != expected[i, j] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))):
            raise Refuted(f"L = {layers}: the layers have another state")


def variant(move: Callable[..., Any], label: Callable[..., Any]) -> Recursion:
    """The recursion with other factors, each a function of a, b, s and p."""

    def recursion(a: Sequence[Any], b: Sequence[Any], s: Any, unit: Any) -> tuple[list[Any], Any]:
        p, r = [unit], unit
        for step, share in zip(a, b, strict=True):
            r = r * (unit + label(step, share, s, p[-1]))
            p.append(p[-1] * (unit + move(step, share, s, p[-1])))
        return p, r

    return recursion


@pytest.mark.claim(
    slug="gdpp_minimum_attained",
    grade="proof",
    range="all d, n, L, a, b, every prompt; L ≤ 3 multiplied out",
    parts=("loss",),
)
def test_claim_gdpp_minimum_attained_loss(evidence: Evidence) -> None:
    """Induction: in symbolic blocks a layer (aI, bI) takes the state of (p, r) to that of ((I + ab pSp) p, r + a rSpp),
    and p, r, S commute where p, r are polynomials in S. So the error is −wᵀ r_L(S) x_q, and f = E tr r_L(S)²."""
    squared = COVARIATE @ S @ COVARIATE
    after = layer(*relaxed(eye("d") * STEP, eye("d") * SHARE), state(COVARIATE, RESIDUAL))
    moved = COVARIATE + squared @ COVARIATE * (STEP * SHARE)
    residual = RESIDUAL + RESIDUAL @ S @ COVARIATE @ COVARIATE * STEP
    expected = state(moved, residual)
    if any(after[i, j] != expected[i, j] for i in range(2) for j in range(2)):
        raise Refuted("the induction step fails")
    if state(eye("d"), eye("d")) != prompt(W.T @ X):
        raise Refuted("Z_0 is not the state of p_0 = r_0 = 1")

    def move(a: Any, b: Any, s: Any, p: Any) -> Any:
        return a * b * s * p**2

    def label(a: Any, _: Any, s: Any, p: Any) -> Any:
        return a * s * p**2

    mutants = {
        "covariates move by a alone": variant(lambda a, b, s, p: a * s * p**2, label),
        "covariates move by −ab": variant(lambda a, b, s, p: -a * b * s * p**2, label),
        "p in the place of p²": variant(lambda a, b, s, p: a * b * s * p, label),
        "labels see the first Gram matrix": variant(move, lambda a, b, s, p: a * s),
    }
    evidence.check(check_recursion, forward.recursion, mutants)
    evidence.figure("degree of the loss in s for L = 1, 2, 3, 4", "2, 8, 26, 80")


@pytest.mark.claim(
    slug="gdpp_minimum_attained",
    grade="proof",
    range="all d, n; L ≥ 2",
    parts=("critical_point",),
    complete=False,
)
def test_claim_gdpp_minimum_attained_saddle() -> None:
    """m_1 m_3 − m_2² has only positive coefficients in d − 1, n − 1: it is positive for all d, n ≥ 1, so that
    ∂²f/∂a_0∂b_0 ≠ 0 beside ∂²f/∂b_0² = 0 at the explicit critical point: a saddle."""
    moments = [in_ring(m, SIZES["d"], 1 / n) for m in spectral_moments(3)]
    if not is_positive(moments[1] * moments[3] - moments[2] ** 2, {"d": 1, "n": 1}):
        raise Refuted("m_1 m_3 − m_2² is not shown to be positive")
    _, s, a, a0, b0 = ring("s,a,a0,b0", QQ)
    r = forward.recursion([a0, a], [b0], s, s**0)[1]
    slope = r.diff(a0).diff(b0).subs([(a0, 0)])
    if slope != 2 * a * s**2 or r.diff(b0).subs([(a0, 0)]) != 0:
        raise Refuted("the mixed derivative of the residual is not 2as²")


class Boundary(NamedTuple):
    """The ingredients of the proof for two layers, as claimed."""

    slope_at_zero: Any
    """∂r/∂a_0 at a_0 = 0 and fixed c, over r."""
    slope_at_infinity: Any
    """∂(s p_1²)/∂ε at ε = 0 for p_1 = ε + γs."""
    cofactor: Any
    """(1 + aτ³)(τ − τ_0) for a = −1/τ_0³, over −(τ − τ_0)²/τ_0³."""


def check_boundary(claimed: Boundary) -> None:
    """The three identities; the third shows a sign, as τ² + ττ_0 + τ_0² > 0."""
    _, s, a0, a1, c, eps, gamma = ring("s,a0,a1,c,eps,gamma", QQ)
    r = (1 + a0 * s) * (1 + a1 * s * (1 + c * s) ** 2)
    if r.diff(a0) != claimed.slope_at_zero(s) * r.subs([(a0, 0)]):
        raise Refuted("the slope at a_0 = 0 is another")
    gram = s * (eps + gamma * s) ** 2
    if gram.diff(eps).subs([(eps, 0)]) != claimed.slope_at_infinity(s, gamma):
        raise Refuted("the slope at c = ∞ is another")
    _, t, t0 = ring("t,t0", QQ)
    if (t0**3 - t**3) * (t - t0) != -((t - t0) ** 2) * claimed.cofactor(t, t0):
        raise Refuted("the product has another factor")


@pytest.mark.claim(slug="gdpp_minimum_attained", grade="proof", range="all d, n", parts=("two_layers",))
def test_claim_gdpp_minimum_attained_two_layers(evidence: Evidence) -> None:
    """On {f ≤ f(0)} the steps are bounded, so f attains its minimum once c = a_0b_0 = ±∞ is admitted. There, and
    at a_0 = 0, it is not attained: at a_0 = 0 the slope is 2∫ s r² dμ > 0; at c = ±∞ the two conditions
    ∫ (1 + aτ³) τ³ dν = ∫ (1 + aτ³) τ² dν = 0 would make ∫ (1 + aτ³)(τ − τ_0) τ² dν vanish, whose integrand is
    ≤ 0 and not 0."""
    stated = Boundary(lambda s: s, lambda s, g: 2 * g * s**2, lambda t, t0: t**2 + t * t0 + t0**2)
    mutants = {
        "slope −s at a_0 = 0": stated._replace(slope_at_zero=lambda s: -s),
        "slope of the wrong order": stated._replace(slope_at_infinity=lambda s, g: 2 * g * s**3),
        "slope without γ": stated._replace(slope_at_infinity=lambda s, g: 2 * s**2),
        "a factor that changes sign": stated._replace(cofactor=lambda t, t0: t**2 - 3 * t * t0 + t0**2),
    }
    evidence.check(check_boundary, stated, mutants)


THREE_LAYERS = {(d, size): point for (d, size, layers), point in LEAST_KNOWN.items() if layers == 3}
"""Points near the least minimum that is known: any point with a small loss will do."""


def check_three_layers(bound: Callable[[int, int], fmpq]) -> None:
    """No residual with an infinite c_0 loses as little as the bound, at every size, decided exactly."""
    for d, size in THREE_LAYERS:
        gdpp.prove_degenerate_layer_loses(isotropic(d, size), bound(d, size))


@pytest.mark.claim(
    slug="gdpp_minimum_attained",
    grade="exact",
    range="L = 3, the seven sizes that the claim names",
    parts=("three_layers",),
    complete=True,
)
def test_claim_gdpp_minimum_attained_three_layers(evidence: Evidence) -> None:
    """c_1 = ±∞ is excluded as for two layers. With c_0 = ±∞ the residual is (1 + as) q(s³), deg q ≤ 4, and the
    least loss of those exceeds a loss on 𝒮′: det G − f̂ det G′ has no real root (Sturm)."""
    mutants = {
        "predicting 0": lambda d, _: fmpq(d),
        "one layer": lambda d, size: optimal_steps(isotropic(d, size), 1).loss * 2,
        "a thousand times the loss": lambda d, size: (
            1000 * gdpp.loss(isotropic(d, size), *THREE_LAYERS[d, size])
        ),
    }
    evidence.check(
        check_three_layers,
        lambda d, size: gdpp.loss(isotropic(d, size), *THREE_LAYERS[d, size]),
        mutants,
    )


class Minimum(NamedTuple):
    """A minimizer of two layers, in decimals, and its loss."""

    a: tuple[str, str] = ("-0.51676", "-3.47466")
    b: str = "0.86846"
    loss: str = "0.0575012"
    dim: int = 5
    context_length: int = 20
    ratio: tuple[int, int] = (1, 6)


def global_minimum(d: int, size: int) -> CriticalPoint:
    """The minimizer of two layers, proved: the one candidate of least loss, certified by Newton's method."""
    best, *others = candidates(isotropic(d, size))
    a0 = best.a0.middle
    point = certify(isotropic(d, size), [a0, best.a1.middle], [best.c.middle / a0])
    if not all(point.loss.upper < other.loss.lower for other in others):
        raise Refuted(f"{(d, size)}: another candidate may lose as little")
    for own, found in ((point.a[0], best.a0), (point.a[1], best.a1), (point.loss, best.loss)):
        if own.upper < found.lower or found.upper < own.lower:
            raise Refuted(f"{(d, size)}: the certified point is not the candidate")
    return point


def check_minimum(claimed: Minimum) -> None:
    """The decimals of the global minimizer, and the best two steps without covariate updates."""
    d, size = claimed.dim, claimed.context_length
    point = global_minimum(d, size)
    if not point.minimum:
        raise Refuted("the point is no strict local minimum")
    stated = [*claimed.a, claimed.b, claimed.loss]
    if not all(
        encloses_what_rounds_to(x, text)
        for x, text in zip([*point.a, *point.b, point.loss], stated, strict=True)
    ):
        raise Refuted(f"the minimizer at {(d, size)} has other digits than {stated}")
    few, many = claimed.ratio
    if point.loss.upper * many >= optimal_steps(isotropic(d, size), 2).loss * few:
        raise Refuted(f"the loss is not below {few}/{many} of that on 𝒮")


@pytest.mark.claim(
    slug="gdpp_minimum_attained",
    grade="certified",
    range="L = 2, d = 5, n = 20",
    parts=("minimizer",),
    complete=True,
)
def test_claim_gdpp_minimum_attained_minimizer(evidence: Evidence) -> None:
    """All critical points with a_0 ≠ 0 by elimination: six, three of them strict local minima; the least loss is
    separated from the others, and a Newton test certifies the point. As the minimum is attained, it is this one."""
    mutants = {
        "another local minimum": Minimum(("-0.76932", "-2.64395"), "0.35345", "0.0865479"),
        "n = 21": Minimum(context_length=21),
        "last digit of a_0": Minimum(("-0.51677", "-3.47466")),
        "sign of b": Minimum(b="-0.86846"),
        "a seventh": Minimum(ratio=(1, 7)),
    }
    evidence.check(check_minimum, Minimum(), mutants)
    losses = ", ".join(f"{x.loss.middle:.6f}" for x in candidates(isotropic(5, 20)))
    evidence.figure("losses of the six critical points, d = 5, n = 20", losses)
    for d, size in ((1, 1), (2, 5), (3, 2), (5, 3), (5, 10), (10, 40), (20, 10)):
        point = global_minimum(d, size)
        numbers = ", ".join(f"{x.middle:.4f}" for x in (*point.a, *point.b))
        sparse = nearest(optimal_steps(isotropic(d, size), 2).loss)
        evidence.figure(
            f"global minimum of two layers at d = {d}, n = {size}",
            f"a_0, a_1, b_0 = {numbers}; loss {point.loss.middle:.6f}, on 𝒮 {sparse:.6f}",
        )
    evidence.chart(gain_chart())


def gain_chart() -> Chart:
    """Two layers with and without covariate updates, against the context length."""
    sizes = list(range(2, 41))
    x = tuple(map(float, sizes))
    return Chart(
        title="What moving the covariates buys: two layers, exact global minima",
        caption="d = 5. The least loss on 𝒮 (two steps) and on 𝒮′ (two steps and one covariate update), both proved "
        "to be global minima, and that of three steps on 𝒮.",
        x_label="context length $n$",
        y_label="minimal loss",
        y_scale="log",
        series=(
            Series(
                label="two layers, sparse",
                x=x,
                y=tuple(nearest(optimal_steps(isotropic(5, k), 2).loss) for k in sizes),
            ),
            Series(
                label="two layers, relaxed",
                x=x,
                y=tuple(candidates(isotropic(5, k))[0].loss.middle for k in sizes),
            ),
            Series(
                label="three layers, sparse",
                x=x,
                y=tuple(nearest(optimal_steps(isotropic(5, k), 3).loss) for k in sizes),
                style="dashed",
            ),
        ),
    )


@pytest.mark.claim(slug="gdpp_minimum_attained", grade="exact", range="d = n = L = 1", parts=())
def test_claim_gdpp_minimum_attained_with_noise(evidence: Evidence) -> None:
    """With label noise the explicit point is not critical."""
    ((alpha, beta),) = gradient_on_the_ray(*gaussian_prompt(1, [[1]], [[1]], noise=1))[0][:1]
    ((clean, slope),) = gradient_on_the_ray(*gaussian_prompt(1, [[1]], [[1]]))[0][:1]
    a = gdpp.explicit_critical_point(isotropic(1, 1), 1)[0][0]
    if clean + slope * a != 0 or alpha + beta * a == 0:
        raise Refuted("the point is critical with noise, or not critical without")
    evidence.necessary(
        "noiseless_labels",
        f"σ² = 1, d = n = L = 1: the derivative at a = {a} is {alpha + beta * a}, not 0.",
    )
