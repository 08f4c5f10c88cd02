"""What ``optimum`` answers: the optimal steps or preconditioner, and the least loss."""

from __future__ import annotations

from typing import Any

from icl_claims.claims.calculators.quantity import Quantity, rational
from icl_claims.theory.algebra.algebraic import written, written_minimum
from icl_claims.theory.algebra.real_roots import RealRoot
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask

LONGEST_EXACT = 5 * 10**7
"""The most characters of exact steps: each of L steps is written with a polynomial of degree L."""

MOST_DIGITS = 10**6
"""The most digits of the exact least loss where Ω is not Σ⁻¹, numerator and denominator: 2 s."""


def digits_of_minimum(task: RegressionTask) -> int:
    """About how many digits the exact least loss of one layer has, for diagonal Σ and Ω; 0 for others.

    Its denominator is a product of a factor for each pair of eigenvalues, with the digits of tr ΣΩ in each.

    >>> digits_of_minimum(RegressionTask.diagonal(["1/3", "1/7"], 5))
    5
    """
    pairs = {(level.covariance, level.task_covariance) for level in task.levels() or ()}
    signal = task.signal
    return len(pairs) * int(signal.p.bit_length() + signal.q.bit_length()) * 301 // 1000


def optimum(
    task: RegressionTask, layers: int, looped: bool, whitened: bool, in_files: bool
) -> dict[str, Any]:
    """The answer for a task and a number of layers.

    Args:
        task: the distribution of prompts; whitened and without noise where ``layers`` > 1, and not all labels 0.
        layers: L, from 1 to :data:`icl_claims.theory.many_layers.step_sizes.MOST_LAYERS`.
        looped: whether all layers share one step; for whitened tasks.
        whitened: whether to answer with the steps a_l of A_l = a_l Σ⁻¹, where Ω = Σ⁻¹; else with Γ.
        in_files: whether Γ is shown as a matrix even where it is diagonal.
    """
    if not whitened:
        return _preconditioner(task, in_files)
    if task.noise_variance != 0:
        from icl_claims.theory.one_layer.single_layer import minimizer_eigenvalues, minimum

        standard = task.in_whitened_coordinates()
        (step,) = minimizer_eigenvalues(standard)
        return {"steps": [rational(step)], "loss": rational(minimum(standard))}
    return _looped(task, layers) if looped else _steps(task, layers)


def _steps(task: RegressionTask, layers: int) -> dict[str, Any]:
    best = optimal_steps(task, layers)
    answer: dict[str, Any] = {"loss": rational(best.loss)}
    if characters(best.steps) <= LONGEST_EXACT:
        return {"steps": list(map(Quantity, best.steps, written(best.steps))), **answer}
    note = f"steps_exact: the {layers} steps would be more than {LONGEST_EXACT // 10**6} million characters"
    return {"steps": list(map(Quantity, best.steps)), "steps_exact": None, **answer, "note": note}


def characters(roots: tuple[RealRoot, ...]) -> int:
    """About how long the roots of one polynomial are, each written with the polynomial.

    >>> from flint import fmpq_poly
    >>> from icl_claims.theory.algebra.real_roots import isolate
    >>> characters(isolate(fmpq_poly([-1, 0, 10**40])))
    82
    """
    digits = sum(c.bit_length() for c in roots[0].polynomial.coeffs()) * 301 // 1000
    return len(roots) * (digits + 1)


def _looped(task: RegressionTask, layers: int) -> dict[str, Any]:
    best = optimal_looped_step(task, layers)
    return {
        "steps": [Quantity(best.step, written([best.step])[0])],
        "loss": Quantity(best.loss, written_minimum(best.loss)),
    }


def _preconditioner(task: RegressionTask, as_matrix: bool) -> dict[str, Any]:
    """Γ: its eigenvalues in the order of the coordinates, or the matrix."""
    from icl_claims.theory.one_layer.single_layer import minimizer, minimizer_eigenvalues, minimum

    if as_matrix:
        shown: list[Any] = [list(map(rational, row)) for row in minimizer(task).tolist()]
    else:
        pairs = zip(minimizer_eigenvalues(task), task.levels() or (), strict=True)
        shown = [rational(x) for x, level in pairs for _ in range(level.multiplicity)]
    return {"steps": None, "steps_exact": None, "preconditioner": shown, "loss": rational(minimum(task))}
