"""Ahn et al. (2023), Lemma 1: which preconditioner the forward pass of the sparse parametrization runs.

The lemma writes A_l; the layer runs A_lᵀ. The convention is not ours to choose: in Attn = P Z M (Zᵀ Q Z) the
mask fixes that the left index of Zᵀ Q Z is the key, so the query enters as −x_iᵀ A_l x_q.
"""

from typing import NamedTuple

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n, zero
from icl_claims.theory.transformer.attention import NO_MASK, X_QUERY, X, prompt
from icl_claims.theory.transformer.preconditioned_gd import (
    DIRECTION,
    ITERATE,
    LABELS,
    A,
    after_layer,
    gradient,
    least_squares,
    state,
)
from tests.shared.integer_tensors import draw_integers


class Instance(NamedTuple):
    """One prompt (context columns, query, task) and one matrix A_0."""

    A: list[list[int]]
    X: list[list[int]] = [[1], [0]]  # noqa: RUF012
    query: tuple[int, int] = (0, 1)
    task: tuple[int, int] = (1, 0)


def query_entry_in_numbers(instance: Instance) -> fmpq:
    """[Z_1]_{d+1,n+1}, the layer multiplied out with P = diag(0, 1), Q = −diag(A, 0), M = diag(I_n, 0)."""
    context = fmpq_mat(instance.X)
    d, size = context.nrows(), context.ncols()
    labels = fmpq_mat([list(instance.task)]) * context
    rows = [[*context.tolist()[a], instance.query[a]] for a in range(d)] + [[*labels.tolist()[0], 0]]
    Z = fmpq_mat(rows)
    P = fmpq_mat([[int(i == j == d) for j in range(d + 1)] for i in range(d + 1)])
    M = fmpq_mat([[int(i == j < size) for j in range(size + 1)] for i in range(size + 1)])
    Q = fmpq_mat([[-x for x in row] + [0] for row in instance.A] + [[0] * (d + 1)])
    return (Z + P * Z * M * (Z.transpose() * Q * Z) / size)[d, size]


def written_entry_in_numbers(instance: Instance) -> fmpq:
    """−⟨x_q, w_1⟩ with w_1 = −A_0 ∇R(0) = A_0 S w, as the lemma writes it."""
    context = fmpq_mat(instance.X)
    gram = context * context.transpose() / context.ncols()
    w = fmpq_mat(instance.A) * gram * fmpq_mat([[x] for x in instance.task])
    return -(fmpq_mat([list(instance.query)]) * w)[0, 0]


def check_counterexample(instance: Instance) -> None:
    """The layer and the lemma differ on this prompt."""
    if query_entry_in_numbers(instance) == written_entry_in_numbers(instance):
        raise Refuted(f"the lemma holds at {instance}")


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd",
    grade="exact",
    range="d = 2, n = 1, L = 1, one non-symmetric A_0",
    complete=True,
    refutes=True,
)
def test_claim_forward_pass_is_preconditioned_gd_counterexample(evidence: Evidence) -> None:
    """x_1 = e_1, x_q = e_2, w = e_1, A_0 = e_1 e_2ᵀ: the layer's query entry is −1, the lemma's −⟨x_q, w_1⟩
    is 0, for w_1 = A_0 S w = 0. With A_0ᵀ in its place both are −1."""
    counterexample = Instance(A=[[0, 1], [0, 0]])
    no_counterexamples = {
        "A_0 = I": Instance(A=[[1, 0], [0, 1]]),
        "A_0 diagonal": Instance(A=[[2, 0], [0, 3]]),
        "A_0 symmetric": Instance(A=[[1, 2], [2, 5]]),
    }
    evidence.check(check_counterexample, counterexample, no_counterexamples)
    transposed = Instance(A=[[0, 0], [1, 0]])
    if written_entry_in_numbers(transposed) != query_entry_in_numbers(counterexample):
        raise Refuted("the transpose does not repair the lemma at the counterexample")
    evidence.figure("layer", query_entry_in_numbers(counterexample))
    evidence.figure("lemma", written_entry_in_numbers(counterexample))


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd",
    grade="proof",
    range="all d, n, l, every prompt, symmetric A_l",
    complete=False,
)
def test_claim_forward_pass_is_preconditioned_gd_symmetric() -> None:
    """Where every A_l is symmetric the lemma holds as written, by the induction for the transpose."""
    symmetric = letter("A", "d", "d", symmetric=True)
    step = state(ITERATE - symmetric @ gradient(ITERATE))
    one_layer = after_layer(ITERATE)
    for i in range(2):
        for j in range(2):
            if one_layer[i, j].substitute({"A": symmetric}) != step[i, j]:
                raise Refuted(f"block ({i}, {j}) of the next state is not that of w − A∇R(w)")


class Recursion(NamedTuple):
    """A claim: w_{l+1} = w_l − preconditioner · ∇R(w_l), with query entry sign · ⟨x_q, w_l⟩."""

    preconditioner: Words
    gradient: Words
    sign: int = -1


