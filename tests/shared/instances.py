"""Theorem 1 of Ahn et al. with one assumption dropped: exact instances in which another layer beats it.

Each is small enough for :mod:`tests.shared.coordinates`, which multiplies the layer out and averages monomials.
All have Σ = I, so they are instances for the isotropic and the diagonal lemma as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

from icl_claims.claims.evidence import Evidence
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.evaluation import at_task
from icl_claims.theory.one_layer.linear_attention import gradient_from_layer
from icl_claims.theory.one_layer.single_layer import (
    GAMMA,
    loss_at_preconditioner,
    minimizer,
    minimum,
)
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK
from tests.shared import coordinates, prompts
from tests.shared.coordinates import layer_with


@dataclass(frozen=True)
class Instance:
    """Loss of the stated layer and of a better one, in a model without the assumption."""

    model: str
    stated: fmpq
    better: fmpq
    better_layer: str

    def require(self) -> str:
        """The instance in words, once the better layer is strictly better."""
        if not self.better < self.stated:
            raise Refuted(f"{self.model}: {self.better} does not beat {self.stated}")
        return f"{self.model}: the stated weights lose {self.stated}, {self.better_layer} lose {self.better}."


def stated(dim: int, n: int) -> fmpq_mat:
    """The preconditioner of Theorem 1 for Σ = Ω = I."""
    return minimizer(isotropic(dim, n))


def without_gaussian_covariates() -> Instance:
    """d = 1, n = 2, x = ±1: S = 1 always, so one step of size 1 is exact."""
    v, prompt = prompts.signs()
    return Instance(
        "x uniform on ±1 (mean 0, variance 1), d = 1, n = 2",
        coordinates.loss(v, prompt, *layer_with(stated(1, 2))),
        coordinates.loss(v, prompt, *layer_with([[1]])),
        "Q = −diag(1, 0)",
    )


def without_independent_task() -> Instance:
    """d = 1, n = 1, w = x_1: both standard normal, but dependent."""
    v, prompt = prompts.own_example()
    return Instance(
        "w = x_1, d = 1, n = 1",
        coordinates.loss(v, prompt, *layer_with(stated(1, 1))),
        coordinates.loss(v, prompt, *layer_with([[fmpq(1, 5)]])),
        "Q = −diag(1/5, 0)",
    )


def without_identity_task() -> Instance:
    """d = 2, n = 1, Ω = diag(1, 0): nothing to learn in the second direction."""
    v, prompt = coordinates.gaussian_prompt(1, [[1, 0], [0, 1]], [[1, 0], [0, 0]])
    better = minimizer(RegressionTask(exact.identity(2), 1, [[1, 0], [0, 0]]))
    return Instance(
        "Ω = diag(1, 0), d = 2, n = 1",
        coordinates.loss(v, prompt, *layer_with(stated(2, 1))),
        coordinates.loss(v, prompt, *layer_with(better)),
        "Q = −diag(1/3, 0, 0)",
    )


def without_noiseless_labels() -> Instance:
    """d = 1, n = 1, σ² = 1."""
    v, prompt = coordinates.gaussian_prompt(1, [[1]], [[1]], noise=1)
    return Instance(
        "σ² = 1, d = 1, n = 1",
        coordinates.loss(v, prompt, *layer_with(stated(1, 1))),
        coordinates.loss(v, prompt, *layer_with([[fmpq(1, 4)]])),
        "Q = −diag(1/4, 0)",
    )


def without_zero_query_label() -> Instance:
    """d = 1, n = 1, the query's label slot holds 1: the corner of Q can work against it."""
    v, prompt = coordinates.gaussian_prompt(1, [[1]], [[1]])
    filled = prompts.filled(prompt, 1)
    return Instance(
        "query label slot 1, d = 1, n = 1",
        coordinates.loss(v, filled, *layer_with(stated(1, 1))),
        coordinates.loss(v, filled, *layer_with(stated(1, 1), label_corner=fmpq(-1, 9))),
        "the same with −1/9 in the last entry of Q",
    )


def without_gaussian_task() -> Instance:
    """d = 2, n = 1, w_j skewed: the last row of Q reads its third moment."""
    v, prompt = prompts.skewed_task()
    P, Q = layer_with(stated(2, 1))
    better = [*Q[:2], [fmpq(-1, 100), fmpq(-1, 100), fmpq(0)]]
    return Instance(
        "w_j skewed with mean 0 and variance 1, d = 2, n = 1",
        coordinates.loss(v, prompt, P, Q),
        coordinates.loss(v, prompt, P, better),
        "the same with −1/100 in the last row of Q",
    )


INSTANCES: dict[str, Callable[[], Instance]] = {
    "gaussian_covariates": without_gaussian_covariates,
    "independent_task": without_independent_task,
    "identity_task": without_identity_task,
    "noiseless_labels": without_noiseless_labels,
    "zero_query_label": without_zero_query_label,
}


def record_necessity(evidence: Evidence, instances: Mapping[str, Callable[[], Instance]] = INSTANCES) -> None:
    """Record an instance for each assumption (Theorem 1's by default); prove the mask dispensable."""
    for key, instance in instances.items():
        evidence.necessary(key, instance().require())
    if gradient_from_layer(GAMMA, NO_MASK) != gradient_from_layer(GAMMA):
        raise Refuted("without the mask the gradient changes")
    evidence.dispensable(
        "masked_query",
        "With the query as a key (its label slot 0) the loss is still an expected square of an affine map "
        "of the products, and its gradient at the stated point is the same polynomial: a global minimizer.",
    )


def loses_to_the_minimum(task: RegressionTask, gamma: fmpq_mat) -> str:
    """The losses of a preconditioner and of the minimizer, once the minimizer is strictly better."""
    at_gamma = at_task(loss_at_preconditioner(), task, {"Gamma": gamma})[0, 0]
    if not minimum(task) < at_gamma:
        raise Refuted(f"the preconditioner attains the minimum {at_gamma}")
    return f"the stated weights lose {at_gamma}, the minimizer loses {minimum(task)}."
