"""A small claim, 1 + 1 = 2, in code: what the evidence of small projects of the tests begins with."""

HEAD = '''
import os
import time
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from flint import fmpq

from icl_claims.claims.edits import Edit, changed
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra import exact
from icl_claims.theory.derivation import Derivation, Lemma

class Sum(NamedTuple):
    total: int

@dataclass(frozen=True)
class Count:
    n: int

def is_two(stated):
    if exact.total([fmpq(1), fmpq(1)]) != stated.total:
        raise AssertionError(f"must be 2, got {stated.total}")

def holds():
    """The sum of no numbers is 0."""
    exact.total([])

def is_not_three(stated):
    """It lets the mutant 3 live: a check without this tooth."""
    if stated.total != 3:
        is_two(stated)

def divides(stated):
    """It crashes on the mutant 0, which is no refusal."""
    exact.total([fmpq(2, 1 // stated.total + 1)])

def margin(stated, at):
    return -1 if at.n <= 0 else -abs(stated.total - len("ab"))

def stated(slug, *parts, total=2, **conditions):
    margins = dict.fromkeys(parts or ("statement",), margin)
    return Statement(slug, Sum(total), margins, conditions, instances=None, without=None)

def mutants(*totals):
    return [changed(Sum(2), "must be 2", total=total) for total in totals]

ONE = Count(1)
SUM = stated("sum_of_two", positive=lambda at: at.n > 0)
'''
