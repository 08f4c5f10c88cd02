"""Ahn et al. (2023), §5.1: what the covariate update does to the conditioning, and the norms at the optimum."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from flint import fmpq, fmpq_mat, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st
from sympy import QQ
from sympy.polys.rings import ring

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.gdpp import CriticalPoint, certify
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye, letter, n
from icl_claims.theory.many_layers import gdpp
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK, X_QUERY, X, layer
from icl_claims.theory.transformer.parametrizations import relaxed
from icl_claims.theory.transformer.preconditioned_gd import LABELS
from tests.shared.relaxed_points import least_known
from tests.shared.strategies import rationals

STEP, SHARE = letter("a", "1", "1"), letter("b", "1", "1")
COVARIATE = letter("p", "d", "d", symmetric=True)


class Example(NamedTuple):
    """A prompt by the diagonal of XXᵀ, as squares of the entries of its columns, and one layer's ab."""

    squares: tuple[tuple[int, ...], ...]
    """For each coordinate the entries of the columns along it: XXᵀ is diagonal."""
    product: fmpq


def condition(gram: fmpq_mat) -> fmpq:
    """Largest over smallest eigenvalue of a diagonal matrix."""
    size = gram.nrows()
    if any(gram[i, j] for i in range(size) for j in range(size) if i != j):
        raise ValueError("gram must be diagonal")
    entries = [gram[i, i] for i in range(size)]
    return max(entries) / min(entries)


def conditions(example: Example) -> tuple[fmpq, fmpq]:
    """Of S_0 and of S_1 = X_1X_1ᵀ/n, with X_1 = X + ab S X from the layer in numbers (Σ = I, A = aI, B = bI)."""
    columns = [(i, x) for i, entries in enumerate(example.squares) for x in entries]
    d, size = len(example.squares), len(columns)
    context = fmpq_mat([[x if i == row else 0 for i, x in columns] for row in range(d)])
    gram = context * context.transpose() / size
    moved = context + gram * context * example.product
    return condition(gram), condition(moved * moved.transpose() / size)


def check_worse(example: Example) -> None:
    """The layer makes the condition number larger on this prompt."""
    before, after = conditions(example)
    if after <= before:
        raise Refuted(f"the condition number goes from {before} to {after}")


