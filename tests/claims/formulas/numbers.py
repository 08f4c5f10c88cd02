r"""Numbers in the records: settings and criteria of experiments, and decimals, compared digit by digit.

A decimal is compared with an enclosure of the exact number, rounded to nearest, or down or up where it is a bound. A number
that the records quote (the settings of a paper, the digits of a figure, a criterion) is compared with the constant that its
evidence works with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.models import reproduce
from icl_claims.models.multi_layer import squared_dist
from icl_claims.numerics.gdpp import CriticalPoint, certify
from icl_claims.numerics.gdpp_two_layers import candidates
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import gdpp, step_sizes
from icl_claims.theory.many_layers.descent_loss import descent_loss, is_above
from icl_claims.theory.many_layers.equivariant_bound import equivariant_minimum
from icl_claims.theory.many_layers.loss_variance import loss_variance
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, looped_loss, optimal_looped_step, optimal_steps
from icl_claims.theory.task import RegressionTask
from tests.claims.ahn2023 import test_claim_trained_relaxed_three_layers as relaxed
from tests.claims.ahn2023 import test_claim_trained_sparse_three_layers as sparse
from tests.claims.formulas.evaluate import Matrix, Root, Rounded, times
from tests.claims.formulas.table import Points, block_diagonal, compares, family, identity
from tests.claims.suite import test_claim_covariate_update_conditioning_typical as typical
from tests.claims.suite import test_claim_gdpp_minimum_attained as attained
from tests.claims.suite import test_claim_trained_relaxed_batch_minimizer as batch

D = reproduce.DIM


# The data of the experiments.


@compares("trained_sparse_three_layers", r"\Sigma=U^\top DU", r"D=\operatorname{diag}(1,1,0.25,0.0625,1)")
def covariances() -> Iterator[dict[str, Any]]:
    """Σ: of the runs; U: their rotations; D: their spectrum."""
    for seed in (0, 3):
        U, spectrum = Matrix(reproduce.rotation(D, seed)), Matrix(exact.diagonal(reproduce.SPECTRUM))
        sigma = Matrix(reproduce.task(20, seed).covariance)
        yield {r"\Sigma": sigma, "U": U, "D": spectrum, r"\operatorname{diag}": block_diagonal(D)}


@compares("loss_against_depth_minima loss_against_context_length_minima", r"1,1,\frac14,\frac1{16},1")
def spectrum() -> Iterator[dict[str, Any]]:
    """The eigenvalues of Σ in the runs."""
    yield {"=": reproduce.SPECTRUM}


@compares("trained_relaxed_published_numbers trained_relaxed_batch_minimizer", r"20\,000")
def prompts() -> Iterator[dict[str, Any]]:
    """The prompts of a batch."""
    yield {"=": batch.PROMPTS}


@compares("loss_against_depth", "n-1")
def examples_of_the_baselines() -> Iterator[dict[str, Any]]:
    """How many of n examples the slice 0:n−1 of the notebooks takes."""
    for n in (2, 20):
        yield {"n": n, "=": len([*range(n)][0:-1])}


@compares("loss_against_context_length_minima", "B_l=0")
def no_covariate_update() -> Iterator[dict[str, Any]]:
    """B_l: the factor with which a relaxed layer is one of the sparse layers: the covariates stay."""
    for b in (fmpq(0), fmpq(1), fmpq(-1, 2)):
        p = gdpp.covariate_polynomials([fmpq(-1), fmpq(-1)], [b])[1]
        yield {"B_l": times(b, identity(2)), "true": p == 1}


# What the records read “→ 0” as.


@compares("trained_sparse_three_layers", r"\frac1{50}")
def near() -> Iterator[dict[str, Any]]:
    """The criterion of the evidence."""
    yield {"=": sparse.NEAR}


@compares("trained_sparse_three_layers", r"\frac1{20}")
def steady() -> Iterator[dict[str, Any]]:
    """The criterion of the evidence."""
    yield {"=": sparse.STEADY}


@compares("trained_relaxed_three_layers", r"\frac1{20}")
def near_with_covariate_updates() -> Iterator[dict[str, Any]]:
    """The criterion of the evidence."""
    yield {"=": relaxed.NEAR}


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


@compares("trained_sparse_three_layers", r"\operatorname{Dist}(M,I)=\min_\alpha\lVert M-\alpha I\rVert_F/\lVert M\rVert_F")
def distances() -> Iterator[dict[str, Any]]:
    """Dist: see :func:`distance`; min: of a quotient whose square is a quadratic polynomial in α, through three points."""
    for d in (1, 2, 3):
        M = Matrix(Points(d).matrix(d, d))
        yield {"M": M, "I": identity(d), r"\operatorname{Dist}": lambda M, one: distance(M, one), r"\min": least_root}


def least_root(body: Any) -> Root:
    """The minimum over α of √q(α), q a quadratic polynomial."""
    low, middle, high = (body({r"\alpha": fmpq(x)}).square for x in (-1, 0, 1))
    slope, curvature = (high - low) / 2, (high + low) / 2 - middle
    return Root(middle - slope**2 / (4 * curvature))


@compares("trained_sparse_three_layers", r"\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0")
def whitened_distances() -> Iterator[dict[str, Any]]:
    """A_l: of a stored run, at its end; Σ^{1/2} = U^⊤D^{1/2}U is rational. At its start it is false."""
    for weights, true in ((sparse.compared(0), True), (sparse.trajectory(0)[0][1], False)):
        for layer in weights.layers:
            yield {**of_run(layer.A), r"\to": tends(sparse.NEAR), "true": true}


def of_run(A: fmpq_mat) -> dict[str, Any]:
    """A_l, and the square root of the Σ of seed 0."""
    U = reproduce.rotation(D, 0)
    roots = {fmpq(1): fmpq(1), fmpq(1, 4): fmpq(1, 2), fmpq(1, 16): fmpq(1, 4)}
    half = U.transpose() * exact.diagonal([roots[x] for x in reproduce.SPECTRUM]) * U
    dist = lambda M, one: distance(M, one)  # noqa: E731
    return {"A_l": Matrix(A), r"\Sigma^{1/2}": Matrix(half), "I": identity(D), r"\operatorname{Dist}": dist}


@compares("trained_relaxed_three_layers", r"\operatorname{Dist}(B_l,I)\to0")
@compares("trained_relaxed_three_layers", r"\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0")
def relaxed_distances() -> Iterator[dict[str, Any]]:
    """A_l, B_l: of a stored run in whitened coordinates, at its end and at its start; in the coordinates of seed 0."""
    run = relaxed.load_trajectory(relaxed.ROOT / relaxed.ARTEFACTS[3])
    half = fmpq_mat([list(row) for row in of_run(exact.identity(D))[r"\Sigma^{1/2}"].rows])
    for (_, weights), true in ((run[-1], True), (run[0], False)):
        for P, Q in zip(weights.P[:2], weights.Q[:2], strict=True):
            A, B = (exact.matrix("block", m[:D, :D]) for m in (Q, P))
            yield {
                **of_run(half.inv() * A * half.inv()),
                **{"B_l": Matrix(B), r"\to": tends(relaxed.NEAR), "true": true},
            }


# Minima on 𝒮 and beside it.


@compares("trained_sparse_three_layers", "0.126")
def bound_for_all_matrices() -> Iterator[dict[str, Any]]:
    """What no matrices lose less than, rounded down."""
    yield {"=": Rounded.of(equivariant_minimum(D, 20, 3), "down")}


@compares("trained_sparse_three_layers", "0.134")
def minimum_on_scaled_set() -> Iterator[dict[str, Any]]:
    """The minimum on 𝒮."""
    yield {"=": Rounded.of(optimal_steps(D, 20, 3).loss)}


@compares("sampled_loss_heavy_tails", "64")
def bits_of_the_step() -> Iterator[dict[str, Any]]:
    """The relative precision in bits with which ``theory`` gives the step."""
    yield {"=": step_sizes._BITS}


def variance_of_looped_loss(layers: int) -> Iterator[dict[str, Any]]:
    """The relative variance at the best looped step, known to 64 bits."""
    steps = [optimal_looped_step(D, 20, layers).step.upper] * layers
    yield {"=": Rounded.of(loss_variance(steps, D, 20) / loss_of_steps(steps, D, 20) ** 2)}


@compares("sampled_loss_heavy_tails", "0.084")
def of_one_loop() -> Iterator[dict[str, Any]]:
    """See :func:`variance_of_looped_loss`."""
    yield from variance_of_looped_loss(1)


@compares("sampled_loss_heavy_tails", "0.37")
def of_two_loops() -> Iterator[dict[str, Any]]:
    """See :func:`variance_of_looped_loss`."""
    yield from variance_of_looped_loss(2)


@compares("sampled_loss_heavy_tails", "1.6")
def of_three_loops() -> Iterator[dict[str, Any]]:
    """See :func:`variance_of_looped_loss`."""
    yield from variance_of_looped_loss(3)


@compares("sampled_loss_heavy_tails", "9.3")
def of_four_loops() -> Iterator[dict[str, Any]]:
    """See :func:`variance_of_looped_loss`."""
    yield from variance_of_looped_loss(4)


@compares("sampled_loss_heavy_tails", "70")
def of_five_loops() -> Iterator[dict[str, Any]]:
    """See :func:`variance_of_looped_loss`."""
    yield from variance_of_looped_loss(5)


@compares("sampled_loss_heavy_tails", "619")
def of_six_loops() -> Iterator[dict[str, Any]]:
    """See :func:`variance_of_looped_loss`."""
    yield from variance_of_looped_loss(6)


def ordered(n: int, layers: int) -> dict[str, Any]:
    """u, p, g: least losses of layers on 𝒮, of preconditioned GD and of GD. u is exact; p is a value of the convex loss
    within 2^{-60} of its minimum; g is a number that the loss of GD exceeds, but by less than a millionth somewhere."""
    task = RegressionTask.whitened(exact.diagonal(reproduce.SPECTRUM), n)
    looped = looped_loss(D, n, layers)
    step = optimal_looped_step(D, n, layers).step
    p = looped(step.upper) if layers > 1 else minimum_of_quadratic(looped)
    return {
        "u": optimal_steps(D, n, layers).loss,
        "p": p,
        "g": least(descent_loss(task, layers)).lower,
    }


def minimum_of_quadratic(f: fmpq_poly) -> fmpq:
    """The least value of a quadratic polynomial."""
    return f[0] - f[1] ** 2 / (4 * f[2])


def least(f: fmpq_poly) -> Rounded:
    """The least value of a polynomial that falls at 0 and has a positive leading coefficient, enclosed to a millionth."""
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


# The published numbers.


def printed() -> dict[str, Any]:
    """a, b: the digits of the figure, as the evidence puts them into the exact loss; I, l."""
    return {"a": tuple(relaxed.A), "b": tuple(relaxed.B), "a_": relaxed.A, "b_": relaxed.B, "I": identity(D)}


@compares(
    "trained_relaxed_three_layers_at_twenty trained_relaxed_published_numbers trained_relaxed_batch_minimizer",
    "a=(-0.38,-2.40,-9.55)",
    "b=(0.90,0.56)",
)
def published() -> Iterator[dict[str, Any]]:
    """See :func:`printed`."""
    yield printed()


@compares("trained_relaxed_three_layers", r"B_0\approx0.90\,I", r"B_1\approx0.56\,I")
def published_factors() -> Iterator[dict[str, Any]]:
    """B_l = b_lI, see :func:`printed`."""
    yield {**printed(), "B_": [times(x, identity(D)) for x in relaxed.B]}


@compares("trained_relaxed_three_layers", r"\Sigma^{1/2}A_l\Sigma^{1/2}\approx-0.38\,I")
def published_step() -> Iterator[dict[str, Any]]:
    """A_l = a_lΣ^{-1} for l = 0, see :func:`printed`."""
    half = of_run(exact.identity(D))[r"\Sigma^{1/2}"]
    inverse = half.inverse()
    yield {**printed(), r"\Sigma^{1/2}": half, "A_l": times(relaxed.A[0], inverse @ inverse)}


@compares("trained_relaxed_three_layers", r"-2.40\,I")
def second_published_step() -> Iterator[dict[str, Any]]:
    """a_1I, see :func:`printed`."""
    yield {**printed(), "=": times(relaxed.A[1], identity(D))}


@compares("trained_relaxed_three_layers", r"-9.55\,I")
def third_published_step() -> Iterator[dict[str, Any]]:
    """a_2I, see :func:`printed`."""
    yield {**printed(), "=": times(relaxed.A[2], identity(D))}


@compares("trained_relaxed_three_layers", "l=0,1,2")
def layers_of_the_figure() -> Iterator[dict[str, Any]]:
    """l: an index of the published a."""
    for l in range(-1, 6):  # noqa: E741
        yield {"l": l, "true": l in range(len(relaxed.A))}


@compares("trained_relaxed_three_layers_at_twenty", r"A_l=c\,a_l\Sigma^{-1}", "B_l=b_lI")
def rescaled_published() -> Iterator[dict[str, Any]]:
    """A_l, B_l: ca_lI and b_lI of whitened coordinates, brought back."""
    c = fmpq(876, 1000)
    half = of_run(exact.identity(D))[r"\Sigma^{1/2}"]
    inverse = half.inverse()
    for l in range(2):  # noqa: E741
        yield {
            **printed(),
            **{"A_l": inverse @ times(c * relaxed.A[l], identity(D)) @ inverse, "c": c, "l": l},
            **{"B_l": half @ times(relaxed.B[l], identity(D)) @ inverse, r"\Sigma": half @ half},
        }


def with_factor(n: int) -> fmpq_poly:
    """The loss at the published numbers, all a_l multiplied by c, as a polynomial in c."""
    return relaxed.of_factor(n)


@compares("trained_relaxed_three_layers_at_twenty", "0.11")
def least_at_ten() -> Iterator[dict[str, Any]]:
    """The least loss over c at n = 10, rounded down."""
    found = least(with_factor(10))
    yield {"=": Rounded(found.lower, found.upper, "down")}


@compares("trained_relaxed_three_layers_at_twenty", "0.00099")
def loss_at_the_factor() -> Iterator[dict[str, Any]]:
    """The loss at c = 0.876 and n = 20, rounded up."""
    yield {"=": Rounded.of(with_factor(20)(fmpq(876, 1000)), "up")}


@compares("trained_relaxed_three_layers_at_twenty", "c=0.876")
def best_factor() -> Iterator[dict[str, Any]]:
    """The c at which the loss at n = 20 is least."""
    slope = with_factor(20).derivative()
    found = sign_change(slope)
    if not gdpp.loss([x * found.upper for x in relaxed.A], relaxed.B, D, 20) <= least(with_factor(20)).upper:
        raise ArithmeticError("the minimum is elsewhere")
    yield {"c": found}


@cache
def minimum(n: int, layers: int = 3, dim: int = D) -> CriticalPoint:
    """The strict local minimum that the records speak of, enclosed."""
    starts: dict[tuple[int, int, int], tuple[Sequence[float], Sequence[float]]] = {
        (D, 20, 3): ([-0.338, -2.091, -8.568], [0.878, 0.578]),
        (D, 10, 3): ([-0.539, -1.570, -11.781], [0.297, 0.948]),
        (2, 1, 3): ([-0.516, -0.198, -2.328], [0.0437, 0.998]),
        (D, 20, 2): ([-1.8325, -1.3342], [0.10267]),
    }
    point = certify(dim, n, *starts[dim, n, layers])
    if not point.minimum:
        raise ArithmeticError("the point is no strict local minimum")
    return point


@compares("trained_relaxed_three_layers_at_twenty trained_relaxed_published_numbers", "0.0393")
def attained_at_ten() -> Iterator[dict[str, Any]]:
    """The loss of the minimum at n = 10, rounded up."""
    yield {"=": Rounded.of(minimum(10).loss, "up")}


@compares("trained_relaxed_three_layers_at_twenty", "0.000961")
@compares("trained_relaxed_published_numbers", "0.00096131")
def minimum_at_twenty() -> Iterator[dict[str, Any]]:
    """The loss of the minimum at n = 20."""
    yield {"=": Rounded.of(minimum(20).loss)}


@compares(
    "gdpp_norms_increase trained_relaxed_published_numbers trained_relaxed_batch_minimizer",
    "a=(-0.3383,-2.0908,-8.5681)",
)
@compares("trained_relaxed_published_numbers trained_relaxed_batch_minimizer", "b=(0.8776,0.5782)")
def minimiser_at_twenty() -> Iterator[dict[str, Any]]:
    """The minimum at n = 20."""
    point = minimum(20)
    yield {"a": tuple(map(Rounded.of, point.a)), "b": tuple(map(Rounded.of, point.b))}


@compares("gdpp_norms_increase", "a=(-0.5390,-1.5704,-11.7810)")
def minimiser_at_ten() -> Iterator[dict[str, Any]]:
    """The minimum at n = 10."""
    yield {"a": tuple(map(Rounded.of, minimum(10).a))}


@compares("gdpp_norms_increase", "|a_0|<|a_1|<|a_2|")
def increasing() -> Iterator[dict[str, Any]]:
    """a_l: at minima, within 2^{-60}; at d = 2, n = 1 it is false."""
    yield {"a_": [x.lower for x in minimum(10).a]}
    yield {"a_": [x.lower for x in minimum(20).a]}
    yield {"a_": [x.lower for x in minimum(1, dim=2).a], "true": False}
    yield {"a_": [x.lower for x in minimum(20, 2).a] + [fmpq(-9)], "true": False}


@compares("gdpp_norms_increase", "|a_0|>|a_1|")
def decreasing() -> Iterator[dict[str, Any]]:
    """a_l: at the two exceptions; at the minima for n = 10 and 20 it is false."""
    for point, true in ((minimum(1, dim=2), True), (minimum(20, 2), True), (minimum(10), False), (minimum(20), False)):
        yield {"a_": [x.lower for x in point.a], "true": true}


@compares("covariate_update_conditioning", r"\lVert A_0\rVert\le\lVert A_1\rVert\le\lVert A_2\rVert")
def increasing_norms() -> Iterator[dict[str, Any]]:
    """A_l = a_lI: at the minima of :func:`increasing`; at d = 2, n = 1 it is false."""
    for point, true in ((minimum(10), True), (minimum(20), True), (minimum(1, dim=2), False)):
        yield {"A_": [times(x.lower, identity(2)) for x in point.a], "true": true}
    for a in ([1, 1, 1], [1, 2, 2], [1, 1, 2]):
        yield {"A_": [times(fmpq(x), identity(2)) for x in a]}
    for a in ([2, 1, 3], [1, 3, 2]):
        yield {"A_": [times(fmpq(x), identity(2)) for x in a], "true": False}


@compares("trained_relaxed_published_numbers", r"6\cdot10^6")
def loss_at_ten() -> Iterator[dict[str, Any]]:
    """The exact loss at the published numbers, n = 10, rounded down."""
    yield {"=": Rounded.of(gdpp.loss(relaxed.A, relaxed.B, D, 10), "down")}


@compares("trained_relaxed_published_numbers", "0.0473")
def loss_at_twenty() -> Iterator[dict[str, Any]]:
    """The exact loss at the published numbers, n = 20."""
    yield {"=": Rounded.of(gdpp.loss(relaxed.A, relaxed.B, D, 20))}


@compares("trained_relaxed_published_numbers", "49")
def excess() -> Iterator[dict[str, Any]]:
    """How many times the minimum that loss is."""
    loss, best = gdpp.loss(relaxed.A, relaxed.B, D, 20), minimum(20).loss
    yield {"=": Rounded(loss / best.upper, loss / best.lower)}


@cache
def relative_variances() -> tuple[fmpq, fmpq]:
    """At the minimum for n = 20 (within 2^{-60}) and at the published numbers."""
    points = minimum(20).rational, (relaxed.A, relaxed.B)
    first, second = (gdpp.one_prompt_variance(a, b, D, 20) / gdpp.loss(a, b, D, 20) ** 2 for a, b in points)
    return first, second


@compares("trained_relaxed_published_numbers", r"2.0\cdot10^{13}")
def variance_at_the_minimum() -> Iterator[dict[str, Any]]:
    """See :func:`relative_variances`."""
    yield {"=": Rounded.of(relative_variances()[0])}


@compares("trained_relaxed_published_numbers", r"1.6\cdot10^{14}")
def variance_at_the_published() -> Iterator[dict[str, Any]]:
    """See :func:`relative_variances`."""
    yield {"=": Rounded.of(relative_variances()[1])}


@compares("trained_relaxed_published_numbers", r"2\cdot10^{17}")
def prompts_for_a_per_cent() -> Iterator[dict[str, Any]]:
    """The smaller of the relative variances over (1/100)²."""
    yield {"=": Rounded.of(min(relative_variances()) * 100**2)}


# Shares and boxes of the statistical evidence: the bounds that it tests.


def as_tested(value: float) -> dict[str, Any]:
    """The decimal that a constant of the evidence is."""
    return {"=": exact.rational("value", str(value))}


@compares("covariate_update_conditioning_typical", "0.95")
def first_of_three() -> Iterator[dict[str, Any]]:
    """L = 3, n = 20, the first layer."""
    yield as_tested(typical.FIRST_OF_THREE.bound)


@compares("covariate_update_conditioning_typical", "0.75")
def second_of_three() -> Iterator[dict[str, Any]]:
    """L = 3, n = 10, the second layer."""
    yield as_tested(typical.SECOND_OF_THREE.bound)


@compares("covariate_update_conditioning_typical", "0.40")
def only_one() -> Iterator[dict[str, Any]]:
    """L = 2, n = 20, the only covariate update."""
    yield as_tested(typical.ONLY.bound)


@compares("trained_relaxed_batch_minimizer", "0.01")
def width_of_first_step() -> Iterator[dict[str, Any]]:
    """The box around a_0."""
    yield as_tested(batch.Box().half_widths[0])


@compares("trained_relaxed_batch_minimizer", "0.05")
def width_of_second_step() -> Iterator[dict[str, Any]]:
    """The box around a_1."""
    yield as_tested(batch.Box().half_widths[1])


@compares("trained_relaxed_batch_minimizer", "0.3")
def width_of_third_step() -> Iterator[dict[str, Any]]:
    """The box around a_2."""
    yield as_tested(batch.Box().half_widths[2])


@compares("trained_relaxed_batch_minimizer", "0.015")
def width_of_factors() -> Iterator[dict[str, Any]]:
    """The box around b_0 and b_1."""
    for width in batch.Box().half_widths[3:]:
        yield as_tested(width)


# The minimiser of two relaxed layers.


@compares("gdpp_minimum_attained", "(d,n)=(1,1)")
def first_size() -> Iterator[dict[str, Any]]:
    """The first of the sizes at which the evidence proves that the minimum for L = 3 is attained."""
    d, n = next(iter(attained.ROUNDED))
    yield {"d": d, "n": n}


@compares("gdpp_minimum_attained", "(2,1)", "(2,5)", "(3,2)", "(5,3)", "(5,10)", "(5,20)")
def further_sizes() -> Iterator[dict[str, Any]]:
    """One of those sizes."""
    sizes = set(attained.ROUNDED)
    yield {"=": lambda pair: tuple(map(int, pair)) in sizes}


@compares("gdpp_minimum_attained", "a_0=-0.51676", "a_1=-3.47466", "b_0=0.86846")
def minimiser_of_two_layers() -> Iterator[dict[str, Any]]:
    """a_l, b_0: the candidate of least loss, certified."""
    point = two_layers()
    yield {"a_": [Rounded.of(x) for x in point.a], "b_": [Rounded.of(x) for x in point.b]}


@compares("gdpp_minimum_attained", "0.0575012")
def minimum_of_two_layers() -> Iterator[dict[str, Any]]:
    """Its loss."""
    yield {"=": Rounded.of(two_layers().loss)}


@cache
def two_layers() -> CriticalPoint:
    """The candidate of least loss among all critical points for L = 2, d = 5, n = 20."""
    best = candidates(D, 20)[0]
    return certify(D, 20, [best.a0.middle, best.a1.middle], [best.c.middle / best.a0.middle])
