"""How fast the looped loss falls with the context: its exact leading constant, and a bound of what follows."""

from fractions import Fraction

import pytest
import sympy
from flint import fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.real_roots import ConvexMinimum, root_of_increasing
from icl_claims.theory.derivations.looped_loss_rate import DERIVATION, STATED
from icl_claims.theory.loops.centred_moments import gaussian_moment
from icl_claims.theory.loops.loss_rate import Rate
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.wishart import spectral_moments
from tests.shared.gaussian_matrix import moment_of_gaussian
from tests.shared.growing_context import in_context
from tests.shared.scaled_set import (
    NO_INVERSE,
    OnScaledSet,
    loss_of_equal_steps,
    on_scaled_set,
    whitened_moments,
)
from tests.shared.settings import Setting, conditions

SLUG = "looped_loss_rate"


def expansion_margin(rate: Rate, at: OnScaledSet) -> fmpq:
    """Minus what the coefficients of f(1) in 1/n, found from its values at small n, are off the stated ones.

    At one d a degree is seen by c_j(d) ≤ c_j(1) d^{j + excess}, which holds as no coefficient is negative.
    """
    d, L = at.setting.task.dim, at.layers
    c = in_context(at.setting, L, fmpq(1))
    at_one = in_context(Setting(isotropic(1, 1)), L, fmpq(1))
    lowest, last, excess = (rate.number(name, L) for name in ("lowest", "last", "excess"))
    outside = [c[j] for j in range(2 * L + 1) if not lowest <= j <= last]
    off = [abs(x) for x in outside]
    off.append(abs(c[lowest] - moment_of_gaussian(d, 2 * L, rate.variance, rate.common)))
    off += [max(fmpq(0), c[j] - at_one[j] * d ** (j + excess)) for j in range(lowest, last + 1)]
    return -sum(off, fmpq(0))


def remainder_margin(rate: Rate, at: OnScaledSet) -> fmpq:
    """The smaller of f(a*) − f(1) + f′(1)²/(2κ), by its sign, and minus the distance of f′(1) from the stated one."""
    f, L, n = loss_of_equal_steps(at), at.layers, at.setting.task.context_length
    m = [fmpq(x, n**k) for k, x in enumerate(whitened_moments(at.setting, max(2 * L, 4)))]
    h = [
        sum(((-1) ** (k - j) * int(sympy.binomial(k, j)) * m[j] for j in range(k + 1)), fmpq(0))
        for k in (2 * L, 2 * L - 1)
    ]
    slope = f.derivative()(fmpq(1))
    if slope != rate.number("slope", L) * sum(h):
        return -abs(slope - rate.number("slope", L) * sum(h))
    if m[2] * m[4] == m[3] ** 2:
        return fmpq(-1)
    least = ConvexMinimum(f, root_of_increasing(f.derivative()))
    bound = slope**2 / (2 * rate.curvature_at(m, L))
    return fmpq(min(0, least.compare(f(fmpq(1)) - bound)))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"expansion": expansion_margin, "remainder": remainder_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = OnScaledSet(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 3)), 2)
ONE_LOOP = OnScaledSet(SKEW.setting, 1)


