"""Instances of statements about one layer given w and x_q: its query entry's law, sign by sign and coin by coin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import sympy
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.derivations.relu_attention_drops_examples import Coins
from icl_claims.theory.one_layer.rectifier import SCORE
from tests.shared.sizes import sizes
from tests.shared.strategies import matrices, positive_rationals, rationals


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
