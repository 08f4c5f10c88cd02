"""What a ReLU does to attention: a fair coin decides for each example whether it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import pytest
import sympy
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import ANYWHERE, Corner, Statement
from icl_claims.models.attention import LinearTransformer
from icl_claims.theory.derivations.relu_attention_drops_examples import DERIVATION, STATED, Coins
from icl_claims.theory.one_layer.rectifier import SCORE, prove_odd_in_the_example
from tests.shared.integer_tensors import draw_integers
from tests.shared.sizes import sizes
from tests.shared.strategies import matrices, positive_rationals, rationals

SLUG = "relu_attention_drops_examples"


@dataclass(frozen=True)
class Layer:
    """The last row b of P, Q, and the prompt given w and x_q: the examples up to their signs, x_q and its slot.

    ``signs`` says whether each example is z_i or −z_i with probability 1/2 each, or z_i for certain.
    """

    b: tuple[fmpq, ...]
    Q: fmpq_mat
    examples: tuple[tuple[fmpq, ...], ...]
    query: tuple[fmpq, ...]
    slot: fmpq
    signs: bool = True
    masked: bool = True

    def __str__(self) -> str:
        shown = "; ".join(f"({', '.join(map(str, z))})" for z in self.examples)
        sign = "±" if self.signs else ""
        mask = "" if self.masked else ", no mask"
        return (
            f"examples {sign}[{shown}], query ({', '.join(map(str, (*self.query, self.slot)))}), "
            f"b = ({', '.join(map(str, self.b))}), Q = {self.Q.tolist()}{mask}"
        )

    def value_and_score(self, z: tuple[fmpq, ...]) -> tuple[fmpq, fmpq]:
        """bᵀz and zᵀQ(x_q; c)."""
        column = self.Q * fmpq_mat([[x] for x in (*self.query, self.slot)])
        value = sum((x * y for x, y in zip(self.b, z, strict=True)), fmpq(0))
        return value, sum((x * column[i, 0] for i, x in enumerate(z)), fmpq(0))


def law_with_activation(sigma: sympy.Expr, layer: Layer) -> Counter[fmpq]:
    """n times what the layer adds to its query entry, with the probability of each value: sign by sign."""
    law: Counter[fmpq] = Counter()
    patterns = list(product((1, -1) if layer.signs else (1,), repeat=len(layer.examples)))
    for pattern in patterns:
        tokens = [tuple(s * x for x in z) for s, z in zip(pattern, layer.examples, strict=True)]
        tokens += [] if layer.masked else [(*layer.query, layer.slot)]
        law[total((p, of(sigma, s)) for p, s in map(layer.value_and_score, tokens))] += fmpq(1, len(patterns))
    return law


def law_with_coins(keep: fmpq, layer: Layer) -> Counter[fmpq]:
    """The same for linear attention on the examples that the coins keep; what is no example counts for certain."""
    law: Counter[fmpq] = Counter()
    for kept in product((0, 1), repeat=len(layer.examples)):
        tokens = [z for k, z in zip(kept, layer.examples, strict=True) if k]
        tokens += [] if layer.masked else [(*layer.query, layer.slot)]
        chance = fmpq(1)
        for k in kept:
            chance *= keep if k else 1 - keep
        law[total(map(layer.value_and_score, tokens))] += chance
    return law


def total(pairs: Iterable[tuple[fmpq, fmpq]]) -> fmpq:
    return sum((p * s for p, s in pairs), fmpq(0))


def of(sigma: sympy.Expr, s: fmpq) -> fmpq:
    value = sigma.subs(SCORE, sympy.Rational(str(s)))
    return fmpq(int(value.p), int(value.q))


def margin(coins: Coins, layer: Layer) -> fmpq:
    """Minus the squared distance of the two laws, as vectors of probabilities."""
    found = law_with_activation(coins.sigma, layer)
    stated = law_with_coins(fmpq(int(coins.keep.p), int(coins.keep.q)), layer)
    return -sum(((found[x] - stated[x]) ** 2 for x in {*found, *stated}), fmpq(0))


@st.composite
def layers(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Layer:
    d, n = draw(sizes(corner))
    tokens = st.lists(rationals, min_size=d + 1, max_size=d + 1).map(tuple)
    return Layer(
        b=draw(tokens),
        Q=draw(matrices(d + 1, d + 1)),
        examples=tuple(draw(tokens) for _ in range(n)),
        query=draw(tokens)[:d],
        slot=draw(positive_rationals) if without == "zero_query_label" else fmpq(0),
        signs=without != "symmetric_examples",
        masked=without != "masked_query",
    )


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
