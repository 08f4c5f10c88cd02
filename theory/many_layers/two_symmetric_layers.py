r"""Two layers with symmetric matrices, Σ = Ω = I: the loss, and a certificate of its global minimum.

With S = XXᵀ/n, A_0 = A and A_1 = B (the layers run the transposes,
:mod:`icl_claims.theory.transformer.preconditioned_gd`; here symmetric), f(A, B) = E‖F‖², F = (I − BS)(I − AS),
a polynomial in traces of words in A and B.

**Averaging** (Ahn et al. (2023), Theorem 2). f(UAUᵀ, UBUᵀ) = f(A, B), so let A be diagonal. f(A, ·) is convex, an
expected square of an affine map of B; the sign changes D = diag(±1) have DAD = A, so f(A, DBD) = f(A, B), and
the average of DBD over all D is the diagonal part of B, whose loss is therefore no larger. One symmetric
matrix of the two is enough: f(·, B) is convex as well, and the other matrix may be any.

**Theorem.** For all d, n ≥ 1 the minimum of f over symmetric pairs is the minimum f* on multiples of I, and
(aI, bI), (bI, aI) are its only minimizers, a and b the roots of z² − e* z + p*, with e*, p* ∈ ℚ(d, n) from
:func:`icl_claims.theory.many_layers.step_sizes.optimal_steps` at L = 2. The same holds where only one of A, B
is symmetric.

*Proof.* For d = 1 it is the theorem on 𝒮; let d ≥ 2. Write A = mI + D, B = kI + E with tr D = tr E = 0, and

    e = m + k,   p = mk,   w = tr DE,   c = 1/((d + 2)(d − 1)),   Z = (DE + ED)/2 − (w/d) I,   η = d/((d + 4)(d − 2)),
    F_0 = I − e S + p S² + c w ((1 − 2/d) S² + tr(S) S),
    F_1 = −(D + E) S + m E S² + k S D S + η [tr(ZS) I + tr(S) Z + (1 − 4/d)(SZ + ZS)] S,

and F = F_0 + F_1 + F_2. In the inner product E tr FᵀG the three are orthogonal (words in D and E, symbolic d, n;
for d = 2, where Z = 0 and every trace of three traceless symmetric matrices vanishes, without the term in Z):
F_0 and F_1 are the parts of F that transform as multiples of I and as traceless symmetric matrices. So

    f ≥ E‖F_0‖² + E‖F_1‖² ≥ f* + Q(e − e*, p − p*, w) + ℓ w + R(D + E, mE, kD),

Q ⪰ 0 the quadratic part of E‖F_0‖² around its minimum at w = 0, ℓ the slope in w there, R the form
tr Σ_ij R_ij V_i V_j that is left of E‖F_1‖² when Z is minimized over (a Schur complement: E‖[…]S‖² > 0 for d ≥ 3).
ℓ ≥ 0, so to exchange the steps in some eigendirections (D = −E, w < 0) gains at first order in w. But the same w is
seen twice, p w = tr(mE · kD):

    ℓ w = (ℓ/p*) tr(mE · kD) − (ℓ/p*) (p − p*) w,

and with the two terms on the right added to R and to Q both stay positive definite, for all d ≥ 2 and n ≥ 2: their
leading minors are ratios of polynomials in d − 3 (or d = 2) and n − 2 with positive coefficients. For n = 1, ℓ = 0 and
both are semidefinite as they are. So f ≥ f*. Equality, n ≥ 2: e = e*, p = p*, w = 0, D + E = 0, so w = −tr D² = 0.
Equality, n = 1: there S² = tr(S) S, so F_1 = −(D + E) S + (mE + ζ) S² + S (kD + ζ) S with ζ = 2η (1 − 2/d) Z, and
F_1 = 0 only if all three matrices vanish (the first is the part of degree 2 in X; C'x‖x‖² + x xᵀC''x = 0 for all x
makes C' a multiple of I, hence 0): E = −D and mE = kD, so e D = 0, while e = e* > 0 from F_0.

If only A is symmetric: f(A, ·) has one minimizer over all matrices, by strict convexity; it commutes with the sign
changes in an eigenbasis of A, so is symmetric, and f(A, B) ≥ f* with equality at it only. The same for B. ∎

Sources: Ahn et al. (2023), Theorem 2, App. B.1, for the averaging; the theorem is derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.gaussian import expectation
from icl_claims.theory.algebra.words import FIELD, Words, d, eye, letter, n, one
from icl_claims.theory.transformer.attention import X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.prompts import over_prompts

A = letter("A", "d", "d")
"""A_0, any d × d matrix."""
B = letter("B", "d", "d")
"""A_1, any d × d matrix."""
SHIFT_A = letter("m", "1", "1")
SHIFT_B = letter("k", "1", "1")
D = letter("D", "d", "d", symmetric=True)
"""A − mI, traceless."""
E = letter("E", "d", "d", symmetric=True)
"""B − kI, traceless."""
C = letter("C", "d", "d", symmetric=True)
"""Any traceless symmetric matrix."""

S = X @ X.T / n
I = eye("d")  # noqa: E741

Matrix = list[list[FracElement]]


def mean(words: Words) -> Words:
    """E over X, standard normal."""
    return expectation(words, X, I)


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


@cache
def loss_polynomial() -> Words:
    """f(A_0, A_1) for any two matrices, symmetric or not, from two layers on the prompt. Σ = Ω = I, σ² = 0."""
    state = layer(*sparse(B), layer(*sparse(A), prompt(W.T @ X)))
    error = state[1, 1] + W.T @ X_QUERY
    return over_prompts(error * error).substitute({"Sigma": I, "Omega": I})


def residual(a: Words, b: Words) -> Words:
    """F = (I − bᵀS)(I − aᵀS)."""
    return (I - b.T @ S) @ (I - a.T @ S)


def curvature_in_second(direction: Words) -> Words:
    """The second-order part of f(A, B + R) in R: E‖Rᵀ S (I − AᵀS)‖², a mean of squares."""
    moved = direction.T @ S @ (I - A.T @ S)
    return mean((moved.T @ moved).trace())


def curvature_in_first(direction: Words) -> Words:
    """The second-order part of f(A + R, B) in R: E‖(I − BᵀS) Rᵀ S‖², a mean of squares."""
    moved = (I - B.T @ S) @ direction.T @ S
    return mean((moved.T @ moved).trace())


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
    functions = covariant_functions([C] * 4, two_dimensional)
    R = [[_per_square(inner(F, G)) for G in functions] for F in functions]
    if not two_dimensional:
        last = R[3]
        R = [[R[i][j] - last[i] * last[j] / last[3] for j in range(3)] for i in range(3)]
    moved = slope * share / (2 * p)
    Q[1][2], Q[2][1] = Q[1][2] - moved, Q[2][1] - moved
    R[1][2], R[2][1] = R[1][2] + moved, R[2][1] + moved
    return Certificate(e, p, minimum, slope, Q, R)


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