@pytest.mark.claim(slug="looped_loss_rate", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
def test_claim_looped_loss_rate(evidence: Evidence) -> None:
    """A recursion with positive coefficients gives powers, signs, degrees and the leading constant; strong convexity
    bounds what the best step gains over the step 1."""
    gaussian = "the moment of the Gaussian matrix"
    mutants = [
        changed(STATED, "the lowest power", lowest=LAYERS + 1),
        changed(STATED, "the highest power", last=2 * LAYERS - 2),
        changed(STATED, "the degree in d", at=ONE_LOOP, excess=sympy.Integer(0)),
        changed(STATED, gaussian, variance=2),
        changed(STATED, gaussian, common=1),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="expansion", at=SKEW)
    remainders = [
        changed(STATED, "f′(1) is not", slope=LAYERS),
        changed(STATED, "f″ is not above", at=ONE_LOOP, curvature=4 * LAYERS * (2 * LAYERS - 1)),
        changed(STATED, "f″ is not above", at=ONE_LOOP, exponent=LAYERS - 2),
    ]
    evidence.mutants(DERIVATION, STATEMENT, remainders, part="remainder", at=ONE_LOOP)
    d = sympy.Symbol("d")
    for L in range(1, 6):
        c = sympy.Poly([int(x) for x in reversed(gaussian_moment(2 * L))], d).as_expr()
        evidence.figure(f"leading constant, L = {L}", f"${sympy.latex(c)}$")


@pytest.mark.claim(
    slug="looped_loss_rate", grade="certified", range="d = 5, L ≤ 4, n = 10, 40, 160, …, 163840", parts=()
)
def test_claim_looped_loss_rate_in_numbers(evidence: Evidence) -> None:
    """n^L f(a*) against its limit: between f(1) less the stated remainder and f(1)."""
    sizes, series = [10 * 4**k for k in range(8)], []
    for L in range(1, 5):
        limit = sum(int(c) * 5**i for i, c in enumerate(gaussian_moment(2 * L)))
        ratios = []
        for n in sizes:
            least, f = optimal_looped_step(isotropic(5, n), L).loss, looped_step_loss(isotropic(5, n), L)
            assert least.compare(f(fmpq(1))) < 0
            ratios.append(float(decimal(least.refined(80), 6)) * n**L / limit)
        series.append(Series(label=f"$L={L}$", x=tuple(map(float, sizes)), y=tuple(ratios)))
        n = sizes[-1]
        exactly = optimal_looped_step(isotropic(5, n), L).refined(80).loss
        assert fmpq(98, 100) * limit < exactly.lower * n**L <= exactly.upper * n**L < fmpq(102, 100) * limit
        evidence.figure(
            f"least loss times n^L over its limit, d = 5, L = {L}, n = {n}", f"{ratios[-1]:.4f}", exact=False
        )
    evidence.chart(
        Chart(
            title="The least looped loss against its rate",
            caption="$n^Lf(a^\\star)/c_L(d)$ at $d=5$: it tends to 1.",
            x_label="$n$",
            y_label="ratio",
            x_scale="log",
            y_scale="linear",
            series=tuple(series),
        )
    )


@pytest.mark.claim(
    slug="looped_loss_rate", grade="certified", range="d = 5, L ≤ 4, n = 10, 40, 160, …, 163840", parts=()
)
def test_claim_looped_loss_rate_remainder_in_numbers(evidence: Evidence) -> None:
    """What the best step gains over the step 1, and its bound: equal for one loop."""
    sizes, series, ratios = [10 * 4**k for k in range(8)], [], []
    for L in range(1, 5):
        gains, bounds = [], []
        for n in sizes:
            f = looped_step_loss(isotropic(5, n), L)
            gain = f(fmpq(1)) - optimal_looped_step(isotropic(5, n), L).refined(200).loss.lower
            m = spectral_moments(4, 5, n)
            bound = f.derivative()(fmpq(1)) ** 2 / (2 * STATED.curvature_at(m, L))
            assert gain <= bound
            ratios.append(bound / gain)
            for values, x in ((gains, gain), (bounds, bound)):
                values.append(float(Fraction(int(x.p), int(x.q))))
        x = tuple(map(float, sizes))
        series.append(Series(label=f"bound, $L={L}$", x=x, y=tuple(bounds), group=f"{L}"))
        series.append(
            Series(label=f"$f(1)-f(a^\\star)$, $L={L}$", x=x, y=tuple(gains), style="points", group=f"{L}")
        )
    assert all(ratio == 1 for ratio in ratios[: len(sizes)])
    evidence.tightness("1, attained for L = 1")
    evidence.chart(
        Chart(
            title="What the best looped step gains",
            caption="$f(1)-f(a^\\star)$ and $\\frac{f'(1)^2}{2\\kappa}$ at $d=5$.",
            x_label="$n$",
            y_label="loss",
            x_scale="log",
            y_scale="log",
            series=tuple(series),
        )
    )


@pytest.mark.claim(slug="looped_loss_rate", grade="exact", range="one instance per assumption", parts=())
def test_claim_looped_loss_rate_necessity(evidence: Evidence) -> None:
    """Another law of the prompt, noise, no mask or a filled slot change the expansion."""
    one = isotropic(1, 1)
    instances = {
        "gaussian_covariates": OnScaledSet(Setting(one, covariates="signs"), 1),
        "independent_task": OnScaledSet(Setting(one, weights="first_example"), 1),
        "whitened_task": OnScaledSet(Setting(RegressionTask(exact.diagonal([1, 4]), 2, [[2, 1], [1, 3]])), 1),
        "noiseless_labels": OnScaledSet(Setting(isotropic(1, 1, noise_variance=1)), 1),
        "masked_query": OnScaledSet(Setting(one, masked=False), 2),
        "zero_query_label": OnScaledSet(Setting(one, slot=fmpq(1)), 1),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="expansion")
