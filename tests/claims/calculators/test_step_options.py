"""The options that give steps."""

from __future__ import annotations

from typing import Any

import click
import pytest
from flint import fmpq

from icl_claims.claims.calculators.step_options import MOST_LAYERS, chosen_steps
from icl_claims.theory.many_layers import step_sizes

ONE = fmpq(1)


def test_the_limit_is_that_of_the_theory() -> None:
    assert MOST_LAYERS == step_sizes.MOST_LAYERS


def test_the_two_ways() -> None:
    assert chosen_steps((fmpq(2), ONE), None, None) == (2, 1)
    assert chosen_steps(None, fmpq(0), 2) == (0, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, None, None), "give either --steps a1,a2,… or --step a with --loops T"),
        (((ONE,), ONE, None), "give either --steps a1,a2,… or --step a with --loops T"),
        (((ONE,), None, 2), "give either --steps a1,a2,… or --step a with --loops T"),
        ((None, ONE, None), "--step needs --loops beside it"),
        ((None, None, 2), "--loops needs --step beside it"),
    ],
)
def test_refusals(given: Any, message: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        chosen_steps(*given)
    assert message in refused.value.message
