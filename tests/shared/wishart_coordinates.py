"""W = XXᵀ multiplied out in the coordinates of a standard normal Z, for small d and n: a route without words."""

from __future__ import annotations

from typing import Any

from flint import fmpq_mat

from tests.shared.coordinates import Variables, gaussian


def wishart_in_coordinates(factor: fmpq_mat, n: int) -> tuple[Variables, list[list[Any]]]:
    """W = F Z Zᵀ Fᵀ as polynomials in standard normal Z."""
    d = factor.nrows()
    v = Variables(**dict.fromkeys([f"z{i}{a}" for i in range(d) for a in range(n)], gaussian))
    x = times(over_ring(v, factor), [[v.of[f"z{i}{a}"] for a in range(n)] for i in range(d)])
    return v, times(x, [list(column) for column in zip(*x, strict=True)])


def over_ring(v: Variables, m: fmpq_mat) -> list[list[Any]]:
    return [[v.ring(v.ring.domain(int(x.p), int(x.q))) for x in row] for row in m.tolist()]


def times(a: list[list[Any]], b: list[list[Any]]) -> list[list[Any]]:
    return [[sum(x * y for x, y in zip(r, c, strict=True)) for c in zip(*b, strict=True)] for r in a]
