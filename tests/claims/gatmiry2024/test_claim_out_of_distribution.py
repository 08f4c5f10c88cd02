"""Gatmiry et al. (2024), Theorem 4.5: the minimizer for one covariance on prompts of another one."""

from dataclasses import dataclass, replace
from functools import lru_cache

import pytest
import sympy
from flint import acb, arb, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import definiteness, exact
from icl_claims.theory.algebra.words import eye
from icl_claims.theory.derivations.out_of_distribution_condition import DERIVATION, STATED, Shifted
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.loops.more_loops import INVERSE_ROOT, LOOPS, STEP
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers.descent_on_any_task import plain_loss
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.prompts import S
from tests.shared import scaled_set
from tests.shared.scaled_set import NO_INVERSE
from tests.shared.settings import Setting, conditions, settings_of, shown
from tests.shared.strategies import definite_matrices, matrices, rationals

# ---------------------------------------------------------------------- as recorded


@dataclass(frozen=True)
class Pair:
    """The setting of the minimizer, and the covariance Σ̃ ≻ 0 of the prompts."""

    setting: Setting
    shifted: fmpq_mat

    def __str__(self) -> str:
        return f"{self.setting}; prompts of covariance {shown(self.shifted)}"


@dataclass(frozen=True)
class AsRecorded:
    """In the limit the descent converges just where all eigenvalues of I − aΣ̃Σ⁻¹, a the step, are below ``radius``."""

    radius: fmpq


def converges(stated: AsRecorded, at: Pair) -> arb:
    """The stated radius less the greatest |1 − μ|: < 0 where the descent with A = Σ⁻¹ on Σ̃ diverges."""
    d = at.setting.task.dim
    factor = exact.identity(d) - at.shifted * at.setting.task.covariance.inv()
    return arb(stated.radius) - greatest(factor)


def greatest(m: fmpq_mat) -> arb:
    """The largest absolute value of the eigenvalues."""
    sizes = [abs(acb(root)) for root, _ in m.charpoly().complex_roots()]
    found = sizes[0]
    for x in sizes[1:]:
        found = found.max(x)
    return found


