r"""Enclosures of what float64 may find: a midpoint and a radius for each entry, for matrix products, loss and gradient.

A product of matrices ABC…, its sums in any order and its products in any association, is evaluated in float64 to
Σ t(1 + η) over its terms t, with |η| ≤ k u/(1 − k u) for k roundings on the way to a term and u = 2⁻⁵³. So all
evaluations, at all arguments within their radii, lie within

    (|A| + r_A)(|B| + r_B)… − |A||B|… + g (|A| + r_A)(|B| + r_B)…

of the midpoints' product. Here g = 2⁻⁴³ > 4·(250 u)/(1 − 250 u): once for the evaluation that is enclosed, once for
that of the midpoint, and twice for the two products in the radius. A term of a product has as many roundings as the
lengths of all its inner sums together, whatever the association; more than 250 are refused. A sum over a batch may run
through it in one go with an inner sum; over N numbers in all, it takes g + 4 N u.

The roots of Σ and Ω come from an eigendecomposition. Another library finds that of a matrix Σ + E, backward stably:
‖E‖_F ≤ p u ‖Σ‖. For two semidefinite matrices of one rank, and λ the least eigenvalue of either that is not 0,

    ‖Σ^{1/2} − (Σ + E)^{1/2}‖_F ≤ √3 ‖E‖_F/√λ

(the difference X solves Σ^{1/2} X + X (Σ + E)^{1/2} = −E; its block of both null spaces is 0, and each of the three
others is at most ‖E‖_F/√λ). So, with the errors on both sides, no entry differs by more than g ‖Σ‖/√λ where p ≤ 250; a
small entry may well differ by more than g of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from flint import fmpq_mat
from torch import Tensor

from icl_claims.models.prompts import roots
from icl_claims.models.seeds import generator
from icl_claims.models.settings import Settings
from icl_claims.theory.task import RegressionTask

ROUNDING = 2.0**-43
"""g, relative to the sum of the absolute values of the terms."""

MOST_ROUNDINGS = 250
"""On the way to a term of a product."""


@dataclass(frozen=True)
class Enclosure:
    """Entries within ``radius`` of ``middle``."""

    middle: Tensor
    radius: Tensor

    @classmethod
    def exactly(cls, tensor: Tensor) -> Enclosure:
        """These numbers."""
        return cls(tensor, torch.zeros_like(tensor))

    @classmethod
    def about(cls, tensor: Tensor) -> Enclosure:
        """These numbers, or others that differ relatively by at most 2⁻⁴³."""
        return cls(tensor, ROUNDING * tensor.abs())

    @property
    def largest(self) -> Tensor:
        """An upper bound of the absolute values."""
        return self.middle.abs() + self.radius

    @property
    def mT(self) -> Enclosure:
        """The transpose."""
        return Enclosure(self.middle.mT, self.radius.mT)

    def repeated(self, times: int) -> Enclosure:
        """So many times along the first axis."""
        return Enclosure(*(x.repeat(times, *(1,) * (x.ndim - 1)) for x in (self.middle, self.radius)))

    def __getitem__(self, index: object) -> Enclosure:
        return Enclosure(self.middle[index], self.radius[index])  # type: ignore[index]

    def __add__(self, other: Enclosure) -> Enclosure:
        radius = self.radius + other.radius + ROUNDING * (self.largest + other.largest)
        return Enclosure(self.middle + other.middle, radius)

    def __mul__(self, factor: float) -> Enclosure:
        return Enclosure(self.middle * factor, (self.radius + ROUNDING * self.largest) * abs(factor))

    def summed(self, inner: int = 1) -> Enclosure:
        """The sum over the first axis, perhaps in one go with the sums of so many numbers that the entries are."""
        largest = self.largest.sum(dim=0)
        share = ROUNDING + 2.0**-51 * len(self.middle) * inner
        return Enclosure(self.middle.sum(dim=0), self.radius.sum(dim=0) + share * largest)

    def contains(self, tensor: Tensor) -> bool:
        """Whether every entry lies within its radius."""
        return bool(((tensor - self.middle).abs() <= self.radius).all())


def product(*factors: Enclosure) -> Enclosure:
    """The product of matrices, in any association.

    Raises:
        ValueError: its inner sums have more than 250 terms together.
    """
    roundings = sum(x.middle.shape[-1] for x in factors[:-1])
    if roundings > MOST_ROUNDINGS:
        raise ValueError(f"inner sums must have at most {MOST_ROUNDINGS} terms together, got {roundings}")
    middle = reduce(torch.matmul, [x.middle for x in factors])
    around = reduce(torch.matmul, [x.largest for x in factors])
    within = reduce(torch.matmul, [x.middle.abs() for x in factors])
    return Enclosure(middle, (around - within).clamp(min=0) + ROUNDING * around)


def normal(shape: tuple[int, ...], source: torch.Generator) -> Enclosure:
    """Standard normal numbers: their logarithms and cosines may be another processor's, with other last bits."""
    return Enclosure.about(torch.randn(shape, generator=source, dtype=torch.float64))


