"""The gradient flow of the looped loss in infinitely long contexts: no start is bad."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.looped_flow import power, schatten_norm
from icl_claims.numerics.matrix_flow import limit_flow, loss_of
from icl_claims.numerics.matrix_flow import squared_norm as enclosed_norm
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.gradient_flow_any_start import DERIVATION, STATED
from icl_claims.theory.loops.any_start import AnyStart
from icl_claims.theory.loops.limit import limit_gradient, limit_loss
from icl_claims.theory.loops.matrix import looped_loss
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.looped_flow import Loop, interpolated, loops, squared_norm
from tests.shared.settings import Setting, conditions
from tests.shared.strategies import matrices

SLUG = "gradient_flow_any_start"
TIMES = (fmpq(1, 100), fmpq(1, 8), fmpq(1), fmpq(10))


def gradient_of_values(at: Loop) -> fmpq_mat:
    """∇g(A), each entry by values of g along it."""
    task, d = at.setting.task, at.setting.task.dim
    found = fmpq_mat(d, d)
    for i in range(d):
        for j in range(d):
            unit = fmpq_mat(d, d, [int((r, c) == (i, j)) for r in range(d) for c in range(d)])
            values = [limit_loss(task, at.matrix + unit * t, at.loops) for t in range(2 * at.loops + 1)]
            found[i, j] = interpolated(values).derivative()(0)
    return found


def euler_margin(stated: AnyStart, at: Loop) -> fmpq:
    """−(⟨∇g, A − Σ⁻¹⟩ − degree g)²."""
    away = at.matrix - at.setting.task.covariance.inv()
    k = int(stated.degree.subs(LAYERS, at.loops))
    rest = exact.inner(gradient_of_values(at), away) - k * limit_loss(at.setting.task, at.matrix, at.loops)
    return -(rest**2)


def rate_margin(stated: AnyStart, at: Loop) -> arb:
    """The least of bound − loss at several times, from A(0) = aΣ⁻¹, where the flow is known.

    I − Σ^{1/2}AΣ^{1/2} has the eigenvectors of Σ there, and at the eigenvalue s of Σ the eigenvalue r with
    dr/dt = −2L s² r^{2L−1}.
    """
    L, task, start = at.loops, at.setting.task, 1 - at.step
    found = task.covariance.charpoly().complex_roots()
    spread = sum((count / root.real**2 for root, count in found), arb(0))
    margins = []
    for t in TIMES:
        value = arb(0)
        for root, count in found:
            speed = 2 * L * root.real**2 * arb(t)
            if L == 1:
                value += count * arb(start) ** 2 * (-2 * speed).exp()
            elif start != 0:
                r = arb(start) ** -(2 * L - 2) + (2 * L - 2) * speed
                value += count * r ** arb(fmpq(-L, L - 1))
        divisor = int(stated.divisor.subs(LAYERS, L))
        margins.append(arb(start) ** 2 * spread / (divisor * arb(t)) - value)
    least = margins[0]
    for margin in margins[1:]:
        least = least.min(margin)
    return least


def two_loops_margin(stated: AnyStart, at: Loop) -> arb:
    """‖∇g‖² less the bound, for L = 2; else 0."""
    if at.loops != 2:
        return arb(0)
    task = at.setting.task
    inverse = schatten_norm(task.covariance.inv(), None)
    value = limit_loss(task, at.matrix, 2)
    scale = arb(stated.constant) / (inverse**2 * arb(task.dim).sqrt())
    return arb(squared_norm(gradient_of_values(at))) - scale * power(value, fmpq(3, 2))


@st.composite
def starts(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Loop:
    """Any matrix, symmetric or not."""
    at = draw(loops(SLUG, corner, without))
    d = at.setting.task.dim
    return replace(at, matrix=draw(matrices(d, d)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"euler": euler_margin, "rate": rate_margin, "two_loops": two_loops_margin},
    conditions=conditions(SLUG),
    instances=starts,
    without=lambda key: starts(without=key),
    undefined_without={"positive_definite_covariance": r"without it there is no $\Sigma^{-1}$, and no task"},
)

SHIFT = fmpq_mat([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
NILPOTENT = Loop(Setting(isotropic(3, 1)), 2, fmpq(0), exact.identity(3) - SHIFT)
SKEW = Loop(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 1)), 2, fmpq(0), fmpq_mat([[1, 2], [-1, 0]]))
ORIGIN = Loop(Setting(isotropic(2, 1)), 2, fmpq(0), fmpq_mat(2, 2))


@pytest.mark.claim(
    slug="gradient_flow_any_start", grade="argument", range="n → ∞; all d, L ≥ 1, Σ ≻ 0, every A(0) and A"
)
def test_claim_gradient_flow_any_start(evidence: Evidence) -> None:
    """Euler's identity makes the distance from Σ⁻¹ fall at the speed of the loss; for two loops the squared
    gradient is a sum of squares with doubly stochastic weights."""
    L, degree = LAYERS, "Lemma 2: g is not homogeneous"
    eulers = [changed(STATED, degree, degree=new) for new in (2 * L - 1, 2 * L + 1, L, L**2 + 1)]
    evidence.prove(DERIVATION, STATEMENT, eulers, part="euler", at=SKEW)
    divisor = "Lemma 3: the divisor"
    rates = [changed(STATED, divisor, divisor=new) for new in (20 * L, 10 * L**2)]
    evidence.mutants(DERIVATION, STATEMENT, rates, part="rate", at=ORIGIN)
    constant = "Lemma 5: the constant"
    constants = [
        changed(STATED, constant, constant=fmpq(14), at=NILPOTENT),
        changed(STATED, constant, constant=fmpq(17)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, constants, part="two_loops", at=ORIGIN)
    found = squared_norm(limit_gradient(isotropic(3, 1), NILPOTENT.matrix, 2))
    assert found == 8
    evidence.figure("‖∇g‖² and g at the shift of size 3, L = 2", f"{found}, 1")
    evidence.tightness("at most √3 for two loops and 3 | d, at blocks of the nilpotent shift of size 3")


@pytest.mark.claim(
    slug="gradient_flow_any_start",
    grade="certified",
    range="Σ = I, d = 2, n → ∞: L = 2 and 3 from one matrix each that is not symmetric",
    parts=(),
)
def test_claim_gradient_flow_any_start_in_balls(evidence: Evidence) -> None:
    """Flows of matrices with enclosed errors: the loss stays below the bound, the distance from I falls; from one start
    the loss vanishes while the matrix stays away from I."""
    skew = fmpq_mat([[fmpq(1, 2), 1], [fmpq(-1, 4), 0]]), 2, [fmpq(k, 8) for k in range(1, 9)]
    turning = (
        fmpq_mat([[fmpq(1, 4), fmpq(1, 2)], [fmpq(-1, 2), fmpq(1, 2)]]),
        3,
        [fmpq(k, 8) for k in range(1, 5)],
    )
    series = []
    for start, L, times in (skew, turning):
        path = limit_flow(start, L, times)
        losses, distances = [loss_of(N, L) for N in path], [enclosed_norm(N) for N in path]
        bounds = [arb(squared_norm(start)) / (4 * L * arb(t)) for t in times]
        assert all(value < bound for value, bound in zip(losses, bounds, strict=True))
        assert all(later < sooner for sooner, later in pairwise([arb(squared_norm(start)), *distances]))
        assert all(later < sooner for sooner, later in pairwise(losses))
        if L == 2:
            assert losses[-1] < fmpq(1, 5000)
            assert distances[-1] > fmpq(9, 10)
            evidence.figure(
                "loss and squared distance from I at t = 1", f"{losses[-1].str(6)}, {distances[-1].str(6)}"
            )
        x = tuple(float(arb(t)) for t in times)
        series += [
            Series(label=f"loss, $L={L}$", x=x, y=tuple(map(float, losses)), group=f"{L}"),
            Series(label=f"bound, $L={L}$", x=x, y=tuple(map(float, bounds)), style="dashed", group=f"{L}"),
        ]
    evidence.chart(
        Chart(
            title="Flows from matrices that are not symmetric",
            caption="d = 2, Σ = I, n → ∞, with enclosed errors: the loss against ‖A(0) − I‖²/(4Lt). For two loops the "
            "flow ends near a matrix with I − A nilpotent, not near I.",
            x_label="time",
            y_label="loss",
            y_scale="log",
            series=tuple(series),
        )
    )


@pytest.mark.claim(
    slug="gradient_flow_any_start", grade="certified", range="Σ = I, d = 3, L = 2, 41 matrices", parts=()
)
def test_claim_gradient_flow_any_start_chart(evidence: Evidence) -> None:
    """From the identity to the nilpotent shift the quotient of the two sides for two loops falls below that of
    symmetric matrices, and stays above the bound."""
    shares = [fmpq(k, 40) for k in range(41)]
    quotients = []
    for s in shares:
        A = exact.identity(3) * s - SHIFT * s
        value = limit_loss(isotropic(3, 1), A, 2)
        quotients.append(arb(squared_norm(limit_gradient(isotropic(3, 1), A, 2))) / power(value, fmpq(3, 2)))
    root = arb(3).sqrt()
    assert all(q > 8 / root for q in quotients)
    assert quotients[-1] < 16 / root
    x = tuple(float(arb(s)) for s in shares)
    flat = tuple(float(8 / root) for _ in x), tuple(float(16 / root) for _ in x)
    evidence.chart(
        Chart(
            title="Dominance over all matrices, two loops",
            caption="d = 3, Σ = I, n → ∞: the quotient of the squared gradient and the loss to the power 3/2, at "
            "I − A = (1 − s)I + sJ with the nilpotent shift J. At symmetric matrices it is at least 16/√3, over all "
            "matrices at least 8/√3.",
            x_label="$s$",
            y_label=r"$\lVert\nabla g\rVert_F^2/g^{3/2}$",
            series=(
                Series(label="quotient", x=x, y=tuple(float(q) for q in quotients)),
                Series(label="bound over all matrices", x=x, y=flat[0], style="dashed"),
                Series(label="best constant of symmetric ones", x=x, y=flat[1], style="dashed"),
            ),
        )
    )


@pytest.mark.claim(
    slug="gradient_flow_any_start", grade="exact", range="Σ = I, d = 2, L from 2 to 6", parts=()
)
def test_claim_gradient_flow_any_start_stays_at_a_zero() -> None:
    """From A(0) = I − e_1e_2ᵀ the flow does not move, and never comes to Σ⁻¹ = I: the loss is 0 there for L ≥ 2."""
    A = fmpq_mat([[1, -1], [0, 1]])
    for L in range(2, 7):
        assert limit_loss(isotropic(2, 1), A, L) == 0
        assert limit_gradient(isotropic(2, 1), A, L) == fmpq_mat(2, 2)
    assert limit_loss(isotropic(2, 1), A, 1) == 1


def noise_is_dispensable() -> None:
    """What noise adds to the loss is a polynomial in 1/n that vanishes at 0: the limit is the same."""
    A, sigma = fmpq_mat([[1, 2], [-1, 0]]), [[2, 1], [1, 1]]
    for L in (1, 2):
        added = []
        for n in range(1, 2 * L + 2):
            plain, noisy = (RegressionTask.whitened(sigma, n, noise) for noise in (0, 7))
            added.append(looped_loss(noisy, A, L) - looped_loss(plain, A, L))
        powers = fmpq_mat([[fmpq(1, n) ** k for k in range(2 * L + 1)] for n in range(1, 2 * L + 2)])
        coefficients = powers.solve(fmpq_mat([[x] for x in added])).entries()
        assert coefficients[0] == 0 != coefficients[1]


@pytest.mark.claim(
    slug="gradient_flow_any_start", grade="certified", range="one instance per assumption", parts=()
)
def test_claim_gradient_flow_any_start_necessity(evidence: Evidence) -> None:
    """A smaller task scales the two sides for two loops by different powers; noise has no limit."""
    small = Setting(RegressionTask([[1]], 1, [[fmpq(1, 16)]]))
    evidence.necessary(STATEMENT, "whitened_task", Loop(small, 2, fmpq(0), fmpq_mat([[0]])), part="two_loops")
    evidence.dispensable("noiseless_labels", noise_is_dispensable)
