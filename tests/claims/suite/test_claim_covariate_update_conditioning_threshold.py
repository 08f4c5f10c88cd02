"""Which covariate updates lower the condition number of the Gram matrix, on which prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import sympy
from flint import fmpq
from hypothesis import strategies as st

from icl_claims.claims.edits import changed, inside, plus, substituted, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.theory.derivations.covariate_update_conditioning_threshold import (
    DERIVATION,
    STATED,
    Threshold,
)
from icl_claims.theory.many_layers.conditioning import gamma, t
from icl_claims.theory.transformer.relaxed_layers import b, p, s
from tests.shared.relaxed import Relaxed, covariates_margin, plain, relaxed
from tests.shared.relaxed_points import least_known
from tests.shared.settings import conditions
from tests.shared.strategies import rationals

SLUG = "covariate_update_conditioning_threshold"


@dataclass(frozen=True)
class Spectrum:
    """Layers on a prompt in numbers; the eigenvalues of another S_l of its size, γ, and c in units of 1/γ."""

    relaxed: Relaxed
    eigenvalues: tuple[fmpq, ...]
    gamma: fmpq
    c: fmpq

    def __str__(self) -> str:
        return f"{self.relaxed}; S_l = diag({', '.join(map(str, self.eigenvalues))}), γ = {self.gamma}, cγ = {self.c}"

    @property
    def setting(self) -> Any:
        """Of the layers."""
        return self.relaxed.setting


def at_numbers(polynomial: sympy.Expr, **values: fmpq) -> fmpq:
    """A polynomial at rational numbers, by the names of its letters."""
    names = list(values)
    total = fmpq(0)
    for powers, c in sympy.Poly(polynomial, *map(sympy.Symbol, names)).terms():
        term = fmpq(int(c.p), int(c.q))
        for name, power in zip(names, powers, strict=True):
            term *= values[name] ** power
        total += term
    return total


def image(x: fmpq, g: fmpq) -> fmpq:
    """s(1 − γs)²: what X ← (I − γS)X makes of an eigenvalue."""
    return x * (1 - g * x) ** 2


def change(eigenvalues: tuple[fmpq, ...], g: fmpq) -> fmpq:
    """Of the condition number, brought to the sign: κ(after)/κ(before) − 1, and 1 where the image is singular."""
    after = [image(x, g) for x in eigenvalues]
    if min(after) == 0:
        return fmpq(1)
    return max(after) * min(eigenvalues) / (min(after) * max(eigenvalues)) - 1


def polynomial_margin(stated: Threshold, at: Spectrum) -> fmpq:
    """Of the covariates after all layers, and of φ at the eigenvalues."""
    of_phi = [at_numbers(stated.phi, s=x, gamma=at.gamma) - image(x, at.gamma) for x in at.eigenvalues]
    return covariates_margin(stated.move, at.relaxed) - sum((x**2 for x in of_phi), fmpq(0))


def pairs_margin(stated: Threshold, at: Spectrum) -> fmpq:
    """−1 where a pair comes closer and the conditions say otherwise, or the other way round."""
    for low in at.eigenvalues:
        for high in at.eigenvalues:
            if 0 < low < high:
                values = {"s": low, "t": high, "gamma": at.gamma}
                says = at.gamma > 0 and all(at_numbers(x, **values) > 0 for x in (stated.upper, stated.lower))
                if says != (change((low, high), at.gamma) < 0):
                    return fmpq(-1)
    return fmpq(0)


def condition_number_margin(stated: Threshold, at: Spectrum) -> fmpq:
    """Minus the change where it is to fall, the change where it is to rise: at S_l, and at a spectrum below cI/γ."""
    g, spectrum, margin = at.gamma, at.eigenvalues, fmpq(0)
    d, n = at.setting.task.dim, at.setting.task.context_length
    if min(spectrum) > 0 and len(set(spectrum)) > 1:
        if g > 0 and max(spectrum) * g <= stated.bound:
            margin = -change(spectrum, g)
        elif g <= 0:
            margin = change(spectrum, g) if g else -(change(spectrum, g) ** 2)
    if g > 0 and n >= d >= 2 and at.c > stated.bound:
        high = min(at.c, stated.bound + fmpq(1, 10)) / g
        close = (high + stated.bound / g) / 2
        margin = min(margin, change((*[close] * (d - 1), high), g))
    return margin


@st.composite
def spectra(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Spectrum:
    """Up to two layers; eigenvalues of a Gram matrix of rank min(d, n)."""
    at = draw(relaxed(SLUG, corner, without=without))
    d, n = at.setting.task.dim, at.setting.task.context_length
    if corner.layers is None and draw(st.booleans()):
        at = replace(at, a=(*at.a, fmpq(-1, 3)), b=(*at.b, fmpq(1, 2)))
    positive = st.builds(fmpq, st.integers(1, 40), st.integers(1, 8))
    spectrum = draw(st.lists(positive, min_size=min(d, n), max_size=min(d, n))) + [fmpq(0)] * (d - min(d, n))
    return Spectrum(at, tuple(spectrum), draw(rationals), draw(positive))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={
        "polynomial": polynomial_margin,
        "pairs": pairs_margin,
        "condition_number": condition_number_margin,
    },
    conditions=conditions(SLUG),
    instances=lambda corner: spectra(corner),
    without=lambda key: spectra(without=key),
    undefined_without={"positive_definite_covariance": "for singular Σ there is no Σ⁻¹, so no set 𝒮′"},
)


def pair(low: fmpq, high: fmpq, g: int = 1) -> Spectrum:
    """Two eigenvalues; c just above the true threshold."""
    return Spectrum(plain(2, 2, 2), (low, high), fmpq(g), fmpq(51, 100))


@pytest.mark.claim(
    slug="covariate_update_conditioning_threshold",
    grade="argument",
    range="all d, n, l, a, b, Σ ≻ 0, every prompt; all 0 < s < t, all γ",
)
def test_claim_covariate_update_conditioning_threshold(evidence: Evidence) -> None:
    """Both differences are products; the bound is where the first factor of the second changes its sign."""
    of_layer, of_gram = "Lemma 2: the covariates after", "Lemma 3: the Gram matrix after"
    maps = [
        inside(STATED, "move", substituted(STATED.move, b, sympy.Integer(1), of_layer)),
        inside(STATED, "move", times(STATED.move, -1, of_layer)),
        inside(STATED, "move", substituted(STATED.move, p**2, p, of_layer)),
        inside(STATED, "phi", substituted(STATED.phi, 1 - gamma * s, 1 + gamma * s, of_gram)),
    ]
    evidence.prove(DERIVATION, STATEMENT, maps, part="polynomial", at=pair(fmpq(1), fmpq(2)))
    larger, smaller = "Lemma 4: the condition that the larger", "Lemma 4: the condition that the smaller"
    pairs = [
        inside(STATED, "upper", plus(STATED.upper, -1, larger, at=pair(fmpq(1, 10), fmpq(3, 2)))),
        inside(STATED, "upper", plus(STATED.upper, 1, larger, at=pair(fmpq(1, 2), fmpq(2)))),
        inside(STATED, "lower", times(STATED.lower, -1, smaller, at=pair(fmpq(1, 4), fmpq(1, 3)))),
        inside(
            STATED,
            "lower",
            substituted(STATED.lower, s**2 + t**2, s**2, smaller, at=pair(fmpq(1, 10), fmpq(3, 2))),
        ),
    ]
    evidence.mutants(DERIVATION, STATEMENT, pairs, part="pairs")
    bounds = [
        changed(STATED, "Lemma 5: pairs close to the bound, below", bound=fmpq(1)),
        changed(STATED, "Lemma 5: pairs close to the bound, below", bound=fmpq(3, 5)),
        changed(STATED, "Lemma 5: pairs close to the bound, above", bound=fmpq(1, 3)),
    ]
    falling = pair(fmpq(59, 100), fmpq(3, 5))
    evidence.mutants(
        DERIVATION, STATEMENT, bounds, part="condition_number", at=[falling, replace(falling, c=fmpq(2, 5))]
    )
    for size, layers in ((20, 2), (20, 3), (10, 3)):
        best = least_known(5, size, layers)
        gammas = [-x.middle * y.middle for x, y in zip(best.a, best.b, strict=False)]
        evidence.figure(
            f"1/(2γ) for each layer at the least known minimum, d = 5, n = {size}, L = {layers}",
            ", ".join(f"{1 / (2 * g):.4f}" for g in gammas),
            exact=False,
        )


@pytest.mark.claim(
    slug="covariate_update_conditioning_threshold",
    grade="exact",
    range="one instance per assumption",
    parts=(),
)
def test_claim_covariate_update_conditioning_threshold_necessity(evidence: Evidence) -> None:
    """Without the mask the covariates meet the query: they are no polynomial in the Gram matrix of the context."""
    masked = pair(fmpq(1), fmpq(2))
    unmasked = replace(masked.relaxed, setting=replace(masked.setting, masked=False))
    evidence.necessary(STATEMENT, "masked_query", replace(masked, relaxed=unmasked), part="polynomial")
