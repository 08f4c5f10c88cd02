"""An independent route: losses as polynomials in the coordinates of a prompt, averaged monomial by monomial.

No words, no integration by parts: the layer is multiplied out in coordinates with the literal mask, the
square is expanded, and each monomial is averaged by the moments of its variables' laws. Good for small
d and n, for any laws, also non-Gaussian ones, and for covariates and tasks that depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from flint import fmpq, fmpq_mat
from sympy import QQ
from sympy.polys.rings import ring

Law = Callable[[int], int | fmpq]
"""k ↦ the k-th moment."""


def gaussian(k: int) -> int:
    """(k − 1)!! for even k: the moments of N(0, 1)."""
    return 0 if k % 2 else prod(range(1, k, 2))


def rademacher(k: int) -> int:
    """±1 with probability 1/2 each: mean 0 and variance 1, as N(0, 1)."""
    return 1 - k % 2


@dataclass(frozen=True)
class Prompt:
    """A prompt in coordinates: X (d × n), x_q (d), y (n), the target, the query's label slot; w (d) where given."""

    X: Sequence[Sequence[Any]]
    x_query: Sequence[Any]
    y: Sequence[Any]
    target: Any
    slot: Any = 0
    w: Sequence[Any] = ()


class Variables:
    """Independent random variables, each with its law, as generators of a polynomial ring over ℚ."""

    def __init__(self, **laws: Law) -> None:
        self.ring, *generators = ring(list(laws), QQ)
        self.laws = list(laws.values())
        self.of = dict(zip(laws, generators, strict=True))

    def mean(self, polynomial: Any) -> fmpq:
        """The expectation."""
        return sum(
            (
                fmpq(int(c.numerator), int(c.denominator))
                * prod(law(k) for law, k in zip(self.laws, powers, strict=True))
                for powers, c in self.ring(polynomial).terms()
            ),
            fmpq(0),
        )


def gaussian_prompt(
    n: int, sigma_factor: Sequence[Sequence[int]], omega_factor: Sequence[Sequence[int]], noise: int = 0
) -> tuple[Variables, Prompt]:
    """A Gaussian prompt: Σ = FFᵀ, Ω = HHᵀ for the factors F, H; ``noise`` is the standard deviation σ."""
    d = len(sigma_factor)
    names = [f"x{a}_{i}" for a in range(d) for i in range(n)] + [f"q{a}" for a in range(d)]
    names += [f"w{a}" for a in range(d)] + [f"e{i}" for i in range(n)]
    v = Variables(**dict.fromkeys(names, gaussian))

    def mixed(factor: Sequence[Sequence[int]], z: list[Any]) -> list[Any]:
        return [sum(c * x for c, x in zip(row, z, strict=True)) for row in factor]

    columns = [mixed(sigma_factor, [v.of[f"x{a}_{i}"] for a in range(d)]) for i in range(n)]
    x_query = mixed(sigma_factor, [v.of[f"q{a}"] for a in range(d)])
    w = mixed(omega_factor, [v.of[f"w{a}"] for a in range(d)])
    y = [inner(w, columns[i]) + noise * v.of[f"e{i}"] for i in range(n)]
    return v, Prompt(list(zip(*columns, strict=True)), x_query, y, inner(w, x_query))


def loss(
    v: Variables, prompt: Prompt, P: Sequence[Sequence[Any]], Q: Sequence[Sequence[Any]], masked: bool = True
) -> fmpq:
    """E[(TF_1 − target)²] of one layer with weights P, Q, multiplied out entry by entry."""
    d, n = len(prompt.X), len(prompt.y)
    p, q = rational_rows(P), rational_rows(Q)
    Z = [[*prompt.X[a], prompt.x_query[a]] for a in range(d)] + [[*prompt.y, prompt.slot]]
    tokens = range(n if masked else n + 1)
    column = [row[n] for row in Z]
    scores = [sum(Z[a][i] * q[a][b] * column[b] for a in range(d + 1) for b in range(d + 1)) for i in tokens]
    attended = sum(sum(p[d][a] * Z[a][i] for a in range(d + 1)) * scores[i] for i in tokens)
    error = v.ring(Z[d][n]) + attended * QQ(1, n) + prompt.target
    return v.mean(error**2)


def inner(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """⟨a, b⟩."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def rational_rows(m: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows over sympy's ℚ, from whatever exact numbers."""
    return [[QQ(int(x.p), int(x.q)) for x in map(fmpq, row)] for row in m]


def layer_with(preconditioner: Any, label_corner: Any = 0) -> tuple[list[list[Any]], list[list[Any]]]:
    """P = diag(0, 1) and Q = −diag(Γ, 0), with ``label_corner`` at the last entry of Q."""
    rows = preconditioner.tolist() if isinstance(preconditioner, fmpq_mat) else preconditioner
    d = len(rows)
    P = [[0] * (d + 1) for _ in range(d)] + [[0] * d + [1]]
    Q = [[-fmpq(x) for x in row] + [fmpq(0)] for row in rows] + [[fmpq(0)] * d + [fmpq(label_corner)]]
    return P, Q


Gradient = list[list[tuple[fmpq, fmpq]]]
"""(α, β) for each entry: the gradient in A at aI is α + βa."""


def gradient_on_the_ray(v: Variables, prompt: Prompt) -> Gradient:
    """∇_A f at A = aI for one layer with Q = diag(A, 0): f is quadratic in A, so central differences are exact."""
    d = len(prompt.X)

    def f(shift: dict[tuple[int, int], int], a: int) -> fmpq:
        P = [[0] * (d + 1) for _ in range(d)] + [[0] * d + [1]]
        Q = [[a * int(i == j < d) + shift.get((i, j), 0) for j in range(d + 1)] for i in range(d + 1)]
        return loss(v, prompt, P, Q)

    def slope(i: int, j: int, a: int) -> fmpq:
        return (f({(i, j): 1}, a) - f({(i, j): -1}, a)) / 2

    return [[(slope(i, j, 0), slope(i, j, 1) - slope(i, j, 0)) for j in range(d)] for i in range(d)]
