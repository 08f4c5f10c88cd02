r"""A setting, a number of loops, a step a and a symmetric matrix A: what claims about the looped loss speak of.

Losses and gradients come from words of Gaussian matrices where all is Gaussian, else from prompts in coordinates; along
the multiples of Σ⁻¹ the loss is interpolated from its values. No spectral measure enters.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, arb_poly, fmpq, fmpq_mat, fmpq_poly
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.loops.matrix import looped_gradient, looped_loss
from tests.shared import scaled_set
from tests.shared.settings import Setting, keys_of, settings
from tests.shared.strategies import rationals


@dataclass(frozen=True)
class Loop:
    """A layer looped L times.

    Attributes:
        setting: the law of a prompt and the model's reading of it.
        loops: L.
        step: a, of the point aΣ⁻¹; or how far along something a claim looks.
        matrix: a symmetric A of its own, None where the claim has none.
    """

    setting: Setting
    loops: int
    step: fmpq
    matrix: fmpq_mat | None = None

    def __str__(self) -> str:
        own = "" if self.matrix is None else f", A = {self.matrix.tolist()}"
        task = self.setting.task
        # A large identity is not written out.
        where = str(self.setting) if task.dim < 10 else f"{task!r}"
        return f"{where}, L = {self.loops}, a = {self.step}{own}"


@st.composite
def loops(
    draw: st.DrawFn,
    slug: str,
    corner: Corner = ANYWHERE,
    without: str | None = None,
    most_loops: int = 2,
    steps: st.SearchStrategy[fmpq] = rationals,
) -> Loop:
    """Settings under the assumptions of a claim, one of them dropped or none, with any step and symmetric matrix."""
    setting = draw(settings(keys_of(slug), corner, without=without))
    count = corner.layers if corner.layers is not None else draw(st.integers(1, most_loops))
    d = setting.task.dim
    entries = draw(st.lists(rationals, min_size=d * d, max_size=d * d))
    half = fmpq_mat(d, d, entries)
    return Loop(setting, count, draw(steps), half + half.transpose())


def loss(setting: Setting, matrix: fmpq_mat, count: int) -> fmpq:
    """𝓛(A, 0)."""
    if scaled_set.is_plain(setting):
        return looped_loss(setting.task, matrix, count)
    return scaled_set.loss(setting, [matrix] * count)


def gradient(setting: Setting, matrix: fmpq_mat, count: int) -> fmpq_mat:
    """∇_A 𝓛(A, 0): the sum over the layers."""
    if scaled_set.is_plain(setting):
        return looped_gradient(setting.task, matrix, count)
    of_layers = scaled_set.gradient(setting, [matrix] * count)
    return sum(of_layers[1:], of_layers[0])


def interpolated(values: list[fmpq]) -> fmpq_poly:
    """The polynomial with these values at 0, 1, 2, …"""
    points = range(len(values))
    powers = fmpq_mat([[fmpq(a) ** k for k in points] for a in points])
    return fmpq_poly(powers.solve(fmpq_mat([[value] for value in values])).entries())


def along_inverse(setting: Setting, count: int) -> fmpq_poly:
    """The loss at aΣ⁻¹ as a polynomial in a."""
    inverse = setting.task.covariance.inv()
    return interpolated([loss(setting, inverse * a, count) for a in range(2 * count + 1)])


def least(polynomial: fmpq_poly) -> arb:
    """The least value on ℝ of a polynomial of even degree with positive leading coefficient, as a ball."""
    slope = polynomial.derivative()
    real = [root.real for root, _ in slope.complex_roots() if root.imag == 0]
    values = [arb_poly(polynomial)(x) for x in real]
    found = values[0]
    for value in values[1:]:
        found = found.min(value)
    return found


def squared_norm(matrix: fmpq_mat) -> fmpq:
    """‖M‖_F²."""
    return exact.inner(matrix, matrix)
