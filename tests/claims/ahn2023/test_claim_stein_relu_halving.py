"""Ahn et al. (2023), App. A.4: a ReLU halves the moments that the proof of Theorem 5 needs."""

import pytest
import sympy
from flint import fmpq

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import eye, letter
from tests.shared.activations import OTHERS, Activation, relu

SIZE = sympy.Symbol("m", positive=True)


def even_and_odd(sigma: Activation) -> None:
    """σ(s) = s/2 + an even function, decided on s = m and s = −m for every m > 0, and at 0."""
    odd_part = sympy.Poly((sigma(SIZE) - sigma(-SIZE)) / 2 - SIZE / 2, SIZE)
    if not odd_part.is_zero or sigma(sympy.Integer(0)) != 0:
        raise Refuted("the odd part of σ(s) is not s/2")


def check_halving(sigma: Activation) -> None:
    """E[σ(xᵀv)x] = ½ E[xxᵀ]v: the even part of σ gives nothing, as x ↦ −x leaves the law alone; E[xxᵀ] = I."""
    even_and_odd(sigma)
    x, v = letter("x", "d", "1"), letter("v", "d", "1")
    if expectation(x @ x.T @ v, x, eye("d")) / 2 != v / 2:
        raise Refuted("E[x xᵀ v] is not v")


@pytest.mark.claim(slug="stein_relu_halving", grade="proof", range="all d, v", parts=("halving",))
def test_claim_stein_relu_halving(evidence: Evidence) -> None:
    """σ(s) = (s + |s|)/2, and |xᵀv| x is odd under x ↦ −x, so that its mean is zero: what is left is half
    of E[x xᵀ]v = v, computed for symbolic d."""
    evidence.check(check_halving, relu, OTHERS)


def check_squares(sigma: Activation) -> None:
    """σ(α)² + σ(−α)² = α² for α = m, −m (every m > 0) and 0."""
    for alpha in (SIZE, -SIZE):
        if not sympy.Poly(sigma(alpha) ** 2 + sigma(-alpha) ** 2 - alpha**2, SIZE).is_zero:
            raise Refuted(f"σ(α)² + σ(−α)² is not α² at α = {alpha}")
    if 2 * sigma(sympy.Integer(0)) ** 2 != 0:
        raise Refuted("σ(0) is not 0")


@pytest.mark.claim(slug="stein_relu_halving", grade="proof", range="all α", parts=("squares",))
def test_claim_stein_relu_halving_squares(evidence: Evidence) -> None:
    """One of α and −α passes and the other gives 0: two cases and α = 0. The identity fails for three other
    activations; the negative part satisfies it too, being the ReLU of −α."""
    evidence.check(check_squares, relu, {k: OTHERS[k] for k in ("leaky ReLU", "absolute value", "identity")})


@pytest.mark.claim(
    slug="stein_relu_halving", grade="exact", range="all d, v ≠ 0, by an integral", parts=("halving",)
)
def test_claim_stein_relu_halving_integral() -> None:
    """A second route: along v the component t of x is N(0, 1) and E[σ(‖v‖t)t] = ‖v‖ ∫₀^∞ t²φ(t) dt = ‖v‖/2;
    across v, x is independent of t and of mean 0."""
    t = sympy.Symbol("t", real=True)
    along = sympy.integrate(t**2 * sympy.exp(-(t**2) / 2) / sympy.sqrt(2 * sympy.pi), (t, 0, sympy.oo))
    if along != sympy.Rational(1, 2):
        raise Refuted(f"∫₀^∞ t²φ(t) dt is {along}")


@pytest.mark.claim(slug="stein_relu_halving", grade="exact", range="one instance, d = 1, v = 1", parts=())
def test_claim_stein_relu_halving_necessity(evidence: Evidence) -> None:
    """A law of mean 0 and variance 1 that is not symmetric: x = 2 with probability 1/5, −1/2 with 4/5."""
    law = {fmpq(2): fmpq(1, 5), fmpq(-1, 2): fmpq(4, 5)}
    mean, variance = (sum((p * x**k for x, p in law.items()), fmpq(0)) for k in (1, 2))
    halved = sum((p * max(x, fmpq(0)) * x for x, p in law.items()), fmpq(0))
    if (mean, variance) != (0, 1) or halved == fmpq(1, 2):
        raise Refuted(f"the instance is none: mean {mean}, variance {variance}, E[σ(x)x] = {halved}")
    evidence.necessary(
        "standard_gaussian",
        f"x = 2 with probability 1/5 and −1/2 with 4/5 has mean 0 and variance 1, but E[σ(x)x] = {halved}. What is "
        "needed is E[xxᵀ] = I and a law that x ↦ −x leaves alone; no other property of the normal law.",
    )
    evidence.figure("E[σ(x)x] for the skewed law", halved)
