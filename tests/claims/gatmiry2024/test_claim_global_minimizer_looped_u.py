"""Gatmiry et al. (2024), Theorem 3.2: every global minimizer of the looped loss has u = 0."""

from dataclasses import dataclass, replace

import hypothesis
import pytest
import sympy
from flint import arb, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.derivations.global_minimizer_looped_u import DERIVATION, STATED, ValueRow
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.loops.matrix import looped_loss
from icl_claims.theory.loops.value_row import prove_excess, prove_slope_at_zero, prove_visible
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import W
from icl_claims.theory.transformer.looped import VALUE_ROW
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import S
from tests.shared import settings as regression
from tests.shared.forward import Prompt, states
from tests.shared.loops import pair
from tests.shared.scaled_set import NO_INVERSE
from tests.shared.settings import Setting, conditions, settings_of
from tests.shared.strategies import matrices

SLUG = "global_minimizer_looped_u"

few = hypothesis.settings(max_examples=15)


@dataclass(frozen=True)
class Loops:
    """A setting, A and u ≠ 0 of every loop (one and the same where they are tied).

    ``ordered``: w has the sign of x_1² − x_q², so that it is N(0, 1) and depends on the covariates (d = n = L = 1).
    """

    setting: Setting
    matrices: tuple[fmpq_mat, ...]
    u: fmpq_mat
    ordered: bool = False

    def __str__(self) -> str:
        A = [a.tolist() for a in self.matrices]
        text = f"{self.setting}; A = {A[0] if self.tied else A}, u = {self.u.entries()}, {len(A)} loops"
        return text + ("; the sign of w is that of x_1² − x_q²" if self.ordered else "")

    @property
    def tied(self) -> bool:
        return all(a == self.matrices[0] for a in self.matrices)

    def loss(self, u: fmpq_mat | None = None, A: fmpq_mat | None = None) -> fmpq | arb:
        """𝓛 at this u and A instead, all loops multiplied out in coordinates."""
        row = self.u if u is None else u
        chosen = self.matrices if A is None else (A,) * len(self.matrices)
        if self.ordered:
            return ordered_loss(chosen[0][0, 0], row[0, 0])
        layers = [tuple(m.tolist() for m in pair(a, row)) for a in chosen]
        return regression.loss(self.setting, *layers)


def ordered_loss(a: fmpq, u: fmpq) -> arb:
    """E(w(1 − as)x_q − u a s x_q)² for d = n = L = 1, s = x_1², and w = |z| sgn(x_1² − x_q²).

    In polar coordinates of (x_1, x_q), E[sgn(x_1² − x_q²) s^k x_q²] is E r^{2k+2} times a mean over the angle.
    """
    angle = sympy.Symbol("angle")

    def signed(k: int) -> arb:
        integrand = sympy.cos(angle) ** (2 * k) * sympy.sin(angle) ** 2
        quarter = sympy.integrate(integrand, (angle, 0, sympy.pi / 4))
        rest = sympy.integrate(integrand, (angle, sympy.pi / 4, sympy.pi / 2))
        mean = sympy.nsimplify(sympy.expand((quarter - rest) * 4 / 2))  # Four quarters, times 1/2π.
        assert mean.is_Rational
        radius = 2 ** (k + 1) * sympy.factorial(k + 1)
        return arb(fmpq(int(mean.p), int(mean.q)) * int(radius)) / arb.pi()

    absolute = (arb(2) / arb.pi()).sqrt()
    mixed = -2 * u * a * absolute * (signed(1) - a * signed(2))
    return 1 - 2 * a + 3 * a * a + 3 * a * a * u * u + mixed


def margin(row: ValueRow, at: Loops) -> fmpq | arb:
    """By how much the weights lose more than (A, 0), or else than (tΣ⁻¹, 0) with a small t; < 0 where they do not.

    Where the layers predict something else than is stated, on one prompt, or the loss has another slope at A = 0, it is
    minus the squares of the differences.
    """
    defect = prediction_defect(row, at) + slope_defect(row, at)
    if defect:
        return -defect
    task, nothing = at.setting.task, at.u * 0
    small = task.covariance.inv() * fmpq(1, 100 * len(at.matrices) * (task.dim + task.context_length))
    others = [at.loss(u=nothing), at.loss(u=nothing, A=small)]
    found = at.loss()
    lost = [found - other for other in others]
    more = [x for x in lost if x > 0]
    return more[0] if more else lost[0] if lost[0] < 0 else fmpq(-1)


