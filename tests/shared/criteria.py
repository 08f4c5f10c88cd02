"""The criteria by which sampled and trained evidence judges; the formulas in print are compared with them."""

from flint import fmpq

SPARSE_NEAR = fmpq(1, 50)
"""What the record of the sparse runs reads “→ 0” as: Dist ≤ 1/50 at the end, and 1/50 relatively to a point."""
SPARSE_STEADY = fmpq(1, 20)
"""What it reads “stays constant” as: Dist within 1/20 of a constant."""
SPARSE_LITTLE = fmpq(1, 1000)
"""And for the relative excess of the loss."""
RELAXED_NEAR = fmpq(1, 20)
"""What the record of the relaxed runs reads “→ 0” as at the end of a run: Dist ≤ 1/20."""

BATCH_PROMPTS = 20_000
"""The prompts of a batch."""
BATCH_HALF_WIDTHS = (0.01, 0.05, 0.3, 0.015, 0.015)
"""Of the box around the published a_0, a_1, a_2, b_0, b_1."""

LOWERED_BY_FIRST_OF_THREE, RAISED_BY_SECOND_OF_THREE, RAISED_BY_ONLY = 0.95, 0.75, 0.40
"""Shares of prompts on which a covariate update lowers, or raises, the condition number."""
