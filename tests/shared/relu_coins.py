"""An independent route for ReLU attention and symmetric examples: the mean over the subsets of examples that count.

Of an example and its negative, equally likely, one contributes what it does to linear attention and the other
nothing. So the loss is the mean of 2ⁿ losses of linear attention in coordinates, the other examples set to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from flint import fmpq

from tests.shared import coordinates
from tests.shared.coordinates import Prompt, Variables


def loss(v: Variables, prompt: Prompt, P: Sequence[Sequence[Any]], Q: Sequence[Sequence[Any]]) -> fmpq:
    """E[(TF_1 − target)²] of one layer of ReLU attention, where each example may be reflected."""
    total, length = fmpq(0), len(prompt.y)
    for kept in product((0, 1), repeat=length):
        X = [[k * x for k, x in zip(kept, row, strict=True)] for row in prompt.X]
        y = [k * z for k, z in zip(kept, prompt.y, strict=True)]
        total += coordinates.loss(v, Prompt(X, prompt.x_query, y, prompt.target, prompt.slot), P, Q)
    return total / 2**length
