r"""A second route to the loss of any model of attention layers, where Σ = VVᵀ has rank r and w = ηh, h ~ N(0, 1).

A prompt enters a masked layer through XXᵀ, Xyᵀ and yyᵀ alone. X is V G, G r × n standard normal, and G = T O with O
having orthonormal rows and T lower triangular, r × min(n, r), its entries independent: N(0, 1) below the diagonal and
t_ii² ~ χ²_{n−i}, i = 0, 1, … [1, Theorem 3.2.14]. So the n columns of X may be replaced by those of VT, n staying the
divisor. With the queries V e_1, …, V e_r, which average x_q ~ N(0, Σ) out, the loss of a prompt

    v = Σ_j (TF_L − ⟨w, V e_j⟩)²

is a polynomial in h and in the few entries of T, got by the literal forward pass, and averaged monomial by monomial.
v does not change under T ↦ T diag(±1, …); so each monomial has t_ii to an even power, or an entry below it to an odd
one, whose mean is 0.

[1] R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory, Wiley.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx

from icl_claims.theory.task import RegressionTask
from tests.shared.coordinates import gaussian
from tests.shared.forward import Pair
from tests.shared.wishart_coordinates import times


@dataclass(frozen=True)
class FewDirections:
    """V (d × r), n, η (d × 1): the task Σ = VVᵀ, Ω = ηηᵀ, σ² = 0."""

    V: fmpq_mat
    context_length: int
    eta: fmpq_mat

    @property
    def task(self) -> RegressionTask:
        """As the theory takes it."""
        sigma, omega = self.V * self.V.transpose(), self.eta * self.eta.transpose()
        return RegressionTask(sigma, self.context_length, omega)

    def moved(self, T: fmpq_mat) -> FewDirections:
        """The same prompts seen through x ↦ T x, w ↦ T⁻ᵀ w."""
        return FewDirections(T * self.V, self.context_length, T.inv().transpose() * self.eta)

    @property
    def sizes(self) -> tuple[int, int]:
        """r and min(n, r): the shape of T."""
        return self.V.ncols(), min(self.context_length, self.V.ncols())

    @cached_property
    def ring(self) -> Any:
        """ℚ[t_00, t_10, t_11, …, h]: the entries of T row by row, and h."""
        return fmpq_mpoly_ctx.get((*(f"t{i}{j}" for i, j in self._places()), "h"), Ordering.degrevlex)

    def loss_of_a_prompt(self, layers: Sequence[Pair]) -> Any:
        """v, a polynomial."""
        zero, h = self.ring.constant(0), self.ring.gens()[-1]
        entries = dict(zip(self._places(), self.ring.gens(), strict=False))
        rows, columns = self.sizes
        T = [[entries.get((i, j), zero) for j in range(columns)] for i in range(rows)]
        V, w = self._constant(self.V), [[h * x for (x,) in self.eta.tolist()]]
        X = times(V, T)
        targets = times(w, V)[0]
        Z = [[*x, *queries] for x, queries in zip(X, V, strict=True)] + [[*times(w, X)[0], *[zero] * rows]]
        for P, Q in layers:
            seen = [row[:columns] for row in Z]
            gram = times(seen, [list(column) for column in zip(*seen, strict=True)])
            moved = times(times(self._constant(P), gram), times(self._constant(Q), Z))
            Z = [
                [z + m / self.context_length for z, m in zip(*pair, strict=True)]
                for pair in zip(Z, moved, strict=True)
            ]
        return sum(((z + t) ** 2 for z, t in zip(Z[-1][columns:], targets, strict=True)), zero)

    def mean(self, polynomial: Any) -> fmpq:
        """Its expectation."""
        return sum((c * self._moment(tuple(map(int, k))) for k, c in polynomial.terms()), fmpq(0))

    def _moment(self, powers: tuple[int, ...]) -> int:
        *of_T, of_h = powers
        factors = [
            _chi(self.context_length - i, k) if i == j else gaussian(k)
            for (i, j), k in zip(self._places(), of_T, strict=True)
        ]
        return prod(factors) * gaussian(of_h)

    def _places(self) -> list[tuple[int, int]]:
        rows, columns = self.sizes
        return [(i, j) for i in range(rows) for j in range(min(i + 1, columns))]

    def _constant(self, m: fmpq_mat) -> list[list[Any]]:
        return [[self.ring.constant(x) for x in row] for row in m.tolist()]


def _chi(freedom: int, k: int) -> int:
    """E t^k for t² ~ χ² with k even; 0 for odd k, where another factor has the mean 0."""
    return 0 if k % 2 else prod(range(freedom, freedom + k, 2))
