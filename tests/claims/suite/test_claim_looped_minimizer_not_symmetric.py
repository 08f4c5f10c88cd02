"""Two loops: the best multiple of Σ⁻¹ is a saddle for long contexts; the best matrices are not symmetric."""

import pytest
import sympy
from flint import arb, fmpq, fmpq_mat, fmpq_poly

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.claims.statement import Statement
from icl_claims.numerics.decimals import decimal
from icl_claims.theory.algebra.real_roots import root_of_increasing
from icl_claims.theory.derivations.looped_minimizer_not_symmetric import DERIVATION, STATED
from icl_claims.theory.loops.centred_moments import gaussian_moment
from icl_claims.theory.loops.matrix import looped_gradient, looped_loss
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.loops.two_loops import CONTEXT, DIM, STEP, TwoLoops
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.growing_context import with_context
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, loss, loss_of_equal_steps, on_scaled_set
from tests.shared.settings import Setting, conditions

SLUG = "looped_minimizer_not_symmetric"
TURN = fmpq_mat(2, 2, [0, 1, -1, 0])


def in_turn(setting: Setting, step: fmpq) -> list[fmpq]:
    """f(aΣ⁻¹ + kJ) = c_0 + c_1k² + c_2k⁴ from its values at k = 0, 1, 2, checked at 3; for d = 1 there is no J.

    In whitened coordinates kJ is antisymmetric, with the squared norm 2k² det Σ.
    """
    A = setting.task.covariance.inv() * step
    if setting.task.dim == 1:
        return [loss(setting, [A, A]), fmpq(0), fmpq(0)]
    values = [loss(setting, [A + TURN * k] * 2) for k in range(4)]
    powers = fmpq_mat([[fmpq(k) ** (2 * j) for j in range(3)] for k in range(3)])
    c = powers.solve(fmpq_mat([[x] for x in values[:3]])).entries()
    if sum((c[j] * 3 ** (2 * j) for j in range(3)), fmpq(0)) != values[3]:
        raise ArithmeticError("the loss must be even in k and of degree 4")
    return list(c)


def saddle_margin(stated: TwoLoops, at: OnScaledSet) -> fmpq | arb:
    """Minus the squared distance of q from the stated one at three steps; if it is 0, from ``least`` on, −q(a*).

    For d = 2; in one dimension no matrix is antisymmetric.
    """
    task = at.setting.task
    if task.dim == 1:
        return fmpq(0)
    sizes = {DIM: task.dim, CONTEXT: task.context_length}
    steps = [fmpq(1, 2), fmpq(1), fmpq(2)]
    found = [in_turn(at.setting, a)[1] / (2 * task.covariance.det()) for a in steps]
    q = fmpq_mat([[a**k for k in range(3)] for a in steps]).solve(fmpq_mat([[x] for x in found])).entries()
    curvature = sympy.Poly(stated.curvature().subs(sizes), STEP)
    off = [x - number(curvature.coeff_monomial(STEP**k)) for k, x in enumerate(q)]
    if any(off):
        return -sum((x * x for x in off), fmpq(0))
    if task.context_length < int(stated.least.subs(sizes)):
        return fmpq(0)
    best = root_of_increasing(loss_of_equal_steps(at).derivative()).refined(80)
    ball = arb((best.lower + best.upper) / 2) + arb(0, 1) * arb(best.upper - best.lower)
    return -(arb(q[0]) + arb(q[1]) * ball + arb(q[2]) * ball * ball)


def number(x: sympy.Expr) -> fmpq:
    """A rational of SymPy."""
    return fmpq(int(x.p), int(x.q))


def constant_margin(stated: TwoLoops, at: OnScaledSet) -> fmpq:
    """Minus the squared distance of lim n²f at A' = I + J/√n from the stated limit; f is of degree 5 in 1/n."""
    d, determinant = at.setting.task.dim, at.setting.task.covariance.det()
    values = []
    for n in range(1, 8):
        c = in_turn(with_context(at.setting, n), fmpq(1))
        square = 1 / (n * determinant)
        values.append(c[0] + c[1] * square + c[2] * square**2)
    powers = fmpq_mat([[fmpq(1, n) ** k for k in range(6)] for n in range(1, 7)])
    f = fmpq_poly(powers.solve(fmpq_mat([[x] for x in values[:6]])).entries())
    if f(fmpq(1, 7)) != values[6]:
        raise ArithmeticError("the loss must be a polynomial in 1/n of degree at most 5")
    limit = sum(int(c) * d**i for i, c in enumerate(gaussian_moment(4))) - int(stated.gain) * (d // 2)
    return -(f[0] ** 2 + f[1] ** 2 + (f[2] - limit) ** 2)


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"saddle": saddle_margin, "constant": constant_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner).map(lambda at: OnScaledSet(at.setting, 2)),
    without=lambda key: on_scaled_set(SLUG, without=key).map(lambda at: OnScaledSet(at.setting, 2)),
    excluded={"L = 1": "the statement is about two loops"},
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)

SKEW = OnScaledSet(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 13)), 2)


