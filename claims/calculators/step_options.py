"""The options that give the steps of a transformer, and the steps that they give."""

from __future__ import annotations

import click
from flint import fmpq

from icl_claims.claims.calculators.parameters import Integer, ListOf, Rational, options

MOST_LAYERS = 100
"""The most layers, as in :data:`icl_claims.theory.many_layers.step_sizes.MOST_LAYERS`."""

step_options = options(
    click.option(
        "--steps", type=ListOf(Rational(), most=MOST_LAYERS), help="a_1,a_2,… of the layers, at most 100."
    ),
    click.option("--step", type=Rational(), help="The step shared by all loops."),
    click.option(
        "--loops", type=Integer(most=MOST_LAYERS), help="How often the step is applied, at most 100 times."
    ),
    click.option(
        "--preconditioner",
        type=click.Choice(["inverse-covariance", "identity"]),
        default="inverse-covariance",
        show_default=True,
        help="Layers A_l = a_l Σ⁻¹, or plain gradient descent, A_l = a_l I.",
    ),
)


def chosen_steps(steps: tuple[fmpq, ...] | None, step: fmpq | None, loops: int | None) -> tuple[fmpq, ...]:
    """The steps a_1, …, a_L from ``--steps``, or from ``--step`` and ``--loops``.

    Raises:
        click.UsageError: not exactly one of the two ways is complete.

    >>> chosen_steps(None, fmpq(1, 2), 3)
    (1/2, 1/2, 1/2)
    """
    if (steps is None) == (step is None and loops is None):
        raise click.UsageError("give either --steps a1,a2,… or --step a with --loops T")
    if steps is not None:
        return steps
    if step is None or loops is None:
        missing, given = ("--step", "--loops") if step is None else ("--loops", "--step")
        raise click.UsageError(f"{given} needs {missing} beside it")
    return (step,) * loops
