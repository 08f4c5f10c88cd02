r"""The gradient flow of the limit loss g(N) = ‖N^L‖_F², N = I − A, Σ = I, from any matrix, in balls.

With N' = −∇g(N) = −2 Σ_{k<L} (Nᵀ)^k N^L (Nᵀ)^{L−1−k} the norm ‖N‖_F does not rise
(:mod:`icl_claims.theory.derivations.gradient_flow_any_start`), and ‖∇g‖_F ≤ 2L ‖N‖_F^{2L−1}. So within a step of length
h no entry moves by more than 2L ‖N‖_F^{2L−1} h, which encloses the solution over the whole step. A step is the Taylor
polynomial of order p at its start, plus the coefficient of order p at that enclosure times h^p, its remainder in
Lagrange's form for each entry [1].

References:
    [1] R. E. Moore (1966), Interval Analysis, Section 11.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb, arb_mat, arb_poly, ctx, fmpq, fmpq_mat

Series = list[list[arb_poly]]

ORDER = 20
"""p, the order of a step."""

PRECISION = 192
"""Bits of the arithmetic."""


def limit_flow(start: fmpq_mat, loops: int, times: Sequence[fmpq]) -> list[arb_mat]:
    """N at these ascending times, enclosed, from N(0) = ``start``.

    >>> [N] = limit_flow(fmpq_mat([[1]]), 2, [fmpq(3, 8)])
    >>> abs(N[0, 0] - fmpq(1, 2)) < 1e-9
    True
    """
    with ctx.workprec(PRECISION):
        now, state, found = fmpq(0), arb_mat(start), []
        for time in times:
            while now < time:
                step = min(time - now, _step(state, loops))
                state, now = _advanced(state, loops, step), now + step
            found.append(state)
        return found


def loss_of(N: arb_mat, loops: int) -> arb:
    """‖N^L‖_F².

    >>> loss_of(arb_mat([[2]]), 2) == 16
    True
    """
    return squared_norm(N**loops)


def squared_norm(N: arb_mat) -> arb:
    """‖N‖_F²."""
    return sum((x * x for x in N.entries()), arb(0))


def _step(state: arb_mat, loops: int) -> fmpq:
    """About 1/(8L² ‖N‖^{2L−2}), a power of two: a fraction of the radius of convergence."""
    norm = squared_norm(state).sqrt().upper()
    wanted = 1 / (8 * loops**2 * norm ** (2 * loops - 2))
    step = fmpq(1, 8)
    while not arb(step) < wanted:
        step /= 2
    return step


def _advanced(state: arb_mat, loops: int, step: fmpq) -> arb_mat:
    """N after a step: Taylor polynomial and remainder."""
    d = state.nrows()
    norm = squared_norm(state).sqrt().upper()
    moved = 2 * loops * norm ** (2 * loops - 1) * arb(step)
    around = arb_mat([[x + arb(0, moved.upper()) for x in row] for row in state.tolist()])
    polynomial, remainder = _taylor(state, loops, ORDER - 1), _taylor(around, loops, ORDER)
    return arb_mat(
        [
            [polynomial[i][j](arb(step)) + remainder[i][j][ORDER] * arb(step) ** ORDER for j in range(d)]
            for i in range(d)
        ]
    )


def _taylor(state: arb_mat, loops: int, order: int) -> Series:
    """The Taylor coefficients of the solution from a state, one after the other from those of −∇g before."""
    series = [[arb_poly([x]) for x in row] for row in state.tolist()]
    for k in range(order):
        slopes = _field(series, loops, k + 1)
        for row, slope in zip(series, slopes, strict=True):
            for j, entry in enumerate(slope):
                row[j] += arb_poly([0] * (k + 1) + [entry[k] / (k + 1)])
    return series


def _field(N: Series, loops: int, length: int) -> Series:
    """−∇g, truncated to so many coefficients."""
    turned = [list(row) for row in zip(*N, strict=True)]
    power = N
    for _ in range(loops - 1):
        power = _product(power, N, length)
    total = [[arb_poly([0]) for _ in N] for _ in N]
    for k in range(loops):
        term = power
        for _ in range(k):
            term = _product(turned, term, length)
        for _ in range(loops - 1 - k):
            term = _product(term, turned, length)
        total = [[x - 2 * y for x, y in zip(a, b, strict=True)] for a, b in zip(total, term, strict=True)]
    return total


def _product(a: Series, b: Series, length: int) -> Series:
    columns = list(zip(*b, strict=True))
    return [
        [
            _truncated(sum((x * y for x, y in zip(row, column, strict=True)), arb_poly([0])), length)
            for column in columns
        ]
        for row in a
    ]


def _truncated(p: arb_poly, length: int) -> arb_poly:
    return arb_poly([p[k] for k in range(min(length, p.degree() + 1))])
