"""Instances of statements about one looped block on a prompt: the prompt, A and u of every loop, the mask."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivations.loop_is_preconditioned_gd import Loops
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.task import isotropic
from tests.shared.forward import Pair, Prompt, block_diagonal, states
from tests.shared.sizes import sizes
from tests.shared.strategies import matrices, positive_rationals


@dataclass(frozen=True)
class Looped:
    """A prompt, the matrix of every loop (one and the same where they are tied), u, and whether there is a mask."""

    prompt: Prompt
    matrices: tuple[fmpq_mat, ...]
    u: fmpq_mat
    masked: bool = True

    def __str__(self) -> str:
        tied = len({str(a) for a in self.matrices}) == 1
        named = self.matrices[:1] if tied else self.matrices
        of_loops = "; ".join(f"A{'' if tied else f'_{i}'} = {a.tolist()}" for i, a in enumerate(named))
        words = [f"{self.prompt}, w = {self.prompt.task.entries()}; {of_loops}; {len(self.matrices)} loops"]
        words += [f"u = {self.u.entries()}"] if any(self.u.entries()) else []
        return "; ".join(words + ([] if self.masked else ["no mask"]))

    @property
    def noiseless(self) -> bool:
        return not any(self.prompt.noise.entries())

    @property
    def tied(self) -> bool:
        return all(a == self.matrices[0] for a in self.matrices)

    def states(self) -> list[fmpq_mat]:
        """Z_0, …, Z_L, the loops multiplied out."""
        layers = [pair(a, self.u) for a in self.matrices]
        return states(self.prompt.state(self.prompt.slot), layers, self.masked)


def pair(A: fmpq_mat, u: fmpq_mat) -> Pair:
    """P = [[0, 0], [uᵀ, 1]] and −Q = −diag(A, 0): the minus sign of the loop goes with Q."""
    P = block_diagonal(A * 0, 1)
    for a, x in enumerate(u.entries()):
        P[A.nrows(), a] = x
    return P, -block_diagonal(A, 0)


def descent_margin(loops: Loops, at: Looped) -> fmpq:
    """Minus the squared distance of the query entries after every loop from those of the stated descent."""
    d, size = at.prompt.X.nrows(), at.prompt.X.ncols()
    task, A = isotropic(d, size), {"A": at.matrices[0]}
    values = {"X": at.prompt.X, "x_q": at.prompt.query, "y": at.prompt.labels}
    distance, w = fmpq(0), at.prompt.query * 0
    for Z in at.states():
        distance += (Z[d, size] - at_task(loops.entry, task, {**values, "w_l": w})[0, 0]) ** 2
        slope = at_task(loops.slope, task, {**values, "w_l": w})
        w -= at_task(loops.preconditioner, task, A) * slope
    return -distance


def residual_margin(loops: Loops, at: Looped) -> fmpq:
    """Minus the squared distance of the labels after every loop from those of the stated residual.

    The query's label is held against the residual and against the stated prediction.
    """
    d, size = at.prompt.X.nrows(), at.prompt.X.ncols()
    values = {"A": at.matrices[0], "X": at.prompt.X}
    contraction, factor = (at_task(m, isotropic(d, size), values) for m in (loops.contraction, loops.factor))
    w, query = at.prompt.task, at.prompt.query
    distance, moved = fmpq(0), query
    for Z in at.states():
        labels = (w.transpose() * at.prompt.X).entries()
        distance += sum(((Z[d, i] - x) ** 2 for i, x in enumerate(labels)), fmpq(0))
        prediction = (at.prompt.task.transpose() * (query - moved))[0, 0]
        distance += (Z[d, size] + prediction) ** 2
        distance += (Z[d, size] - ((w - at.prompt.task).transpose() * query)[0, 0]) ** 2
        w, moved = contraction * w, factor * moved
    return -distance


@st.composite
def looped(draw: st.DrawFn, corner: Corner = ANYWHERE, without: str | None = None) -> Looped:
    d, length = draw(sizes(corner, max_dim=2))
    noise = fmpq_mat([[int(without == "noiseless_labels")] * length])
    slot = draw(positive_rationals) if without == "zero_query_label" else fmpq(0)
    prompt = Prompt(draw(matrices(d, length)), draw(matrices(d, 1)), draw(matrices(d, 1)), noise, slot)
    A, count = draw(matrices(d, d)), corner.layers or draw(st.integers(1, 3))
    of_loops = (A, A * 2 + exact.identity(d) * 9) if without == "tied_layers" else (A,) * count
    u = fmpq_mat([[int(without == "zero_value_row")] for _ in range(d)])
    return Looped(prompt, of_loops, u, masked=without != "masked_query")
