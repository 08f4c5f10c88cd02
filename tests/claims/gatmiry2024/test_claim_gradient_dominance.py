"""Gatmiry et al. (2024), Theorem 3.4: gradient dominance of the looped loss, as recorded and with its best constants.

At A = 0 the loss is d and its gradient −2LΣ, for every n: there the recorded constant is held against the true one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import pytest
import sympy
from flint import arb, fmpq, fmpq_mat, fmpq_poly
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.looped_flow import dominance_level, power, schatten_norm
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.gradient_dominance_sharp import DERIVATION, STATED
from icl_claims.theory.loops.dominance import RATIO, Dominance
from icl_claims.theory.loops.limit import limit_gradient, limit_loss
from icl_claims.theory.loops.step import OptimalLoopedStep, looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.looped_flow import (
    Loop,
    along_inverse,
    gradient,
    interpolated,
    least,
    loops,
    loss,
    squared_norm,
)
from tests.shared.settings import Setting, conditions

RECORDED, SHARP = "gradient_dominance", "gradient_dominance_sharp"


def number(expression: sympy.Expr, count: int) -> fmpq | None:
    """An exponent or a factor at L; None where it has a pole."""
    value = expression.subs(LAYERS, count)
    return None if value.is_infinite else fmpq(int(value.p), int(value.q))


# ---------------------------------------------------------------------- as recorded


class Bound(NamedTuple):
    """‖∇𝓛‖² ≥ constant · 𝓛^exponent."""

    constant: fmpq
    exponent: sympy.Expr


def recorded_margin(bound: Bound, at: Loop) -> arb:
    """‖∇𝓛‖² less the bound at A = aΣ⁻¹, in any task whose gradient there is written out or a multiple of Σ."""
    task, a = at.setting.task, at.step
    if task.covariance_scalar is not None and task.is_whitened:
        f = looped_step_loss(task, at.loops)
        value, slope = f(a), f.derivative()(a) ** 2 * task.covariance_scalar**2 / task.dim
    else:
        A = task.covariance.inv() * a
        value, slope = loss(at.setting, A, at.loops), squared_norm(gradient(at.setting, A, at.loops))
    return arb(slope) - arb(bound.constant) * power(value, number(bound.exponent, at.loops))


@lru_cache
def best_step(d: int, n: int, count: int) -> OptimalLoopedStep:
    """The least loss on the multiples of Σ⁻¹."""
    return optimal_looped_step(isotropic(d, n), count)


def is_not_tiny(at: Loop) -> bool:
    """On the multiples of Σ⁻¹ the loss at A is a hundred times the least one, or more."""
    best = best_step(at.setting.task.dim, at.setting.task.context_length, at.loops).loss
    return bool(best.polynomial(at.step) >= 100 * best.upper)


@st.composite
def levels(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Loop:
    """Losses that are not tiny for the context, unless this is dropped: then the best step, rounded."""
    kept = None if without == "large_context" else without
    at = draw(loops(RECORDED, corner, kept))
    if without == "large_context":
        best = best_step(at.setting.task.dim, at.setting.task.context_length, at.loops)
        return replace(at, step=best.step.lower)
    while not is_not_tiny(at):
        at = replace(at, step=-2 * abs(at.step) - 1)
    return at


def of_task(slug: str) -> dict[str, object]:
    """Conditions that do not write a large identity out."""
    own = conditions(slug, **({"large_context": is_not_tiny} if slug == RECORDED else {}))
    large = {
        "whitened_task": lambda at: at.setting.task.inverse_covariances,
        "positive_definite_covariance": lambda at: at.setting.task.has_definite_covariance,
    }
    return own | {key: large[key] for key in own if key in large}


NO_INVERSE = r"without it there is no $\Sigma^{-1}$, and no task"
AS_RECORDED = Statement(
    slug=RECORDED,
    stated=Bound(fmpq(1, 16), (2 * LAYERS - 1) / LAYERS),
    margins={"statement": recorded_margin},
    conditions=of_task(RECORDED),
    instances=levels,
    without=lambda key: levels(without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SMALL_COVARIANCE = Loop(Setting(RegressionTask.whitened([[fmpq(1, 17)]], 10**6)), 2, fmpq(0))
"""d = 1, Σ = 1/17: at A = 0 the two sides are 16/289 and 1/16."""
HIGH_DIMENSION = Loop(Setting(isotropic(65537, 10**12)), 2, fmpq(0))
"""Σ = I, d = 65537 > (64L²)^{L/(L−1)} at L = 2."""


@pytest.mark.claim(
    slug="gradient_dominance",
    grade="certified",
    range="A = 0, L = 2: d = 1 with Σ = 1/17, and Σ = I with d = 65537; a long context",
    parts=("statement",),
    refutes=True,
)
def test_claim_gradient_dominance_counterexamples(evidence: Evidence) -> None:
    """At A = 0 the loss is d and the gradient −2LΣ, for every n: 4L² tr Σ² ≥ d^{(2L−1)/L}/16 fails where Σ is small,
    and for Σ = I where d^{(L−1)/L} > 64L²."""
    evidence.refute(AS_RECORDED, "statement", SMALL_COVARIANCE)
    evidence.refute(AS_RECORDED, "statement", HIGH_DIMENSION)
    for at in (SMALL_COVARIANCE, HIGH_DIMENSION):
        for n in (1, 10, 10**20):
            task = RegressionTask.whitened([at.setting.task.covariance_scalar] * at.setting.task.dim, n)
            assert recorded_margin(AS_RECORDED.stated, replace(at, setting=Setting(task))) < 0
    last = Loop(Setting(isotropic(65536, 10**12)), 2, fmpq(0))
    f = looped_step_loss(last.setting.task, 2)
    assert (f.derivative()(0) ** 2 / 65536 * 16) ** 2 == f(0) ** 3
    for L in range(2, 7):
        evidence.figure(
            f"largest d at which 1/16 is valid for Σ = I, n → ∞, symmetric A, L = {L}", largest_dimension(L)
        )


def largest_dimension(count: int) -> int:
    """The largest d with 4L² d^{−(L−1)/L} ≥ 1/16: d^{L−1} ≤ (64L²)^L."""
    return int(sympy.integer_nthroot((64 * count**2) ** count, count - 1)[0])


@pytest.mark.claim(
    slug="gradient_dominance",
    grade="certified",
    range="A = 0, Σ = I, d = 65537, L = 2",
    parts=(),
    refutes=True,
    reading="isotropic",
)
def test_claim_gradient_dominance_isotropic(evidence: Evidence) -> None:
    """With Σ = I, too, the constant must fall as d grows: at A = 0 and L = 2 it fails from d = 65537 on."""
    evidence.refute(AS_RECORDED, "statement", HIGH_DIMENSION)


@pytest.mark.claim(
    slug="gradient_dominance",
    grade="certified",
    range="A = aI for all a; Σ = I, d ∈ {1, 2, 5, 10, 50}, n ∈ {d, 10d, 1000d}, L ≤ 3",
    parts=(),
)
def test_claim_gradient_dominance_where_it_holds(evidence: Evidence) -> None:
    """In small dimensions the recorded constant holds on the multiples of the identity from 1.1 times the least loss
    on, for every n: the two sides are polynomials whose difference has two real roots."""
    for d in (1, 2, 5, 10, 50):
        for n in (d, 10 * d, 1000 * d):
            for L in (1, 2, 3):
                level, least_loss = dominance_level(d, n, L, fmpq(1, 16)), best_step(d, n, L).loss
                assert arb(least_loss.lower) < level < arb(least_loss.upper) * arb(fmpq(11, 10))
                if d in (1, 10, 50):
                    ratio = (level / arb(least_loss.upper)).str(6, radius=False)
                    evidence.figure(
                        f"level from which on it holds / least loss, d = {d}, n = {n}, L = {L}", ratio
                    )


# ---------------------------------------------------------------------- with the best constants


def limit_margin(stated: Dominance, at: Loop) -> arb:
    """‖∇g‖² less the bound at the symmetric A, the gradient of g by its values along each entry."""
    task, A, L = at.setting.task, at.matrix, at.loops
    d = task.dim
    slopes = fmpq_mat(d, d)
    for i in range(d):
        for j in range(d):
            unit = fmpq_mat(d, d, [int((r, c) == (i, j)) for r in range(d) for c in range(d)])
            along = interpolated([limit_loss(task, A + unit * t, L) for t in range(2 * L + 1)])
            slopes[i, j] = along.derivative()(0)
    return arb(squared_norm(slopes)) - limit_bound(stated, at, limit_loss(task, A, L))


def limit_bound(stated: Dominance, at: Loop, value: fmpq) -> arb:
    """factor ‖Σ⁻¹‖_p^{−2} value^exponent."""
    norm = schatten_norm(at.setting.task.covariance.inv(), number(stated.norm, at.loops))
    return arb(number(stated.factor, at.loops)) / norm**2 * power(value, number(stated.exponent, at.loops))


def long_margin(stated: Dominance, at: Loop) -> arb:
    """The bound with η = 1/10 at contexts of 10¹² examples, where the loss is at least g(A)/2; 0 where g(A) = 0."""
    task = at.setting.task
    least_level = limit_loss(task, at.matrix, at.loops) / 2
    long = replace(at.setting, task=RegressionTask(task.covariance, 10**12, task.task_covariance, 0))
    value = loss(long, at.matrix, at.loops)
    if least_level == 0 or value < least_level:
        return arb(0)
    found = squared_norm(gradient(long, at.matrix, at.loops))
    return arb(found) - limit_bound(stated, at, value) * arb(fmpq(9, 10))


def multiples_margin(stated: Dominance, at: Loop) -> arb:
    """‖∇𝓛‖² less the bound at A = aΣ⁻¹; at a = 0, where there is equality with κ = 0, minus the distance from that."""
    setting, L = at.setting, at.loops
    task = setting.task
    A = task.covariance.inv() * at.step
    value, found = loss(setting, A, L), squared_norm(gradient(setting, A, L))
    exponent, factor = number(stated.exponent, L), arb(number(stated.factor, L))
    scale = factor * arb(squared_norm(task.covariance)) / power(fmpq(task.dim), exponent)
    kappa = (least(along_inverse(setting, L)) / arb(value)) ** arb(fmpq(1, 2 * L))
    slack = sympy.lambdify(RATIO, stated.slack, modules=[{}])(kappa)
    margin = arb(found) - scale * slack * power(value, exponent)
    if at.step == 0:
        margin = margin.min(-abs(arb(found) - scale * power(value, exponent)))
    return margin


STATEMENT = Statement(
    slug=SHARP,
    stated=STATED,
    margins={"limit": limit_margin, "long_contexts": long_margin, "multiples": multiples_margin},
    conditions=of_task(SHARP),
    instances=lambda corner: loops(SHARP, corner),
    without=lambda key: loops(SHARP, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

ZERO = Loop(Setting(isotropic(2, 3)), 2, fmpq(0), fmpq_mat(2, 2))
"""A = 0, where all inequalities are tight."""
SPREAD = Loop(
    Setting(RegressionTask.whitened([[1, 0], [0, 4]], 3)), 2, fmpq(0), exact.diagonal([0, fmpq(3, 16)])
)
"""Σ = diag(1, 4) and N = Σ^{−1}: A = Σ⁻¹ − Σ⁻², the case of equality at L = 2."""
NEAR = replace(ZERO, step=fmpq(1, 2))
"""Near the best step, which is about 0.4."""


@pytest.mark.claim(
    slug="gradient_dominance_sharp",
    grade="argument",
    range="all d, L ≥ 1, Σ ≻ 0; symmetric A for n → ∞ and for n ≥ n_0(d, L, Σ, η, ξ), A = aΣ⁻¹ for all n ≥ 1",
)
def test_claim_gradient_dominance_sharp(evidence: Evidence) -> None:
    """Hölder's inequality for Schatten norms in the limit; on the multiples of Σ⁻¹ the root φ of the loss is a norm of
    1 − as, convex, and at least |1 − a|."""
    L, differ = LAYERS, "Lemma 3: the two sides differ"
    index = "Lemma 3: 1/q is not 1/2 + 1/p"
    limits = [
        changed(STATED, differ, factor=4 * L**2 + 1),
        changed(STATED, differ, factor=2 * L**3 + 1),
        changed(STATED, index, norm=3 * L / (L - 1)),
        changed(STATED, index, norm=2 * L**2 / (L - 1)),
        changed(STATED, "Lemma 3: the power of the loss", exponent=sympy.Integer(2)),
    ]
    evidence.prove(DERIVATION, STATEMENT, limits, part="limit", at=[ZERO, SPREAD])
    shifted = [changed(STATED, differ, factor=5 * L**2)]
    evidence.mutants(DERIVATION, STATEMENT, shifted, part="long_contexts", at=ZERO)
    convexity = "Lemma 7: the slack"
    multiples = [
        changed(STATED, differ, factor=4 * L**2 - 1),
        changed(STATED, convexity, slack=((1 + RATIO) / (1 - RATIO)) ** 2, at=NEAR),
        changed(STATED, convexity, slack=1 + RATIO, at=NEAR),
        changed(STATED, convexity, slack=2 / (1 + RATIO), at=NEAR),
    ]
    evidence.mutants(DERIVATION, STATEMENT, multiples, part="multiples", at=ZERO)
    equal = limit_margin(STATED, SPREAD), limit_margin(STATED, ZERO)
    assert all(margin.contains(0) for margin in equal)
    evidence.tightness("1, attained at A = 0 for Σ = I, and at A = Σ⁻¹ − tΣ^{−L/(L−1)} for any Σ")


@pytest.mark.claim(
    slug="gradient_dominance_sharp", grade="exact", range="Σ = I; L = 2 at d = 2 and 3, L ≤ 6", parts=()
)
def test_claim_gradient_dominance_sharp_any_matrix(evidence: Evidence) -> None:
    """Over all A the constant of the limit is smaller: the nilpotent shift of size L + 1 has the quotient 4L."""
    for L in range(2, 7):
        d = L + 1
        shift = fmpq_mat(d, d, [int(c == r + 1) for r in range(d) for c in range(d)])
        A, task = exact.identity(d) - shift, isotropic(d, 1)
        assert limit_loss(task, A, L) == 1
        assert squared_norm(limit_gradient(task, A, L)) == 4 * L
        assert fmpq(4 * L) ** L * fmpq(d) ** (L - 1) < fmpq(4 * L**2) ** L
    evidence.figure("quotient at the shift, L = 2, d = 3, against 16/√3 = 9.23…", 8)
    # Eigenvalues at ± 52 degrees, of a matrix of determinant 1, lower it at d = 2 already.
    A = exact.identity(2) - fmpq_mat([[fmpq(3, 5), -1], [fmpq(16, 25), fmpq(3, 5)]])
    value, found = limit_loss(isotropic(2, 1), A, 2), squared_norm(limit_gradient(isotropic(2, 1), A, 2))
    assert found**2 < 128 * value**3
    evidence.figure("square of the quotient at one A with d = 2, L = 2, against 128", found**2 / value**3)


@pytest.mark.claim(
    slug="gradient_dominance_sharp", grade="certified", range="one instance per assumption", parts=()
)
def test_claim_gradient_dominance_sharp_necessity(evidence: Evidence) -> None:
    """Another task scales the two sides by different powers; with much noise the loss on the multiples of Σ⁻¹ has
    a maximum, at which the gradient vanishes."""
    small_task = Setting(RegressionTask([[1]], 100, [[fmpq(1, 4)]]))
    evidence.necessary(STATEMENT, "whitened_task", Loop(small_task, 1, fmpq(1, 100)), part="multiples")
    noisy = Setting(isotropic(1, 100, noise_variance=10**6))
    evidence.necessary(STATEMENT, "noiseless_labels", Loop(noisy, 2, fmpq(95, 100)), part="multiples")


@pytest.mark.claim(
    slug="gradient_dominance_sharp", grade="certified", range="d = 5, n = 1000, L = 3, 60 steps", parts=()
)
def test_claim_gradient_dominance_sharp_chart(evidence: Evidence) -> None:
    """The two sides on the multiples of Σ⁻¹ = I: they meet at A = 0, and the bound vanishes at the best step."""
    task, L = isotropic(5, 1000), 3
    f = looped_step_loss(task, L)
    best = optimal_looped_step(task, L)
    points = [(f(fmpq(k, 40)), f.derivative()(fmpq(k, 40)) ** 2 / 5) for k in range(-10, 39)]
    points = [(value, slope) for value, slope in points if value > best.loss.upper]
    lower = [bound_of(value, best.loss.upper, 5, L) for value, _ in points]
    assert all(arb(slope) >= bound for (_, slope), bound in zip(points, lower, strict=True))
    evidence.chart(dominance_chart(points, lower))


def bound_of(value: fmpq, smallest: fmpq, d: int, L: int) -> arb:
    """4L² d^{−(L−1)/L} ((1 − κ)/(1 + κ))² f^{(2L−1)/L}."""
    kappa = power(smallest / value, fmpq(1, 2 * L))
    scale = arb(4 * L * L) / power(fmpq(d), fmpq(L - 1, L))
    return scale * ((1 - kappa) / (1 + kappa)) ** 2 * power(value, fmpq(2 * L - 1, L))


def dominance_chart(points: list[tuple[fmpq, fmpq]], lower: list[arb]) -> Chart:
    """Squared gradients against losses, with the bounds."""
    x = tuple(float(arb(value)) for value, _ in points)
    recorded = tuple(float(power(value, fmpq(5, 3))) / 16 for value, _ in points)
    sharp = tuple(float(36 * power(value, fmpq(5, 3)) / power(fmpq(5), fmpq(2, 3))) for value, _ in points)
    return Chart(
        title="Gradient dominance on the multiples of the identity",
        caption="d = 5, n = 1000, L = 3, Σ = I, from a = −1/4 towards the best step. The constant of the limit touches "
        "the squared gradient at A = 0 and lies above it beyond; the bound for every n lies below; the recorded "
        "constant 1/16 is smaller by a factor of about 200, until the gradient vanishes at a positive loss.",
        x_label="loss",
        y_label=r"$\lVert\nabla\mathcal L\rVert_F^2$",
        x_scale="log",
        y_scale="log",
        series=(
            Series(label="squared gradient", x=x, y=tuple(float(arb(slope)) for _, slope in points)),
            Series(label="constant of the limit", x=x, y=sharp, style="dashed"),
            Series(label="bound for this n", x=x, y=tuple(float(bound) for bound in lower), style="dashed"),
            Series(label="as recorded", x=x, y=recorded, style="dashed"),
        ),
    )


def test_interpolation_needs_no_spectral_measure() -> None:
    assert along_inverse(Setting(isotropic(2, 3)), 2) == looped_step_loss(isotropic(2, 3), 2)
    assert interpolated([fmpq(1), fmpq(2), fmpq(5)]) == fmpq_poly([1, 0, 1])
