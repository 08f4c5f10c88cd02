"""The components f_j(X) = E(⟨G, X⟩ + w_j)² of the loss of one layer, averaged monomial by monomial.

G = (1/n) Σ_i z_i z_iᵀ over the context tokens z_i = (x_i, y_i), and X is any (d+1) × (d+1) matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq, fmpq_mat
from sympy import QQ

from tests.shared.coordinates import Prompt, inner, rational_rows
from tests.shared.one_layer import Weights
from tests.shared.settings import Setting

Matrix = Sequence[Sequence[Any]]


def components(setting: Setting, matrices: Sequence[Matrix]) -> list[fmpq]:
    """f_1(X_1), f_2(X_2), … for the j-th of the matrices each."""
    v, prompt = setting.prompt()
    gram = _gram(prompt)
    return [v.mean((_pairing(gram, X) + prompt.w[j]) ** 2) for j, X in enumerate(matrices)]


def mean_squared_pairing(setting: Setting, X: Matrix) -> fmpq:
    """E⟨G, X⟩²."""
    v, prompt = setting.prompt()
    return v.mean(v.ring(_pairing(_gram(prompt), X)) ** 2)


def _gram(prompt: Prompt) -> list[list[Any]]:
    tokens = [*prompt.X, prompt.y]
    return [[inner(row, column) * QQ(1, len(prompt.y)) for column in tokens] for row in tokens]


def _pairing(gram: Matrix, X: Matrix) -> Any:
    return sum(map(inner, gram, rational_rows(X)))


def any_matrix(at: Weights) -> Matrix:
    """A (d+1) × (d+1) matrix of any entries: the columns of A and then b."""
    return [[*row, x] for row, x in zip(at.A.tolist(), at.b, strict=True)]


def products(at: Weights) -> list[Matrix]:
    """b a_jᵀ for the columns a_j of A."""
    columns = at.A.transpose().tolist()
    return [[[x * y for y in column] for x in at.b] for column in columns]


def excess_of_components(at: Weights, preconditioner: fmpq_mat) -> fmpq:
    """The least over j of f_j(X) − f_j(−γ_j E_{d+1,j}), for a diagonal preconditioner diag(γ).

    X is tried as b a_jᵀ, and as the matrix of all entries of A and b.
    """
    d = preconditioner.nrows()
    stated = []
    for j in range(d):
        unit = fmpq_mat(d + 1, d + 1)
        unit[d, j] = -preconditioner[j, j]
        stated.append(unit.tolist())
    least = components(at.setting, stated)
    tried = [components(at.setting, X) for X in (products(at), [any_matrix(at)] * d)]
    return min(x - y for values in tried for x, y in zip(values, least, strict=True))
