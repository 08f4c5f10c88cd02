"""Gatmiry et al. (2024), Theorem 3.2: the two-sided bound of every looped minimizer, as recorded."""

import pytest
import sympy
from flint import arb, fmpq, fmpq_mat

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.algebraic import number as exact_number
from icl_claims.theory.algebra.real_roots import root_of_increasing
from icl_claims.theory.derivations.global_minimizer_looped import DERIVATION, STATED
from icl_claims.theory.loops.localization import RADIUS, Bound, first_context
from icl_claims.theory.loops.matrix import looped_loss
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.scaled_set import (
    NO_INVERSE,
    OnScaledSet,
    gradient,
    loss_of_equal_steps,
    on_scaled_set,
    unit,
)
from tests.shared.settings import Setting, conditions

SLUG = "global_minimizer_looped"


def minimizer(at: OnScaledSet) -> list[list[arb]]:
    """For one loop the minimizer over all matrices, where the gradient vanishes; else that on multiples of Σ⁻¹.

    The latter is the minimizer over symmetric matrices.
    """
    setting, d = at.setting, at.setting.task.dim
    if at.layers > 1:
        step = root_of_increasing(loss_of_equal_steps(at).derivative()).refined(80)
        middle = (step.lower + step.upper) / 2
        ball = arb(middle) + arb(0, 1) * arb(step.upper - step.lower)
        return [[ball * arb(x) for x in row] for row in setting.task.covariance.inv().tolist()]
    (start,) = gradient(setting, [fmpq_mat(d, d)])
    places = [(i, j) for i in range(d) for j in range(d)]
    columns = [(gradient(setting, [unit(d, i, j)])[0] - start).entries() for i, j in places]
    solved = fmpq_mat(columns).transpose().solve(fmpq_mat([[-x] for x in start.entries()]))
    return [[arb(solved[i * d + j, 0]) for j in range(d)] for i in range(d)]


def radius(bound: Bound, dim: int, context_length: int, loops: int) -> arb:
    """c, as a ball."""
    root, power = (
        arb(fmpq(int(x.p), int(x.q))) for x in (bound.root.subs(LAYERS, loops), bound.context_power)
    )
    inner = arb(bound.inner * loops * dim) / arb(context_length) ** power
    return arb(bound.outer) * (inner * dim) ** (1 / root)


def bound_margin(bound: Bound, at: OnScaledSet) -> arb:
    """The least trace or determinant of the two differences, d ≤ 2: none is negative where both are semidefinite."""
    task = at.setting.task
    A, c = minimizer(at), radius(bound, task.dim, task.context_length, at.layers)
    margins = []
    for sign in (1, -1):
        edge = arb(bound.centre) - sign * c
        D = [
            [
                sign * ((A[i][j] + A[j][i]) / 2 - edge * arb(task.covariance.inv()[i, j]))
                for j in range(task.dim)
            ]
            for i in range(task.dim)
        ]
        if task.dim == 1:
            margins.append(D[0][0])
        else:
            margins += [D[0][0] + D[1][1], D[0][0] * D[1][1] - D[0][1] * D[1][0]]
    return min(margins, key=lambda ball: ball.mid())


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": bound_margin},
    conditions=conditions(SLUG, tied_layers=lambda _: True),
    instances=lambda corner: on_scaled_set(SLUG, corner),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={
        "positive_definite_covariance": NO_INVERSE,
        "tied_layers": "without it there is no single matrix that the bound could be about",
    },
)


def large(loops: int) -> OnScaledSet:
    """Σ not a multiple of I, and n above the first context at which c < 1."""
    return OnScaledSet(
        Setting(RegressionTask.whitened([[2, 1], [1, 1]], 2**12 * first_context(loops, 2))), loops
    )


