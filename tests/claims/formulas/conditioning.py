"""What a covariate update does to the condition number of the Gram matrix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from flint import fmpq, fmpq_poly

from icl_claims.theory.algebra import definiteness, exact
from icl_claims.theory.many_layers import gdpp
from tests.claims.formulas.covariate_updates import relaxed_layer
from tests.claims.formulas.evaluate import holds, parse
from tests.claims.formulas.points import SIZES, Points, S, identity, of_matrix
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix, times


@compares("covariate_update_conditioning_threshold", r"S_l\succ0")
def definite_gram() -> Iterator[dict[str, Any]]:
    """S, S_l: a Gram matrix with eigenvalues of known sign."""
    for d in (1, 2, 3):
        U = Points(d).rotation(d)
        for least in (-1, 0, 1):
            S = Matrix(U * exact.diagonal([least, *range(2, d + 1)]) * U.transpose())
            yield {"S": S, "S_l": S, "true": least > 0}


def map_of_the_gram(gamma: fmpq) -> fmpq_poly:
    """s p_1(s)² for one layer with a_0b_0 = −γ: what the covariate update makes of an eigenvalue of the Gram matrix."""
    p = gdpp.covariate_polynomials([-gamma, fmpq(1)], [1])[1]
    return S * p * p


@compares("covariate_update_conditioning_threshold", "X_l=p_l(S_0)X_0", r"S_{l+1}=\varphi(S_l)")
@compares("covariate_update_conditioning_threshold", r"\gamma=-a_lb_l")
def run_of_covariates() -> Iterator[dict[str, Any]]:
    """X_l, S_l: by the layers of ``theory``; φ: see :func:`map_of_the_gram`; γ: minus what the change of X_l has for a
    factor before S_lX_l."""
    for d, n in SIZES:
        a, b = [fmpq(-1, 2), fmpq(2, 3)], [fmpq(5, 7), fmpq(-1, 4)]
        X = [Matrix(Points(n + d).matrix(d, n + 1))]
        for step, share in zip(a, b, strict=True):
            X.append(relaxed_layer(d, n, times(step, identity(d)), times(share, identity(d)), X[-1])[0])
        context = [Matrix([row[:n] for row in x.rows]) for x in X]
        grams = [times(fmpq(1, n), x @ x.T) for x in context]
        p = gdpp.covariate_polynomials([*a, fmpq(1)], b)
        for l in (0, 1):  # noqa: E741
            shift = (X[l + 1].rows[0][0] - X[l].rows[0][0]) / (grams[l] @ X[l]).rows[0][0]
            yield {
                **{"a_l": a[l], "b_l": b[l], r"\gamma": -shift, "X_": X, "S_": grams, "l": l},
                "p_": lambda k, p=p: lambda m: of_matrix(p[k], m),
                r"\varphi": lambda m, g=-a[l] * b[l]: of_matrix(map_of_the_gram(g), m),
            }


@compares("covariate_update_conditioning_threshold", r"\varphi(s)=s(1-\gamma s)^2")
def map_of_eigenvalues() -> Iterator[dict[str, Any]]:
    """φ: see :func:`map_of_the_gram`."""
    for gamma in (fmpq(-1, 2), fmpq(3, 4)):
        for s in (fmpq(1, 3), fmpq(5)):
            yield {r"\gamma": gamma, "s": s, r"\varphi": lambda s, g=gamma: map_of_the_gram(g)(s)}


def come_closer(s: fmpq, t: fmpq, gamma: fmpq) -> int:
    """1, 0 or −1: the images of s < t have a ratio, the larger by the smaller, below, equal to or above t/s."""
    low, high = sorted(map_of_the_gram(gamma)(x) for x in (s, t))
    return int(high * s < low * t) - int(high * s > low * t)


GRID = [fmpq(k, 12) for k in range(1, 30)]
"""Eigenvalues, and 1/γ is among them."""


@compares("covariate_update_conditioning_threshold", r"s+t<2/\gamma")
def larger_image_stays_below() -> Iterator[dict[str, Any]]:
    """See :func:`where_only`."""
    yield from where_only(r"(1-\gamma(s+t))((s+t)-\gamma(s^2+t^2))>0")


@compares("covariate_update_conditioning_threshold", r"(1-\gamma(s+t))((s+t)-\gamma(s^2+t^2))>0")
def smaller_image_stays_above() -> Iterator[dict[str, Any]]:
    """See :func:`where_only`."""
    yield from where_only(r"s+t<2/\gamma")


def where_only(other: str) -> Iterator[dict[str, Any]]:
    """s < t: eigenvalues; γ > 0. True exactly where the images come closer, at pairs at which the other one of the two
    conditions is true; so there this one decides alone."""
    tree = parse(other)
    for gamma in (fmpq(1), fmpq(3, 4)):
        for s, t in product(GRID, repeat=2):
            point = {"s": s, "t": t, r"\gamma": gamma}
            if s < t and holds(tree, point):
                yield {**point, "true": come_closer(s, t, gamma) > 0}


@compares("covariate_update_conditioning_threshold", "0<s<t")
def pairs_of_eigenvalues() -> Iterator[dict[str, Any]]:
    """s, t: the two eigenvalues of a Gram matrix that is definite and no multiple of I, the smaller first."""
    for s, t in product((fmpq(-1), fmpq(0), fmpq(1), fmpq(3, 2)), repeat=2):
        gram = exact.diagonal([s, t])
        fit = definiteness.is_positive_definite(gram) and gram != exact.identity(2) * s and max(s, t) == t
        yield {"s": s, "t": t, "true": fit}


@compares("covariate_update_conditioning_threshold", "t/s")
def condition_number() -> Iterator[dict[str, Any]]:
    """The condition number of a 2 × 2 Gram matrix with the eigenvalues s < t, by its trace and determinant.

    It is the κ > 1 with κ + 1/κ = (tr S)²/det S − 2."""
    for s, t in ((fmpq(1), fmpq(2)), (fmpq(1, 3), fmpq(7, 2))):
        U = Points(2).rotation(2)
        gram = U * exact.diagonal([s, t]) * U.transpose()
        both = exact.trace(gram) ** 2 / gram.det() - 2
        yield {"s": s, "t": t, "=": lambda x, both=both: x > 1 and x + 1 / x == both}


@compares("covariate_update_conditioning_threshold", r"\gamma>0")
def falling() -> Iterator[dict[str, Any]]:
    """Whether the condition number of a small Gram matrix falls."""
    yield from by_sign(1)


@compares("covariate_update_conditioning_threshold", r"\gamma=0")
def staying() -> Iterator[dict[str, Any]]:
    """Whether the condition number of a small Gram matrix stays."""
    yield from by_sign(0)


@compares("covariate_update_conditioning_threshold", r"\gamma<0")
def rising() -> Iterator[dict[str, Any]]:
    """Whether the condition number of a small Gram matrix rises."""
    yield from by_sign(-1)


def by_sign(wanted: int) -> Iterator[dict[str, Any]]:
    """γ of each sign, and what it does to the eigenvalues 1/100 and 1/50."""
    for gamma in (fmpq(-2), fmpq(-1), fmpq(0), fmpq(1), fmpq(2)):
        yield {r"\gamma": gamma, "true": come_closer(fmpq(1, 100), fmpq(1, 50), gamma) == wanted}


@compares("covariate_update_conditioning_threshold", r"0\prec S_l\preceq\frac1{2\gamma}I")
def prompts_that_improve() -> Iterator[dict[str, Any]]:
    """S_l, not diagonal, with eigenvalues s < t: true exactly where s > 0 and t comes closer to all smaller ones."""
    U = Points(2).rotation(2)
    gamma = fmpq(2, 3)
    for t in (fmpq(k, 8) for k in range(1, 12)):
        for s in (fmpq(-1), fmpq(0), t / 2):
            S_l = Matrix(U * exact.diagonal([s, t]) * U.transpose())
            true = s > 0 and all_smaller_come_closer(t, gamma)
            yield {"S_l": S_l, r"\gamma": gamma, "I": identity(2), "true": true}


def all_smaller_come_closer(t: fmpq, gamma: fmpq) -> bool:
    """Whether t and each smaller eigenvalue come closer, tried down to a distance of t/2^40."""
    return all(come_closer(t * (1 - fmpq(1, 2**k)), t, gamma) > 0 for k in range(1, 41))


@compares("covariate_update_conditioning_threshold", r"c>\frac1{2\gamma}")
def bounds_that_do_not_help() -> Iterator[dict[str, Any]]:
    """c: a bound below which there is a prompt that gets worse, with eigenvalues near to c."""
    gamma = fmpq(2, 3)
    for c in (fmpq(k, 8) for k in range(1, 12)):
        yield {"c": c, r"\gamma": gamma, "true": not all_smaller_come_closer(c, gamma)}


@compares("covariate_update_conditioning_threshold", r"S_l\preceq cI")
def bounded_gram() -> Iterator[dict[str, Any]]:
    """S_l with known eigenvalues, not diagonal."""
    U = Points(2).rotation(2)
    S_l = Matrix(U * exact.diagonal([1, 2]) * U.transpose())
    for c in (fmpq(1), fmpq(3, 2), fmpq(2), fmpq(5, 2)):
        yield {"S_l": S_l, "c": c, "I": identity(2), "true": c >= 2}
