"""Settings, criteria and measured numbers of the experiments.

A number that the records quote (a setting, a criterion) is compared with the constant that its evidence works with; a
decimal with an enclosure of the exact number, digit by digit, rounded to nearest, or down or up where it is a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.criteria.ahn2023 import BATCH_MINIMIZER, RELAXED_THREE_LAYERS, SPARSE_THREE_LAYERS
from icl_claims.models import states
from icl_claims.models.runs import ahn2023
from icl_claims.models.training import STATES
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.loops.descent import descent_loss, is_above
from icl_claims.theory.loops.step import looped_step_loss, optimal_looped_step
from icl_claims.theory.many_layers import step_sizes
from icl_claims.theory.many_layers.distance import squared_dist
from icl_claims.theory.many_layers.equivariant_bound import equivariant_minimum
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from tests.claims.formulas.points import Points, block_diagonal, identity
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, Root, Rounded
from tests.shared import criteria, trained_runs

D = ahn2023.DIM


@compares("trained_sparse_three_layers", r"\Sigma=U^\top DU", r"D=\operatorname{diag}(1,1,0.25,0.0625,1)")
def covariances() -> Iterator[dict[str, Any]]:
    """Σ: of the runs; U: their rotations; D: their spectrum."""
    for seed in (0, 3):
        U, spectrum = Matrix(ahn2023.rotation(D, seed)), Matrix(exact.diagonal(ahn2023.SPECTRUM))
        sigma = Matrix(ahn2023.task(20, seed).covariance)
        yield {r"\Sigma": sigma, "U": U, "D": spectrum, r"\operatorname{diag}": block_diagonal(D)}


@compares("loss_against_depth_minima loss_against_context_length_minima", r"1,1,\frac14,\frac1{16},1")
def spectrum() -> Iterator[dict[str, Any]]:
    """The eigenvalues of Σ in the runs."""
    yield {"=": ahn2023.SPECTRUM}


@compares("trained_relaxed_published_numbers trained_relaxed_batch_minimizer", r"20\,000")
@compares("trained_relaxed_three_layers_at_twenty", r"20\,000")
def prompts() -> Iterator[dict[str, Any]]:
    """The contexts of a batch."""
    yield {"=": BATCH_MINIMIZER.count("prompts")}
    yield {"=": RELAXED_THREE_LAYERS.count("prompts")}


@compares("loss_against_depth loss_against_context_length", "n-1")
def examples_of_the_baselines() -> Iterator[dict[str, Any]]:
    """How many of n examples the slice 0:n−1 of the notebooks takes."""
    for n in (2, 20):
        yield {"n": n, "=": len([*range(n)][0:-1])}


@compares("trained_sparse_three_layers trained_relaxed_three_layers", r"\to0")
def limit() -> Iterator[dict[str, Any]]:
    """The limit of the distance of a_lΣ^{-1} in whitened coordinates, which the runs are compared with."""
    yield {r"\to": lambda _, value: value == squared_dist(exact.identity(D) * fmpq(3, 2))}


def distance(M: Matrix, one: Matrix) -> Root:
    """Dist(M, I), by the formula that the comparison of trained weights uses."""
    if one != identity(one.shape[0]):
        raise TypeError("Dist is taken from I")
    square = squared_dist(fmpq_mat([list(row) for row in M.rows]))
    return Root(fmpq(0) if square is None else square)


def tends(threshold: fmpq) -> Any:
    """→: the number at the end of the run is at most the threshold away from the limit, which is 0."""
    return lambda value, target: target == 0 and value.square <= threshold**2


@compares(
    "trained_sparse_three_layers",
    r"\operatorname{Dist}(M,I)=\min_\alpha\lVert M-\alpha I\rVert_F/\lVert M\rVert_F",
)
def distances() -> Iterator[dict[str, Any]]:
    """Dist: see :func:`distance`; min: of a quotient whose square is a quadratic polynomial in α, through three points,
    and which is least where αI is the orthogonal projection of M, at α = tr M/d."""
    for d in (1, 2, 3):
        M = Matrix(Points(d).matrix(d, d))
        projection = M.trace() / d
        least = lambda body, alpha=projection: least_root(body, alpha)  # noqa: E731
        yield {
            "M": M,
            "I": identity(d),
            r"\operatorname{Dist}": lambda M, one: distance(M, one),
            r"\min": least,
        }


def least_root(body: Any, place: fmpq) -> Root:
    """The minimum over α of √q(α), q a quadratic polynomial that is least at the place."""
    low, middle, high = (body({r"\alpha": fmpq(x)}).square for x in (-1, 0, 1))
    slope, curvature = (high - low) / 2, (high + low) / 2 - middle
    if slope + 2 * curvature * place != 0:
        raise ValueError("the quotient is least elsewhere")
    return Root(middle - slope**2 / (4 * curvature))


@compares("trained_sparse_three_layers", r"\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0")
def whitened_distances() -> Iterator[dict[str, Any]]:
    """A_l: of a stored run, at its end; Σ^{1/2} = U^⊤D^{1/2}U is rational. At its start it is false."""
    run = "sparse_three_layers/seed_0"
    for weights, true in ((trained_runs.compared(run), True), (trained_runs.trajectory(run)[0][1], False)):
        for layer in weights.layers:
            yield {
                **of_run(run, layer.A),
                r"\to": tends(criteria.exactly(SPARSE_THREE_LAYERS, "near")),
                "true": true,
            }


def of_run(run: str, A: fmpq_mat) -> dict[str, Any]:
    """A_l, and the square root of the run's Σ."""
    dist = lambda M, one: distance(M, one)  # noqa: E731
    half = Matrix(trained_runs.root_of(run))
    return {"A_l": Matrix(A), r"\Sigma^{1/2}": half, "I": identity(D), r"\operatorname{Dist}": dist}


