r"""Two layers with symmetric matrices, Σ = Ω = I: what bounds the loss from below by its minimum.

Write A_0 = mI + D and A_1 = kI + E with tr D = tr E = 0, and

    e = m + k,   p = mk,   w = tr DE,   c = 1/((d + 2)(d − 1)),   Z = (DE + ED)/2 − (w/d) I,   η = d/((d + 4)(d − 2)),
    F_0 = I − e S + p S² + c w ((1 − 2/d) S² + tr(S) S),
    F_1 = −(D + E) S + m E S² + k S D S + η [tr(ZS) I + tr(S) Z + (1 − 4/d)(SZ + ZS)] S,

and F = (I − A_1S)(I − A_0S) = F_0 + F_1 + F_2. F_0 and F_1 are the parts of F that transform, under rotations, as
multiples of I and as traceless symmetric matrices. Here are these parts, the quadratic forms that they give, and
functions that decide what the derivation
:mod:`icl_claims.theory.derivations.two_layer_symmetric_minimizer_scalar` says of them. For d = 2, Z = 0, and the term
in Z is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import sympy
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import has_positive_minors, is_positive
from icl_claims.theory.algebra.words import FIELD, Words, d, letter, one
from icl_claims.theory.many_layers.two_symmetric_layers import I, S, mean, residual

SHIFT_A = letter("m", "1", "1")
SHIFT_B = letter("k", "1", "1")
D = letter("D", "d", "d", symmetric=True)
"""A − mI, traceless."""
E = letter("E", "d", "d", symmetric=True)
"""B − kI, traceless."""
C = letter("C", "d", "d", symmetric=True)
"""Any traceless symmetric matrix."""


Matrix = list[list[FracElement]]


def inner(F: Words, G: Words) -> Words:
    """E tr FᵀG, with the traces of C, D and E set to 0."""
    return traceless(mean((F.T @ G).trace()))


def traceless(words: Words) -> Words:
    """The polynomial without the terms that hold tr C, tr D or tr E."""
    kept = {
        (traces, word): c
        for (traces, word), c in words.terms.items()
        if not any(len(trace) == 1 and trace[0].name in "CDE" for trace in traces)
    }
    return Words(words.rows, words.cols, kept)


def invariant_functions() -> list[Words]:
    """I, −S, S², (1 − 2/d) S² + tr(S) S: F_0 is their sum with weights 1, e, p, c w."""
    return [I, -S, S @ S, S @ S * (1 - 2 / d) + S * S.trace()]


def covariant_functions(V: Sequence[Words], two_dimensional: bool) -> list[Words]:
    """−V_0 S, V_1 S², S V_2 S and, unless d = 2, η […] S of V_3: F_1 is their sum at V = (D + E, mE, kD, Z)."""
    functions = [-V[0] @ S, V[1] @ S @ S, S @ V[2] @ S]
    if not two_dimensional:
        Z = V[3]
        bracket = I * (Z @ S).trace() + Z * S.trace() + (S @ Z + Z @ S) * (1 - 4 / d)
        functions.append(bracket @ S * (d / ((d + 4) * (d - 2))))
    return functions


def parts(two_dimensional: bool) -> tuple[Words, Words, Words]:
    """F_0, F_1, F_2 with the letters m, k, D, E; for d = 2, or for d ≥ 3."""
    w = (D @ E).trace()
    weights = [one(), SHIFT_A + SHIFT_B, SHIFT_A * SHIFT_B, w * (1 / ((d + 2) * (d - 1)))]
    invariant = Words("d", "d", {})
    for weight, function in zip(weights, invariant_functions(), strict=True):
        invariant = invariant + function * weight
    Z = (D @ E + E @ D) * (FIELD.one / 2) - I * w * (1 / d)
    covariant = Words("d", "d", {})
    for function in covariant_functions([D + E, E * SHIFT_A, D * SHIFT_B, Z], two_dimensional):
        covariant = covariant + function
    whole = residual(I * SHIFT_A + D, I * SHIFT_B + E)
    return invariant, covariant, whole - invariant - covariant


def prove_orthogonal(split: tuple[Words, Words, Words], two_dimensional: bool) -> None:
    """F_0, F_1 and F_2 are orthogonal in the inner product E tr FᵀG.

    For d = 2 up to terms with the trace of a product of three of the traceless symmetric D and E: such a trace is 0,
    since the square of a traceless symmetric 2 × 2 matrix is a multiple of I (Cayley–Hamilton).

    Args:
        split: F_0, F_1, F_2.
        two_dimensional: whether d = 2, or d ≥ 3.

    Raises:
        Refuted: two of them are not orthogonal.
    """
    first, second, rest = split
    if inner(first, second):
        raise Refuted("F_0 and F_1 are not orthogonal")
    if inner(first, rest):
        raise Refuted("F_0 and F_2 are not orthogonal")
    if (overlap := inner(second, rest)) and not (two_dimensional and with_traces_of_three(overlap)):
        raise Refuted("F_1 and F_2 are not orthogonal")


def with_traces_of_three(words: Words) -> bool:
    """Whether every term holds a trace of exactly three letters D and E: 0 for d = 2 (Cayley–Hamilton)."""
    return all(
        any(sum(x.name in "DE" for x in trace) == len(trace) == 3 for trace in traces)
        for traces, _ in words.terms
    )


@dataclass(frozen=True)
class Certificate:
    """What bounds f from below, over ℚ(d, n).

    Attributes:
        e, p: e*, p*, the sum and the product of the optimal steps.
        minimum: f*.
        slope: ℓ.
        invariant: Q with ℓ's share, 3 × 3, in (e − e*, p − p*, w).
        covariant: R with ℓ's share, 3 × 3, in (D + E, mE, kD).
    """

    e: FracElement
    p: FracElement
    minimum: FracElement
    slope: FracElement
    invariant: Matrix
    covariant: Matrix


@cache
def certificate(two_dimensional: bool, share: int = 1) -> Certificate:
    """The certificate, for d = 2 (coefficients then still hold d, to be set to 2) or for d ≥ 3.

    ``share``: which multiple of ℓ w is moved, 1 in the proof; another leaves (1 − share) ℓ w uncovered.
    """
    gram = [[_number(inner(F, G)) for G in invariant_functions()] for F in invariant_functions()]
    scale = 1 / ((d + 2) * (d - 1))
    for i in range(4):
        gram[i][3] = gram[i][3] * scale
        gram[3][i] = gram[3][i] * scale
    determinant = gram[1][1] * gram[2][2] - gram[1][2] ** 2
    e = (gram[1][2] * gram[0][2] - gram[2][2] * gram[0][1]) / determinant
    p = (gram[1][2] * gram[0][1] - gram[1][1] * gram[0][2]) / determinant
    minimum = gram[0][0] + gram[0][1] * e + gram[0][2] * p
    slope = 2 * (gram[0][3] + gram[1][3] * e + gram[2][3] * p)
    Q = [row[1:] for row in gram[1:]]
    R = covariant_gram(two_dimensional)
    if not two_dimensional:
        last = R[3]
        R = [[R[i][j] - last[i] * last[j] / last[3] for j in range(3)] for i in range(3)]
    R = [list(row) for row in R]
    moved = slope * share / (2 * p)
    Q[1][2], Q[2][1] = Q[1][2] - moved, Q[2][1] - moved
    R[1][2], R[2][1] = R[1][2] + moved, R[2][1] + moved
    return Certificate(e, p, minimum, slope, Q, R)


@cache
def covariant_gram(two_dimensional: bool) -> Matrix:
    """The inner products of the functions that F_1 is a sum of, each at one C, per tr C²."""
    functions = covariant_functions([C] * 4, two_dimensional)
    return [[_per_square(inner(F, G)) for G in functions] for F in functions]


def _number(words: Words) -> FracElement:
    """A polynomial without letters as an element of ℚ(n, d)."""
    if any(traces or word for traces, word in words.terms):
        raise ValueError(f"words must be a number, got {words!r}")
    return sum(words.terms.values(), FIELD.zero)


def _per_square(words: Words) -> FracElement:
    """The coefficient of tr C²."""
    expected = (C @ C).trace()
    ((term, _),) = expected.terms.items()
    if set(words.terms) - {term}:
        raise ValueError(f"words must be a multiple of tr C², got {words!r}")
    return words.terms.get(term, FIELD.zero)


def prove_certificate_of(found: Certificate, e: FracElement, p: FracElement) -> None:
    """The certificate is that of the pair with this sum and product of steps.

    Raises:
        Refuted: its critical point is another one.
    """
    if (found.e, found.p) != (e, p):
        raise Refuted("the mean square of F_0 is critical elsewhere")


def prove_forms_positive(
    found: Certificate, two_dimensional: bool, least_context: int = 2, share: int = 1
) -> None:
    """ℓ w is moved as a whole, and both forms with its share are positive definite from these sizes on.

    Raises:
        Refuted: a part of ℓ w is left, or a leading minor is not shown to be positive.
    """
    if found.slope * (1 - share):
        raise Refuted("a part of ℓw is left, which has no sign")
    fixed = {"d": 2} if two_dimensional else {}
    least = {"n": least_context} | ({} if two_dimensional else {"d": 3})
    shown = partial(is_positive, least=least, fixed=fixed)
    for name, form in (("Q", found.invariant), ("R", found.covariant)):
        if not has_positive_minors(form, FIELD.one, shown):
            raise Refuted(f"the form {name} is not shown to be positive definite")


def prove_slope_vanishes(slope: FracElement, at: Mapping[str, int]) -> None:
    """ℓ is 0 at these sizes, whatever the others.

    Raises:
        Refuted: it is not.
    """
    if not _vanishes(slope, at):
        raise Refuted("ℓ does not vanish for n = 1")


def prove_one_example(bracket: Words, gram: Matrix) -> None:
    """For n = 1 the term in Z is ζS² + SζS with ζ = 2η(1 − 2/d)Z, and −C_1S + C_2S² + SC_3S has no zero but C = 0.

    Args:
        bracket: the term in Z, at Z = C.
        gram: the inner products of −CS, CS² and SCS, per tr C²: for three different traceless symmetric matrices
            E‖−C_1S + C_2S² + SC_3S‖² = Σ gram_ij tr C_iC_j.

    Raises:
        Refuted: the term is another one, or the matrix is not shown to be positive definite for n = 1 and d ≥ 2.
    """
    zeta = C * (2 * d / ((d + 4) * (d - 2)) * (1 - 2 / d))
    left = bracket - zeta @ S @ S - S @ zeta @ S
    if not _vanishes(_per_square(inner(left, left)), {"n": 1}):
        raise Refuted("for n = 1 the term in Z is not of the stated form")
    if not has_positive_minors(gram, FIELD.one, partial(is_positive, least={"d": 2}, fixed={"n": 1})):
        raise Refuted("for n = 1 the three functions are not shown to be independent")


def _vanishes(value: FracElement, at: Mapping[str, int]) -> bool:
    """Whether a rational function is 0 at these sizes, where its denominator is not."""
    numerator, denominator = (
        sympy.Poly(end.as_expr().subs(dict(at)), *map(sympy.Symbol, ("n", "d")))
        for end in (value.numer, value.denom)
    )
    if denominator.is_zero:
        raise ValueError(f"value has no denominator at {dict(at)}")
    return bool(numerator.is_zero)
