r"""The loss of L layers of linear attention with any matrices A_0, …, A_{L−1}, exactly, with its derivatives.

L layers of the sparse parametrization move an iterate by w_{l+1} = w_l − A_lᵀ ∇R(w_l) from w_0 = 0
(:mod:`icl_claims.theory.transformer.preconditioned_gd`; mind the transpose). With S = XXᵀ/n, B_l = A_lᵀ and
labels wᵀX + εᵀ,

    w − w_L = G w − H Xε/n,   G = (I − B_{L−1}S) ⋯ (I − B_0 S),   H S = I − G,

so that, averaged over the query, the task and the noise, and then over the context,

    f(A_0, …, A_{L−1}) = E tr(Σ G Ω Gᵀ) + (σ²/n) E tr(Σ H S Hᵀ).

Both are sums of words in W = nS and the A_l, averaged exactly (:mod:`icl_claims.theory.wishart.matrix_words`).
With u, v over the subsets of layers, written u_1 < … < u_p and v_1 < … < v_q,

    f = Σ_{u,v} (−1/n)^{p+q} E tr(Σ B_{u_p} W ⋯ B_{u_1} W Ω W A_{v_1} ⋯ W A_{v_q})
        + σ² Σ_{u,v≠∅} (−1/n)^{p+q} E tr(Σ B_{u_p} W ⋯ B_{u_1} W A_{v_1} ⋯ W A_{v_q}).

A looped transformer has all A_l = A: :mod:`icl_claims.theory.loops.matrix`. Which layers share a matrix is the
*pattern* of the layers, (0, 1, 2) for three different ones and (0, 0, 0) for one that is looped.

Source: Ahn et al. (2023), Lemma 1 and Theorems 3 and 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import lcm, prod
from typing import Any

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import word_plans
from icl_claims.theory.wishart.word_plans import Plan, State

MOST_LAYERS = 5
"""The most layers of different matrices: 5 take about a second the first time, and their layout 100 MB."""


def layered_loss(task: RegressionTask, matrices: Sequence[Any]) -> fmpq:
    """f(A_0, …, A_{L−1}) of L ≤ :data:`MOST_LAYERS` layers, exactly.

    Args:
        task: the distribution of prompts, any Σ, Ω and σ².
        matrices: A_0, …, A_{L−1}, each d × d, symmetric or not; none give f = tr ΣΩ.

    Raises:
        TypeError, ValueError: ``matrices`` is no sequence of d × d matrices, or there are too many.

    >>> layered_loss(RegressionTask.isotropic(dim=2, context_length=5), [[["5/8", 0], [0, "5/8"]]])
    3/4
    """
    layers = _matrices(task, matrices)
    return Evaluation(task, layers, tuple(range(len(layers)))).loss()


def layered_gradient(task: RegressionTask, matrices: Sequence[Any]) -> list[fmpq_mat]:
    """(∂f/∂A_l[i, j]), d × d, for each layer l, exactly. Arguments and errors as :func:`layered_loss`.

    >>> task = RegressionTask.isotropic(dim=2, context_length=5)
    >>> [m.tolist() for m in layered_gradient(task, [[["5/8", 0], [0, "5/8"]]])]
    [[[0, 0], [0, 0]]]
    """
    layers = _matrices(task, matrices)
    return Evaluation(task, layers, tuple(range(len(layers)))).gradient()


def layered_hessian(task: RegressionTask, matrices: Sequence[Any]) -> fmpq_mat:
    """The second derivatives of f, L d² × L d², exactly: row l d² + i d + j is A_l[i, j].

    2L gradients for each of the L d² directions. Arguments and errors as :func:`layered_loss`.

    >>> layered_hessian(RegressionTask([[1]], context_length=2), [[[1]]])
    [4]
    """
    layers = _matrices(task, matrices)
    return pattern_hessian(task, layers, tuple(range(len(layers))))


@dataclass(frozen=True)
class _Term:
    """count · tr(left · V · A_right), V a root of the plan; left is Σ A_leftᵀ, or ΣΩ where it is None."""

    root: int
    left: int | None
    right: int
    degree: int
    count: int
    noise: bool


@lru_cache(maxsize=6)
def layout(pattern: tuple[int, ...], noisy: bool) -> tuple[Plan, tuple[_Term, ...]]:
    """The words of the loss. ``pattern`` names each layer's matrix by an index from 0: (0, 0) is two loops.

    Letters: 2l for A_l, 2l + 1 for its transpose, then Ω. Terms of (u, ∅) are counted with (∅, u).
    """
    omega = 2 * (max(pattern) + 1)
    adjoint = (*(x ^ 1 for x in range(omega)), omega)
    subsets = Counter(
        tuple(2 * i for i in u) for p in range(len(pattern) + 1) for u in combinations(pattern, p)
    )
    roots: dict[State, int] = {}
    terms = []

    def term(
        word: tuple[int, ...], left: int | None, right: int, degree: int, count: int, noise: bool
    ) -> None:
        at = roots.setdefault((word, ()), len(roots))
        terms.append(_Term(at, None if left is None else left // 2, right // 2, degree, count, noise))

    for v, right_count in subsets.items():
        if not v:
            continue
        term(v[:-1], None, v[-1], len(v), 2 * right_count, noise=False)
        for u, left_count in subsets.items():
            if not u:
                continue
            back = tuple(x ^ 1 for x in reversed(u[:-1]))
            count, degree = left_count * right_count, len(u) + len(v)
            term((*back, omega, *v[:-1]), u[-1], v[-1], degree, count, noise=False)
            if noisy:
                term((*back, *v[:-1]), u[-1], v[-1], degree, count, noise=True)
    return word_plans.plan(roots, adjoint), tuple(terms)


class Evaluation:
    """The loss and its gradient at given matrices of a pattern, in integers.

    With A_l = Â_l/a, Σ = Σ̂/s, Ω = Ω̂/ω, σ² = σ_1/σ_2 and N = n a s, every term of degree p + q has p + q
    letters A and one Σ more than that (as many in the noise terms), so

        f · ω s σ_2 N^{2L} = σ_2 Σ (−1)^{p+q} N^{2L−p−q} (term at Â, Σ̂, Ω̂) + ω s σ_1 (the same of the noise).
    """

    def __init__(self, task: RegressionTask, matrices: Sequence[fmpq_mat], pattern: tuple[int, ...]) -> None:
        self.task, self.matrices, self.pattern = task, matrices, pattern
        if not pattern:
            return
        self.n = task.context_length
        self.sigma, sigma_unit = task.covariance.numer_denom()
        self.omega, omega_unit = task.task_covariance.numer_denom()
        fractions = [m.numer_denom() for m in matrices]
        self.unit = fmpz(lcm(*(int(denominator) for _, denominator in fractions)))
        self.layers = [m * (self.unit // denominator) for m, denominator in fractions]
        self.letters = [x for m in self.layers for x in (m, m.transpose())] + [self.omega]
        self.noise = task.noise_variance
        self.plan, self.terms = layout(pattern, self.noise != 0)
        self.base = self.n * self.unit * sigma_unit
        self.signal_factor, self.noise_factor = self.noise.q, omega_unit * sigma_unit * self.noise.p
        self.denominator = omega_unit * sigma_unit * self.noise.q * self.base ** (2 * len(pattern))

    def weight(self, term: _Term) -> fmpz:
        """What the term's trace counts in the numerator."""
        factor = self.noise_factor if term.noise else self.signal_factor
        sign = (-1) ** term.degree * term.count
        return sign * factor * self.base ** (2 * len(self.pattern) - term.degree)

    def left(self, term: _Term) -> fmpz_mat:
        """ΣA_leftᵀ, or ΣΩ, in integers."""
        return self.sigma * (self.omega if term.left is None else self.layers[term.left].transpose())

    def loss(self) -> fmpq:
        """f, with the greatest common divisor g of the entries of Σ̂Ω̂ taken out of all signal terms.

        Each of them holds one Ω̂, behind a Σ̂. Where Ω = Σ⁻¹ that leaves none of Ω̂'s thousands of digits.
        """
        if not self.pattern:
            return self.task.signal
        product = self.sigma * self.omega
        g = exact.content(product)
        found = self.plan.values(self.letters, self.sigma, self.n, {len(self.letters) - 1: g})
        lefts = [self.sigma * m.transpose() for m in self.layers] + [exact.divided(product, g)]
        numerator = fmpz(0)
        for (left, right, noise), middle in self.middles(self.plan.root_values(found)).items():
            # tr(left · middle · right) without the last product
            around = self.layers[right] * lefts[-1 if left is None else left]
            numerator += (1 if noise else g) * exact.integer_inner(around, middle.transpose())
        return self.task.signal + fmpq(numerator, self.denominator)

    def middles(self, roots: Sequence[fmpz_mat]) -> dict[tuple[int | None, int, bool], fmpz_mat]:
        """Σ weight · V over the terms with the same matrices to the left and to the right of V."""
        sums: dict[tuple[int | None, int, bool], fmpz_mat] = {}
        for term in self.terms:
            key, value = (term.left, term.right, term.noise), roots[term.root] * self.weight(term)
            sums[key] = sums[key] + value if key in sums else value
        return sums

    def gradient(self) -> list[fmpq_mat]:
        """The derivatives in the entries of each matrix of the pattern."""
        if not self.pattern:
            return []
        found = self.plan.values(self.letters, self.sigma, self.n)
        roots = self.plan.root_values(found)
        size = self.task.dim
        slopes = [fmpz_mat(size, size) for _ in self.layers]
        of_roots = [fmpz_mat(size, size) for _ in roots]
        for term in self.terms:
            weight, left, right = self.weight(term), self.left(term), self.layers[term.right]
            value = roots[term.root]
            of_roots[term.root] += (right * left).transpose() * weight
            slopes[term.right] += (left * value).transpose() * weight
            if term.left is not None:
                slopes[term.left] += value * right * self.sigma * weight
        pulled = self.plan.pullback(self.letters, self.sigma, self.n, found, of_roots)
        return [
            fmpq_mat(slope + pulled[2 * i] + pulled[2 * i + 1].transpose())
            * fmpq(self.unit, self.denominator)
            for i, slope in enumerate(slopes)
        ]


