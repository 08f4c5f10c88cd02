r"""The Hessian of two layers' loss over all pairs of matrices at (aI, bI), for all d and n.

The second-order part of f(aI + R_0, bI + R_1), Σ = Ω = I, is read off the loss polynomial of
:mod:`icl_claims.theory.many_layers.two_symmetric_layers`:

    Σ_{ij} α_ij tr R_iR_j + β_ij tr R_iR_jᵀ + γ_ij tr R_i tr R_j,

with α, β, γ polynomials in a and b. So traceless symmetric, antisymmetric and multiples of I do not mix, and on
R_i = r_i R with one R of norm 1 (R = I/√d) the second-order part is the quadratic form of a 2 × 2 block in r:
α + β, β − α, and α + β + dγ.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sympy.polys.fields import FracElement
from sympy.polys.rings import ring

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import is_positive
from icl_claims.theory.algebra.words import FIELD, Term, Words, d, eye, letter
from icl_claims.theory.many_layers.two_symmetric_layers import A, B, loss_polynomial
from icl_claims.theory.transformer.symmetries import C, after_layers

RING, STEP_A, STEP_B = ring("a,b", FIELD)
"""ℚ(n, d, σ²)[a, b] and its generators."""

Rows = list[list[Any]]


class Blocks(NamedTuple):
    """The 2 × 2 blocks of half the Hessian, over :data:`RING`."""

    multiples: Rows
    symmetric: Rows
    antisymmetric: Rows


@cache
def blocks() -> Blocks:
    """The blocks, from the loss of two layers."""
    return blocks_of(second_order(loss_polynomial()))


def second_order(f: Words) -> Words:
    """The part of f(aI + R_0, bI + R_1) that is of second order in (R_0, R_1); letters a, b, R, T for R_0, R_1."""
    steps = {name: eye("d") * letter(name.lower(), "1", "1") for name in "AB"}
    moved = f.substitute({"A": steps["A"] + letter("R", "d", "d"), "B": steps["B"] + letter("T", "d", "d")})
    kept = {term: c for term, c in moved.terms.items() if sum(_directions(term)) == 2}
    return Words("1", "1", kept)


def _directions(term: Term) -> tuple[int, int]:
    """How often R_0 and R_1 occur in a term."""
    names = [x.name for trace in term[0] for x in trace]
    return names.count("R"), names.count("T")


def blocks_of(part: Words) -> Blocks:
    """The blocks of a second-order part.

    Raises:
        Refuted: a term is none of tr R_iR_j, tr R_iR_jᵀ and tr R_i tr R_j times powers of a and b.
    """
    kinds = [[[RING(0)] * 2 for _ in range(2)] for _ in range(3)]
    for term, c in part.terms.items():
        names = [x.name for trace in term[0] for x in trace]
        power = STEP_A ** names.count("a") * STEP_B ** names.count("b")
        ends = [trace for trace in term[0] if trace[0].name not in "ab"]
        letters = [x for trace in ends for x in trace]
        if [x.name in "RT" for x in letters] != [True, True]:
            raise Refuted("a term of the second-order part is of another kind")
        i, j = ("RT".index(x.name) for x in letters)
        kind = 2 if len(ends) == 2 else int(letters[0].transposed != letters[1].transposed)
        for row, column in ((i, j), (j, i)):
            kinds[kind][row][column] += RING(c) * power / 2
    alpha, beta, gamma = kinds
    entries = [[(alpha[i][j], beta[i][j], gamma[i][j]) for j in range(2)] for i in range(2)]
    return Blocks(
        multiples=[[x + y + z * d for x, y, z in row] for row in entries],
        symmetric=[[x + y for x, y, _ in row] for row in entries],
        antisymmetric=[[y - x for x, y, _ in row] for row in entries],
    )


def prove_positive_at_both(value: Any, e: FracElement, p: FracElement, least: dict[str, int]) -> None:
    """A polynomial in (a, b) is positive at (a, b) and at (b, a), the roots of z² − ez + p, for these sizes.

    Its two values are those of a linear function at the two roots, so that their sum and their product are rational
    functions of n and d. Two real numbers are positive where both are.

    Args:
        value: over :data:`RING`.
        e, p: the caller answers for real roots.
        least: the least d and n.

    Raises:
        Refuted: the sum or the product is not shown to be positive.
    """
    terms = RING(value).terms()
    in_a = sum((RING(c) * STEP_A**i * (RING(e) - STEP_A) ** j for (i, j), c in terms), RING(0))
    linear = in_a.rem([STEP_A**2 - STEP_A * e + RING(p)])
    constant, slope = linear.coeff(1), linear.coeff(STEP_A)
    if not is_positive(2 * constant + slope * e, least):
        raise Refuted("the sum of its values at both orders is not shown to be positive")
    if not is_positive(constant**2 + constant * slope * e + slope**2 * p, least):
        raise Refuted("the product of its values at both orders is not shown to be positive")


def prove_definite_at_both(rows: Rows, e: FracElement, p: FracElement, least: dict[str, int]) -> None:
    """A symmetric 2 × 2 block is positive definite at both orders of the steps: its two leading minors are positive.

    Raises:
        Refuted: a minor is not shown to be.
    """
    determinant = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
    for name, minor in (("first entry", rows[0][0]), ("determinant", determinant)):
        try:
            prove_positive_at_both(minor, e, p, least)
        except Refuted as refusal:
            raise Refuted(f"the {name}: {refusal}") from refusal


def prove_change_of_basis(transposed: bool = True) -> None:
    """Two layers on covariates CX give the label row that matrices CᵀAC and CᵀBC give on covariates X.

    So with C = Σ^{1/2} the loss at Σ and Ω = Σ⁻¹ is that at Σ = Ω = I and (Σ^{1/2}A_lΣ^{1/2}), an invertible linear map
    of the matrices that takes a_lΣ⁻¹ to a_lI.

    Args:
        transposed: whether it is CᵀAC, and not CAC.

    Raises:
        Refuted: the label rows differ.
    """
    left = C.T if transposed else C
    if after_layers([A, B], basis=C) != after_layers([left @ A @ C, left @ B @ C]):
        raise Refuted("the change of basis changes the labels")
