"""Sizes d and n for statements about every prompt, which have no Σ."""

from __future__ import annotations

from hypothesis import strategies as st

from icl_claims.claims.statement import Corner


@st.composite
def sizes(draw: st.DrawFn, corner: Corner, max_dim: int = 3, max_context: int = 3) -> tuple[int, int]:
    """(d, n) at a corner of the range, what it leaves open drawn freely."""
    least = 2 if corner.context_length == "below_dim" else 1
    d = corner.dim if corner.dim is not None else draw(st.integers(least, max_dim))
    match corner.context_length:
        case None:
            return d, draw(st.integers(1, max_context))
        case "dim":
            return d, d
        case "below_dim":
            return d, draw(st.integers(1, d - 1))
        case number:
            return d, int(number)