@pytest.mark.claim(
    slug="looped_minimizer_not_symmetric", grade="argument", range="L = 2, all d; the saddle: n ≥ 2(d+1)(d+2)"
)
def test_claim_looped_minimizer_not_symmetric(evidence: Evidence) -> None:
    """The loss near multiples of I as a polynomial in traces gives the curvature; its sign at a* follows from two
    steps around it. The limit of n²f is a quartic in M, with its minimum at antisymmetric matrices."""
    other = "in the curvature is another one"
    mutants = [
        changed(STATED, f"a^1 {other}", linear=-4 * CONTEXT**3),
        changed(STATED, f"a^0 {other}", constant=2 * CONTEXT**3),
        changed(STATED, "not shown", least=sympy.Integer(12)),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="saddle", at=SKEW)
    gains = [
        changed(STATED, "gains another number", gain=sympy.Integer(1)),
        changed(STATED, "gains another number", gain=sympy.Integer(0)),
    ]
    evidence.mutants(DERIVATION, STATEMENT, gains, part="constant", at=SKEW)


@pytest.mark.claim(
    slug="looped_minimizer_not_symmetric", grade="certified", range="d = 2, L = 2, n = 1, …, 10⁵", parts=()
)
def test_claim_looped_minimizer_not_symmetric_in_numbers(evidence: Evidence) -> None:
    """n² times the least loss on multiples of I, and the loss at a*I + J/√n, against their limits; the first saddle."""
    limit, sizes = 46, [2 * 3**k for k in range(11)]
    on_multiples, turned = [], []
    for n in sizes:
        least = optimal_looped_step(isotropic(2, n), 2).refined(60)
        # A rational number close to 1/√n.
        a, k = least.step.lower, fmpq(10**9, int(sympy.integer_nthroot(n * 10**18, 2)[0]))
        value = looped_loss(isotropic(2, n), fmpq_mat(2, 2, [a, k, -k, a]), 2)
        on_multiples.append(float(decimal(least.loss, 8)) * n * n)
        turned.append(float(value.p) / float(value.q) * n * n)
        if n >= 24:
            assert value < least.loss.lower
    assert abs(on_multiples[-1] - limit) < 0.01
    assert abs(turned[-1] - limit + 2) < 0.01
    x = tuple(map(float, sizes))
    evidence.chart(
        Chart(
            title="Two loops: multiples of the inverse covariance against turned ones",
            caption="$n^2f$ at $d=2$: at the best multiple of $I$, and with the antisymmetric part $J/\\sqrt n$ added.",
            x_label="$n$",
            y_label="$n^2f$",
            x_scale="log",
            y_scale="linear",
            series=(
                Series(label="$a^\\star I$", x=x, y=tuple(on_multiples)),
                Series(label="$a^\\star I+J/\\sqrt n$", x=x, y=tuple(turned), style="dashed"),
            ),
        )
    )
    for d in (2, 3, 4, 5, 10):
        first = next(n for n in range(1, 200) if curvature_at_best(d, n) < 0)
        assert first <= 2 * (d + 1) * (d + 2)
        evidence.figure(f"first n at which the best multiple is a saddle, d = {d}", first)


def curvature_at_best(d: int, n: int) -> arb:
    """q(a*), as a ball of certain sign."""
    step = optimal_looped_step(isotropic(d, n), 2).refined(60).step
    ball = arb((step.lower + step.upper) / 2) + arb(0, 1) * arb(step.upper - step.lower)
    q = sympy.Poly(STATED.curvature().subs({DIM: d, CONTEXT: n}), STEP)
    value = sum((arb(number(q.coeff_monomial(STEP**k))) * ball**k for k in range(3)), arb(0))
    assert value < 0 or value > 0
    return value


@pytest.mark.claim(
    slug="looped_minimizer_not_symmetric", grade="exact", range="d = 2, 3, one n each", parts=()
)
def test_claim_looped_minimizer_not_symmetric_by_gradients(evidence: Evidence) -> None:
    """A second route to the curvature: the exact gradient at aI + kJ, and at a block J of three dimensions."""
    for d, n, a in ((2, 7, fmpq(2, 3)), (3, 5, fmpq(3, 4))):
        slopes = []
        for k in (1, 2):
            A = fmpq_mat(d, d, [a * int(i == j) for i in range(d) for j in range(d)])
            A[0, 1], A[1, 0] = fmpq(k), -fmpq(k)
            g = looped_gradient(isotropic(d, n), A, 2)
            slopes.append(g[0, 1] - g[1, 0])
        # d/dk of q 2k² + r k⁴.
        q = (slopes[0] * 8 - slopes[1]) / 6 / 4
        assert q == number(
            sympy.Rational(STATED.curvature().subs({DIM: d, CONTEXT: n, STEP: sympy.Rational(str(a))}))
        )
        evidence.figure(f"curvature at d = {d}, n = {n}, a = {a}", q)


@pytest.mark.claim(
    slug="looped_minimizer_not_symmetric", grade="exact", range="one instance per assumption", parts=()
)
def test_claim_looped_minimizer_not_symmetric_necessity(evidence: Evidence) -> None:
    """Another law of the prompt, noise, no mask or a filled slot change the limit, already for d = 1; w = x_1 the
    curvature."""
    one = isotropic(1, 1)
    instances = {
        "gaussian_covariates": Setting(one, covariates="signs"),
        "whitened_task": Setting(RegressionTask([[1]], 1, [[2]])),
        "noiseless_labels": Setting(isotropic(1, 1, noise_variance=1)),
        "masked_query": Setting(one, masked=False),
        "zero_query_label": Setting(one, slot=fmpq(1)),
    }
    pair = Setting(isotropic(2, 1), weights="first_example")
    evidence.necessary(STATEMENT, "independent_task", OnScaledSet(pair, 2), part="saddle")
    for key, setting in instances.items():
        evidence.necessary(STATEMENT, key, OnScaledSet(setting, 2), part="constant")
