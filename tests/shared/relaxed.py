"""Instances of statements about relaxed layers: a setting, scalar weights, and one prompt in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy
from flint import fmpq, fmpq_mat, fmpq_poly
from hypothesis import strategies as st
from sympy import QQ

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.transformer.relaxed_layers import a, b, p, s
from tests.shared.lines import slope_at_zero
from tests.shared.settings import Layer, Setting, error, keys_of, loss, settings
from tests.shared.strategies import matrices, rationals

Matrices = Sequence[fmpq_mat]


@dataclass(frozen=True)
class Relaxed:
    """A setting, a and b of A_l = a_l Σ⁻¹ and B_l = b_l I for all L layers, and one state: covariates over labels."""

    setting: Setting
    a: tuple[fmpq, ...]
    b: tuple[fmpq, ...]
    state: fmpq_mat

    def __str__(self) -> str:
        a, b = (", ".join(map(str, x)) for x in (self.a, self.b))
        return f"{self.setting}; a = ({a}), b = ({b}); state {self.state.tolist()}"

    @property
    def layers(self) -> int:
        """L."""
        return len(self.a)

    def forward(self, A: Matrices, B: Matrices, state: fmpq_mat | None = None) -> fmpq_mat:
        """The state after these layers, in numbers, with the mask of the setting."""
        return forward(self.state if state is None else state, A, B, self.setting.masked)

    def loss(self, A: Matrices, B: Matrices) -> fmpq:
        """Of these layers, averaged over prompts in coordinates."""
        return loss(self.setting, *map(block, A, B))

    def loss_of_scaled(self) -> fmpq:
        """At a_l Σ⁻¹ and b_l I."""
        return self.loss(*self.scaled())

    def scaled(self) -> tuple[list[fmpq_mat], list[fmpq_mat]]:
        """The matrices a_l Σ⁻¹ and b_l I."""
        inverse, one = self.setting.task.covariance.inv(), exact.identity(self.setting.task.dim)
        return [inverse * x for x in self.a], [one * x for x in self.b]


def forward(state: fmpq_mat, A: Matrices, B: Matrices, masked: bool = True) -> fmpq_mat:
    """Z + (1/n) P Z M (Zᵀ Q Z) for each pair, in numbers."""
    n = state.ncols() - 1
    M = exact.diagonal([1] * n + [0 if masked else 1])
    for P, Q in map(block, A, B):
        state = (
            state
            + fmpq_mat([list(row) for row in P])
            * state
            * M
            * (state.transpose() * fmpq_mat([list(row) for row in Q]) * state)
            / n
        )
    return state


def block(A: fmpq_mat, B: fmpq_mat) -> Layer:
    """P = diag(B, 1) and Q = diag(A, 0)."""
    d = A.nrows()
    P = [[*row, fmpq(0)] for row in B.tolist()] + [[fmpq(0)] * d + [fmpq(1)]]
    return P, [[*row, fmpq(0)] for row in A.tolist()] + [[fmpq(0)] * (d + 1)]


def gradient_on_the_ray(setting: Setting, ray: fmpq_mat) -> list[tuple[fmpq, fmpq]]:
    """(α, β) for each entry: ∇_A f at A = a · ray is α + βa, for one layer, whose error is affine in A."""
    v, prompt = setting.prompt()
    d = setting.task.dim
    zero = exact.identity(d) * 0
    start = error(v, prompt, [block(zero, zero)], setting.masked)
    moves = []
    for i in range(d):
        for j in range(d):
            unit = fmpq_mat([[int((i, j) == (k, m)) for m in range(d)] for k in range(d)])
            moves.append(error(v, prompt, [block(unit, zero)], setting.masked) - start)
    along = sum((QQ(int(c.p), int(c.q)) * x for c, x in zip(ray.entries(), moves, strict=True)), 0 * start)
    return [(2 * v.mean(start * move), 2 * v.mean(along * move)) for move in moves]


def least_square(pairs: Sequence[tuple[fmpq, fmpq]]) -> fmpq:
    """inf over a of Σ (α + βa)²."""
    aa, ab, bb = (sum((x[i] * x[j] for x in pairs), fmpq(0)) for i, j in ((0, 0), (0, 1), (1, 1)))
    return aa - ab**2 / bb


def squared_gradient_of_two_scalar_layers(at: Relaxed, a: Sequence[Any], b: Sequence[Any]) -> fmpq:
    """(∂f/∂a_0)² + (∂f/∂a_1)² + (∂f/∂b_0)² for d = 1, from values of the loss along each parameter."""
    point = [*map(fmpq, a), *map(fmpq, b)]

    def along(place: int, degree: int) -> fmpq:
        def value(t: int) -> fmpq:
            x = list(point)
            x[place] += t
            return replace(at, a=tuple(x[:2]), b=(x[2], fmpq(0))).loss_of_scaled()

        return slope_at_zero(value, degree)

    return sum((along(place, degree) ** 2 for place, degree in ((0, 6), (1, 2), (2, 4))), fmpq(0))


def covariates_margin(move: sympy.Expr, at: Relaxed) -> fmpq:
    """Minus the squared distance of the covariates after all layers from p_L(S Σ⁻¹) X, in numbers."""
    d, n = at.setting.task.dim, at.setting.task.context_length
    whole = fmpq_mat(at.state.tolist()[:d])
    context = fmpq_mat([row[:n] for row in whole.tolist()])
    gram = context * context.transpose() / n * at.setting.task.covariance.inv()
    polynomial = fmpq_poly([1])
    for step, share in zip(at.a, at.b, strict=True):
        polynomial *= 1 + sum(
            (
                fmpq(int(c.p), int(c.q)) * step**i * share**j * fmpq_poly([0, 1]) ** k * polynomial**m
                for (i, j, k, m), c in sympy.Poly(move, a, b, s, p).terms()
            ),
            fmpq_poly([0]),
        )
    value, power = whole * 0, whole
    for c in polynomial.coeffs():
        value, power = value + power * c, gram * power
    found = fmpq_mat(at.forward(*at.scaled()).tolist()[:d])
    return -sum((x**2 for x in (found - value).entries()), fmpq(0))


@st.composite
def relaxed(
    draw: st.DrawFn, slug: str, corner: Corner = ANYWHERE, without: str | None = None, most_layers: int = 2
) -> Relaxed:
    """Instances under the assumptions of a claim, one of them dropped or none: two layers where d = 1, n ≤ 2."""
    setting = draw(settings(keys_of(slug), corner, without=without, max_context=2))
    d, n = setting.task.dim, setting.task.context_length
    layers = corner.layers or (draw(st.integers(1, most_layers)) if d == 1 else 1)
    scalars = st.lists(rationals.filter(bool), min_size=layers, max_size=layers).map(tuple)
    return Relaxed(setting, draw(scalars), draw(scalars), draw(matrices(d + 1, n + 1)))


def plain(dim: int, context: int, layers: int = 1, **changes: Any) -> Relaxed:
    """Σ = Ω = I, a_l = −1, −2, … and b_l = 1/2, 1/3, …, the state with the entries 1, 2, 3, … row by row."""
    entries = iter(range(1, (dim + 1) * (context + 1) + 1))
    state = fmpq_mat([[next(entries) for _ in range(context + 1)] for _ in range(dim + 1)])
    a = tuple(fmpq(-1 - k) for k in range(layers))
    b = tuple(fmpq(1, k + 2) for k in range(layers))
    return replace(Relaxed(Setting(RegressionTask(exact.identity(dim), context)), a, b, state), **changes)
