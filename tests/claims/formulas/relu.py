"""Attention with the ReLU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.transformer.attention import MASK
from tests.claims.formulas.points import SIZES, Points, at_numbers, family
from tests.claims.formulas.prompts import any_layer
from tests.claims.formulas.table import compares
from tests.claims.formulas.values import Matrix


@compares(
    "relu_attention_minimizer relu_attention_drops_examples",
    r"\operatorname{Attn}^\sigma(Z)=PZM\sigma(Z^\top QZ)",
)
def relu_attention_by_tokens() -> Iterator[dict[str, Any]]:
    """Attn^σ, token by token: column c is Σ_{i≤n} P z_i σ(z_i^⊤ Q z_c); σ: max(·, 0), entrywise."""
    for d, n in SIZES:
        points = Points(d)
        P, Q, Z = (points.matrix(*size) for size in ((d + 1, d + 1), (d + 1, d + 1), (d + 1, n + 1)))
        yield {**relu_layer(P, Q, Z), "P": Matrix(P), "Q": Matrix(Q), "Z": Matrix(Z)}


def relu_layer(P: fmpq_mat, Q: fmpq_mat, Z: fmpq_mat) -> dict[str, Any]:
    """Attn^σ, σ and M for a state Z of n + 1 tokens."""
    n = Z.ncols() - 1
    z = [fmpq_mat([[Z[a, i]] for a in range(Z.nrows())]) for i in range(n + 1)]
    columns = []
    for query in z:
        scores = [(key.transpose() * Q * query)[0, 0] for key in z[:n]]
        parts = [P * key * max(score, fmpq(0)) for key, score in zip(z, scores, strict=False)]
        columns.append(sum(parts[1:], parts[0]).entries())
    value = Matrix([list(row) for row in zip(*columns, strict=True)])
    return {
        r"\operatorname{Attn}^\sigma": lambda _: value,
        r"\sigma": relu,
        "M": at_numbers(MASK, Z.nrows() - 1, n, {}),
    }


def relu(value: Any) -> Any:
    """max(·, 0), entrywise."""
    return value.map(relu) if isinstance(value, Matrix) else max(value, fmpq(0))


@compares("stein_relu_halving", r"\mathbb E[\sigma(x^\top v)x]=\frac12v")
def halving() -> Iterator[dict[str, Any]]:
    """E: over the signs of x, uniform on {−1, 1}^d. The identity needs of the law that x and −x have the same, and
    that E xx^⊤ = I; both are so here, as for N(0, I), and the mean is a finite sum."""
    for d in (1, 2, 3):
        signs = [{"x": Matrix.column([fmpq(s) for s in x])} for x in product((-1, 1), repeat=d)]
        yield {"v": Matrix(Points(d).matrix(d, 1)), r"\sigma": relu, "E∈": signs}


@compares("stein_relu_halving", r"\sigma(\alpha)^2+\sigma(-\alpha)^2=\alpha^2")
def relu_squares() -> Iterator[dict[str, Any]]:
    """σ: max(·, 0)."""
    for alpha in (fmpq(-3, 2), fmpq(0), fmpq(5, 3)):
        yield {r"\sigma": relu, r"\alpha": alpha}


@compares("relu_attention_drops_examples", r"\frac12")
def chance_of_an_example() -> Iterator[dict[str, Any]]:
    """ρ, the chance at which ``theory`` has the loss of ReLU attention."""
    yield {"=": fmpq(single_layer.RELU.numerator, single_layer.RELU.denominator)}


@compares("relu_attention_drops_examples", r"\frac1n\sum_i\kappa_i\,(b^\top z_i)(z_i^\top Ax_q)")
def query_entry_of_relu() -> Iterator[dict[str, Any]]:
    """The query entry of ReLU attention over n; κ_i: 1 where the score of example i is positive, else 0."""
    for d, n in SIZES:
        point, entry = relu_prompt(d, n)
        yield {**point, "=": entry / n, "i∈": range(1, n + 1)}


@compares("relu_attention_drops_examples", r"\kappa_i\in\{0,1\}")
def coins() -> Iterator[dict[str, Any]]:
    """κ_i: by how much σ multiplies the score s of an example, σ(s)/s; other numbers than these are no values of it."""
    values = {max(score, fmpq(0)) / score for score in (fmpq(-2, 3), fmpq(5, 7))}
    for value in (fmpq(-1), fmpq(0), fmpq(1, 2), fmpq(1), fmpq(2)):
        yield {r"\kappa_i": value, "true": value in values}


@compares("relu_attention_drops_examples", r"\frac1n")
def share_of_the_attention() -> Iterator[dict[str, Any]]:
    """What a layer of ``theory`` adds to a state, as a multiple of the attention."""
    for point, attended, _ in any_layer():
        d, n = point["d"], point["n"]
        added = point["after"].rows[d][n] - point["Z"].rows[d][n]
        yield {"d": d, "n": n, "=": added / attended.rows[d][n]}


def relu_prompt(d: int, n: int) -> tuple[dict[str, Any], fmpq]:
    """b, A, x_q, z_i and κ_i of a layer on a prompt, and the entry [Attn^σ]_{d+1,n+1} that is not 0."""
    points = Points(11 * d + n)
    P, Q = (points.matrix(d + 1, d + 1) for _ in range(2))
    Z = points.matrix(d + 1, n + 1).tolist()
    Z[d][n] = fmpq(0)
    state = fmpq_mat(Z)
    entry = relu_layer(P, Q, state)[r"\operatorname{Attn}^\sigma"](None).rows[d][n]
    z = [Matrix.column([Z[a][i] for a in range(d + 1)]) for i in range(n)]
    A = Matrix([row[:d] for row in Q.tolist()])
    x_q = Matrix.column([Z[a][n] for a in range(d)])
    coins = [fmpq(int((token.T @ A @ x_q).rows[0][0] > 0)) for token in z]
    if entry == 0:
        flipped = fmpq_mat([[-x for x in row[:n]] + [row[n]] for row in Z])
        z = [token.map(lambda x: -x) for token in z]
        entry = relu_layer(P, Q, flipped)[r"\operatorname{Attn}^\sigma"](None).rows[d][n]
        coins = [1 - coin for coin in coins]
    b = Matrix.column(P.tolist()[d])
    more = {"z_": family(z, 1), r"\kappa_": family(coins, 1)}
    return {"b": b, "A": A, "x_q": x_q, "n": n, "d": d, **more}, entry


@compares("assumption:symmetric_examples", "-z_i")
def reflected_token() -> Iterator[dict[str, Any]]:
    """The token at which the value b^⊤z and the score z^⊤Ax_q of ``theory`` have the other sign, for all b and A."""
    for d in (1, 2, 3):
        z = Matrix(Points(d).matrix(d + 1, 1))

        def is_reflected(other: Matrix, z: Matrix = z, d: int = d) -> bool:
            return token_numbers(other, d) == [-x for x in token_numbers(z, d)]

        yield {"z_i": z, "=": is_reflected}


def token_numbers(z: Matrix, d: int) -> list[fmpq]:
    """b^⊤z and z^⊤Ax_q in ``theory``, for a basis of b and for a generic A."""
    points = Points(5)
    w, x_q, a = (points.matrix(d, 1) for _ in range(3))
    x = fmpq_mat([[v] for v in z.entries()[:d]])
    noise = z.entries()[d] - (w.transpose() * x)[0, 0]
    values = {"x": x, "w": w, "e": fmpq_mat([[noise]]), "x_q": x_q, "a": a, "A_x": points.matrix(d, d)}
    found = [at_numbers(single_layer.score(), d, 1, values).rows[0][0]]
    for k in range(d + 1):
        b = {"u": fmpq_mat([[int(i == k)] for i in range(d)]), "beta": fmpq_mat([[int(k == d)]])}
        found.append(at_numbers(single_layer.value(), d, 1, {**values, **b}).rows[0][0])
    return found