def prediction_defect(row: ValueRow, at: Loops) -> fmpq:
    """The square of the difference of the prediction from the stated one, on a prompt of these sizes."""
    d, n = at.setting.task.dim, at.setting.task.context_length
    X = fmpq_mat([[fmpq((3 * i + 2 * j) % 5 - 1, 2) for j in range(n)] for i in range(d)])
    query, w = (fmpq_mat([[k + i] for i in range(d)]) for k in (1, 2))
    prompt = Prompt(X, query, w, fmpq_mat(1, n), fmpq(0))
    found = -states(prompt.state(fmpq(0)), [pair(a, at.u) for a in at.matrices])[-1][d, n]
    values = {"X": X, "A": at.matrices[0], "w": w, "u": at.u}
    task, factor = (at_task(m, isotropic(d, n), values) for m in (row.task, row.factor))
    power = exact.identity(d)
    for _ in at.matrices:
        power = power * factor
    return (found - (task.transpose() * (exact.identity(d) - power) * query)[0, 0]) ** 2


def slope_defect(row: ValueRow, at: Loops) -> fmpq:
    """The square of the difference of d𝓛(tA, 0)/dt at t = 0 from L times the stated slope, by values at few t."""
    task, A, loops = at.setting.task, at.matrices[0], len(at.matrices)
    up, down, up_2, down_2 = (looped_loss(task, A * t, loops) for t in (1, -1, 2, -2))
    found = ((up - down) * 8 - (up_2 - down_2)) / 12
    return (found - at_task(row.slope, task, {"A": A})[0, 0] * loops) ** 2


