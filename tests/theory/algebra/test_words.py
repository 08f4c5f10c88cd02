"""The algebra of word polynomials against plain matrices: every operation commutes with evaluation."""

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import Letter, Words, eye, letter, n, one, zero
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import isotropic
from tests.shared.strategies import matrices

DIM, CONTEXT = 2, 3
TASK = isotropic(DIM, CONTEXT)
SIZES = {"d": DIM, "n": CONTEXT, "1": 1}

X, A, B = letter("X", "d", "n"), letter("A", "d", "d"), letter("B", "d", "d", symmetric=True)
u, v, s = letter("u", "d", "1"), letter("v", "d", "1"), letter("s", "1", "1")
LETTERS = {"X": X, "A": A, "B": B, "u": u, "v": v, "s": s}


@st.composite
def values(draw: st.DrawFn) -> dict[str, fmpq_mat]:
    drawn = {}
    for name, words in LETTERS.items():
        m = draw(matrices(SIZES[words.rows], SIZES[words.cols]))
        drawn[name] = m + m.transpose() if name == "B" else m
    return drawn


SQUARES = (A, B, X @ X.T, A.T, u @ v.T, A @ B, eye("d"), B * s)
squares = st.lists(st.sampled_from(SQUARES), min_size=1, max_size=3).map(
    lambda factors: sum(factors[1:], factors[0] * 2)
)


def at(words: Words, drawn: dict[str, fmpq_mat]) -> fmpq_mat:
    return at_task(words, TASK, drawn)


@given(squares, squares, squares, values())
def test_operations_commute_with_evaluation(p: Words, q: Words, r: Words, drawn: dict[str, fmpq_mat]) -> None:
    assert at(p @ q, drawn) == at(p, drawn) * at(q, drawn)
    assert at(p + q, drawn) == at(p, drawn) + at(q, drawn)
    assert at(p - q, drawn) == at(p, drawn) - at(q, drawn)
    assert at(p.T, drawn) == at(p, drawn).transpose()
    assert at((p @ q @ r).trace(), drawn)[0, 0] == exact.trace(at(p, drawn) * at(q, drawn) * at(r, drawn))
    assert at(p * (q.trace() / n), drawn) == at(p, drawn) * exact.trace(at(q, drawn)) / CONTEXT


@given(squares, squares, squares)
def test_ring_laws_hold_as_identities(p: Words, q: Words, r: Words) -> None:
    assert (p @ q) @ r == p @ (q @ r)
    assert p @ (q + r) == p @ q + p @ r
    assert (p @ q).T == q.T @ p.T
    assert (p @ q).trace() == (q @ p).trace() == (q.T @ p.T).trace()
    assert not p - p


@given(squares, squares, values())
def test_substitution_commutes_with_evaluation(p: Words, q: Words, drawn: dict[str, fmpq_mat]) -> None:
    symmetrized = q + q.T
    substituted = at(p.substitute({"A": q, "B": symmetrized}), drawn)
    assert substituted == at(p, {**drawn, "A": at(q, drawn), "B": at(symmetrized, drawn)})


def test_normal_form_splits_at_dimension_one() -> None:
    assert u @ v.T @ A @ u == u * (v.T @ A @ u)
    assert (u @ v.T @ A).trace() == v.T @ A @ u == u.T @ A.T @ v
    assert s @ s == s * s
    assert u @ s == u * s


def test_sizes_are_symbolic() -> None:
    assert eye("d").trace() != eye("n").trace()
    assert eye("1").trace() == one()
    assert at(eye("n").trace(), {})[0, 0] == CONTEXT


def test_noncommuting_letters_stay_apart() -> None:
    assert A @ B != B @ A
    assert A != A.T
    assert B == B.T
    assert (A @ A.T).trace() != (A @ A).trace()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: A + X, "one shape"),
        (lambda: X @ A, "shapes must chain"),
        (lambda: X.trace(), "square"),
        (lambda: A * B, "1 × 1"),
        (lambda: Letter("A", "d", "m"), "rows and cols"),
        (lambda: Letter("A", "d", "n", symmetric=True), "square"),
    ],
)
def test_wrong_shapes_are_refused(build: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()  # type: ignore[operator]


@pytest.mark.parametrize("factor", [0.5, True, "2", None])
def test_coefficients_are_exact(factor: object) -> None:
    with pytest.raises(TypeError, match="coefficient"):
        A * factor  # type: ignore[operator]


def test_evaluation_wants_every_letter_in_its_shape() -> None:
    with pytest.raises(KeyError):
        at(A, {})
    with pytest.raises(ValueError, match="A must be of shape 2 × 2, got 1 × 1"):
        at(A, {"A": fmpq_mat([[1]])})


def test_zero_coefficients_vanish() -> None:
    assert zero("d", "d") == A * 0
    assert not A * 0
    assert at(A * 0, {"A": fmpq_mat([[1, 2], [3, fmpq(1, 2)]])}) == fmpq_mat(2, 2)
