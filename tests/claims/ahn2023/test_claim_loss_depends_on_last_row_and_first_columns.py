"""Ahn et al. (2023), App. A.1: the loss of one layer depends on the last row of P and d columns of Q."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, letter, n
from icl_claims.theory.one_layer.linear_attention import query_entry
from icl_claims.theory.one_layer.products import factors
from icl_claims.theory.one_layer.single_layer import A_X, BETA, U, loss, loss_polynomial
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.attention import NO_MASK, X_QUERY, W, prompt
from icl_claims.theory.transformer.prompts import LABELS, over_prompts
from tests.shared import coordinates
from tests.shared.coordinates import gaussian_prompt
from tests.shared.strategies import matrices

FREE = {"P_x", "p", "q", "q_0"}
"""The blocks of P and Q that the claim says do not matter."""

Statement = tuple[Words, Words]
"""([Z_1]_{d+1,n+1}, ρ x_q) as a claim writes them; the loss is the mean square of the second."""


def written(
    gram: Callable[[Blocks], Blocks] = lambda tokens: tokens @ tokens.T / n,
    tokens: Blocks | None = None,
    task_sign: int = 1,
    row: Blocks | None = None,
) -> Statement:
    """bᵀ G A x_q and (bᵀ G A + wᵀ) x_q with G = (1/n) Σ_i z_i z_iᵀ over context tokens."""
    context = Blocks([[prompt(LABELS)[0, 0]], [LABELS]]) if tokens is None else tokens
    b, A = factors()
    entry = ((b if row is None else row) @ gram(context) @ A)[0, 0] @ X_QUERY
    return entry, entry + W.T @ X_QUERY * task_sign


def check(statement: Statement) -> None:
    """The layer's query entry is the stated one, for all P, Q and prompts; the loss the stated square."""
    entry, residual = statement
    if query_entry() != entry:
        raise Refuted("the query entry of the layer differs from bᵀ G A x_q")
    if loss_polynomial() != over_prompts(residual * residual):
        raise Refuted("the loss differs from E‖(bᵀ G A + wᵀ) x_q‖²")


MUTANTS = {
    "G over n + 1 tokens": written(tokens=prompt(LABELS)),
    "1/n → 1/(n+1)": written(gram=lambda tokens: tokens @ tokens.T / (n + 1)),
    "1/n dropped": written(gram=lambda tokens: tokens @ tokens.T),
    "wᵀ → −wᵀ": written(task_sign=-1),
    "last row of P → last column of P": written(row=Blocks([[letter("p", "d", "1").T, BETA]])),
}


@pytest.mark.claim(
    slug="loss_depends_on_last_row_and_first_columns",
    grade="proof",
    range="all d, n ≥ 1, every prompt, all P, Q; loss for all Σ, Ω, σ²",
)
def test_claim_loss_depends_on_last_row_and_first_columns(evidence: Evidence) -> None:
    """The layer multiplied out in symbolic blocks: the query entry is bᵀGA x_q as an identity in the
    prompt and in all entries of P and Q, and holds none of the entries outside b and A."""
    evidence.check(check, written(), MUTANTS)
    occurring = {x.name for x in query_entry().letters()}
    if occurring & FREE:
        raise Refuted(f"the query entry depends on {sorted(occurring & FREE)}")
    evidence.figure("free entries of P and Q", "d(d+1) of P and d+1 of Q")
    evidence.figure("terms of f(b, A) in closed form", len(loss_polynomial().terms))


@pytest.mark.claim(
    slug="loss_depends_on_last_row_and_first_columns",
    grade="exact",
    range="one instance per assumption",
    parts=(),
)
def test_claim_loss_depends_on_last_row_and_first_columns_necessity(evidence: Evidence) -> None:
    """Each assumption dropped: the query as a key adds terms, a filled label slot brings in more weights."""
    entry, _ = written()
    if query_entry(NO_MASK) == entry:
        raise Refuted("without the mask the formula still holds")
    extra = query_entry(NO_MASK) - entry
    if extra != (U.T @ X_QUERY) * (X_QUERY.T @ A_X @ X_QUERY) / n:
        raise Refuted("without the mask the extra term is not the query's own")
    evidence.necessary(
        "masked_query", "Without the mask the entry gains (uᵀx_q)(x_qᵀA_x x_q)/n: G runs over n + 1 tokens."
    )
    filled = query_entry(query_label=letter("c", "1", "1"))
    if not {"q", "q_0"} <= {x.name for x in filled.letters()}:
        raise Refuted("a filled label slot does not bring in the last column of Q")
    evidence.necessary(
        "zero_query_label", "With c in the slot the last column of Q acts: the entry gains c·bᵀG(q; q_0) + c."
    )


@pytest.mark.claim(
    slug="loss_depends_on_last_row_and_first_columns", grade="exact", range="d = 2, n ≤ 2, random P, Q"
)
def test_claim_loss_depends_on_last_row_and_first_columns_in_coordinates() -> None:
    """A second route: the layer multiplied out in coordinates with all of P and Q, averaged monomial by
    monomial, equals the closed form in b and A exactly."""

    @given(matrices(3, 3), matrices(3, 3), st.integers(1, 2), st.integers(0, 2))
    def agree(P: object, Q: object, context: int, noise: int) -> None:
        factor_sigma, factor_omega = [[1, 0], [1, 2]], [[1, 1], [0, 1]]
        v, drawn = gaussian_prompt(context, factor_sigma, factor_omega, noise)
        task = RegressionTask([[1, 1], [1, 5]], context, [[2, 1], [1, 1]], noise**2)
        p, q = P.tolist(), Q.tolist()  # type: ignore[attr-defined]
        assert coordinates.loss(v, drawn, p, q) == loss(task, p[2], [row[:2] for row in q])

    agree()
