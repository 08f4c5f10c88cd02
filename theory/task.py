"""The data model of in-context linear regression: one object, validated once.

A prompt holds n context examples (x_i, y_i) and a query x_q, with

    x_1, …, x_n, x_q ~ N(0, Σ) i.i.d.,   w ~ N(0, Ω),   y_i = ⟨w, x_i⟩ + ε_i,   ε_i ~ N(0, σ²),

all independent; the target is ⟨w, x_q⟩, without noise. Every loss, sampler and model takes it.

A task is *whitened* where Ω = Σ⁻¹ and σ² = 0. What is said of such a task in whitened coordinates depends on
d and n alone, so :meth:`RegressionTask.isotropic`, which writes no matrix out, stands for all of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import definiteness, exact, validation

LARGEST_WRITTEN = 2000
"""The largest d for which an identity matrix is written out."""


class RegressionTask:
    """(Σ, n, Ω, σ²): the distribution of a regression prompt. Immutable.

    Args:
        covariance: Σ, d × d, symmetric positive semidefinite: covariance of every covariate.
        context_length: n ≥ 1, the number of labelled examples.
        task_covariance: Ω, d × d, symmetric positive semidefinite: covariance of w. Default I.
        noise_variance: σ² ≥ 0, variance of the label noise. Default 0.

    Entries are exact rationals; floats count as the dyadic rationals they are.

    Attributes:
        dim: d, the dimension of the covariates.
        context_length: n.
        noise_variance: σ².

    Raises:
        TypeError: an entry or n is of the wrong type (bools are no numbers).
        ValueError: a matrix is not square, not symmetric or indefinite, sizes differ, n < 1,
            σ² < 0, or a number is NaN or infinite.

    >>> task = RegressionTask([[2, 0], [0, "1/2"]], context_length=4)
    >>> task.dim, task.context_length, task.signal
    (2, 4, 5/2)
    """

    dim: int
    context_length: int
    noise_variance: fmpq
    _covariance: fmpq_mat | None
    _task_covariance: fmpq_mat | None

    def __init__(
        self, covariance: Any, context_length: Any, task_covariance: Any = None, noise_variance: Any = 0
    ) -> None:
        sigma = validation.semidefinite("covariance", covariance)
        size = sigma.nrows()
        omega = (
            None
            if task_covariance is None
            else validation.semidefinite("task_covariance", task_covariance, size)
        )
        self._fill(size, sigma, context_length, omega, noise_variance)

    def _fill(
        self, dim: int, sigma: fmpq_mat | None, context_length: Any, omega: fmpq_mat | None, noise: Any
    ) -> None:
        """Set the fields; None stands for the identity, and an identity that is given becomes None."""
        variance = validation.rational("noise_variance", noise)
        if variance < 0:
            raise ValueError(f"noise_variance must be ≥ 0, got {variance}")
        given = [None if m is None or m == exact.identity(dim) else m for m in (sigma, omega)]
        values = {
            "dim": dim,
            "context_length": validation.positive_integer("context_length", context_length),
            "noise_variance": variance,
            "_covariance": given[0],
            "_task_covariance": given[1],
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a RegressionTask cannot be changed: make a new one with another {name}")

    @classmethod
    def isotropic(cls, dim: int, context_length: int, noise_variance: Any = 0) -> RegressionTask:
        """Σ = Ω = I_d (Ahn et al., Eq. (7) and Theorems 2 and 5), for any d, however large.

        >>> RegressionTask.isotropic(10**17, 10**17).signal
        100000000000000000
        """
        task = cls.__new__(cls)
        task._fill(validation.positive_integer("dim", dim), None, context_length, None, noise_variance)
        return task

    @classmethod
    def whitened(cls, covariance: Any, context_length: int, noise_variance: Any = 0) -> RegressionTask:
        """Ω = Σ⁻¹ (Ahn et al., Theorems 3 and 4; Gatmiry et al.). Σ must be positive definite."""
        sigma = validation.semidefinite("covariance", covariance)
        if not definiteness.is_positive_definite(sigma):
            raise ValueError(f"covariance must be positive definite where Ω = Σ⁻¹, got {sigma.tolist()}")
        task = cls.__new__(cls)
        # The inverse of a positive definite matrix is one: no second test.
        task._fill(sigma.nrows(), sigma, context_length, sigma.inv(), noise_variance)
        task.__dict__["covariance_product"] = exact.identity(task.dim)
        return task

    @cached_property
    def covariance(self) -> fmpq_mat:
        """Σ, d × d."""
        return self._written(self._covariance)

    @cached_property
    def task_covariance(self) -> fmpq_mat:
        """Ω, d × d."""
        return self._written(self._task_covariance)

    @cached_property
    def covariance_product(self) -> fmpq_mat:
        """ΣΩ, I where Ω = Σ⁻¹; computed once, for numerators of Σ⁻¹ have thousands of digits."""
        return self.covariance * self.task_covariance

    def _written(self, m: fmpq_mat | None) -> fmpq_mat:
        if m is None and self.dim > LARGEST_WRITTEN:
            raise ValueError(
                f"dim must be at most {LARGEST_WRITTEN} where a d × d matrix is needed, got {self.dim}"
            )
        return exact.identity(self.dim) if m is None else m

    @property
    def is_isotropic(self) -> bool:
        """Whether Σ = Ω = I."""
        return self._covariance is None and self._task_covariance is None

    @cached_property
    def inverse_covariances(self) -> bool:
        """Whether Ω = Σ⁻¹: the problem whitens."""
        return self.is_isotropic or self.covariance_product == exact.identity(self.dim)

    @cached_property
    def signal(self) -> fmpq:
        """tr(ΣΩ) = E⟨w, x⟩²: the variance of a label without noise, and the loss of predicting 0."""
        return fmpq(self.dim) if self.inverse_covariances else exact.trace(self.covariance_product)

    def change_of_variables(self, transform: Any) -> RegressionTask:
        """The same prompts seen through x ↦ T x, w ↦ T⁻ᵀ w: (TΣTᵀ, T⁻ᵀΩT⁻¹).

        Labels ⟨w, x⟩ do not change, and a layer with preconditioner T⁻ᵀ A T⁻¹ makes on the new
        prompts the prediction that A makes on the old: so the two losses agree. With T = Σ^{-1/2}
        and Ω = Σ⁻¹ this is whitening, and the new task is isotropic.

        Raises:
            ValueError: ``transform`` (d × d) is singular or of the wrong shape.
        """
        t = validation.matrix("transform", transform, (self.dim, self.dim))
        if t.det() == 0:
            raise ValueError(f"transform must be invertible, got {t.tolist()}")
        inverse = t.inv()
        return RegressionTask(
            t * self.covariance * t.transpose(),
            self.context_length,
            inverse.transpose() * self.task_covariance * inverse,
            self.noise_variance,
        )

    def __repr__(self) -> str:
        if self.is_isotropic:
            noise = f", noise_variance={self.noise_variance}" if self.noise_variance else ""
            return f"RegressionTask.isotropic({self.dim}, {self.context_length}{noise})"
        matrices = f"{self.covariance.tolist()}, {self.context_length}, {self.task_covariance.tolist()}"
        return f"RegressionTask({matrices}, {self.noise_variance})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegressionTask) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        def entries(m: fmpq_mat | None) -> tuple[tuple[int, int], ...] | None:
            return None if m is None else tuple((int(x.p), int(x.q)) for x in m.entries())

        matrices = (self._covariance, self._task_covariance)
        noise = (int(self.noise_variance.p), int(self.noise_variance.q))
        return self.dim, self.context_length, noise, *map(entries, matrices)


isotropic = RegressionTask.isotropic
"""The shorthand for :meth:`RegressionTask.isotropic`."""


def whitened_sizes(task: Any) -> tuple[int, int]:
    """(d, n) of a task with Ω = Σ⁻¹ and σ² = 0: all that a loss depends on in whitened coordinates.

    Raises:
        TypeError: ``task`` is no :class:`RegressionTask`.
        ValueError: it is not whitened, or has label noise.

    >>> whitened_sizes(RegressionTask.isotropic(2, 5))
    (2, 5)
    """
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task must be a RegressionTask, got {task!r} of type {type(task).__name__}")
    if not task.inverse_covariances or task.noise_variance != 0:
        raise ValueError(f"task must be whitened, Ω = Σ⁻¹, and without label noise, got {task!r}")
    return task.dim, task.context_length