@pytest.mark.claim(
    slug="global_minimizer_looped", grade="argument", range="all A, u, d, L ≥ 1, Σ ≻ 0, n > 8^{4L+2}L²d⁴"
)
def test_claim_global_minimizer_looped(evidence: Evidence) -> None:
    """At two contexts that differ by a scaling along an eigenvector of the symmetric part, trace and log det of SA
    agree to second order, which bounds the eigenvalue."""
    mutants = [
        changed(STATED, "does not tend to the stated limit", at=large(1), centre=fmpq(2)),
        changed(STATED, "does not tend to the stated limit", at=large(2), centre=fmpq(1, 2)),
        changed(STATED, "c falls faster with n", at=large(1), context_power=sympy.Integer(4)),
        changed(STATED, "c falls faster with n", at=large(1), root=sympy.Rational(1, 4)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants)
    for d in (1, 2, 5, 10, 50):
        row = ", ".join(f"{first_context(L, d):.1e}" for L in (1, 2, 3, 5, 10))
        evidence.figure(f"c < 1 from n on, d = {d}, L = 1, 2, 3, 5, 10", row)


@pytest.mark.claim(
    slug="global_minimizer_looped",
    grade="certified",
    range="d ≤ 20, L ≤ 6, n ≤ 10¹⁵, A = a*Σ⁻¹",
    parts=(),
    reading="every_context",
)
def test_claim_global_minimizer_looped_on_multiples(evidence: Evidence) -> None:
    """0 < a* < 1 and 1 − a* < c at every n of a grid, also where c ≥ 1; and how far the bound is from it."""
    ratios, series = [], []
    sizes = [10**k for k in range(16)]
    for d in (1, 5, 20):
        for L in (1, 2, 3, 6):
            shown: dict[str, list[float]] = {"c": [], "rho": [], "distance": []}
            for n in sizes:
                step = optimal_looped_step(isotropic(d, n), L).refined(100).step
                distance = 1 - arb(step.upper) + arb(0, 1) * arb(step.upper - step.lower)
                c = radius(STATED, d, n, L)
                assert step.lower > 0
                assert distance > 0
                assert distance < c
                ratios.append(c / distance)
                for name, value in (
                    ("c", c),
                    ("distance", distance),
                    ("rho", RADIUS * L**2 * d**2 / arb(n).sqrt()),
                ):
                    shown[name].append(float(value))
            if d == 5 and L <= 2:
                x = tuple(map(float, sizes))
                series += [
                    Series(label=f"$c$, $L={L}$", x=x, y=tuple(shown["c"]), group=f"{L}"),
                    Series(
                        label=f"proved, $L={L}$", x=x, y=tuple(shown["rho"]), style="dashed", group=f"{L}"
                    ),
                    Series(
                        label=f"$1-a^\\star$, $L={L}$",
                        x=x,
                        y=tuple(shown["distance"]),
                        style="points",
                        group=f"{L}",
                    ),
                ]
    least = min(ratios, key=lambda ball: ball.mid())
    assert least > 8
    evidence.tightness(f"{float(least):.3g} over the grid, on multiples of Σ⁻¹", "n = 8^{4L+2}L²d⁴")
    evidence.chart(
        Chart(
            title="The recorded bound of the minimizer",
            caption="$c$, what is proved for $n\\ge8^6L^4d^4$, $260L^2d^2/\\sqrt n$, and $1-a^\\star$, at $d=5$.",
            x_label="$n$",
            y_label="distance from $\\Sigma^{-1}$",
            x_scale="log",
            y_scale="log",
            series=tuple(series),
        )
    )
    best = optimal_looped_step(isotropic(5, 100), 2)
    evidence.figure("best step at d = 5, n = 100, L = 2", decimal(best.step, 12))


@pytest.mark.claim(
    slug="global_minimizer_looped",
    grade="exact",
    range="d = 2, L = 2, 3, 4",
    parts=(),
    refutes=True,
    reading="symmetric_difference",
)
def test_claim_global_minimizer_looped_is_not_symmetric(evidence: Evidence) -> None:
    """With an antisymmetric part the loss is lower than at every multiple of Σ⁻¹, the best symmetric matrices."""
    for L, n, k in ((2, 40, fmpq(1, 8)), (3, 200, fmpq(1, 10)), (4, 200, fmpq(1, 10))):
        task, least = isotropic(2, n), optimal_looped_step(isotropic(2, n), L)
        a = least.step.lower
        turned = looped_loss(task, fmpq_mat(2, 2, [a, k, -k, a]), L)
        assert turned < least.loss.lower
        name = f"d = 2, n = {n}, L = {L}"
        evidence.figure(f"least loss among symmetric matrices, {name}", decimal(least.loss, 8))
        evidence.figure(f"with the antisymmetric part ±{k} added, {name}", decimal(exact_number(turned), 8))


@pytest.mark.claim(
    slug="global_minimizer_looped", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_global_minimizer_looped_necessity(evidence: Evidence) -> None:
    """A task with one large variance, or much noise, moves the minimizer of one loop out of the bound, where c < 1."""
    instances = {
        "whitened_task": OnScaledSet(
            Setting(RegressionTask([[1, 0], [0, 1]], 10**8, exact.diagonal([1, 10**9]))), 1
        ),
        "noiseless_labels": OnScaledSet(Setting(isotropic(1, 10**7, noise_variance=10**9)), 1),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance)