def pattern_hessian(task: RegressionTask, matrices: Sequence[fmpq_mat], pattern: tuple[int, ...]) -> fmpq_mat:
    """The second derivatives of the loss of a pattern, in the entries of its matrices.

    Along a line A + tD the gradient is a polynomial of degree ≤ 2L − 1 in t: its slope at 0 is exact from

    Σ_{t=1..L} w_t (g(t) − g(−t))/2,   w_t = (1/t) ∏_{s≠t} s²/(s² − t²).
    """
    order, size = len(pattern), task.dim
    rows = []
    for place in range(len(matrices)):
        for entry in range(size * size):
            direction = fmpq_mat(size, size, [int(i == entry) for i in range(size * size)])

            def gradient(t: int, place: int = place, direction: fmpq_mat = direction) -> list[fmpq]:
                moved = [m + direction * t if i == place else m for i, m in enumerate(matrices)]
                return [x for m in Evaluation(task, moved, pattern).gradient() for x in m.entries()]

            row = [fmpq(0)] * (len(matrices) * size * size)
            for t in range(1, order + 1):
                others = (s for s in range(1, order + 1) if s != t)
                weight = prod((fmpq(s * s, s * s - t * t) for s in others), start=fmpq(1, 2 * t))
                pairs = zip(row, gradient(t), gradient(-t), strict=True)
                row = [old + weight * (ahead - behind) for old, ahead, behind in pairs]
            rows.append(row)
    return fmpq_mat(rows)


def _matrices(task: RegressionTask, matrices: Sequence[Any]) -> list[fmpq_mat]:
    if isinstance(matrices, str | bytes) or not hasattr(matrices, "__len__"):
        raise TypeError(f"matrices must be a sequence of {task.dim} × {task.dim} matrices, got {matrices!r}")
    if len(matrices) > MOST_LAYERS:
        raise ValueError(f"matrices must be at most {MOST_LAYERS}, got {len(matrices)}")
    return [validation.matrix(f"matrices[{i}]", m, (task.dim, task.dim)) for i, m in enumerate(matrices)]