@st.composite
def loops(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Loops:
    dropped = None if without == "tied_layers" else without
    setting = draw(settings_of(SLUG, corner, max_context=2, without=dropped))
    d, n = setting.task.dim, setting.task.context_length
    count = corner.layers or (draw(st.integers(1, 2)) if d * n <= 2 else 1)
    A = draw(matrices(d, d))
    u = draw(matrices(d, 1).filter(lambda m: any(m.entries())))
    if without == "tied_layers":
        return Loops(setting, (A, A * 2 + exact.identity(d) * 9), u)
    return Loops(setting, (A,) * count, u)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions=conditions(
        SLUG,
        tied_layers=lambda at: at.tied,
        independent_task=lambda at: not at.ordered and at.setting.weights != "first_example",
    ),
    instances=loops,
    without=lambda key: loops(without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = Loops(
    Setting(RegressionTask.whitened([[2, 1], [1, 1]], 1)),
    (fmpq_mat([[1, 2], [0, 1]]),) * 2,
    fmpq_mat([[1], [-1]]),
)
UNIT = fmpq_mat([[1]])
ORDERED = Loops(
    Setting(isotropic(1, 1)), (fmpq_mat([[fmpq(1, 3)]]),), fmpq_mat([[fmpq(-1, 5)]]), ordered=True
)


@pytest.mark.claim(
    slug="global_minimizer_looped_u", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0, all A and u"
)
def test_claim_global_minimizer_looped_u(evidence: Evidence) -> None:
    """With u the loop predicts what it predicts without it for the task w + u, so that u adds E(uᵀ(I − G)x_q)², a
    quadratic form that is positive definite for A ≠ 0; at A = 0 the loss falls."""
    task, factor, slope = "Lemma 1: the loop with u", "Lemma 2: the labels", "Lemma 8: the slope"
    mutants = [
        changed(STATED, task, task=W),
        changed(STATED, task, task=W - VALUE_ROW),
        changed(STATED, task, task=W + VALUE_ROW * 2),
        changed(STATED, factor, factor=eye("d") - A @ S),
        changed(STATED, factor, factor=eye("d") + S @ A),
        inside(STATED, "slope", times(STATED.slope, 2, slope)),
        inside(STATED, "slope", times(STATED.slope, -1, slope)),
        inside(STATED, "slope", times(STATED.slope, 0, slope)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=SKEW)
    evidence.chart(loss_chart())


def loss_chart() -> Chart:
    """𝓛(A, u) by A, for three u, in one dimension."""
    steps = [fmpq(k, 40) for k in range(41)]
    rows = []
    for u in (fmpq(0), fmpq(1, 4), fmpq(1, 2)):
        at = Loops(Setting(isotropic(1, 3)), (UNIT,) * 2, UNIT * u)
        losses = [at.loss(A=UNIT * a) for a in steps]
        rows.append(Series(label=f"$u={u}$", x=tuple(map(nearest, steps)), y=tuple(map(nearest, losses))))
    return Chart(
        title="What a value row u adds to the loss",
        caption="d = 1, Σ = 1, n = 3, two loops: the exact loss at A = a. At a = 0 it does not depend on u; "
        "elsewhere u adds "
        "a positive multiple of u².",
        x_label="$a$",
        y_label="loss",
        series=tuple(rows),
    )


@pytest.mark.claim(
    slug="global_minimizer_looped_u",
    grade="exact",
    range="d, n, L ≤ 2, random rational A and u",
    parts=(),
)
def test_claim_global_minimizer_looped_u_by_coordinates(evidence: Evidence) -> None:
    """A second route, the loops multiplied out in coordinates: what u adds is even in u, quadratic and positive, and
    nothing at A = 0."""

    @few
    @given(loops())
    def adds(at: Loops) -> None:
        least = at.loss(u=at.u * 0)
        once, twice, back = (at.loss(u=at.u * k) - least for k in (1, 2, -1))
        assert once == back
        assert twice == once * 4
        assert (once > 0) == any(at.matrices[0].entries())
        zero = at.matrices[0] * 0
        assert at.loss(A=zero) == at.setting.task.dim

    adds()
    singular = replace(SKEW, matrices=(fmpq_mat([[0, 1], [0, 0]]),) * 2, u=fmpq_mat([[0], [1]]))
    evidence.figure(
        "what u = e_2 adds at A = e_1 e_2ᵀ, L = 2", singular.loss() - singular.loss(u=singular.u * 0)
    )


@pytest.mark.claim(
    slug="global_minimizer_looped_u", grade="certified", range="one instance, d = n = L = 1", parts=()
)
def test_claim_global_minimizer_looped_u_necessity(evidence: Evidence) -> None:
    """What is needed of the task is that its mean given the covariates is 0: with w of the sign of x_1² − x_q² a u < 0
    loses less at A = 1/3 than the least loss without u, which is 2/3."""
    evidence.necessary(STATEMENT, "independent_task", ORDERED)
    best = fmpq(2, 3)
    assert ORDERED.loss(u=ORDERED.u * 0).overlaps(arb(best))
    assert ORDERED.loss() < arb(best)
    evidence.figure("loss with u = −1/5", ORDERED.loss().str(6, radius=True))
    evidence.dispensable("gaussian_covariates", covariates_with_a_density)
    evidence.dispensable("whitened_task", any_task)
    evidence.dispensable("noiseless_labels", any_noise)


def covariates_with_a_density() -> None:
    """Any law with a density, moments and E xxᵀ = Σ: what u adds is compared given the covariates, it vanishes only
    where a polynomial in them does, and the slope at A = 0 needs their second moments alone."""
    prove_excess(STATED.task)
    prove_visible()
    prove_slope_at_zero(STATED.slope)


def any_task() -> None:
    """Any w of mean 0 and covariance Ω with tr ΣΩ > 0: what u adds, and the slope at A = 0, hold for every Ω."""
    prove_excess(STATED.task)
    prove_slope_at_zero(STATED.slope)


def any_noise() -> None:
    """Noise of any variance: it adds what does not depend on u, and nothing to the slope at A = 0."""
    prove_excess(STATED.task)
    prove_slope_at_zero(STATED.slope)
