"""The numbers of criteria as the exact numbers that evidence judges by; and those that the records quote themselves."""

from __future__ import annotations

from flint import fmpq

from icl_claims.criteria import Criterion

LOWERED_BY_FIRST_OF_THREE, RAISED_BY_SECOND_OF_THREE, RAISED_BY_ONLY = 0.95, 0.75, 0.40
"""Shares of prompts on which a covariate update lowers, or raises, the condition number."""


def exactly(criterion: Criterion, name: str) -> fmpq:
    """One number of a criterion.

    >>> exactly(Criterion("At most {near}.", {"near": "1/50"}), "near")
    1/50
    """
    return fmpq(*criterion[name].as_integer_ratio())
