"""The data model of in-context linear regression: one object, validated once.

A prompt holds n context examples (x_i, y_i) and a query x_q, with

    x_1, …, x_n, x_q ~ N(0, Σ) i.i.d.,   w ~ N(0, Ω),   y_i = ⟨w, x_i⟩ + ε_i,   ε_i ~ N(0, σ²),

all independent; the target is ⟨w, x_q⟩, without noise. Every formula, sampler and model takes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact


@dataclass(frozen=True, eq=False)
class RegressionTask:
    """(Σ, n, Ω, σ²): the distribution of a regression prompt.

    Args:
        covariance: Σ, d × d, symmetric positive semidefinite: covariance of every covariate.
        context_length: n ≥ 1, the number of labelled examples.
        task_covariance: Ω, d × d, symmetric positive semidefinite: covariance of w. Default I.
        noise_variance: σ² ≥ 0, variance of the label noise. Default 0.

    Entries are exact rationals; floats count as the dyadic rationals they are.

    Raises:
        TypeError: an entry or n is of the wrong type (bools are no numbers).
        ValueError: a matrix is not square, not symmetric or indefinite, sizes differ, n < 1,
            σ² < 0, or a number is NaN or infinite.

    >>> task = RegressionTask([[2, 0], [0, "1/2"]], context_length=4)
    >>> task.dim, task.context_length, task.signal
    (2, 4, 5/2)
    """

    covariance: fmpq_mat
    context_length: int
    task_covariance: fmpq_mat = field(default=None)  # type: ignore[assignment]
    noise_variance: fmpq = field(default=0)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        covariance = exact.semidefinite("covariance", self.covariance)
        size = covariance.nrows()
        omega = exact.identity(size) if self.task_covariance is None else self.task_covariance
        noise = exact.rational("noise_variance", self.noise_variance)
        if noise < 0:
            raise ValueError(f"noise_variance must be ≥ 0, got {noise}")
        object.__setattr__(self, "covariance", covariance)
        object.__setattr__(
            self, "context_length", exact.positive_integer("context_length", self.context_length)
        )
        object.__setattr__(self, "task_covariance", exact.semidefinite("task_covariance", omega, size))
        object.__setattr__(self, "noise_variance", noise)

    @classmethod
    def isotropic(cls, dim: int, context_length: int, noise_variance: Any = 0) -> RegressionTask:
        """Σ = Ω = I_d (Ahn et al., Eq. (7) and Theorems 2 and 5)."""
        sigma = exact.identity(exact.positive_integer("dim", dim))
        return cls(sigma, context_length, sigma, noise_variance)

    @classmethod
    def whitened(cls, covariance: Any, context_length: int, noise_variance: Any = 0) -> RegressionTask:
        """Ω = Σ⁻¹ (Ahn et al., Theorems 3 and 4; Gatmiry et al.). Σ must be positive definite."""
        sigma = exact.semidefinite("covariance", covariance)
        if not exact.is_positive_definite(sigma):
            raise ValueError(f"covariance must be positive definite where Ω = Σ⁻¹, got {sigma.tolist()}")
        task = cls(sigma, context_length, sigma.inv(), noise_variance)
        task.__dict__["covariance_product"] = exact.identity(task.dim)
        return task

    @property
    def dim(self) -> int:
        """d, the dimension of the covariates."""
        return int(self.covariance.nrows())

    @property
    def signal(self) -> fmpq:
        """tr(ΣΩ) = E⟨w, x⟩²: the variance of a label without noise, and the loss of predicting 0."""
        return exact.trace(self.covariance_product)

    @cached_property
    def covariance_product(self) -> fmpq_mat:
        """ΣΩ, I where Ω = Σ⁻¹; computed once, for numerators of Σ⁻¹ have thousands of digits."""
        return self.covariance * self.task_covariance

    def change_of_variables(self, transform: Any) -> RegressionTask:
        """The same prompts seen through x ↦ T x, w ↦ T⁻ᵀ w: (TΣTᵀ, T⁻ᵀΩT⁻¹).

        Labels ⟨w, x⟩ do not change, and a layer with preconditioner T⁻ᵀ A T⁻¹ makes on the new
        prompts the prediction that A makes on the old: so the two losses agree. With T = Σ^{-1/2}
        and Ω = Σ⁻¹ this is whitening, and the new task is isotropic.

        Raises:
            ValueError: ``transform`` (d × d) is singular or of the wrong shape.
        """
        t = exact.matrix("transform", transform, (self.dim, self.dim))
        if t.det() == 0:
            raise ValueError(f"transform must be invertible, got {t.tolist()}")
        inverse = t.inv()
        return RegressionTask(
            t * self.covariance * t.transpose(),
            self.context_length,
            inverse.transpose() * self.task_covariance * inverse,
            self.noise_variance,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegressionTask) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        def entries(m: fmpq_mat) -> tuple[tuple[int, int], ...]:
            return tuple((int(x.p), int(x.q)) for x in m.entries())

        noise = (int(self.noise_variance.p), int(self.noise_variance.q))
        return self.dim, entries(self.covariance), self.context_length, entries(self.task_covariance), noise