@st.composite
def pairs(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Pair:
    setting = draw(settings_of("out_of_distribution", corner, without=without))
    return Pair(setting, draw(definite_matrices(setting.task.dim)))


RECORDED = Statement(
    slug="out_of_distribution",
    stated=AsRecorded(fmpq(1)),
    margins={"statement": converges},
    conditions=conditions("out_of_distribution"),
    instances=pairs,
    without=lambda key: pairs(without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

THREEFOLD = Pair(Setting(isotropic(1, 1)), fmpq_mat([[3]]))


@pytest.mark.claim(
    slug="out_of_distribution",
    grade="exact",
    range="d = 1, Σ̃ = 3Σ; the limit, and every n ≤ 50",
    parts=("statement",),
    complete=True,
    refutes=True,
)
def test_claim_out_of_distribution_counterexample(evidence: Evidence) -> None:
    """Σ̃ = 3Σ: in the limit a loop multiplies the error by −2. At finite n the minimizer for one loop, which is the
    exact one, loses more on these prompts than the prediction 0, by the factor 1 + 3a."""
    evidence.refute(RECORDED, "statement", THREEFOLD)
    for n in range(1, 51):
        a = single_layer.minimizer(isotropic(1, n))[0, 0]
        shifted = RegressionTask([[3]], n, [["1/3"]])
        assert a == fmpq(n, n + 2)
        assert plain_loss(shifted, [a]) == 1 + 3 * a > shifted.signal == 1
    evidence.figure("factor of the error in a loop, n → ∞", -2)
    evidence.figure("loss of one loop at n = 50 over that of the prediction 0", plain_loss(shifted, [a]))


@pytest.mark.claim(
    slug="out_of_distribution",
    grade="exact",
    range="d ≤ 2, L ≤ 4, n → ∞, Σ̃ ≺ 2Σ",
    reading="near",
)
def test_claim_out_of_distribution_near(evidence: Evidence) -> None:
    """For Σ̃ ≺ 2Σ the limit of the loss falls with every loop, and is what the eigenvalues say."""

    @given(pairs(), st.integers(1, 4))
    def falls(at: Pair, loops: int) -> None:
        task, d = at.setting.task, at.setting.task.dim
        near = at.shifted
        while not definiteness.is_positive_definite(task.covariance * 2 - near):
            near = near / 2
        factor = exact.identity(d) - near * task.covariance.inv()
        assert converges(RECORDED.stated, Pair(at.setting, near)) > 0
        for omega in (near.inv(), task.covariance.inv()):
            losses = [
                exact.trace(near * (factor**T).transpose() * omega * factor**T) for T in range(loops + 1)
            ]
            assert losses[-1] <= losses[-2]
        assert exact.trace(near * (factor**loops).transpose() * near.inv() * factor**loops) == exact.trace(
            factor ** (2 * loops)
        )

    falls()
    evidence.chart(shift_chart())


def shift_chart() -> Chart:
    """The exact loss of the minimizer for two loops on prompts of covariance κΣ, by κ."""
    shifts = [fmpq(k, 20) for k in range(1, 61)]
    rows = []
    for n in (20, 100, 400):
        a = optimal_looped_step(isotropic(5, n), 2).step.upper
        for T, style in ((2, "line"), (6, "dashed")):
            loss = looped_step_loss(isotropic(5, n), T)
            values = [(float(k), nearest(loss(a * k))) for k in shifts]
            kept = [(x, y) for x, y in values if y < 1e3]
            rows.append(
                Series(
                    label=f"$n={n}$, {T} loops",
                    x=tuple(x for x, _ in kept),
                    y=tuple(y for _, y in kept),
                    style=style,  # type: ignore[arg-type]
                    group=f"n = {n}",
                )
            )
    return Chart(
        title="The minimizer for two loops on prompts of another scale",
        caption="d = 5. Exact population loss on prompts of covariance κΣ with tasks N(0, (κΣ)⁻¹), after two "
        "loops and after "
        "six. A factor κ of the covariance is a factor κ of the step. In the limit of long contexts the boundary "
        "is κ = 2: "
        "below it six loops lose less than two, beyond it more. At finite n they do so from a smaller κ on.",
        x_label=r"$\kappa$",
        y_label="loss",
        y_scale="log",
        series=tuple(rows),
    )


# ---------------------------------------------------------------------- the condition

SLUG = "out_of_distribution_condition"


@dataclass(frozen=True)
class Shift:
    """The law of the prompts (a setting), Σ_0 ≻ 0, the step a ≠ 0, T loops, and one context X with w and x_q."""

    setting: Setting
    trained: fmpq_mat
    step: fmpq
    loops: int
    X: fmpq_mat
    w: fmpq_mat
    query: fmpq_mat

    def __str__(self) -> str:
        prompt = f"X = {self.X.tolist()}, w = {self.w.entries()}, x_q = {self.query.entries()}"
        return f"{self.setting}; Σ_0 = {shown(self.trained)}, a = {self.step}, T = {self.loops}; {prompt}"

    @property
    def empirical(self) -> fmpq_mat:
        return self.X * self.X.transpose() / self.X.ncols()

    @property
    def preconditioner(self) -> fmpq_mat:
        return self.trained.inv() * self.step

    def loss(self) -> fmpq:
        """Of T loops in the setting."""
        return scaled_set.loss(self.setting, [self.preconditioner] * self.loops)

    def error(self) -> fmpq:
        """−wᵀ(I − SA)^T x_q and the noise, on this prompt; the noise is 1 in every label where there is any."""
        d, size = self.X.nrows(), self.X.ncols()
        noise = fmpq_mat([[int(self.setting.task.noise_variance != 0)] * size])
        v = self.w * 0
        for _ in range(self.loops):
            residual = self.w.transpose() * self.X + noise - v.transpose() * self.X
            v = v + self.preconditioner.transpose() * self.X * residual.transpose() / size
        assert v.nrows() == d
        return ((v - self.w).transpose() * self.query)[0, 0]


def prompt_margin(shifted: Shifted, at: Shift) -> fmpq | arb:
    """The stated bound less the squared error, if this is negative; else −1 where the condition is not the stated one.

    The condition is decided by enclosures of the eigenvalues of the factor, the stated one by definiteness.
    """
    S_0 = at.empirical
    root_free = {"X": at.X, "K": exact.identity(at.X.nrows()), "a": fmpq_mat([[at.step]])}
    factor = exact.identity(at.X.nrows()) - S_0 * at.preconditioner
    if at.trained == exact.identity(at.X.nrows()) and factor != at_task(
        shifted.factor, isotropic(at.X.nrows(), at.X.ncols()), root_free
    ):
        return fmpq(-1)
    rate = greatest(factor)
    exponent = int(shifted.exponent.subs(LOOPS, at.loops))
    norms = (at.w.transpose() * at.trained * at.w)[0, 0] * (
        at.query.transpose() * at.trained.inv() * at.query
    )[0, 0]
    room = rate ** (2 * exponent) * norms - at.error() ** 2
    if room < 0:
        return room
    most = at.trained * int(shifted.threshold)
    stated = all(map(definiteness.is_positive_definite, (S_0 * at.step, most - S_0 * at.step)))
    return fmpq(0 if stated == (rate < 1) else -1)


def limit_margin(shifted: Shifted, at: Shift) -> fmpq:
    """Minus the squared difference of the stated limit from the loss, a polynomial in 1/n through its values, at 0."""
    task = at.setting.task
    count = 2 * at.loops + 1
    lengths = [fmpq(1, n) for n in range(1, count + 1)]
    values = [
        scaled_set.loss(
            Setting(RegressionTask(task.covariance, n, task.task_covariance, task.noise_variance)),
            [at.preconditioner] * at.loops,
        )
        for n in range(1, count + 1)
    ]
    system = fmpq_mat([[x**k for k in range(count)] for x in lengths])
    found = system.solve(fmpq_mat([[v] for v in values]))[0, 0]
    G = exact.identity(task.dim)
    for _ in range(int(shifted.exponent.subs(LOOPS, at.loops))):
        G = G * (exact.identity(task.dim) - task.covariance * at.preconditioner)
    return -((found - exact.trace(task.covariance * G.transpose() * task.task_covariance * G)) ** 2)


def expectation_margin(shifted: Shifted, at: Shift) -> fmpq | arb:
    """The loss less the stated bound, if negative; else (1 − m)² − base² at m = beyond."""
    task = at.setting.task
    shift, inverse = task.covariance * at.trained.inv(), at.trained * task.task_covariance
    least = smallest(shift) * smallest(inverse)
    m, base = int(shifted.beyond), int(shifted.base)
    odds = arb(0)
    if exact.trace(shift):
        needed = fmpq(m * task.context_length * task.dim) / (abs(at.step) * exact.trace(shift))
        odds = arb(needed / 2).sqrt().erfc()
    room = at.loss() - base ** (2 * at.loops) * least * odds
    return room if room < 0 else fmpq((1 - m) ** 2 - base**2)


def smallest(m: fmpq_mat) -> arb:
    """The least eigenvalue of a matrix that is similar to a positive semidefinite one."""
    if m.det() == 0:
        return arb(0)
    return 1 / greatest(m.inv())


@st.composite
def shifts(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Shift:
    setting = draw(settings_of(SLUG, corner, without=without))
    d, n = setting.task.dim, setting.task.context_length
    return Shift(
        setting,
        draw(definite_matrices(d)),
        draw(rationals.filter(bool)),
        corner.layers or draw(st.integers(1, 2)),
        *(draw(matrices(d, k)) for k in (n, 1, 1)),
    )


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"prompt": prompt_margin, "limit": limit_margin, "expectation": expectation_margin},
    conditions=conditions(SLUG),
    instances=shifts,
    without=lambda key: shifts(without=key),
)

UNIT = fmpq_mat([[1]])


def at_step(step: fmpq | int, setting: Setting | None = None) -> Shift:
    """d = n = T = 1, Σ_0 = 1, x_1 = w = x_q = 1: one eigenvalue, μ = 1."""
    return Shift(setting or Setting(isotropic(1, 1)), UNIT, fmpq(step), 1, UNIT, UNIT, UNIT)


SKEW = Shift(
    Setting(isotropic(2, 1)),
    exact.identity(2),
    fmpq(1),
    1,
    fmpq_mat([[1], [1]]),
    fmpq_mat([[1], [0]]),
    fmpq_mat([[0], [1]]),
)


@pytest.mark.claim(
    slug="out_of_distribution_condition",
    grade="argument",
    range="all d, n, T, a ≠ 0, Σ_0 ≻ 0, Σ, Ω ⪰ 0, every prompt",
)
def test_claim_out_of_distribution_condition(evidence: Evidence) -> None:
    """In coordinates that whiten Σ_0 a loop is I − aS', symmetric; in the limit S is Σ; at finite n eigenvalues of
    every size have positive probability."""
    contracting, rate = "Lemma 4: 1 −", "Lemma 3: the error along"
    of_prompts = [
        changed(STATED, contracting, threshold=sympy.Integer(1), at=at_step(fmpq(3, 2))),
        changed(STATED, contracting, threshold=sympy.Integer(4), at=at_step(3)),
        changed(STATED, rate, exponent=LOOPS + 1, at=at_step(fmpq(1, 2))),
        changed(STATED, "Lemma 2: the factor", factor=eye("d") + S @ INVERSE_ROOT @ INVERSE_ROOT * STEP),
        changed(STATED, "Lemma 2: the factor", factor=eye("d") - S @ INVERSE_ROOT @ INVERSE_ROOT),
    ]
    evidence.prove(DERIVATION, STATEMENT, of_prompts, part="prompt", at=at_step(fmpq(1, 2)))
    limits = [changed(STATED, rate, exponent=2 * LOOPS, at=at_step(fmpq(1, 2)))]
    evidence.mutants(DERIVATION, STATEMENT, limits, part="limit")
    beyond = "Lemma 6: |m| − 1"
    grows = [
        changed(STATED, beyond, base=sympy.Integer(3)),
        changed(STATED, beyond, beyond=sympy.Integer(2)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, grows, part="expectation", at=at_step(1))
    evidence.tightness(
        "1: some w and x_q attain the bound of a prompt's error; the bound of the expectation is far from it"
    )
    evidence.chart(prompt_chart())
    evidence.chart(bound_chart())
    for shift in (fmpq(3, 4), fmpq(1), fmpq(3, 2), fmpq(5, 2)):
        best, losses = best_loops_at(shift)
        evidence.figure(
            f"d = 5, n = 100, step for two loops, prompts of covariance {shift} Σ_0: best T", best
        )
        evidence.figure(f"the least loss there, {shift}", losses)


def prompt_chart() -> Chart:
    """The error of one prompt and its bound, by T, on both sides of the boundary."""
    x = tuple(float(T) for T in range(13))
    rows = []
    for name, X in (("below", [[1, 1], [0, 1]]), ("beyond", [[2, 1], [0, 1]])):
        one = fmpq_mat([[1], [2]])
        at = Shift(Setting(isotropic(2, 2)), exact.identity(2), fmpq(1), 1, fmpq_mat(X), one, one)
        rate = greatest(exact.identity(2) - at.empirical)
        errors = [nearest(abs(replace(at, loops=T).error())) for T in range(13)]
        rows += [
            Series(label=f"error, {name} the boundary", x=x, y=tuple(errors), group=name),
            Series(
                label="bound", x=x, y=tuple(float(rate**T * 5) for T in range(13)), style="dashed", group=name
            ),
        ]
    return Chart(
        title="One prompt on both sides of the boundary",
        caption="d = n = 2, a = 1, Σ_0 = I, w = x_q = (1, 2): the error and its bound ρ^T |w| |x_q|, for a "
        "context with all "
        "eigenvalues of S below 2, and for one with an eigenvalue beyond.",
        x_label="loops $T$",
        y_label="error",
        y_scale="log",
        series=tuple(rows),
    )


def bound_chart() -> Chart:
    """The loss under a shift of 3/2 and its bound, by T."""
    n, shift, loops = 5, fmpq(3, 2), range(1, 31)
    step = optimal_looped_step(isotropic(2, n), 2).step.upper * shift
    tail = arb(3 * n / (2 * step)).sqrt().erfc()
    x = tuple(float(T) for T in loops)
    return Chart(
        title="Under a shift the loss grows without bound",
        caption="d = 2, n = 5, the best step for two loops on Σ_0, prompts of covariance (3/2) Σ_0: the loss of "
        "T loops and "
        "its bound.",
        x_label="loops $T$",
        y_label="loss",
        y_scale="log",
        series=(
            Series(
                label="loss", x=x, y=tuple(nearest(looped_step_loss(isotropic(2, n), T)(step)) for T in loops)
            ),
            Series(label="bound", x=x, y=tuple(float(4**T * tail) for T in loops), style="dashed"),
        ),
    )


@lru_cache
def best_loops_at(shift: fmpq) -> tuple[int, str]:
    """The T with the least loss on prompts of covariance κΣ_0, d = 5, n = 100, for the step of two loops (to 2⁻⁶⁴)."""
    step = optimal_looped_step(isotropic(5, 100), 2).step.upper * shift
    losses = [fmpq(5)]
    while True:  # The losses are log-convex: the first that is no lower ends the search.
        loss = looped_step_loss(isotropic(5, 100), len(losses))(step)
        if loss >= losses[-1]:
            return len(losses) - 1, arb(losses[-1]).str(4, radius=False)
        losses.append(loss)


@pytest.mark.claim(slug="out_of_distribution_condition", grade="exact", range="one instance each", parts=())
def test_claim_out_of_distribution_condition_necessity(evidence: Evidence) -> None:
    """With x = ±1 a step of 1 is exact. Noise in the labels is an error that no loop takes away."""
    signs = at_step(1, Setting(isotropic(1, 1), covariates="signs"))
    evidence.necessary(STATEMENT, "gaussian_covariates", signs, part="expectation")
    noisy = at_step(1, Setting(isotropic(1, 1, noise_variance=1)))
    evidence.necessary(STATEMENT, "noiseless_labels", noisy, part="prompt")


@pytest.mark.claim(
    slug="out_of_distribution_condition", grade="exact", range="d = 2, n ≤ 3, T ≤ 3, two shifts", parts=()
)
def test_claim_out_of_distribution_condition_whitened() -> None:
    """A second route to the loss under a shift: in coordinates that whiten Σ_0 it is plain descent with step a on the
    covariance Λ and the task covariance C, for both laws of w; and κΣ_0 is a factor κ of the step."""
    trained, half = exact.diagonal([1, 4]), exact.diagonal([fmpq(1), fmpq(1, 2)])
    for sigma in (fmpq_mat([[2, 1], [1, 3]]), trained * 3):
        for omega in (sigma.inv(), trained.inv()):
            for n, T in ((1, 2), (3, 3)):
                task = RegressionTask(sigma, n, omega)
                whitened = RegressionTask(half * sigma * half, n, half.inv() * omega * half.inv())
                found = scaled_set.loss(Setting(task), [trained.inv() / 3] * T)
                assert found == plain_loss(whitened, [fmpq(1, 3)] * T)
    scaled = RegressionTask(trained * 3, 2, (trained * 3).inv())
    assert scaled_set.loss(Setting(scaled), [trained.inv() / 2] * 2) == looped_step_loss(isotropic(2, 2), 2)(
        fmpq(3, 2)
    )
