"""Instances of statements about two sparse layers: a setting of prompts and a pair of matrices, with exact losses.

Two layers with A_0 = A, A_1 = B predict an affine function of the entries of A + B and of the products b·a of an
entry of B and an entry of A. So a lower bound of the loss over all diagonal pairs is a least-squares problem, in which
these sums and products are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from sympy import QQ

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.averaging import DiagonalPairs
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from tests.shared.coordinates import Prompt, Variables, gaussian, inner, layer_with, rademacher
from tests.shared.settings import Setting, error, keys_of, loss, settings, shown
from tests.shared.strategies import matrices

TURN = fmpq_mat([[fmpq(3, 5), fmpq(-4, 5)], [fmpq(4, 5), fmpq(3, 5)]])
"""A rational rotation R."""


class Turned(Setting):
    """d = 2 and Σ = I, in coordinates turned by R: the covariates are x = Ru, u with independent coordinates.

    With ``covariates="signs"`` the first coordinate of u is ±1 and the second Gaussian. With
    ``weights="first_example"`` the task is w = Rv, whose v_1 is the first coordinate of the first example's u.
    """

    def __str__(self) -> str:
        words = [f"d = 2, n = {self.task.context_length}, Σ = Ω = I, x = Ru, R = {shown(TURN)}"]
        words += ["u_1 = ±1, u_2 Gaussian"] if self.covariates == "signs" else []
        words += ["w = Rv, v_1 = u_1 of the first example"] if self.weights == "first_example" else []
        return ", ".join(words)

    def prompt(self) -> tuple[Variables, Prompt]:
        n = self.task.context_length
        first = rademacher if self.covariates == "signs" else gaussian
        laws = {f"u{a}_{i}": gaussian if a else first for a in range(2) for i in range(n)}
        v = Variables(**laws, q0=first, q1=gaussian, v0=gaussian, v1=gaussian)
        tied = self.weights == "first_example"

        def turned(z: list[Any]) -> list[Any]:
            rows = [[QQ(int(x.p), int(x.q)) for x in row] for row in TURN.tolist()]
            return [inner(row, z) for row in rows]

        columns = [turned([v.of[f"u0_{i}"], v.of[f"u1_{i}"]]) for i in range(n)]
        x_query, w = turned([v.of["q0"], v.of["q1"]]), turned([v.of["u0_0" if tied else "v0"], v.of["v1"]])
        y = [inner(w, x) for x in columns]
        return v, Prompt(list(zip(*columns, strict=True)), x_query, y, inner(w, x_query), 0)


@dataclass(frozen=True)
class Pair:
    """A setting and the matrices A_0 and A_1 of two sparse layers."""

    setting: Setting
    first: fmpq_mat
    second: fmpq_mat

    def __str__(self) -> str:
        return f"{self.setting}; A_0 = {shown(self.first)}, A_1 = {shown(self.second)}"

    @property
    def is_symmetric(self) -> bool:
        """Whether both matrices are."""
        return all(m == m.transpose() for m in (self.first, self.second))

    def loss(self) -> fmpq:
        """By the words of the layers' loss where the prompt is Gaussian, else multiplied out in coordinates."""
        at = self.setting
        if type(at) is Setting and at == Setting(at.task):
            return layered_loss(at.task, [self.first, self.second])
        return loss(at, layer_with(self.first), layer_with(self.second))


@st.composite
def pairs(draw: st.DrawFn, slug: str, corner: Corner = ANYWHERE, without: str | None = None) -> Pair:
    """Pairs of symmetric matrices at settings under the assumptions of a claim, one of them dropped or none."""
    asymmetric = without == "symmetric_preconditioners"
    dropped = None if asymmetric else without
    setting = draw(
        settings(
            keys_of(slug), corner, without=dropped, max_context=2, max_dim=2, min_dim=2 if asymmetric else 1
        )
    )
    d = setting.task.dim
    first, second = (draw(matrices(d, d)) / 4 for _ in range(2))
    if asymmetric:
        first[0, 1] = first[1, 0] + 1
        second[0, 1] = second[1, 0] - 1
        return Pair(setting, first, second)
    return Pair(setting, first + first.transpose(), second + second.transpose())


# ---------------------------------------------------------------------- losses of families, by least squares