@compares("trained_relaxed_three_layers", r"\operatorname{Dist}(B_l,I)\to0")
@compares("trained_relaxed_three_layers", r"\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0")
def relaxed_distances() -> Iterator[dict[str, Any]]:
    """A_l, B_l: of a stored run at its end, where they tend to 0, and at its start."""
    run, tending = (
        "relaxed_three_layers/context_20_seed_0",
        tends(criteria.exactly(RELAXED_THREE_LAYERS, "near")),
    )
    kept, _, _ = states.load(trained_runs.directory(run) / STATES)
    for state, true in ((kept[-1], True), (kept[0], False)):
        for P, Q in zip(state["P"][:2], state["Q"][:2], strict=True):
            A, B = (validation.matrix("block", m[:D, :D]) for m in (Q, P))
            yield {**of_run(run, A), **{"B_l": Matrix(B), r"\to": tending, "true": true}}


@compares("trained_sparse_three_layers", "0.126")
def bound_for_all_matrices() -> Iterator[dict[str, Any]]:
    """What no matrices lose less than, rounded down."""
    yield {"=": Rounded.of(equivariant_minimum(isotropic(D, 20), 3), "down")}


@compares("trained_sparse_three_layers", "0.134")
def minimum_on_scaled_set() -> Iterator[dict[str, Any]]:
    """The minimum on 𝒮."""
    yield {"=": Rounded.of(optimal_steps(isotropic(D, 20), 3).loss)}


@compares("sampled_loss_heavy_tails", "64")
def bits_of_the_step() -> Iterator[dict[str, Any]]:
    """The relative precision in bits with which ``theory`` gives the step."""
    yield {"=": step_sizes._BITS}


@compares("sampled_loss_heavy_tails", "0.084", "0.37", "1.6", "9.3", "70", "619")
def variances_of_looped_losses() -> Iterator[dict[str, Any]]:
    """The relative variances at the best looped steps, known to 64 bits, for L = 1, …, 6."""
    yield {
        f"= {text}": variance_of_looped_loss(L)
        for L, text in enumerate(("0.084", "0.37", "1.6", "9.3", "70", "619"), 1)
    }


