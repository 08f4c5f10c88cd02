"""Instances of statements about one layer of ReLU attention: a setting of prompts, and weights that may do better."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from tests.shared import relu_coins
from tests.shared.relu_signs import literal_loss
from tests.shared.settings import Setting, keys_of, settings
from tests.shared.strategies import matrices, rationals


@dataclass(frozen=True)
class ReluWeights:
    """A setting, the last row b of P and all of Q."""

    setting: Setting
    b: tuple[fmpq, ...]
    Q: fmpq_mat

    def __str__(self) -> str:
        return f"{self.setting}; b = ({', '.join(map(str, self.b))}), Q = {self.Q.tolist()}"

    @property
    def last_row_is_zero(self) -> bool:
        """Whether the last row of Q is zero."""
        return not any(self.Q.tolist()[-1])

    def loss(self) -> fmpq:
        """Of the layer with these weights, averaged exactly: over the subsets of examples that coins keep.

        Where w = x_1 the examples are not symmetric, and the layer is multiplied out sign by sign, for d = 1.

        Raises:
            ValueError: the query is a key of its own, or w = x_1 and d > 1.
        """
        task, d = self.setting.task, len(self.b) - 1
        if not self.setting.masked:
            raise ValueError("setting must have a mask")
        P, Q = [[0] * (d + 1) for _ in range(d)] + [list(self.b)], self.Q.tolist()
        if self.setting.weights != "first_example":
            return relu_coins.loss(*self.setting.prompt(), P, Q)
        if d > 1 or task.covariance != exact.identity(1) or self.setting.slot:
            raise ValueError(f"w = x_1 is for d = 1, Σ = 1 and an empty slot only, got {self.setting}")
        return literal_loss(task.context_length, P, Q, task_is_first=True)


def predicting(setting: Setting, gamma: fmpq_mat) -> ReluWeights:
    """b = e_{d+1} and Q = −diag(Γ, 0)."""
    d = gamma.nrows()
    rows = [[-x for x in row] + [fmpq(0)] for row in gamma.tolist()] + [[fmpq(0)] * (d + 1)]
    return ReluWeights(setting, (*[fmpq(0)] * d, fmpq(1)), fmpq_mat(rows))


@st.composite
def relu_weights(
    draw: st.DrawFn, slug: str, corner: Corner = ANYWHERE, without: str | None = None
) -> ReluWeights:
    """Weights at settings under the assumptions of a claim, one of them dropped or none."""
    setting = draw(
        settings(keys_of(slug), corner, without=without, max_context=2).filter(
            lambda s: s.task.signal + s.task.noise_variance > 0
        )
    )
    d = setting.task.dim
    b = tuple(draw(st.lists(rationals, min_size=d + 1, max_size=d + 1)))
    Q = draw(matrices(d + 1, d + 1))
    if "zero_query_row" in keys_of(slug):
        last = [fmpq(int(without == "zero_query_row"))] * (d + 1)
        Q = fmpq_mat([*Q.tolist()[:d], last])
    return ReluWeights(setting, b, Q)
