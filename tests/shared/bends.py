"""Instances of statements about local minima at A_l = a_lΣ⁻¹: a setting of prompts, and a direction for each layer.

Along A_l + tR_l the loss is a polynomial in t whose slope and curvature at t = 0 are polynomials in the steps, of
degree at most 2 in each. They are interpolated from exact losses at integers and then evaluated at steps in balls: a
route that knows no formula for a derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.coordinates import layer_with
from tests.shared.settings import Setting, keys_of, loss, settings, shown
from tests.shared.strategies import matrices
from tests.shared.two_layers import Turned, best_multiples


@dataclass(frozen=True)
class Bend:
    """A setting, a direction R_l for each of L ≤ 2 layers, and the best steps where they are not the statement's.

    ``sum_and_product`` are e = a + b and p = ab of the best two steps on 𝒮 in a setting that breaks an assumption.
    """

    setting: Setting
    directions: tuple[fmpq_mat, ...]
    sum_and_product: tuple[fmpq, fmpq] | None = None

    def __str__(self) -> str:
        shown_directions = ", ".join(f"R_{i} = {shown(m)}" for i, m in enumerate(self.directions))
        best = self.sum_and_product
        steps = "" if best is None else f"; best steps on 𝒮 with sum {best[0]} and product {best[1]}"
        return f"{self.setting}; L = {len(self.directions)}, {shown_directions}{steps}"

    def growth(self, steps: Sequence[Any]) -> arb:
        """Along the directions, at A_l = a_lΣ⁻¹: minus the squared slope where it is not 0, else the curvature.

        The worse of all orders of the steps: negative where one of them is certainly no minimum.
        """
        values, grid = [], _grid(self.setting, self.directions)
        for order in permutations(map(arb, steps)):
            slope, curvature = _interpolated(grid, order)
            values.append(-slope * slope if not slope.contains(0) else curvature)
        return next((value for value in values if value < 0), values[0])


Grid = dict[tuple[int, ...], tuple[fmpq, fmpq]]
"""Slope and curvature at steps that are 0, 1 or 2."""


def _interpolated(grid: Grid, steps: Sequence[arb]) -> tuple[arb, arb]:
    slope, curvature = arb(0), arb(0)
    for places, (first, second) in grid.items():
        weight = arb(1)
        for place, x in zip(places, steps, strict=True):
            weight *= ((x - 1) * (x - 2) / 2, x * (2 - x), x * (x - 1) / 2)[place]
        slope += weight * arb(first)
        curvature += weight * arb(second)
    return slope, curvature


def _grid(setting: Setting, directions: tuple[fmpq_mat, ...]) -> dict[tuple[int, ...], tuple[fmpq, fmpq]]:
    """From 2L + 1 losses along each line."""
    inverse, L = setting.task.covariance.inv(), len(directions)

    def at(places: tuple[int, ...], t: int) -> fmpq:
        layers = [inverse * a + R * t for a, R in zip(places, directions, strict=True)]
        if type(setting) is Setting and setting == Setting(setting.task):
            return layered_loss(setting.task, layers)
        return loss(setting, *map(layer_with, layers))

    found = {}
    for places in product(range(3), repeat=L):
        f = {t: at(places, t) for t in range(-L, L + 1)}
        slope, curvature = (f[1] - f[-1]) / 2, f[1] + f[-1] - 2 * f[0]
        if L == 2:  # The same with the terms of third and fourth order taken out.
            slope = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / 12
            curvature = (16 * (f[1] + f[-1]) - (f[2] + f[-2]) - 30 * f[0]) / 12
        found[places] = (slope, curvature)
    return found


def roots(e: fmpq, p: fmpq) -> tuple[arb, arb]:
    """The two numbers with this sum and product.

    Raises:
        ValueError: they are not real.
    """
    if e * e < 4 * p:
        raise ValueError(f"steps of sum {e} and product {p} are not real")
    root = arb(e * e - 4 * p).sqrt()
    return (arb(e) - root) / 2, (arb(e) + root) / 2


@st.composite
def bends(
    draw: st.DrawFn, slug: str, layers: int | None, corner: Corner = ANYWHERE, without: str | None = None
) -> Bend:
    """Directions at settings under the assumptions of a claim, one of them dropped or none; L = 1 or 2 where free."""
    count = corner.layers or layers or draw(st.integers(1, 2))
    setting = draw(settings(keys_of(slug), corner, without=without, max_context=3))
    d = setting.task.dim
    return Bend(setting, tuple(draw(matrices(d, d)) for _ in range(count)))


def unit(*entries: int) -> fmpq_mat:
    """A diagonal direction."""
    return exact.diagonal(entries)


def not_critical() -> dict[str, Bend]:
    """Without an assumption: a setting and a direction in which the best pair of multiples of I is not critical."""
    plain = isotropic(2, 1)
    narrow = RegressionTask(exact.identity(2), 2, exact.diagonal(["1", "1/100"]))
    slanted = fmpq_mat([[0, 1], [1, 0]])
    instances = {
        "gaussian_covariates": (Turned(plain, covariates="signs"), slanted),
        "independent_task": (Turned(plain, weights="first_example"), slanted),
        "whitened_task": (Setting(narrow), unit(1, -1)),
    }
    return {
        key: Bend(setting, (direction, fmpq_mat(2, 2)), best_multiples(setting))
        for key, (setting, direction) in instances.items()
    }
