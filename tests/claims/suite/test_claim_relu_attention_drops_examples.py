"""What a ReLU does to attention: a fair coin decides for each example whether it counts."""

from itertools import product

import pytest
import sympy
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.derivations.relu_attention_drops_examples import DERIVATION, STATED
from icl_claims.theory.one_layer.rectifier import SCORE, prove_odd_in_the_example
from tests.shared.coin_laws import Layer, layers, margin
from tests.shared.integer_tensors import draw_integers

SLUG = "relu_attention_drops_examples"


NO_COVARIANCE = "the statement is about every symmetric law of the examples: no Σ stands in it"
STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"statement": margin},
    conditions={
        "symmetric_examples": lambda layer: layer.signs,
        "masked_query": lambda layer: layer.masked,
        "zero_query_label": lambda layer: layer.slot == 0,
    },
    instances=layers,
    without=lambda key: layers(without=key),
    excluded={
        "L = 1": "the statement is about one layer",
        **dict.fromkeys(("Σ = cI", "repeated eigenvalues"), NO_COVARIANCE),
    },
)

ONE, ZERO = fmpq(1), fmpq(0)
PLAIN = Layer((ZERO, ONE), fmpq_mat([[1, 0], [0, 0]]), ((ONE, ONE),), (ONE,), ZERO)


@pytest.mark.claim(
    slug="relu_attention_drops_examples",
    grade="proof",
    range="all d, n, P, Q, every symmetric law of the examples",
)
def test_claim_relu_attention_drops_examples(evidence: Evidence) -> None:
    """Of an example and its negative, equally likely, one contributes p s and the other 0: a fair coin, independent
    of p s and of the other examples."""
    neither, count = "Lemma 2: a contribution of an example", "Lemma 2: of an example and its negative"
    activations = {
        sympy.Max(SCORE, SCORE / 10): neither,
        sympy.Max(-SCORE, 0): neither,
        sympy.Abs(SCORE): neither,
        sympy.Max(SCORE, 0) ** 2: neither,
        SCORE: count,
    }
    two = Layer((ZERO, ONE), fmpq_mat([[2, 0], [0, 0]]), ((ONE, ONE),), (ONE,), ZERO)
    mutants = [changed(STATED, reason, sigma=sigma) for sigma, reason in activations.items()]
    mutants += [changed(STATED, count, keep=sympy.Rational(*x)) for x in ((1, 3), (1, 1))]
    evidence.prove(DERIVATION, STATEMENT, mutants, at=two)


@pytest.mark.claim(
    slug="relu_attention_drops_examples",
    grade="exact",
    range="d ≤ 3, n ∈ {1, 2, 4}, integer weights and prompts",
)
def test_claim_relu_attention_drops_examples_torch() -> None:
    """The torch model: its predictions over the 2ⁿ sign patterns of the examples are, as a multiset, those of
    linear attention over the 2ⁿ subsets of examples. Equal, not close: quarters of integers below 2⁵⁰."""

    @given(st.data())
    def equal(data: st.DataObject) -> None:
        d, n = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
        shapes = (1, d + 1, d + 1), (1, d + 1, d + 1), (d + 1, n + 1)
        P, Q, Z0 = (draw_integers(data, shape, 5) for shape in shapes)
        with_relu = LinearTransformer.from_matrices(P, Q, activation="relu")
        linear = LinearTransformer.from_matrices(P, Q)

        def predictions(model: LinearTransformer, factors: tuple[int, int]) -> list[float]:
            patterns = torch.tensor(list(product(factors, repeat=n)), dtype=torch.float64)
            scaled = torch.cat([patterns, torch.ones(len(patterns), 1, dtype=torch.float64)], 1)
            return sorted(model(Z0 * scaled[:, None, :]).tolist())

        assert predictions(with_relu, (1, -1)) == predictions(linear, (1, 0))

    equal()


def slot_is_dispensable() -> None:
    """With c in the slot the score is z_iᵀQ(x_q; c), odd in z_i as well: Lemma 1 is proved for every c."""
    prove_odd_in_the_example()


@pytest.mark.claim(
    slug="relu_attention_drops_examples", grade="exact", range="one instance each, d = n = 1", parts=()
)
def test_claim_relu_attention_drops_examples_necessity(evidence: Evidence) -> None:
    """An example that is never flipped is not dropped; without the mask the query drops itself for certain."""
    certain = Layer(PLAIN.b, PLAIN.Q, PLAIN.examples, PLAIN.query, ZERO, signs=False)
    evidence.necessary(STATEMENT, "symmetric_examples", certain)
    own = Layer((ONE, ZERO), fmpq_mat([[-1, 0], [0, 0]]), ((ONE, ZERO),), (ONE,), ZERO, masked=False)
    evidence.necessary(STATEMENT, "masked_query", own)
    evidence.dispensable("zero_query_label", slot_is_dispensable)