LARGE = ((3, 1), (3, 1), (3, 1), (3, 1), (8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
"""d = 5, n = 20: S = diag(1/2, 1/2, 1/2, 1/2, 17/5)."""
TYPICAL = ((3, 1), (3, 1), (3, 1), (3, 1), (4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
"""S = diag(1/2, 1/2, 1/2, 1/2, 1)."""


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="exact",
    range="one prompt at d = 2, n = 4, and one at the optimum for d = 5, n = 20, L = 3",
    complete=True,
    refutes=True,
    parts=("conditioning",),
)
def test_claim_covariate_update_conditioning_counterexample(evidence: Evidence) -> None:
    """At a_0b_0 = 1 the prompt S = diag(1, 2) goes from condition number 2 to 9/2. Nor does it help to be at the
    optimum: there a_0b_0 = −0.2969 for L = 3, d = 5, n = 20, and S = diag(1/2, 1/2, 1/2, 1/2, 17/5) goes from 34/5 to
    more than 1200, for 1 + a_0b_0 s nearly vanishes at s = 17/5."""
    doubled = Example(((2, 0), (2, 2)), fmpq(1))
    best = least_known(5, 20, 3)
    low, high = best.a[0].lower * best.b[0].upper, best.a[0].upper * best.b[0].lower
    at_best = Example(LARGE, low)
    no_counterexamples = {
        "a_0b_0 = 0": Example(doubled.squares, fmpq(0)),
        "a_0b_0 = −1/10": Example(doubled.squares, fmpq(-1, 10)),
        "S = I": Example(((1,), (1,)), fmpq(1)),
        "at the optimum, S = diag(1/2, …, 1)": Example(TYPICAL, low),
    }
    # Both factors are monotone in a_0b_0 between the two ends: what holds there holds at the optimum.
    for example in (Example(LARGE, high), at_best):
        check_worse(example)
        if not all(value > 1200 for value in conditions(example)[1:]) or conditions(example)[0] != fmpq(
            34, 5
        ):
            raise Refuted("the figures at the optimum are others")
    if not best.minimum or low > high:
        raise Refuted("the optimum is not certified")
    evidence.check(check_worse, doubled, no_counterexamples)
    before, after = conditions(doubled)
    evidence.figure("condition numbers at a_0b_0 = 1, S = diag(1, 2)", f"{before}, {after}")
    evidence.figure(
        "a_0b_0 at the optimum, L = 3, d = 5, n = 20",
        f"{best.a[0].middle * best.b[0].middle:.6f}",
        exact=False,
    )
    worse = certify(isotropic(5, 20), [-1.8325, -1.3342], [0.10267])
    if not worse.minimum or abs(worse.a[0].upper) <= abs(worse.a[1].lower):
        raise Refuted("the norms increase at the third local minimum of two layers")
    evidence.figure(
        "a strict local minimum on 𝒮′ with |a_0| > |a_1| (L = 2, d = 5, n = 20)",
        f"a = ({worse.a[0].middle:.5f}, {worse.a[1].middle:.5f})",
        exact=False,
    )
    evidence.chart(map_chart(best))


def map_chart(best: CriticalPoint) -> Chart:
    """Eigenvalues of the Gram matrix before and after the first layer."""
    points = np.linspace(0.01, 4.2, 200)
    product = best.a[0].middle * best.b[0].middle
    two = least_known(5, 20, 2)
    other = two.a[0].middle * two.b[0].middle
    x = tuple(points.tolist())
    return Chart(
        title="The covariate update folds the spectrum",
        caption="d = 5, n = 20, first layer at the optimum on 𝒮′: an eigenvalue s of the Gram matrix becomes "
        "s(1 + a_0b_0 s)². Up to the top of the arch large eigenvalues come closer to small ones; beyond it they fall "
        "below them, and where 1 + a_0b_0 s vanishes a direction of the covariates is lost.",
        x_label="eigenvalue of $S_0$",
        y_label="eigenvalue of $S_1$",
        series=(
            Series(label="no update", x=x, y=x, style="dashed"),
            Series(label="$L=3$", x=x, y=tuple((points * (1 + product * points) ** 2).tolist())),
            Series(label="$L=2$", x=x, y=tuple((points * (1 + other * points) ** 2).tolist())),
        ),
    )


def covariates_after_layer(mask: bool = True) -> tuple[Words, Words]:
    """X_{l+1} and x_{q,l+1} for A = aI, B = bI from X_l = pX, x_{q,l} = p x_q, whatever the label row."""
    from icl_claims.theory.algebra.blocks import Blocks

    Z = Blocks([[COVARIATE @ X, COVARIATE @ X_QUERY], [LABELS, letter("t", "1", "1")]])
    weights = relaxed(eye("d") * STEP, eye("d") * SHARE)
    after = layer(*weights, Z) if mask else layer(*weights, Z, NO_MASK)
    return after[0, 0], after[0, 1]


def check_polynomial(factor: Words) -> None:
    """X_{l+1} = (I + factor · p S p) p X, for the query's column too."""
    moved = COVARIATE + COVARIATE @ (X @ X.T / n) @ COVARIATE @ COVARIATE * factor
    if covariates_after_layer() != (moved @ X, moved @ X_QUERY):
        raise Refuted("the covariates are not those of the recursion")


@pytest.mark.claim(
    slug="covariate_update_conditioning",
    grade="proof",
    range="all d, n, l, every prompt",
    parts=("polynomial",),
)
@pytest.mark.claim(
    slug="covariate_update_conditioning_threshold",
    grade="proof",
    range="all d, n, l, every prompt",
    parts=("polynomial",),
)
def test_claim_covariate_update_conditioning_polynomial(evidence: Evidence) -> None:
    """Induction in symbolic blocks: the layer takes pX to (I + ab pSp) pX, and p, S commute where p is a polynomial in
    S: so p_{l+1} = p_l (1 + ab s p_l²), of degree 3 deg p_l + 1, and S_{l+1} = S p_{l+1}² = S_l (I + ab S_l)². With
    x = Σ^{1/2} x̄, bI stays bI and aΣ⁻¹ becomes aI."""
    product = STEP * SHARE
    mutants = {
        "a in the place of ab": STEP,
        "sign": -product,
        "1/n twice": product / n,
        "b in the place of ab": SHARE,
    }
    evidence.check(check_polynomial, product, mutants)
    degrees = [p.degree() for p in gdpp.covariate_polynomials([-1] * 5, [1] * 4)]
    if degrees != [(3**layers - 1) // 2 for layers in range(5)]:
        raise Refuted(f"the degrees are {degrees}")
    evidence.figure("degree of p_l for l = 0, …, 4", ", ".join(map(str, degrees)))


@pytest.mark.claim(slug="covariate_update_conditioning", grade="proof", range="all d, n", parts=())
@pytest.mark.claim(slug="covariate_update_conditioning_threshold", grade="proof", range="all d, n", parts=())
def test_claim_covariate_update_conditioning_necessity(evidence: Evidence) -> None:
    """The covariates never meet labels or laws; without the mask they meet the query."""
    gained = covariates_after_layer(mask=False)[0] - covariates_after_layer()[0]
    own = COVARIATE @ X_QUERY @ X_QUERY.T @ COVARIATE @ COVARIATE @ X * (STEP * SHARE) / n
    if gained != own:
        raise Refuted("without the mask the covariates do not gain the query's own term")
    evidence.necessary(
        "masked_query",
        "Without the mask X_{l+1} gains (ab/n) x_q x_qᵀ X_l: the update is a polynomial in the Gram matrix of the "
        "context no more.",
    )
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        RegressionTask.whitened([[1, 0], [0, 0]], 2)
    evidence.necessary("positive_definite_covariance", "For singular Σ neither Σ⁻¹ nor the set 𝒮′ exists.")


@pytest.mark.claim(slug="covariate_update_conditioning", grade="proof", range="all d, n", parts=())
def test_claim_covariate_update_conditioning_dispensable(evidence: Evidence) -> None:
    """What the polynomial does not need, and what does not save the conditioning."""
    letters = {x.name for words in covariates_after_layer() for x in words.letters()}
    if letters != {"X", "x_q", "p", "a", "b"}:
        raise Refuted(f"the covariates depend on {letters}")
    law = "The polynomial holds prompt by prompt, whatever the law, and the counterexample is one prompt."
    labels = (
        "No label enters the covariates: their block after a layer holds the letters X, x_q, p, a, b only."
    )
    evidence.dispensable("gaussian_covariates", law)
    for key in ("independent_task", "whitened_task", "noiseless_labels", "zero_query_label"):
        evidence.dispensable(key, labels)


class Threshold(NamedTuple):
    """The two factors that decide whether a pair of eigenvalues comes closer, each times (t − s)."""

    upper: Any
    """sφ(t) − tφ(s)"""
    lower: Any
    """tφ(t) − sφ(s)"""
    bound: fmpq = fmpq(1, 2)
    """the largest eigenvalue, in units of 1/γ, up to which every pair does."""


def upper_factor(s: Any, t: Any, g: Any) -> Any:
    return s * t * g * (g * (s + t) - 2)


def lower_factor(s: Any, t: Any, g: Any) -> Any:
    return (1 - g * (s + t)) * (s + t - g * (s**2 + t**2))


def phi(s: Any, g: Any) -> Any:
    """φ(s) = s(1 − γs)²."""
    return s * (1 - g * s) ** 2


def closer(s: fmpq, t: fmpq, g: fmpq) -> bool:
    """Whether the images of s < t have a ratio, the larger by the smaller, below t/s."""
    low, high = sorted((phi(s, g), phi(t, g)))
    return bool(high * s < low * t)


def check_threshold(claimed: Threshold) -> None:
    """Both differences as identities in s, t, γ; the pairs below the bound, and one pair just above it."""
    _, s, t, g = ring("s,t,g", QQ)
    if s * phi(t, g) - t * phi(s, g) != (t - s) * claimed.upper(s, t, g):
        raise Refuted("sφ(t) − tφ(s) has another factor")
    if t * phi(t, g) - s * phi(s, g) != (t - s) * claimed.lower(s, t, g):
        raise Refuted("tφ(t) − sφ(s) has another factor")
    one = fmpq(1)
    for tenth in range(1, 10):
        if not closer(claimed.bound * tenth / 10, claimed.bound, one):
            raise Refuted(f"a pair below {claimed.bound}/γ does not come closer")
    for k in (4, 10, 1000):
        if closer(claimed.bound * (1 + fmpq(1, 2 * k)), claimed.bound * (1 + fmpq(1, k)), one):
            raise Refuted(f"a pair just above {claimed.bound}/γ comes closer")


@pytest.mark.claim(
    slug="covariate_update_conditioning_threshold",
    grade="proof",
    range="all 0 < s < t, all γ; all d, n",
    parts=("threshold",),
)
def test_claim_covariate_update_conditioning_threshold(evidence: Evidence) -> None:
    """s/t < φ(t)/φ(s) < t/s says tφ(t) − sφ(s) > 0 > sφ(t) − tφ(s), and both are products with t − s > 0: hence
    the condition. Where s < t ≤ 1/(2γ): s + t < 1/γ and γ(s² + t²) ≤ (s + t)/2, so it holds for every pair, and
    the condition number, the greatest of the ratios, falls. Where 1/(2γ) ≤ s < t < 1/γ the first factor of
    the lower one is negative and the second positive, so the pair moves apart. γ < 0 makes the upper one
    positive, γ = 0 makes it 0."""
    mutants = {
        "threshold 1/γ": Threshold(upper_factor, lower_factor, fmpq(1)),
        "threshold 1/(3γ), the top of the arch": Threshold(upper_factor, lower_factor, fmpq(1, 3)),
        "s + t < 1/γ above": Threshold(lambda s, t, g: s * t * g * (g * (s + t) - 1), lower_factor),
        "lower condition without s² + t²": Threshold(
            upper_factor, lambda s, t, g: (1 - g * (s + t)) * (s + t)
        ),
    }
    evidence.check(check_threshold, Threshold(upper_factor, lower_factor), mutants)
    for size, layers in ((20, 2), (20, 3), (10, 3)):
        best = least_known(5, size, layers)
        gammas = [-a.middle * b.middle for a, b in zip(best.a, best.b, strict=False)]
        evidence.figure(
            f"1/(2γ) for each layer at the least known minimum, d = 5, n = {size}, L = {layers}",
            ", ".join(f"{1 / (2 * gamma):.4f}" for gamma in gammas),
            exact=False,
        )


@pytest.mark.claim(
    slug="covariate_update_conditioning_threshold",
    grade="exact",
    range="random rational pairs and γ",
    parts=("threshold",),
    complete=False,
)
def test_claim_covariate_update_conditioning_threshold_at_numbers() -> None:
    """The condition against the ratios themselves, for rational s < t and γ of either sign."""

    @given(
        st.builds(fmpq, st.integers(1, 40), st.integers(1, 8)),
        st.builds(fmpq, st.integers(1, 40), st.integers(1, 8)),
        rationals,
    )
    def agrees(s: fmpq, gap: fmpq, g: fmpq) -> None:
        t = s + gap
        stated = g > 0 and g * (s + t) < 2 and lower_factor(s, t, g) > 0
        assert closer(s, t, g) == stated
        assert gdpp.covariate_polynomials([-1, 0], [g])[1](s) == 1 - g * s
        assert fmpq_poly([0, 1])(s) * (1 - g * s) ** 2 == phi(s, g)

    agrees()