def variance_of_looped_loss(layers: int) -> Rounded:
    """The variance of the one-prompt estimator over its squared mean."""
    steps = [optimal_looped_step(isotropic(D, 20), layers).step.upper] * layers
    return Rounded.of(loss_variance(isotropic(D, 20), steps) / loss_of_steps(isotropic(D, 20), steps) ** 2)


def ordered(n: int, layers: int) -> dict[str, Any]:
    """u, p, g: least losses of layers on 𝒮, of preconditioned GD and of GD. u is exact; p is a value of the convex loss
    within 2^{-60} of its minimum; g is a number that the loss of GD exceeds, but by less than a millionth somewhere."""
    task = RegressionTask.whitened(exact.diagonal(ahn2023.SPECTRUM), n)
    looped = looped_step_loss(isotropic(D, n), layers)
    step = optimal_looped_step(isotropic(D, n), layers).step
    p = looped(step.upper) if layers > 1 else minimum_of_quadratic(looped)
    return {
        "u": optimal_steps(isotropic(D, n), layers).loss,
        "p": p,
        "g": least(descent_loss(task, layers)).lower,
    }


def minimum_of_quadratic(f: fmpq_poly) -> fmpq:
    """The least value of a quadratic polynomial."""
    return f[0] - f[1] ** 2 / (4 * f[2])


def least(f: fmpq_poly) -> Rounded:
    """The least value, to a millionth, of a polynomial that falls at 0 and has a positive leading coefficient."""
    upper = f(sign_change(f.derivative()).upper)
    lower = upper * (1 - fmpq(1, 10**6))
    if not is_above(f, lower):
        raise ArithmeticError(f"{lower} is no lower bound")
    return Rounded(lower, upper)


def sign_change(slope: fmpq_poly) -> Rounded:
    """Between these two numbers, by bisection, a polynomial that is negative at 0 becomes positive."""
    low, high = fmpq(0), fmpq(1)
    while slope(high) <= 0:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) <= 0 else (low, middle)
    return Rounded(low, high)


@compares("loss_against_depth_minima", "u<p<g")
def order_at_depth() -> Iterator[dict[str, Any]]:
    """See :func:`ordered`; at L = 1 it is false."""
    yield from ({**ordered(20, L), "true": L > 1} for L in (1, 2, 3, 4))


@compares("loss_against_depth_minima", r"u=p=\frac{15}{13}<g")
def order_of_one_layer() -> Iterator[dict[str, Any]]:
    """See :func:`ordered`; at L = 2 it is false."""
    yield from ({**ordered(20, L), "true": L == 1} for L in (1, 2))


@compares("loss_against_context_length_minima", "u<p<g")
def order_at_context_length() -> Iterator[dict[str, Any]]:
    """See :func:`ordered`; for one layer it is false."""
    yield from (ordered(n, 3) for n in (2, 9, 22))
    yield {**ordered(9, 1), "true": False}


def as_tested(value: float) -> fmpq:
    """The decimal that a constant of the evidence is."""
    return validation.rational("value", str(value))


@compares("covariate_update_conditioning_typical", "0.95", "0.75", "0.40")
def shares() -> Iterator[dict[str, Any]]:
    """The first layer of three at n = 20, the second of three at n = 10, the only one at n = 20."""
    yield {
        "= 0.95": as_tested(criteria.LOWERED_BY_FIRST_OF_THREE),
        "= 0.75": as_tested(criteria.RAISED_BY_SECOND_OF_THREE),
        "= 0.40": as_tested(criteria.RAISED_BY_ONLY),
    }


@compares("trained_relaxed_batch_minimizer", "0.01", "0.05", "0.3", "0.015")
def widths() -> Iterator[dict[str, Any]]:
    """The half-widths of the box around a_0, a_1, a_2 and b_0; that around b_1 is as wide as the last."""
    named = zip(("0.01", "0.05", "0.3", "0.015"), ("a0", "a1", "a2", "b"), strict=True)
    yield {f"= {text}": criteria.exactly(BATCH_MINIMIZER, name) for text, name in named}
