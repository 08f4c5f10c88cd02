"""Instances of statements about the forward pass of the sparse parametrization: a prompt and the matrices A_l."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.derivations.forward_pass_is_preconditioned_gd_transposed import Descent
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import isotropic
from tests.shared.forward import Prompt, block_diagonal, states
from tests.shared.sizes import sizes
from tests.shared.strategies import matrices, positive_rationals


@dataclass(frozen=True)
class Pass:
    """A prompt, the matrices A_0, A_1, …, and whether there is a mask."""

    prompt: Prompt
    matrices: tuple[fmpq_mat, ...]
    masked: bool = True

    def __str__(self) -> str:
        of_layers = "; ".join(f"A_{i} = {a.tolist()}" for i, a in enumerate(self.matrices))
        return f"{self.prompt}; {of_layers}" + ("" if self.masked else "; no mask")

    def entries(self) -> list[fmpq]:
        """[Z_l]_{d+1,n+1} for l = 0, …, L, the layers multiplied out."""
        d, size = self.prompt.X.nrows(), self.prompt.X.ncols()
        layers = [(block_diagonal(a * 0, 1), -block_diagonal(a, 0)) for a in self.matrices]
        return [Z[d, size] for Z in states(self.prompt.state(self.prompt.slot), layers, self.masked)]

    def stated_entries(self, descent: Descent) -> list[fmpq]:
        """The same by the stated recursion."""
        size = isotropic(self.prompt.X.nrows(), self.prompt.X.ncols())
        values = {"X": self.prompt.X, "x_q": self.prompt.query, "y": self.prompt.labels}
        found, w = [], self.prompt.query * 0
        for A_l in (*self.matrices, None):
            found.append(at_task(descent.entry, size, {**values, "w_l": w})[0, 0])
            if A_l is not None:
                slope = at_task(descent.slope, size, {**values, "w_l": w})
                w -= at_task(descent.preconditioner, size, {"A": A_l}) * slope
        return found


def margin(descent: Descent, at: Pass) -> fmpq:
    """Minus the squared distance of the query entries of all layers from the stated ones."""
    pairs = zip(at.entries(), at.stated_entries(descent), strict=True)
    return -sum(((x - y) ** 2 for x, y in pairs), fmpq(0))


@st.composite
def passes(
    draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None, noisy: bool = True
) -> Pass:
    d, length = draw(sizes(corner))
    noise = draw(matrices(1, length)) if noisy else fmpq_mat(1, length)
    if without == "noiseless_labels":
        noise = fmpq_mat([[1] * length])
    slot = draw(positive_rationals) if without == "zero_query_label" else fmpq(0)
    prompt = Prompt(draw(matrices(d, length)), draw(matrices(d, 1)), draw(matrices(d, 1)), noise, slot)
    layers = draw(st.lists(matrices(d, d), min_size=1, max_size=corner.layers or 3))
    return Pass(prompt, tuple(layers), masked=without != "masked_query")


def one_example(A_0: list[list[int]], slot: int = 0) -> Prompt:
    """x_1 = w = e_1, and the last unit vector for the query."""
    first, last = ([[int(i == k)] for i in range(len(A_0))] for k in (0, len(A_0) - 1))
    return Prompt(fmpq_mat(first), fmpq_mat(last), fmpq_mat(first), fmpq_mat(1, 1), fmpq(slot))
