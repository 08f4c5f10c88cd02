"""One step for all loops against steps of their own."""

from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.real_roots import ConvexMinimum, root_of_increasing
from icl_claims.theory.derivations.looped_against_untied import DERIVATION, STATED, Ratios
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.loops.untied_ratio import DIM, limit_ratio
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.gaussian_matrix import moment_of_gaussian
from tests.shared.growing_context import in_context
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, loss_in_sums, loss_of_equal_steps, on_scaled_set
from tests.shared.settings import Setting, conditions

SLUG = "looped_against_untied"


def order_margin(stated: Ratios, at: OnScaledSet) -> fmpq:
    """Minus how far the sign of p − u is from the stated one, both from losses that are multiplied out."""
    f = loss_of_equal_steps(at)
    p, untied = ConvexMinimum(f, root_of_increasing(f.derivative())), loss_in_sums(at.setting, at.layers)
    vertex = untied.vertex()
    if vertex is None:
        return fmpq(-1)
    expected = 0 if at.layers <= stated.equal_until else 1
    return -fmpq(abs(p.compare(untied.at(vertex)) - expected))


def ratio_margin(stated: Ratios, at: OnScaledSet) -> fmpq:
    """Minus the squared distance from lim n^L f(1), from its values at small n, over the least E tr π(G)²."""
    d, L = at.setting.task.dim, at.layers
    gram = [[moment_of_gaussian(d, i + j, 1, 0) for j in range(L + 1)] for i in range(L + 1)]
    untied = fmpq_mat(gram).det() / fmpq_mat([row[:L] for row in gram[:L]]).det()
    value = {1: stated.one, 2: stated.two}[L].subs(DIM, d)
    f = in_context(at.setting, L, fmpq(1))
    below = sum((f[j] ** 2 for j in range(L)), fmpq(0))
    return -((f[L] / untied - fmpq(int(value.p), int(value.q))) ** 2) - below


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"order": order_margin, "ratio": ratio_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = RegressionTask.whitened([[2, 1], [1, 1]], 3)
ONE, TWO = (OnScaledSet(Setting(SKEW), L) for L in (1, 2))


@pytest.mark.claim(slug="looped_against_untied", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
def test_claim_looped_against_untied(evidence: Evidence) -> None:
    """The least loss with steps of their own is attained at different steps only, and is a ratio of determinants, whose
    limit is that of a Gaussian matrix."""
    orders = [
        changed(STATED, "in another order for L = 2", at=TWO, equal_until=2),
        changed(STATED, "in another order for L = 1", at=ONE, equal_until=0),
    ]
    evidence.prove(DERIVATION, STATEMENT, orders, part="order")
    ratios = [
        changed(STATED, "another one for L = 1", at=ONE, one=DIM),
        changed(STATED, "another one for L = 2", at=TWO, two=2 - 1 / DIM),
    ]
    evidence.mutants(DERIVATION, STATEMENT, ratios, part="ratio")
    for d in (5, 10, 50):
        row = ", ".join(f"{as_float(limit_ratio(L, d)):.3g}" for L in range(1, 11))
        evidence.figure(f"limit of p/u at d = {d}, L = 1, …, 10", row)


def as_float(x: fmpq) -> float:
    """For charts and figures."""
    return float(Fraction(int(x.p), int(x.q)))


@pytest.mark.claim(
    slug="looped_against_untied", grade="certified", range="d = 10, n = 5, 10, 20, …, 10⁵, L ≤ 10", parts=()
)
def test_claim_looped_against_untied_in_numbers(evidence: Evidence) -> None:
    """p/u at d = 10, contexts shorter than d included: it grows with L, and with n from 10 on, up to its limit."""
    sizes = [5, 10, 20, 50, 200, 1000, 10_000, 100_000]
    table: dict[int, list[float]] = {}
    for L in (1, 2, 3, 5, 10):
        table[L] = []
        for n in sizes:
            least = optimal_looped_step(isotropic(10, n), L).refined(80).loss
            table[L].append(as_float(least.upper / optimal_steps(isotropic(10, n), L).loss))
        evidence.figure(
            f"p/u at d = 10, L = {L}, n = 5, 20, 1000", ", ".join(f"{table[L][k]:.4g}" for k in (0, 2, 5))
        )
    assert all(table[L][-1] > table[L][0] for L in (2, 3, 5, 10))
    assert all(abs(table[L][-1] / as_float(limit_ratio(L, 10)) - 1) < 0.05 for L in (1, 2, 3, 5))
    x = tuple(map(float, sizes))
    evidence.tightness("1, attained for L = 1")
    evidence.chart(
        Chart(
            title="Looped against untied: the ratio of the least losses",
            caption="$p/u$ at $d=10$; dashed its limit for $n\\to\\infty$.",
            x_label="$n$",
            y_label="$p/u$",
            x_scale="log",
            y_scale="log",
            series=tuple(
                series
                for L in (2, 3, 5, 10)
                for series in (
                    Series(label=f"$L={L}$", x=x, y=tuple(table[L]), group=f"{L}"),
                    Series(
                        label=f"limit, $L={L}$",
                        x=(x[0], x[-1]),
                        y=(as_float(limit_ratio(L, 10)),) * 2,
                        style="dashed",
                        group=f"{L}",
                    ),
                )
            ),
        )
    )


def any_task_scales() -> None:
    """With another Ω both losses are tr(ΣΩ)/d times the same functions: the mean of a power of S is a multiple of I in
    whitened coordinates (one Ω, L ≤ 2)."""
    task = RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 3]])
    scale = exact.trace(task.covariance * task.task_covariance) / 2
    for L in (1, 2):
        at = OnScaledSet(Setting(task), L)
        assert loss_of_equal_steps(at) == looped_step_loss(isotropic(2, 2), L) * scale
        untied = loss_in_sums(at.setting, L)
        vertex = untied.vertex()
        assert vertex is not None
        assert untied.at(vertex) == optimal_steps(isotropic(2, 2), L).loss * scale


@pytest.mark.claim(slug="looped_against_untied", grade="exact", range="one instance per assumption", parts=())
def test_claim_looped_against_untied_necessity(evidence: Evidence) -> None:
    """With x = ±1 in one dimension both losses are 0; a filled slot adds its square to both."""
    evidence.necessary(
        STATEMENT,
        "gaussian_covariates",
        OnScaledSet(Setting(isotropic(1, 2), covariates="signs"), 2),
        part="ratio",
    )
    evidence.dispensable("whitened_task", any_task_scales)
    filled = OnScaledSet(Setting(isotropic(1, 1), slot=fmpq(1)), 2)
    evidence.necessary(STATEMENT, "zero_query_label", filled, part="ratio")
