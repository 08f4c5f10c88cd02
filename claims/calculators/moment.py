"""What ``moment`` answers: a joint moment of traces of a Wishart matrix, as a polynomial and as a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icl_claims.theory.wishart import trace_moment


def moment(
    powers: Sequence[int], dim: int | None = None, context_length: int | None = None
) -> dict[str, Any]:
    """E[∏ tr(W^{K_i})] as a polynomial in d and n; with both sizes its value too.

    With sizes, the polynomial is None where only the value is within reach.

    Raises:
        ValueError: the powers are too large; the message says what is allowed.

    >>> moment([2, 1])["polynomial"]
    'd**3*n**2 + d**2*n**3 + d**2*n**2 + 4*d**2*n + 4*d*n**2 + 4*d*n'
    >>> moment([1], 2, 3)
    {'powers': [1], 'polynomial': 'd*n', 'value': 6}
    """
    answer: dict[str, Any] = {"powers": list(powers)}
    if dim is None or context_length is None:
        return {**answer, "polynomial": _text(trace_moment(powers))}
    value = int(trace_moment(powers, dim, context_length))
    try:
        polynomial = _text(trace_moment(powers))
    except ValueError:
        polynomial = None
    return {**answer, "polynomial": polynomial, "value": value}


def _text(polynomial: Any) -> str:
    """As Python and SymPy read it."""
    return str(polynomial).replace("^", "**")