def least_over_diagonal(setting: Setting, pairs: DiagonalPairs) -> fmpq:
    """A number that no pair of this form loses less than.

    The sums of a pair's entries and the products of an entry of A_1 with one of A_0 are free, unless they are 0 for all
    pairs of the form.
    """
    gram = _gram(setting)
    d = setting.task.dim
    sums = range(1, d + 1) if sympy.expand(pairs.first + pairs.second) != 0 else ()
    products = range(d + 1, d + 1 + d * d) if sympy.expand(pairs.first * pairs.second) != 0 else ()
    return least_square(gram, [*sums, *products])


@lru_cache(maxsize=400)
def _gram(setting: Setting) -> fmpq_mat:
    """E of the products of two of: the error at zero matrices, its slopes in the sums, its slopes in the products."""
    v, prompt = setting.prompt()
    d = setting.task.dim
    zero = fmpq_mat(d, d)

    def at(A: fmpq_mat, B: fmpq_mat) -> Any:
        return error(v, prompt, [layer_with(A), layer_with(B)], setting.masked)

    units = [exact.diagonal([int(i == j) for j in range(d)]) for i in range(d)]
    base = at(zero, zero)
    sums = [at(unit, zero) - base for unit in units]
    products = [at(units[j], units[i]) - base - sums[i] - sums[j] for i in range(d) for j in range(d)]
    features = [base, *sums, *products]
    return fmpq_mat([[v.mean(x * y) for y in features] for x in features])


def least_square(gram: fmpq_mat, free: Sequence[int]) -> fmpq:
    """The least mean square of the first feature plus a combination of the free ones, which may be dependent."""
    if not free:
        return gram[0, 0]
    within = fmpq_mat([[gram[i, j] for j in free] for i in free])
    reduced, rank = within.rref()
    chosen = [free[next(j for j in range(len(free)) if reduced[i, j] != 0)] for i in range(rank)]
    if not chosen:
        return gram[0, 0]
    right = fmpq_mat([[gram[i, 0]] for i in chosen])
    left = fmpq_mat([[gram[i, j] for j in chosen] for i in chosen])
    return gram[0, 0] - (right.transpose() * left.solve(right))[0, 0]


def loss_of_multiples(setting: Setting, e: fmpq, p: fmpq) -> fmpq:
    """Of A_0 = aI, A_1 = bI with a + b = e and ab = p, which may be irrational: the error is affine in e and p."""
    gram = _gram_of_multiples(setting)
    weights = (fmpq(1), e, p)
    return sum((gram[i, j] * weights[i] * weights[j] for i in range(3) for j in range(3)), fmpq(0))


@lru_cache(maxsize=400)
def _gram_of_multiples(setting: Setting) -> fmpq_mat:
    v, prompt = setting.prompt()
    one = exact.identity(setting.task.dim)

    def at(a: int, b: int) -> Any:
        return error(v, prompt, [layer_with(one * a), layer_with(one * b)], setting.masked)

    base, step = at(0, 0), at(1, 0)
    features = [base, step - base, at(1, 1) - 2 * step + base]
    return fmpq_mat([[v.mean(x * y) for y in features] for x in features])


@lru_cache(maxsize=400)
def _moments(setting: Setting) -> tuple[fmpq, ...]:
    v, prompt = setting.prompt()
    d, n = len(prompt.X), len(prompt.y)
    S = [[v.ring(inner(prompt.X[i], prompt.X[j])) * QQ(1, n) for j in range(d)] for i in range(d)]
    power: list[list[Any]] = [[v.ring(int(i == j)) for j in range(d)] for i in range(d)]
    found = []
    for _k in range(5):
        found.append(v.mean(sum((power[i][i] for i in range(d)), v.ring(0))))
        power = [[sum((row[a] * S[a][j] for a in range(d)), v.ring(0)) for j in range(d)] for row in power]
    return tuple(found)


def moments_of(setting: Setting) -> tuple[fmpq, ...]:
    """E tr Sᵏ for k = 0, …, 4, multiplied out in coordinates."""
    return _moments(setting)


def best_multiples(setting: Setting) -> tuple[fmpq, fmpq]:
    """e = a + b and p = ab of the best A_0 = aI and A_1 = bI, where the best e and p have real roots."""
    gram = _gram_of_multiples(setting)
    left = fmpq_mat([[gram[i, j] for j in (1, 2)] for i in (1, 2)])
    e, p = left.solve(fmpq_mat([[-gram[1, 0]], [-gram[2, 0]]])).entries()
    if e * e < 4 * p:
        raise ValueError(f"the best sum {e} and product {p} belong to no real steps")
    return e, p
