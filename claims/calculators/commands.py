"""The commands ``optimum``, ``loss``, ``moment``, ``compare`` and ``flow``: their options, their help, their refusals.

What computes an answer is imported when a command runs, so that ``--help`` and refusals cost little.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flint import fmpq

from icl_claims.claims.calculators.answers import ABOVE_FLOAT, write
from icl_claims.claims.calculators.parameters import (
    ExistingFile,
    Integer,
    ListOf,
    Rational,
    json_option,
    sizes,
)
from icl_claims.claims.calculators.powers import Power, PowersCommand
from icl_claims.claims.calculators.step_options import MOST_LAYERS, chosen_steps, step_options
from icl_claims.claims.calculators.task_options import (
    Described,
    check_invertible,
    described_task,
    task_options,
)

MOST_EIGENVALUES = 10_000
"""The most eigenvalues of Γ that are written out."""

LARGEST_INVERSE = 80
"""The largest d for which ``optimum`` inverts a dense matrix: 10 s."""

LARGEST_COMPARED = 200
"""The largest d of weights that are compared: 5 s for diagonal Σ; for dense Σ a minute here, and 4 to 6 s at d = 80."""

MOST_LOOPS, MOST_POINTS, LARGEST_FLOW = 10, 100, 1000
"""The most loops, points and dimensions of ``flow``: a second."""

_OTHER_TASK = "with --task identity or a --task-covariance"


@click.command()
@sizes
@click.option("--layers", type=Integer(most=MOST_LAYERS), required=True, help="L, from 1 to 100.")
@click.option("--looped", is_flag=True, help="One step, shared by all layers. Whitened task only.")
@task_options
@json_option
def optimum(dim: int, context: int, layers: int, looped: bool, as_json: bool, **described: Any) -> None:
    """The optimal linear transformer and its loss, exactly.

    Whitened task, Ω = Σ⁻¹: the steps a_l of the layers A_l = a_l Σ⁻¹, ascending, the global minimum among such
    layers. They and the loss are the same for every Σ, so that the covariance may be left out. steps_exact holds
    rational numbers or roots of polynomials; it is null, with a note, where it would be longer than 50 million
    characters, as it is for 100 layers at dim 50. 30 layers take a second or less, 100 layers up to six.

    Any other task, one layer: the preconditioner Γ of the global minimum over all weights. For diagonal Σ and
    Ω its eigenvalues, in the order of the λ given; where a file gives Σ or Ω, the matrix. Matrices that are not
    diagonal may be of dim up to 80.

    Example: icl-claims optimum --dim 5 --context 20 --layers 3
    """
    found = described_task(dim, context, **described)
    _check_optimum(found, layers, looped)
    from icl_claims.claims.calculators.optimum import optimum as answer

    write(answer(found.task, layers, looped, found.whitened, found.in_files), as_json, found.notes)


def _check_optimum(described: Described, layers: int, looped: bool) -> None:
    task, whitened = described.task, described.whitened
    if layers > 1 and not (whitened and task.noise_variance == 0):
        where = "with --noise above 0" if whitened else _OTHER_TASK
        raise click.BadParameter(
            f"must be 1 {where}, got {layers}: optima of more layers are known on the whitened task without noise",
            param_hint="'--layers'",
        )
    if whitened:
        return
    if looped:
        raise click.BadParameter(
            f"must be left out {_OTHER_TASK}, whose answer holds no steps", param_hint="'--looped'"
        )
    diagonal = task.levels() is not None
    most = MOST_EIGENVALUES if diagonal else LARGEST_INVERSE
    if task.dim > most:
        what = "eigenvalues are written out" if diagonal else "dense d × d matrices are inverted"
        raise click.BadParameter(f"must be at most {most} where {what}, got {task.dim}", param_hint="'--dim'")
    if task.signal + task.noise_variance == 0:
        raise click.UsageError(
            "Σ, Ω and σ² must have tr ΣΩ + σ² > 0, got 0: every label is 0, and every Γ optimal"
        )
    from icl_claims.claims.calculators.optimum import MOST_DIGITS, digits_of_minimum

    if (digits := digits_of_minimum(task)) > MOST_DIGITS:
        raise click.UsageError(
            f"Σ and Ω must leave the exact loss at most {MOST_DIGITS} digits, got about {digits}: "
            "give their eigenvalues with a common denominator, as decimals of a few digits are"
        )


@click.command()
@sizes
@step_options
@task_options
@json_option
def loss(
    dim: int,
    context: int,
    steps: tuple[fmpq, ...] | None,
    step: fmpq | None,
    loops: int | None,
    preconditioner: str,
    as_json: bool,
    **described: Any,
) -> None:
    """The in-context loss of given steps, exactly, and what sampling it would cost.

    For any Σ, Ω and σ². On the whitened task with A_l = a_l Σ⁻¹ it is the same for every Σ, so that the
    covariance may be left out. With --preconditioner identity there may be up to 12 steps, and 100 where Σ is
    a multiple of I.

    per_prompt_std is the standard deviation of the loss of one prompt with its task vector and query
    averaged out; prompts_for_1_percent the number of prompts after which the mean of that has a
    relative standard error of at most 1 %. squared_error_std is the standard deviation of one
    prompt's squared error itself. These three are known for A_l = a_l Σ⁻¹ on the whitened task without noise.
    They are null, with a note, elsewhere and where they would take more than a few seconds.

    Example: icl-claims loss --dim 5 --context 20 --steps 10/13
    """
    chosen = chosen_steps(steps, step, loops)
    found = described_task(dim, context, **described)
    task = found.task
    plain = preconditioner == "identity"
    if not plain:
        check_invertible(task, "where A_l = a_l Σ⁻¹ (see --preconditioner)", described["covariance_file"])
    from icl_claims.claims.calculators.loss import loss as answer

    write(answer(task, chosen, plain), as_json, found.notes)


@click.command(cls=PowersCommand)
@click.argument("powers", metavar="K1,K2,…", type=ListOf(Power()))
@click.option("--dim", type=Integer(), help="d; with --context, the number as well.")
@click.option("--context", type=Integer(), help="n; with --dim, the number as well.")
@json_option
def moment(powers: tuple[int, ...], dim: int | None, context: int | None, as_json: bool) -> None:
    """The joint moment E[∏ tr(W^{K_i})] for W = XXᵀ, X d × n standard normal, as a polynomial in d and n.

    With --dim and --context also its value, an integer. A power 0 is the factor tr I = d. The powers may sum to
    150 for the polynomial and 2000 for the value; several powers above 1, to 48 and 64. Where only the value is
    within reach, polynomial is null. All of this takes a second or two.

    Example: icl-claims moment 2,1 --dim 3 --context 8
    """
    if (dim is None) != (context is None):
        given, missing = ("--context", "--dim") if dim is None else ("--dim", "--context")
        raise click.UsageError(f"{given} needs {missing} beside it")
    from icl_claims.claims.calculators.moment import moment as answer

    try:
        found = answer(powers, dim, context)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'K1,K2,…'") from None
    write(found, as_json)


@click.command()
@click.argument("weights", type=ExistingFile())
@sizes
@task_options
@click.option("--seed", help="Which run of a hist_dict, by its seed.  [default: the only one]")
@click.option(
    "--snapshot", type=Integer(least=0), help="Which entry of a history, from 0.  [default: the last]"
)
@json_option
def compare(
    weights: Path,
    dim: int,
    context: int,
    seed: str | None,
    snapshot: int | None,
    as_json: bool,
    **described: Any,
) -> None:
    """Trained weights against the closed form: exact loss at them, and their distance.

    WEIGHTS is a safetensors, torch (.pt, .pth) or NumPy (.npy, .npz) file of float64, float32, bfloat16 or float16
    numbers. Of torch's, a state dict, bare or in a checkpoint, or a history as the notebooks of Ahn et al. save it;
    pickled code is never loaded. The tensors are P and Q, each layers × (d+1) × (d+1), stacked or as layers.0.P …; or
    W_K and W_Q in the place of Q = W_Kᵀ W_Q; or A, the A_l of sparse layers; or A and B of relaxed ones; or one tensor
    layers × 1 × 2 × d × d: value block, then key-query block, as Ahn et al. publish it. Where their file has U and D
    and no option gives Σ, it is U D² Uᵀ. notes says what was read, and which other reading, of the weights or of the
    task, would be near the minimum where this one is far.

    One layer, any task: the distance is ‖E‖_F for E = the weights' effective preconditioner minus Γ;
    distance_bound is what the excess loss alone says about it, and entry_bounds what it says about each entry
    of E: rounded up.

    Several layers, whitened task, P_l = diag(B_l, 1) and Q_l = diag(−A_l, 0): dist is Dist(Σ^{1/2}A_lΣ^{1/2}, I)
    layer by layer, and dist_raw Dist(A_l, I), Dist(M, I) = min_α ‖M − αI‖/‖M‖; steps are the whitened
    matrices' mean eigenvalues, and the distance is that of the whitened matrices from the optimal steps,
    layers matched. minimum is that among A_l = a_l Σ⁻¹ with B_l = 0; no choice of A_l has loss below
    lower_bound. With B_l ≠ 0 only projected_loss is known: the loss at the nearest A_l = a_l Σ⁻¹, B_l = b_l I.

    dim may be up to 200. For Σ that is not diagonal that takes a minute, and up to 80 some five seconds.

    Example: icl-claims compare weights.safetensors --dim 3 --context 16 --covariance 1,1/4,1/16
    """
    if dim > LARGEST_COMPARED:
        raise click.BadParameter(
            f"must be at most {LARGEST_COMPARED} where d × d matrices are needed, got {dim}",
            param_hint="'--dim'",
        )
    found = described_task(dim, context, **described)
    from icl_claims.claims.calculators.comparison import comparison, own_covariance
    from icl_claims.models.files import read
    from icl_claims.models.weights import WeightsError

    try:
        held = read(weights, seed, snapshot)
        given = described["covariance"] is not None or described["covariance_file"] is not None
        sigma, notes = own_covariance(held, dim, given)
        if sigma is not None:
            found = described_task(dim, context, default=sigma, **described)
        answer = comparison(held, found.task)
    except WeightsError as error:
        raise click.BadParameter(str(error), param_hint="'WEIGHTS'") from None
    except OverflowError:
        raise click.BadParameter(ABOVE_FLOAT, param_hint="'WEIGHTS'") from None
    write(answer, as_json, (*found.notes, *notes))


@click.command()
@sizes
@click.option("--loops", type=Integer(most=MOST_LOOPS), required=True, help="L, from 1 to 10.")
@click.option("--level", type=Rational(), required=True, help="The loss ξ to be reached, between 0 and dim.")
@click.option(
    "--points", type=Integer(most=MOST_POINTS), help="Times at so many levels on the way, at most 100."
)
@json_option
def flow(dim: int, context: int, loops: int, level: fmpq, points: int | None, as_json: bool) -> None:
    """How long the gradient flow of a looped layer takes to a loss, from A = 0, for Σ = I.

    time is when the loss is the level, for prompts of n examples; limit_time the same as n → ∞, which no n is faster
    than, and upper_time a bound from above by the least loss alone. recorded_time is what Gatmiry et al., Theorem 3.3,
    are recorded with, for two loops or more. The flow is A = aI: step is a at the level, optimal_step where it ends,
    and recorded_radius the c by which Theorem 3.2 is recorded to bound its distance from 1: nothing from 1 on.

    dominance is the best c in ‖∇f‖² ≥ c f^((2L-1)/L) for symmetric A as n → ∞. recorded_dominance_from is the loss from
    which on c = 1/16 is valid on the multiples of I for this n; null where it fails at large losses, and above 3 loops.

    The dim may be up to 1000. All of this takes a second or less, a point about as long as the time itself.

    Example: icl-claims flow --dim 5 --context 100 --loops 2 --level 1/10
    """
    if dim > LARGEST_FLOW:
        raise click.BadParameter(f"must be at most {LARGEST_FLOW}, got {dim}", param_hint="'--dim'")
    if not 0 < level < dim:
        raise click.BadParameter(f"must be between 0 and the dim, {dim}, got {level}", param_hint="'--level'")
    from icl_claims.claims.calculators.flow import flow as answer

    write(answer(dim, context, loops, level, points or 0), as_json)
