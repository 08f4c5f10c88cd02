"""Instances of statements about minimizers of one layer: a setting of prompts, and weights that may do better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.one_layer.large_context import CONTEXT, EIGENVALUE, TRACE
from icl_claims.theory.task import RegressionTask
from tests.shared.settings import Layer, Setting, keys_of, loss, settings
from tests.shared.strategies import matrices, positive_rationals, rationals


@dataclass(frozen=True)
class Weights:
    """A setting, and weights b (the last row of P) and A (the first d columns of Q) of one layer; a scale γ."""

    setting: Setting
    b: tuple[fmpq, ...]
    A: fmpq_mat
    scale: fmpq = field(default_factory=lambda: fmpq(2))
    corner: fmpq = field(default_factory=lambda: fmpq(0))

    def __str__(self) -> str:
        corner = f", last entry of Q {self.corner}" if self.corner else ""
        return f"{self.setting}; b = ({', '.join(map(str, self.b))}), A = {self.A.tolist()}{corner}"

    def loss(self) -> fmpq:
        """Of the layer with these weights."""
        return loss(self.setting, layer(self.b, self.A, self.corner))


def layer(b: Sequence[fmpq], A: fmpq_mat, corner: fmpq | int = 0) -> Layer:
    """P with the last row b and Q with the first columns A; all else 0 but the last entry of Q."""
    d = A.ncols()
    P = [[fmpq(0)] * (d + 1) for _ in range(d)] + [list(b)]
    Q = [[A[i, j] for j in range(d)] + [fmpq(0)] for i in range(d)]
    return P, [*Q, [*(A[d, j] for j in range(d)), fmpq(corner)]]


def predictor(gamma: fmpq_mat) -> tuple[tuple[fmpq, ...], fmpq_mat]:
    """b = e_{d+1} and A = (−Γ; 0): the layer that predicts x_qᵀ Γ g."""
    d = gamma.nrows()
    return (*[fmpq(0)] * d, fmpq(1)), fmpq_mat([[-x for x in row] for row in gamma.tolist()] + [[0] * d])


def of_covariance(eigenvalue: sympy.Expr, task: RegressionTask) -> fmpq_mat:
    """γ(Σ) for a rational function γ of λ, T = tr Σ and n, by its numerator and its denominator.

    Raises:
        ZeroDivisionError: the denominator is singular at Σ.
    """
    values = {TRACE: sympy.Rational(str(exact.trace(task.covariance))), CONTEXT: task.context_length}
    parts = sympy.fraction(sympy.cancel(sympy.together(eigenvalue.subs(values))))
    numerator, denominator = (_at_matrix(sympy.Poly(part, EIGENVALUE), task.covariance) for part in parts)
    return numerator * denominator.inv()


def _at_matrix(polynomial: sympy.Poly, matrix: fmpq_mat) -> fmpq_mat:
    value = fmpq_mat(matrix.nrows(), matrix.ncols())
    for c in polynomial.all_coeffs():
        value = value * matrix + exact.identity(matrix.nrows()) * fmpq(int(c.p), int(c.q))
    return value


@st.composite
def weights(draw: st.DrawFn, slug: str, corner: Corner = ANYWHERE, without: str | None = None) -> Weights:
    """Weights at settings under the assumptions of a claim, one of them dropped or none."""
    setting = draw(settings(keys_of(slug), corner, without=without, max_context=2))
    d = setting.task.dim
    b = draw(st.lists(rationals, min_size=d + 1, max_size=d + 1))
    return Weights(setting, tuple(b), draw(matrices(d + 1, d)), draw(positive_rationals))
