r"""The derivative of the loss of two relaxed layers in any matrix direction, at a point of 𝒮′, for Σ = Ω = I.

The layers are multiplied out in blocks and averaged by integration by parts: no symmetry is used. At A_l = a_l I,
B_0 = b_0 I the derivative in a direction R is a polynomial in a_0, a_1, b_0 times tr R.

Source: derived here, beside Ahn et al. (2023), Appendix B.3.
"""

from __future__ import annotations

from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.words import FIELD, Words, eye, letter, one, zero
from icl_claims.theory.many_layers.gdpp_point import Point
from icl_claims.theory.transformer.attention import NO_MASK, X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import relaxed
from icl_claims.theory.transformer.symmetries import of_degree

_SCALARS = {name: letter(name.lower().replace("_", ""), "1", "1") for name in ("A_0", "A_1", "B_0")}


def derivative(direction: str, layers: int, covariance: Words | None = None) -> Words:
    """The derivative in R: a polynomial in a0, b0, a1 and R.

    Args:
        direction: which matrix moves by R: "A_0", "A_1" or "B_0".
        layers: 1 or 2.
        covariance: Ω, d × d and symmetric; the identity by default.
    """
    Z = prompt(W.T @ X)
    for index in range(layers):
        Z = layer(*relaxed(letter(f"A_{index}", "d", "d"), letter(f"B_{index}", "d", "d")), Z)
    error = Z[1, 1] + W.T @ X_QUERY
    f = expectation(
        expectation(error * error, X_QUERY, eye("d")), W, eye("d") if covariance is None else covariance
    )
    values = {name: eye("d") * scalar for name, scalar in _SCALARS.items()}
    values[direction] = values[direction] + letter("R", "d", "d")
    return expectation(of_degree(f.substitute(values), "R", 1), X, eye("d"))


def prove_multiple_of_trace(direction: str, layers: int, covariance: Words | None = None) -> None:
    """The derivative is a multiple of tr R, and not 0. Arguments: see :func:`derivative`.

    Raises:
        Refuted: it is 0, or holds R otherwise than in tr R.
    """
    slope = derivative(direction, layers, covariance)
    if not slope:
        raise Refuted(f"the derivative in {direction} is 0")
    (((trace,), _),) = letter("R", "d", "d").trace().terms
    if any(x.name == "R" for traces, word in slope.terms for t in (*traces, word) if t != trace for x in t):
        raise Refuted(f"the derivative in {direction} is no multiple of tr R")


def prove_critical_without_mask(point: Point) -> None:
    """Where the query column is a key as well: at a_0 = 0 the slopes in a_0 and a_1 of two layers vanish at the point.

    The slope in b_0 is 0 for a_0 = 0; ∂²f/∂a_0∂b_0 > 0 for all d, n ≥ 1 while ∂²f/∂b_0² = 0: a saddle.

    Raises:
        Refuted: a slope is not 0, or the sign of the mixed derivative is not shown.
    """
    Z = prompt(W.T @ X)
    for index, share in enumerate((_SCALARS["B_0"], zero("1", "1"))):
        Z = layer(*relaxed(eye("d") * _SCALARS[f"A_{index}"], eye("d") * share), Z, NO_MASK)
    error = Z[1, 1] + W.T @ X_QUERY
    plain, moved = of_degree(error, "a0", 0), of_degree(error, "a0", 1)
    values = {"a0": one(), "a1": one() * point.last, "b0": one() * point.move}

    def mean(slope: Words, **other: Words) -> FracElement:
        product = (plain * slope).substitute({**values, **other})
        averaged = expectation(expectation(expectation(product, W, eye("d")), X_QUERY, eye("d")), X, eye("d"))
        return averaged.terms.get(((), ()), FIELD.zero)

    if mean(of_degree(plain, "a1", 1).substitute({"a1": one()})):
        raise Refuted("without the mask the slope in a_1 is not 0")
    if mean(moved):
        raise Refuted("without the mask the slope in a_0 is not 0")
    if not is_positive(mean(of_degree(moved, "b0", 1), b0=one()), {"d": 1, "n": 1}):
        raise Refuted("without the mask the mixed derivative is not shown to be positive")
