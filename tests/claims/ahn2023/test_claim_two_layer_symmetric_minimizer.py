"""Ahn et al. (2023), Theorem 2: two layers with symmetric matrices have a diagonal pair among their minimizers."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye, letter, n, sigma2
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.two_symmetric_layers import (
    A,
    B,
    curvature_in_first,
    curvature_in_second,
    loss_polynomial,
    mean,
    residual,
)
from icl_claims.theory.task import isotropic
from icl_claims.theory.transformer.attention import X_QUERY, W, X, layer, prompt
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.prompts import LABELS, over_prompts
from icl_claims.theory.transformer.query_label import prove_slot_only_shifts
from tests.shared.strategies import matrices

R = letter("R", "d", "d")
"""Any direction."""
SIZES = ((2, 1), (2, 3), (3, 2))


def check_convexity(curvature: Callable[[Words], Words]) -> None:
    """f(A, B + R) + f(A, B − R) − 2 f(A, B) is twice a mean of squares, for all d, n and any matrices."""
    f = loss_polynomial()
    if f != mean((residual(A, B).T @ residual(A, B)).trace()):
        raise Refuted("the loss of two layers is not E‖(I − BᵀS)(I − AᵀS)‖²")
    ahead, behind = (f.substitute({"B": B + R * sign}) for sign in (1, -1))
    if ahead + behind - f * 2 != curvature(R) * 2:
        raise Refuted("the second difference in B is another one")


def check_invariance() -> None:
    """f is a polynomial in traces of words in A and B alone, so f(UAUᵀ, UBUᵀ) = f(A, B) for orthogonal U."""
    f = loss_polynomial()
    if any(word for _, word in f.terms) or {x.name for x in f.letters()} != {"A", "B"}:
        raise Refuted("the loss holds other letters than A and B, or a word outside a trace")


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer",
    grade="proof",
    range="all d, n ≥ 1",
)
def test_claim_two_layer_symmetric_minimizer(evidence: Evidence) -> None:
    """The averaging argument, its steps as identities in symbolic d, n and matrices: turn A_0 into a diagonal
    matrix; f(A_0, ·) is convex, and invariant under the sign changes that fix A_0, whose average is the diagonal part
    of A_1. A minimizer exists, by the certificate of `two_layer_symmetric_minimizer_scalar`, which names it."""
    check_invariance()
    mutants: dict[str, Callable[[Words], Words]] = {
        "A_1 and A_0 exchanged": curvature_in_first,
        "half the curvature": lambda direction: curvature_in_second(direction) * Fraction(1, 2),
        "A_0 forgotten": lambda direction: mean(
            ((direction.T @ X @ X.T / n) @ (X @ X.T @ direction / n)).trace()
        ),
    }
    evidence.check(check_convexity, curvature_in_second, mutants)
    f = loss_polynomial()
    ahead, behind = (f.substitute({"A": A + R * sign}) for sign in (1, -1))
    if ahead + behind - f * 2 != curvature_in_first(R) * 2:
        raise Refuted("the second difference in A is no mean of squares")
    evidence.figure("terms of the loss of two layers with any matrices", len(f.terms))
    evidence.figure("symmetric matrices that the argument needs", "one of the two")


Replacement = Callable[[fmpq_mat, fmpq_mat], fmpq_mat]
"""(A_0, A_1) ↦ the matrix in the place of A_1, claimed to lose no more."""


def diagonal_part(_: fmpq_mat, second: fmpq_mat) -> fmpq_mat:
    return exact.diagonal([second[i, i] for i in range(second.nrows())])


def check_replacement(replacement: Replacement) -> None:
    """For diagonal A_0 the loss falls or stays, at three sizes and two pairs each, in exact arithmetic."""
    for d, size in SIZES:
        task = isotropic(d, size)
        for scale in (1, 3):
            first = exact.diagonal([fmpq(i + 1, 4 * scale) for i in range(d)])
            second = fmpq_mat([[fmpq(1 + 2 * i + j * j, 6 * scale) for j in range(d)] for i in range(d)])
            found = replacement(first, second)
            if layered_loss(task, [first, found]) > layered_loss(task, [first, second]):
                raise Refuted(f"d = {d}, n = {size}: the replacement loses more")
            if any(found[i, j] for i in range(d) for j in range(d) if i != j):
                raise Refuted("the replacement is not diagonal")


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer",
    grade="exact",
    range="d ≤ 3, n ≤ 5, random rational pairs",
    complete=False,
)
def test_claim_two_layer_symmetric_minimizer_no_worse(evidence: Evidence) -> None:
    """For diagonal A_0 and any A_1, symmetric or not, the diagonal part of A_1 loses no more; nor does that of
    A_0 where A_1 is diagonal."""
    mutants: dict[str, Replacement] = {
        "A_1 itself": lambda _, second: second,
        "diagonal part doubled": lambda first, second: diagonal_part(first, second) * 2,
        "zero": lambda _, second: second * 0,
        "sign": lambda first, second: diagonal_part(first, second) * -1,
    }
    evidence.check(check_replacement, diagonal_part, mutants)

    @given(st.integers(2, 3), st.integers(1, 5), st.data())
    def no_worse(d: int, size: int, data: st.DataObject) -> None:
        task = isotropic(d, size)
        free = data.draw(matrices(d, d)) / 4
        fixed = diagonal_part(free, data.draw(matrices(d, d)) / 4)
        part = diagonal_part(fixed, free)
        assert layered_loss(task, [fixed, part]) <= layered_loss(task, [fixed, free])
        assert layered_loss(task, [part, fixed]) <= layered_loss(task, [free, fixed])

    no_worse()


@pytest.mark.claim(slug="two_layer_symmetric_minimizer", grade="proof", range="all d, n, σ²", parts=())
def test_claim_two_layer_symmetric_minimizer_necessity(evidence: Evidence) -> None:
    """Noise and a filled slot leave the averaging argument as it is."""
    state = layer(*sparse(B), layer(*sparse(A), prompt(LABELS)))
    error = state[1, 1] + W.T @ X_QUERY
    noisy = over_prompts(error * error).substitute({"Sigma": eye("d"), "Omega": eye("d")})
    S = X @ X.T / n
    moved = R.T @ (eye("d") - S @ A.T)
    extra = mean((moved @ S @ moved.T).trace()) * (sigma2 / n)
    ahead, behind = (noisy.substitute({"B": B + R * sign}) for sign in (1, -1))
    if ahead + behind - noisy * 2 != (curvature_in_second(R) + extra) * 2:
        raise Refuted("with noise the second difference in B is no mean of squares")
    if {x.name for x in noisy.letters()} != {"A", "B"}:
        raise Refuted("with noise the loss is no polynomial in traces of A and B")
    evidence.dispensable(
        "noiseless_labels",
        "With noise f is still a polynomial in traces of A_0 and A_1, convex in each, and no less than without: it has "
        "minimizers, and the averaging argument makes one of them diagonal.",
    )
    prove_slot_only_shifts([sparse(A), sparse(B)])
    evidence.dispensable(
        "zero_query_label",
        "A value c in the slot shifts the error by c at every layer; the error is odd in w, so f grows by the "
        "constant c².",
    )
