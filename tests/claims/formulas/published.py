"""The published numbers of the relaxed experiment, and the minima on 𝒮′ beside them.

Decimals are compared as in :mod:`tests.claims.formulas.experiments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from flint import fmpq, fmpq_poly

from icl_claims.criteria.ahn2023 import RELAXED_THREE_LAYERS
from icl_claims.models.runs import ahn2023
from icl_claims.numerics.gdpp import CriticalPoint, certify
from icl_claims.numerics.gdpp_two_layers import candidates
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import isotropic
from tests.claims.formulas.experiments import least, of_run, sign_change
from tests.claims.formulas.points import identity
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Rounded, times
from tests.shared.criteria import exactly
from tests.shared.decimals import decimal
from tests.shared.relaxed_points import LEAST_KNOWN, PRINTED, along_printed

D = ahn2023.DIM
RUN = "relaxed_three_layers/context_20_seed_0"
"""The Σ of this run."""
A, B = (tuple(map(decimal, part)) for part in PRINTED)
THREE_LAYERS = [(d, n) for d, n, layers in LEAST_KNOWN if layers == 3]


def printed() -> dict[str, Any]:
    """a, b: the digits of the figure, as the evidence puts them into the exact loss; I, l."""
    return {
        "a": A,
        "b": B,
        "a_": A,
        "b_": B,
        "I": identity(D),
    }


@compares(
    "trained_relaxed_three_layers_at_twenty trained_relaxed_published_numbers trained_relaxed_batch_minimizer "
    "covariate_update_conditioning",
    "a=(-0.38,-2.40,-9.55)",
    "b=(0.90,0.56)",
)
def published() -> Iterator[dict[str, Any]]:
    """See :func:`printed`."""
    yield printed()


@compares("trained_relaxed_three_layers", r"B_0\approx0.90\,I", r"B_1\approx0.56\,I")
@compares("trained_relaxed_three_layers", r"\Sigma^{1/2}A_l\Sigma^{1/2}\approx-0.38\,I")
@compares("trained_relaxed_three_layers", r"-2.40\,I", r"-9.55\,I")
def numbers_of_the_figure() -> Iterator[dict[str, Any]]:
    """B_l = b_lI, A_l = a_0Σ^{-1}, and a_1I, a_2I: as the figure prints them, see :func:`printed`."""
    half = of_run(RUN, exact.identity(D))[r"\Sigma^{1/2}"]
    inverse = half.inverse()
    multiples = {f"= {text}": times(x, identity(D)) for text, x in ((r"-2.40\,I", A[1]), (r"-9.55\,I", A[2]))}
    yield {
        **{r"\Sigma^{1/2}": half, "A_l": times(A[0], inverse @ inverse), "I": identity(D)},
        **{"B_": [times(x, identity(D)) for x in B], **multiples},
    }


@compares("trained_relaxed_three_layers", "l=0,1,2")
def layers_of_the_figure() -> Iterator[dict[str, Any]]:
    """l: an index of the published a."""
    for l in range(-1, 6):  # noqa: E741
        yield {"l": l, "true": l in range(len(A))}


@compares("trained_relaxed_three_layers_at_twenty", r"A_l=c\,a_l\Sigma^{-1}", "B_l=b_lI")
def rescaled_published() -> Iterator[dict[str, Any]]:
    """A_l, B_l: ca_lI and b_lI of whitened coordinates, brought back."""
    c = fmpq(876, 1000)
    half = of_run(RUN, exact.identity(D))[r"\Sigma^{1/2}"]
    inverse = half.inverse()
    for l in range(2):  # noqa: E741
        yield {
            **printed(),
            **{"A_l": inverse @ times(c * A[l], identity(D)) @ inverse, "c": c, "l": l},
            **{"B_l": half @ times(B[l], identity(D)) @ inverse, r"\Sigma": half @ half},
        }


def with_factor(n: int) -> fmpq_poly:
    """The loss at the published numbers, all a_l multiplied by c, as a polynomial in c."""
    return along_printed(n)


@compares("trained_relaxed_three_layers_at_twenty", "0.15")
def share_of_the_loss_of_nothing() -> Iterator[dict[str, Any]]:
    """The share of d in the criterion, times d."""
    yield {"=": exactly(RELAXED_THREE_LAYERS, "share") * D}


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
    if not gdpp.loss(isotropic(D, 20), [x * found.upper for x in A], B) <= least(with_factor(20)).upper:
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
    point = certify(isotropic(dim, n), *starts[dim, n, layers])
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
def minimizer_at_twenty() -> Iterator[dict[str, Any]]:
    """The minimum at n = 20."""
    point = minimum(20)
    yield {"a": tuple(map(Rounded.of, point.a)), "b": tuple(map(Rounded.of, point.b))}


@compares("gdpp_norms_increase", "a=(-0.5390,-1.5704,-11.7810)")
def minimizer_at_ten() -> Iterator[dict[str, Any]]:
    """The minimum at n = 10."""
    yield {"a": tuple(map(Rounded.of, minimum(10).a))}


@compares("gdpp_norms_increase", "a=(-0.5156,-0.1977,-2.3276)")
def exception_at_one() -> Iterator[dict[str, Any]]:
    """The minimum at d = 2, n = 1."""
    yield {"a": tuple(map(Rounded.of, minimum(1, dim=2).a))}


@compares("gdpp_norms_increase", "a=(-1.8325,-1.3342)")
def exception_of_two_layers() -> Iterator[dict[str, Any]]:
    """The minimum of two layers at d = 5, n = 20."""
    yield {"a": tuple(map(Rounded.of, minimum(20, 2).a))}


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
    for point, true in (
        (minimum(1, dim=2), True),
        (minimum(20, 2), True),
        (minimum(10), False),
        (minimum(20), False),
    ):
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
    yield {"=": Rounded.of(gdpp.loss(isotropic(D, 10), A, B), "down")}


@compares("trained_relaxed_published_numbers", "0.0473")
def loss_at_twenty() -> Iterator[dict[str, Any]]:
    """The exact loss at the published numbers, n = 20."""
    yield {"=": Rounded.of(gdpp.loss(isotropic(D, 20), A, B))}


@compares("trained_relaxed_published_numbers", "49")
def excess() -> Iterator[dict[str, Any]]:
    """How many times the minimum that loss is."""
    loss, best = gdpp.loss(isotropic(D, 20), A, B), minimum(20).loss
    yield {"=": Rounded(loss / best.upper, loss / best.lower)}


@cache
def relative_variances() -> tuple[fmpq, fmpq]:
    """At the minimum for n = 20 (within 2^{-60}) and at the published numbers."""
    points = minimum(20).rational, (A, B)
    first, second = (
        gdpp.one_prompt_variance(isotropic(D, 20), a, b) / gdpp.loss(isotropic(D, 20), a, b) ** 2
        for a, b in points
    )
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


@compares("gdpp_minimum_attained", "(d,n)=(1,1)")
def first_size() -> Iterator[dict[str, Any]]:
    """The first of the sizes at which the evidence proves that the minimum for L = 3 is attained."""
    d, n = THREE_LAYERS[0]
    yield {"d": d, "n": n}


@compares("gdpp_minimum_attained", "(2,1)", "(2,5)", "(3,2)", "(5,3)", "(5,10)", "(5,20)")
def further_sizes() -> Iterator[dict[str, Any]]:
    """The others, in their order."""
    sizes = THREE_LAYERS[1:]
    printed = ("(2,1)", "(2,5)", "(3,2)", "(5,3)", "(5,10)", "(5,20)")
    yield {f"= {text}": size for text, size in zip(printed, sizes, strict=True)}


@compares("gdpp_minimizer_two_layers", "a_0=-0.51676", "a_1=-3.47466", "b_0=0.86846")
def minimizer_of_two_layers() -> Iterator[dict[str, Any]]:
    """a_l, b_0: the candidate of least loss, certified."""
    point = two_layers()
    yield {"a_": [Rounded.of(x) for x in point.a], "b_": [Rounded.of(x) for x in point.b]}


@compares("gdpp_minimizer_two_layers", "0.0575012")
def minimum_of_two_layers() -> Iterator[dict[str, Any]]:
    """Its loss."""
    yield {"=": Rounded.of(two_layers().loss)}


@cache
def two_layers() -> CriticalPoint:
    """The candidate of least loss among all critical points for L = 2, d = 5, n = 20."""
    best = candidates(isotropic(D, 20))[0]
    return certify(isotropic(D, 20), [best.a0.middle, best.a1.middle], [best.c.middle / best.a0.middle])
