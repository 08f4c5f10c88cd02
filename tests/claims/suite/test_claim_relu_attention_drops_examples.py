"""What a ReLU does to attention: a fair coin decides for each example whether it counts."""

from itertools import product

import pytest
import sympy
import torch
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.evidence import Evidence
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.one_layer import linear_attention, single_layer
from icl_claims.theory.one_layer.single_layer import GAMMA, LINEAR
from tests.shared.activations import OTHERS, Activation, relu
from tests.shared.integer_tensors import draw_integers

SIZE, VALUE = sympy.Symbol("m", positive=True), sympy.Symbol("p", real=True)

MUTANTS: dict[str, Activation] = {**OTHERS, "ReLU squared": lambda s: sympy.Max(s, 0) ** 2}


def check_coin(sigma: Activation) -> None:
    """z ↦ −z takes (p, s) to (−p, −s): the two contributions p σ(s) and −p σ(−s) are p s and 0, in some order."""
    for s in (SIZE, -SIZE):
        pair = [VALUE * sigma(s), -VALUE * sigma(-s)]
        differences = [sympy.Poly(pair[i] - VALUE * s, VALUE, SIZE) for i in range(2)]
        zeros = [sympy.Poly(pair[1 - i], VALUE, SIZE) for i in range(2)]
        if not any(a.is_zero and b.is_zero for a, b in zip(differences, zeros, strict=True)):
            raise Refuted(f"the contributions at s = {s} are {pair}, not p s and 0")


@pytest.mark.claim(
    slug="relu_attention_drops_examples",
    grade="proof",
    range="all d, n, P, Q, every symmetric law of the examples",
)
def test_claim_relu_attention_drops_examples(evidence: Evidence) -> None:
    """Of an example and its negative, equally likely, one contributes p s and the other 0: a fair coin,
    independent of p s and of the other examples. Where s = 0 both contribute p s = 0."""
    evidence.check(check_coin, relu, MUTANTS)


@pytest.mark.claim(
    slug="relu_attention_drops_examples",
    grade="exact",
    range="all d, n, Σ, Ω, σ², all P, Q: the loss of linear attention",
)
def test_claim_relu_attention_drops_examples_linear() -> None:
    """With no example dropped, the loss and the gradient computed example by example are, as polynomials, those
    that the layer of linear attention gives by another route."""
    if single_layer.loss_polynomial(LINEAR) != linear_attention.loss_from_layer():
        raise Refuted("the loss by examples is not that of the layer")
    if single_layer.product_gradient(GAMMA, LINEAR) != linear_attention.gradient_from_layer(GAMMA):
        raise Refuted("the gradient by examples is not that of the layer")


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


@pytest.mark.claim(
    slug="relu_attention_drops_examples", grade="exact", range="one instance each, d = n = 1", parts=()
)
def test_claim_relu_attention_drops_examples_necessity(evidence: Evidence) -> None:
    """Examples that are never flipped are not dropped; without the mask the query attends to itself for certain."""
    P = torch.tensor([[[0.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    Q = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]], dtype=torch.float64)
    constant = torch.tensor([[1.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    if LinearTransformer.from_matrices(P, Q, activation="relu")(constant).item() != -1:
        raise Refuted("the constant example was dropped")
    evidence.necessary(
        "symmetric_examples",
        "d = n = 1, x_1 = y_1 = x_q = 1 for certain, P = diag(0, 1), Q = diag(1, 0): the query entry is 1 for "
        "certain, and not 0 with probability 1/2.",
    )
    P = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]], dtype=torch.float64)
    flips = [torch.tensor([[sign, 1.0], [0.0, 0.0]], dtype=torch.float64) for sign in (1.0, -1.0)]
    model = LinearTransformer.from_matrices(P, Q, mask=False, activation="relu")
    mean = sum((fmpq(int(-model(Z).item())) for Z in flips), fmpq(0)) / 2
    if mean != fmpq(3, 2):
        raise Refuted(f"the mean of the query entry is {mean}")
    evidence.necessary(
        "masked_query",
        "d = n = 1, x_1 = ±1, x_q = 1, u = A = 1, β = 0, no mask: the query contributes 1 for certain, the mean of "
        "its entry is 3/2, where coins for both columns would give 1.",
    )
    evidence.dispensable(
        "zero_query_label",
        "With c in the slot z_iᵀQ(x_q, c) takes the place of z_iᵀAx_q: odd in z_i as well. The torch evidence draws "
        "all slots.",
    )
