"""Ahn et al. (2023), App. A.4: a ReLU halves the moments that the proof of Theorem 5 needs."""

from dataclasses import dataclass, field
from functools import cache
from itertools import product
from math import prod

import pytest
import sympy
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Corner, Statement
from icl_claims.theory.derivations.stein_relu_halving import DERIVATION, STATED, Halving
from icl_claims.theory.one_layer.rectifier import SCORE
from tests.shared.strategies import rationals

SLUG = "stein_relu_halving"

SKEWED = {fmpq(2): fmpq(1, 5), fmpq(-1, 2): fmpq(4, 5)}
"""A law of mean 0 and variance 1 that is not symmetric: its values with their probabilities."""


@dataclass(frozen=True)
class Point:
    """The vector v, a number α, and whether the coordinates of x are normal or have the skewed law."""

    v: tuple[fmpq, ...]
    alpha: fmpq = field(default_factory=lambda: fmpq(1))
    skewed: bool = False

    def __str__(self) -> str:
        law = "x_j independent, 2 with probability 1/5 and −1/2 with 4/5" if self.skewed else "x normal"
        return f"d = {len(self.v)}, v = ({', '.join(map(str, self.v))}), α = {self.alpha}, {law}"


def at(sigma: sympy.Expr, s: fmpq) -> fmpq:
    """σ(s)."""
    value = sigma.subs(SCORE, sympy.Rational(str(s)))
    return fmpq(int(value.p), int(value.q))


@cache
def half_line() -> fmpq:
    """∫ t² φ(t) dt over t > 0, φ the density of N(0, 1)."""
    t = sympy.Symbol("t", positive=True)
    value = sympy.integrate(t**2 * sympy.exp(-(t**2) / 2) / sympy.sqrt(2 * sympy.pi), (t, 0, sympy.oo))
    return fmpq(int(value.p), int(value.q))


def mean(sigma: sympy.Expr, point: Point) -> list[fmpq]:
    """E[σ(xᵀv) x], by an integral for the normal law and by enumeration for the skewed one.

    For x normal its component t along v/‖v‖ is N(0, 1) and independent of the rest, so that E[σ(xᵀv) x] is
    v/‖v‖ times E[σ(‖v‖t) t]. For a σ that is linear on either side of 0 the two half lines give ‖v‖ (σ(1) − σ(−1))
    times ∫ t²φ.
    """
    if not point.skewed:
        if at(sigma, fmpq(3)) != 3 * at(sigma, fmpq(1)) or at(sigma, fmpq(-3)) != 3 * at(sigma, fmpq(-1)):
            raise ValueError(f"sigma must be linear on either side of 0, got {sigma}")
        return [x * (at(sigma, fmpq(1)) - at(sigma, fmpq(-1))) * half_line() for x in point.v]
    total = [fmpq(0)] * len(point.v)
    for x in product(SKEWED, repeat=len(point.v)):
        score = sum((a * b for a, b in zip(x, point.v, strict=True)), fmpq(0))
        weight = prod((SKEWED[a] for a in x), start=fmpq(1)) * at(sigma, score)
        total = [old + weight * a for old, a in zip(total, x, strict=True)]
    return total


def halving_margin(stated: Halving, point: Point) -> fmpq:
    """Minus the squared distance of E[σ(xᵀv) x] from the stated share of v."""
    share = fmpq(int(stated.share.p), int(stated.share.q))
    defects = [m - share * x for m, x in zip(mean(stated.sigma, point), point.v, strict=True)]
    return -sum((x * x for x in defects), fmpq(0))


def squares_margin(stated: Halving, point: Point) -> fmpq:
    """Minus the square of what is missing in σ(α)² + σ(−α)²."""
    factor = fmpq(int(stated.squares.p), int(stated.squares.q))
    found = at(stated.sigma, point.alpha) ** 2 + at(stated.sigma, -point.alpha) ** 2
    return -((found - factor * point.alpha**2) ** 2)


def points(corner: Corner | None = None, skewed: bool = False) -> st.SearchStrategy[Point]:
    size = st.just(1) if skewed or (corner and corner.dim == 1) else st.integers(1, 3)
    vectors = size.flatmap(lambda d: st.lists(rationals, min_size=d, max_size=d)).map(tuple)
    return st.builds(Point, vectors, rationals, st.just(skewed))


NO_EXAMPLES = "the identities are about one vector x: there are no examples"
STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"halving": halving_margin, "squares": squares_margin},
    conditions={"standard_gaussian": lambda point: not point.skewed},
    instances=points,
    without=lambda _: points(skewed=True),
    excluded={
        **dict.fromkeys(("n = 1", "n < d", "n = d"), NO_EXAMPLES),
        "L = 1": "the identities are about one vector x: there are no layers",
        "repeated eigenvalues": "the covariance of x is I",
    },
)

PLANE = Point((fmpq(3), fmpq(-4)), fmpq(2))
LEAKY, FLIPPED = sympy.Max(SCORE, SCORE / 10), sympy.Max(-SCORE, 0)


@pytest.mark.claim(slug="stein_relu_halving", grade="proof", range="all d, v, α")
def test_claim_stein_relu_halving(evidence: Evidence) -> None:
    """Of x and −x, equally likely, one passes the ReLU: the mean over the two is half of (xᵀv) x, whose mean is v."""
    pair = "Lemma 1: the mean over x and −x"
    halving = [changed(STATED, pair, sigma=x) for x in (LEAKY, FLIPPED, sympy.Abs(SCORE), SCORE)]
    halving += [changed(STATED, pair, share=sympy.Rational(*x)) for x in ((1, 1), (1, 3))]
    evidence.prove(DERIVATION, STATEMENT, halving, part="halving", at=PLANE)
    squares = [changed(STATED, "Lemma 3: σ(α)² + σ(−α)²", squares=sympy.Integer(x)) for x in (2, 0)]
    evidence.mutants(DERIVATION, STATEMENT, squares, part="squares", at=PLANE)


@pytest.mark.claim(slug="stein_relu_halving", grade="exact", range="one instance, d = 1, v = 1", parts=())
def test_claim_stein_relu_halving_necessity(evidence: Evidence) -> None:
    """A law of mean 0 and variance 1 that is not symmetric. What is needed is E[xxᵀ] = I and that x and −x have one
    law; no other property of the normal law."""
    skewed = Point((fmpq(1),), skewed=True)
    evidence.necessary(STATEMENT, "standard_gaussian", skewed, part="halving")
    evidence.figure("E[σ(x)x] for the skewed law", mean(STATED.sigma, skewed)[0])