def root_of(matrix: fmpq_mat, root: Tensor) -> Enclosure:
    """The symmetric root of a matrix, as any eigendecomposition finds it."""
    if matrix.rank() == 0:
        return Enclosure.exactly(root)
    eigenvalues = torch.linalg.eigvalsh(root)[matrix.nrows() - matrix.rank() :]
    return Enclosure(root, torch.full_like(root, ROUNDING * float(eigenvalues[-1] ** 2 / eigenvalues[0])))


def prompts(task: RegressionTask, settings: Settings, index: int) -> tuple[Enclosure, Enclosure]:
    """The prompts and targets of a batch of a run, as :meth:`icl_claims.models.training.Run.batch` draws them.

    Raises:
        ValueError: the task has noise, or is too large, see :func:`product`.
    """
    if task.noise_variance != 0:
        raise ValueError(f"noise_variance must be 0, got {task.noise_variance}")
    source = generator(settings.seed, f"batch {index}")
    matrices = (task.covariance, task.task_covariance)
    root, task_root = (root_of(m, r) for m, r in zip(matrices, roots(task)[:2], strict=True))
    size, d, n = settings.batch, task.dim, task.context_length
    X = product(root, normal((size, d, n + 1), source))
    w = product(normal((size, 1, d), source), task_root)
    if settings.integrate_query:
        X = _joined(X[..., :n], root[None].repeated(size), dim=2)
    labels = product(w, X)
    slots = Enclosure.exactly(torch.zeros_like(labels.middle[..., n:]))
    return _joined(X, _joined(labels[..., :n], slots, dim=2), dim=1), labels[:, 0, n:]


def loss_and_gradient(
    P: Enclosure, Q: Enclosure, Z0: Enclosure, targets: Enclosure, n: int
) -> tuple[Enclosure, Enclosure, Enclosure]:
    r"""The mean squared error of the transformer with layers P_l, Q_l on a batch, and its gradients in P and Q.

    With C the first n columns of Z, G = C Cᵀ and D = ∂f/∂Z after a layer Z ← Z + P G Q Z/n:

        ∂f/∂P = D (G Q Z)ᵀ/n,    ∂f/∂Q = G Pᵀ D Zᵀ/n,
        ∂f/∂Z = D + Qᵀ G Pᵀ D/n, to which (K + Kᵀ) C with K = Pᵀ D (Q Z)ᵀ/n is added in the columns of C.

    Args:
        P: L × (d+1) × (d+1).
        Q: the same.
        Z0: batch × (d+1) × (n + queries).
        targets: batch × queries.
        n: the number of examples.

    Raises:
        ValueError: see :func:`product`.
    """
    states, (size, _, columns) = [Z0], Z0.middle.shape
    layers = [(P[index], Q[index]) for index in range(len(P.middle))]
    for p, q in layers:
        Z = states[-1]
        states.append(Z + product(p, Z[..., :n], Z[..., :n].mT, q, Z) * (1 / n))
    error = states[-1][:, -1, n:] + targets
    squares = Enclosure(error.middle**2, error.largest**2 - error.middle**2 + ROUNDING * error.largest**2)
    flat = Enclosure(squares.middle.reshape(-1, 1), squares.radius.reshape(-1, 1))
    loss = flat.summed()[0] * (1 / size)
    shape = states[-1].middle.shape
    middle, radius = (torch.zeros(shape, dtype=torch.float64) for _ in range(2))
    scaled = error * (2 / size)
    middle[:, -1, n:], radius[:, -1, n:] = scaled.middle, scaled.radius
    D, found = Enclosure(middle, radius), []
    for (p, q), Z in zip(reversed(layers), reversed(states[:-1]), strict=True):
        C = Z[..., :n]
        found.append(
            (
                (product(D, Z.mT, q.mT, C, C.mT) * (1 / n)).summed(columns),
                (product(C, C.mT, p.mT, D, Z.mT) * (1 / n)).summed(columns),
            )
        )
        passed = D + product(q.mT, C, C.mT, p.mT, D) * (1 / n)
        K = product(p.mT, D, Z.mT, q.mT) * (1 / n)
        back = product(K + K.mT, C)
        for name in ("middle", "radius"):
            getattr(passed, name)[..., :n] += getattr(back, name)
        passed.radius[..., :n] += ROUNDING * (passed.largest[..., :n] + back.largest)
        D = passed
    in_P, in_Q = (_stacked(part[::-1]) for part in zip(*found, strict=True))
    return loss, in_P, in_Q


def _joined(one: Enclosure, other: Enclosure, dim: int) -> Enclosure:
    return Enclosure(
        torch.cat([one.middle, other.middle], dim=dim), torch.cat([one.radius, other.radius], dim=dim)
    )


def _stacked(parts: Sequence[Enclosure]) -> Enclosure:
    return Enclosure(torch.stack([x.middle for x in parts]), torch.stack([x.radius for x in parts]))