def check_induction(recursion: Recursion) -> None:
    """Base case, gradient and induction step, each an identity in symbolic blocks."""
    if state(zero("d", "1")) != prompt(LABELS):
        raise Refuted("Z_0 is not the state of w_0 = 0")
    curvature = DIRECTION.T @ X @ X.T @ DIRECTION / (2 * n)
    expanded = least_squares(ITERATE) + DIRECTION.T @ recursion.gradient + curvature
    if least_squares(ITERATE + DIRECTION) != expanded:
        raise Refuted("R(w + v) − R(w) is not ⟨v, ∇R(w)⟩ + (1/2n)‖Xᵀv‖²")
    if state(ITERATE)[1, 1] != (ITERATE.T @ X_QUERY) * recursion.sign:
        raise Refuted("the query entry of the state has another sign")
    if after_layer(ITERATE) != state(ITERATE - recursion.preconditioner @ recursion.gradient):
        raise Refuted("one layer does not take the state of w to that of w − preconditioner · ∇R(w)")


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd_transposed",
    grade="proof",
    range="all d, n ≥ 1, L, every prompt, all A_l, all labels",
)
def test_claim_forward_pass_is_preconditioned_gd_transposed(evidence: Evidence) -> None:
    """Induction on l in symbolic blocks: Z_0 is the state of w_0 = 0, and one layer with any A takes the
    state of any w to that of w − Aᵀ∇R(w), for any labels."""
    grad = gradient(ITERATE)
    mutants = {
        "A instead of Aᵀ": Recursion(A, grad),
        "sign of the step": Recursion(-A.T, grad),
        "1/n dropped from ∇R": Recursion(A.T, grad * n),
        "R with 1/n instead of 1/2n": Recursion(A.T, grad * 2),
        "entry +⟨x_q, w_l⟩": Recursion(A.T, grad, sign=1),
    }
    evidence.check(check_induction, Recursion(A.T, grad), mutants)


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd", grade="exact", range="one instance each", parts=()
)
@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd_transposed", grade="exact", range="one instance each", parts=()
)
def test_claim_forward_pass_is_preconditioned_gd_necessity(evidence: Evidence) -> None:
    """Each assumption dropped: the query attends to itself after one layer; a filled slot moves w_0."""
    next_state = state(ITERATE - A.T @ gradient(ITERATE))
    query_term = (ITERATE.T @ X_QUERY) * (X_QUERY.T @ A @ X_QUERY) / n
    difference = after_layer(ITERATE, NO_MASK)[1, 1] - next_state[1, 1]
    if difference != query_term or not query_term:
        raise Refuted("without the mask the query entry does not gain the query's own term")
    evidence.necessary(
        "masked_query",
        "Without the mask a layer adds ⟨w_l, x_q⟩·x_qᵀA_l x_q/n to the query entry: from the second layer "
        "on, where w_l ≠ 0, it is no step of gradient descent on the context.",
    )
    filled = prompt(LABELS, letter("c", "1", "1"))
    if filled[1, 1] == state(zero("d", "1"))[1, 1]:
        raise Refuted("a filled label slot does not change the state")
    evidence.necessary("zero_query_label", "With c in the slot the entry starts at c, not at −⟨x_q, 0⟩ = 0.")


@pytest.mark.claim(
    slug="forward_pass_is_preconditioned_gd_transposed",
    grade="exact",
    range="d ≤ 4, n ∈ {1, 2, 4}, L ≤ 3, integer values",
)
def test_claim_forward_pass_is_preconditioned_gd_transposed_torch() -> None:
    """The torch model against the recursion, for random shapes and integer values: every layer's query entry
    is equal, not close. All numbers are multiples of 2⁻⁶ below 2³¹, which float64 holds exactly."""

    @given(st.data())
    def equal(data: st.DataObject) -> None:
        d, size, layers = (
            data.draw(st.integers(1, 4)),
            data.draw(st.sampled_from([1, 2, 4])),
            data.draw(st.integers(1, 3)),
        )
        shapes = (layers, d, d), (d, size), (d, 1), (1, size)
        matrices, context, query, labels = (draw_integers(data, shape, 3) for shape in shapes)
        corner = torch.zeros((1, 1), dtype=torch.float64)
        Z0 = torch.cat([torch.cat([context, query], 1), torch.cat([labels, corner], 1)])
        states = LinearTransformer.from_preconditioners(matrices).states(Z0)
        w = torch.zeros((d, 1), dtype=torch.float64)
        for layer, Z in enumerate(states):
            assert Z[d, size] == -(query.T @ w).item()
            assert torch.equal(Z[:d], Z0[:d])
            assert torch.equal(Z[d:, :size], labels - w.T @ context)
            if layer < layers:
                w = w - matrices[layer].T @ (context @ (context.T @ w - labels.T) / size)

    equal()
