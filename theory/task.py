"""The data model of in-context linear regression: one object, validated once.

A prompt holds n context examples (x_i, y_i) and a query x_q, with

    x_1, …, x_n, x_q ~ N(0, Σ) i.i.d.,   w ~ N(0, Ω),   y_i = ⟨w, x_i⟩ + ε_i,   ε_i ~ N(0, σ²),

all independent; the target is ⟨w, x_q⟩, without noise. Every loss, sampler and model takes it.

A task is *whitened* where Ω = Σ⁻¹ and σ² = 0. What is said of such a task in whitened coordinates depends on
d and n alone, so :meth:`RegressionTask.isotropic` stands for all of them.

No d × d matrix is written out before somebody asks for one: the identity may be of any size, a diagonal matrix is
held by its entries, and Ω = Σ⁻¹ is inverted when it is read.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.semidefinite import Run, SemidefiniteMatrix, joint_runs


class Level(NamedTuple):
    """Neighbouring coordinates in which Σ is λ I and Ω is ω I: λ, ω and how many they are."""

    covariance: fmpq
    task_covariance: fmpq
    multiplicity: int


class RegressionTask:
    """(Σ, n, Ω, σ²): the distribution of a regression prompt. Immutable.

    Args:
        covariance: Σ, d × d, symmetric positive semidefinite: covariance of every covariate.
        context_length: n ≥ 1, the number of labelled examples.
        task_covariance: Ω, d × d, symmetric positive semidefinite: covariance of w. Default I.
        noise_variance: σ² ≥ 0, variance of the label noise. Default 0.

    A matrix is given by its rows or as a :class:`icl_claims.theory.algebra.semidefinite.SemidefiniteMatrix`.
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
    _sigma: SemidefiniteMatrix
    _given_omega: SemidefiniteMatrix | None

    def __init__(
        self, covariance: Any, context_length: Any, task_covariance: Any = None, noise_variance: Any = 0
    ) -> None:
        sigma = SemidefiniteMatrix.of("covariance", covariance)
        if task_covariance is None:
            omega = SemidefiniteMatrix.identity(sigma.dim)
        else:
            omega = SemidefiniteMatrix.of("task_covariance", task_covariance, sigma.dim)
        self._fill(sigma, context_length, omega, noise_variance)

    def _fill(
        self, sigma: SemidefiniteMatrix, context_length: Any, omega: SemidefiniteMatrix | None, noise: Any
    ) -> None:
        """Set the fields; None stands for Ω = Σ⁻¹, where Σ is known to be invertible."""
        variance = validation.rational("noise_variance", noise)
        if variance < 0:
            raise ValueError(f"noise_variance must be ≥ 0, got {variance}")
        vars(self).update(
            dim=sigma.dim,
            context_length=validation.positive_integer("context_length", context_length),
            noise_variance=variance,
            _sigma=sigma,
            _given_omega=omega,
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a RegressionTask cannot be changed: make a new one with another {name}")

    @classmethod
    def isotropic(cls, dim: int, context_length: int, noise_variance: Any = 0) -> RegressionTask:
        """Σ = Ω = I_d (Ahn et al., Eq. (7) and Theorems 2 and 5), for any d, however large.

        >>> RegressionTask.isotropic(10**17, 10**17).signal
        100000000000000000
        """
        return cls.whitened(SemidefiniteMatrix.identity(dim), context_length, noise_variance)

    @classmethod
    def diagonal(
        cls, eigenvalues: Any, context_length: int, task_eigenvalues: Any = None, noise_variance: Any = 0
    ) -> RegressionTask:
        """Σ = diag(λ_1, …, λ_d) and Ω = diag(ω_1, …, ω_d), or Ω = I where no ω is given.

        It is the task of these matrices, made without writing them out: d may be large.

        Args:
            eigenvalues: λ_1, …, λ_d ≥ 0, in the order of the coordinates.
            context_length: n ≥ 1.
            task_eigenvalues: ω_1, …, ω_d ≥ 0. Default: all 1.
            noise_variance: σ² ≥ 0.

        Raises:
            TypeError, ValueError: an eigenvalue is no number ≥ 0, there are not as many ω as λ; or as for the class.

        >>> RegressionTask.diagonal([2, "1/2"], 4) == RegressionTask([[2, 0], [0, "1/2"]], 4)
        True
        """
        sigma = SemidefiniteMatrix.of_eigenvalues("eigenvalues", eigenvalues)
        omega = None
        if task_eigenvalues is not None:
            omega = SemidefiniteMatrix.of_eigenvalues("task_eigenvalues", task_eigenvalues, sigma.dim)
        return cls(sigma, context_length, omega, noise_variance)

    @classmethod
    def whitened(cls, covariance: Any, context_length: int, noise_variance: Any = 0) -> RegressionTask:
        """Ω = Σ⁻¹ (Ahn et al., Theorems 3 and 4; Gatmiry et al.).

        Args:
            covariance: Σ, positive definite: a matrix, or the eigenvalues of a diagonal one.
            context_length: n ≥ 1.
            noise_variance: σ² ≥ 0.

        Raises:
            ValueError: Σ is singular; or as for the class.

        >>> RegressionTask.whitened([2, "1/2"], 4) == RegressionTask.diagonal([2, "1/2"], 4, ["1/2", 2])
        True
        """
        if validation.is_vector(covariance):
            sigma = SemidefiniteMatrix.of_eigenvalues("covariance", covariance)
        else:
            sigma = SemidefiniteMatrix.of("covariance", covariance)
        if not sigma.is_definite:
            shown = "the eigenvalue 0" if sigma.runs is not None else sigma.matrix.tolist()
            raise ValueError(f"covariance must be positive definite where Ω = Σ⁻¹, got {shown}")
        task = cls.__new__(cls)
        task._fill(sigma, context_length, None, noise_variance)
        return task

    @property
    def covariance(self) -> fmpq_mat:
        """Σ, d × d.

        Raises:
            ValueError: d is above :data:`icl_claims.theory.algebra.semidefinite.LARGEST_WRITTEN`.
        """
        return self._sigma.matrix

    @property
    def task_covariance(self) -> fmpq_mat:
        """Ω, d × d. Errors: as for :attr:`covariance`."""
        return self._omega.matrix

    @cached_property
    def _omega(self) -> SemidefiniteMatrix:
        return self._sigma.inverse() if self._given_omega is None else self._given_omega

    @property
    def has_definite_covariance(self) -> bool:
        """Whether Σ is positive definite."""
        return self._sigma.is_definite

    @property
    def covariance_scalar(self) -> fmpq | None:
        """c where Σ = cI, else None.

        >>> RegressionTask.diagonal([3, 3], 5).covariance_scalar
        3
        """
        return self._sigma.scalar

    def levels(self) -> tuple[Level, ...] | None:
        """The joint eigenvalues of diagonal Σ and Ω along the diagonal; None where one of them is not diagonal.

        Neighbours with the same λ and ω make one level, so that two identities of any size are one.

        >>> RegressionTask.diagonal([2, 2, 3], 5).levels()[0]
        Level(covariance=2, task_covariance=1, multiplicity=2)
        """
        return self._levels

    @cached_property
    def _levels(self) -> tuple[Level, ...] | None:
        if self._sigma.runs is None:  # Then a look at Ω could invert Σ for nothing.
            return None
        runs = joint_runs(self._sigma, self._omega)
        return None if runs is None else tuple(Level(*run) for run in runs)

    @property
    def is_isotropic(self) -> bool:
        """Whether Σ = Ω = I."""
        return self.covariance_scalar == 1 and self._omega.scalar == 1

    @cached_property
    def inverse_covariances(self) -> bool:
        """Whether Ω = Σ⁻¹: the problem whitens."""
        if self._given_omega is None:
            return True
        levels = self.levels()
        if levels is not None:
            return all(x.covariance * x.task_covariance == 1 for x in levels)
        # The inverse of a diagonal matrix is diagonal.
        both_dense = self._sigma.runs is None and self._omega.runs is None
        return both_dense and self._product == exact.identity(self.dim)

    @cached_property
    def signal(self) -> fmpq:
        """tr(ΣΩ) = E⟨w, x⟩²: the variance of a label without noise, and the loss of predicting 0."""
        if self.inverse_covariances:
            return fmpq(self.dim)
        levels = self.levels()
        if levels is None:
            return exact.inner(self.covariance, self.task_covariance)
        return exact.total(x.covariance * x.task_covariance * x.multiplicity for x in levels)

    @cached_property
    def covariance_product(self) -> fmpq_mat:
        """ΣΩ, d × d; I where Ω = Σ⁻¹, without the product: numerators of Σ⁻¹ can have thousands of digits.

        Errors: as for :attr:`covariance`.
        """
        if self.inverse_covariances:
            return SemidefiniteMatrix.identity(self.dim).matrix
        levels = self.levels()
        if levels is None:
            return self._product
        return SemidefiniteMatrix(
            Run(x.covariance * x.task_covariance, x.multiplicity) for x in levels
        ).matrix

    @cached_property
    def _product(self) -> fmpq_mat:
        return self.covariance * self.task_covariance

    @property
    def is_whitened(self) -> bool:
        """Whether Ω = Σ⁻¹ and σ² = 0."""
        return self.noise_variance == 0 and self.inverse_covariances

    def in_whitened_coordinates(self) -> RegressionTask:
        """The task of the same prompts seen through x ↦ Σ^{-1/2} x, w ↦ Σ^{1/2} w, where Ω = Σ⁻¹: Σ = Ω = I.

        A layer A = a Σ⁻¹ becomes a I there, and its loss does not change.

        Raises:
            ValueError: Ω is not Σ⁻¹.

        >>> RegressionTask.whitened([[2, 1], [1, 1]], 5, noise_variance="1/3").in_whitened_coordinates()
        RegressionTask.isotropic(2, 5, noise_variance=1/3)
        """
        if not self.inverse_covariances:
            raise ValueError(f"task must have Ω = Σ⁻¹, got {self!r}")
        return RegressionTask.isotropic(self.dim, self.context_length, self.noise_variance)

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
        if self.levels() is not None:
            lists = f"{self._sigma.eigenvalues}, {self.context_length}, {self._omega.eigenvalues}"
            return f"RegressionTask.diagonal({lists}, {self.noise_variance})"
        matrices = f"{self.covariance.tolist()}, {self.context_length}, {self.task_covariance.tolist()}"
        return f"RegressionTask({matrices}, {self.noise_variance})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegressionTask) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return self.context_length, self.noise_variance, self._sigma, self._omega


isotropic = RegressionTask.isotropic
"""The shorthand for :meth:`RegressionTask.isotropic`."""


def regression_task(task: Any) -> RegressionTask:
    """The task, if it is one.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(task, RegressionTask):
        raise TypeError(f"task must be a RegressionTask, got {task!r} of type {type(task).__name__}")
    return task


def whitened_sizes(task: Any) -> tuple[int, int]:
    """(d, n) of a task with Ω = Σ⁻¹ and σ² = 0: all that a loss depends on in whitened coordinates.

    Raises:
        TypeError: ``task`` is no :class:`RegressionTask`.
        ValueError: it is not whitened, or has label noise.

    >>> whitened_sizes(RegressionTask.isotropic(2, 5))
    (2, 5)
    """
    if not regression_task(task).is_whitened:
        raise ValueError(f"task must be whitened, Ω = Σ⁻¹, and without label noise, got {task!r}")
    return task.dim, task.context_length
