r"""E tr W^k for any covariance, as a sum of O(k²) products of complete and elementary functions of Σ.

W = XXᵀ, X d × n with i.i.d. N(0, Σ) columns, p_r = tr Σ^r. Let

    Σ_a g_a t^a = det(I − tΣ)^{-1/2},        Σ_c e_c t^c = det(I + tΣ).

Then, with coefficients γ that depend on n alone,

    E tr W^k = Σ_{a+b+c=k} γ_{abc}(n) g_a g_b e_c.                                        (1)

Derivation. The zonal expansion of a power sum ([1]; [2], VI.10 and VII.2), and E Z_κ(W) = ∏_s (n + c(s))
Z_κ(Σ) ([3], Theorem 7.2.7), give in monic Jack polynomials P_κ (α = 2)

    E tr W^k = Σ_{κ ⊢ k} w_κ ∏_s (n + c(s)) P_κ(Σ),   w_κ = 2k ∏_{s≠(1,1)} c(s) / ∏_s (2A(s) + l(s) + 2),

c(s) = 2(j−1) − (i−1) for the box in row i and column j, A and l its arm and leg. The product of the
c(s) is zero as soon as κ has the box (3, 2), so κ = (a, b, 1^c). Two more facts turn these into
products. Pieri's rule ([2], VI.6.24): for b ≥ 1, μ = (a, b) and m = a − b,

    e_c P_μ = ψ_0 P_(a,b,1^c) + ψ_1 P_(a+1,b,1^{c−1}) + ψ_2 P_(a,b+1,1^{c−1}) + P_(a+1,b+1,1^{c−2}),

solved for its first term, c falling. And two rows (Jing and Józefiak [4]):

    P_(a,b) = b_(a,b)^{-1} Σ_i c_i g_{a+i} g_{b−i},   c_0 = 1,
    c_{i+1}/c_i = (2i − 1)(m + i)(m + 2i + 2) / ((i + 1)(2m + 2i + 3)(m + 2i)).

So the exact value at a given Σ costs O(k²) products, where a sum over partitions has p(k) terms.
Derivatives come with it: p_r enters g and e through exponentials, r ∂g_a/∂p_r = g_{a−r}/2 and
r ∂e_c/∂p_r = −(−1)^r e_{c−r}. The terms of (1) have both signs, so it is for exact numbers only.

References:
    [1] P. Hanlon, R. Stanley, J. Stembridge (1992), Contemp. Math. 138, 151–174.
    [2] I. G. Macdonald (1995), Symmetric Functions and Hall Polynomials, 2nd ed.
    [3] R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory.
    [4] N. Jing, T. Józefiak (1992), Duke Math. J. 67, 377–393.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import comb, factorial, lcm
from operator import mul
from typing import Any

from flint import fmpq, fmpq_poly, fmpz, fmpz_poly

Partition = tuple[int, ...]


@lru_cache(maxsize=256)
def coefficients(order: int, context_length: int | None) -> tuple[int, tuple[tuple[int, int, int, Any], ...]]:
    """The γ of (1), each pair {a, b} once: (D, ((a, b, c, D γ), …)) with a ≥ b.

    ``context_length`` = None leaves n a symbol: the values are then ``fmpz_poly`` in n, else ``fmpz``.
    ``order`` ≥ 1. A cached entry has about order²/4 numbers of order·log₂(n·order) bits each.
    """
    n = fmpq_poly([0, 1]) if context_length is None else fmpq(context_length)
    totals: dict[tuple[int, int, int], Any] = {}
    for (a, b, c), value in _two_row_weights(order, n).items():
        for i, ratio in enumerate(_two_rows(a, b)):
            key = (a + i, b - i, c)
            totals[key] = totals.get(key, 0) + value * ratio
    if context_length is None:
        common = lcm(*(int(v.denom()) for v in totals.values()))
        return common, tuple((*key, _integral(v * common)) for key, v in totals.items())
    common = lcm(*(int(v.q) for v in totals.values()))
    return common, tuple((*key, v.p * (common // v.q)) for key, v in totals.items())


def _integral(polynomial: fmpq_poly) -> fmpz_poly:
    return fmpz_poly([c.p for c in polynomial.coeffs()])


def _two_row_weights(order: int, n: Any) -> dict[tuple[int, int, int], Any]:
    """{(a, b, c): v} with E tr W^k = Σ v e_c P_(a,b)(Σ): Pieri's rule solved, shape by shape."""
    first = list(accumulate((n + 2 * j for j in range(order)), mul, initial=n**0))
    second = list(accumulate((n + 2 * j - 1 for j in range(order)), mul, initial=n**0))
    column = list(accumulate((n - i for i in range(2, order)), mul, initial=n**0))
    weights = {(order, 0, 0): first[order] * _weight(order, 0, 0)}
    for b in range(1, order // 2 + 1):
        for a in range(b, order - b + 1):
            c = order - a - b
            weights[a, b, c] = first[a] * second[b] * column[c] * _weight(a, b, c)
    solved = {}
    for a, b, c in sorted(
        weights
    ):  # What is taken off below is taken off a shape that is later in this order.
        value = weights[a, b, c]
        if c:
            # e_c P_(a,b) in the place of P_(a,b,1^c): the other shapes of the product are taken off
            value = value * fmpq(2 * a * (2 * a + c + 1) * (2 * b - 1) * (2 * b + c),
                                 (2 * a + 1) * (2 * a + c) * 2 * b * (2 * b + c - 1))  # fmt: skip
            weights[a + 1, b, c - 1] -= value * fmpq((2 * b + c - 2) * 2 * b, (2 * b + c - 1) * (2 * b - 1))
            if a > b:
                m = a - b
                weights[a, b + 1, c - 1] -= value * fmpq(
                    4 * m * m * (2 * a + c - 1) * (2 * a + 1), (4 * m * m - 1) * (2 * a + c) * 2 * a
                )
            if c > 1:
                weights[a + 1, b + 1, c - 2] -= value
        solved[a, b, c] = value
    return solved


def _double_factorial_ratio(m: int) -> fmpq:
    """(2m − 1)!!/(2m)!! = C(2m, m)/4^m."""
    return fmpq(comb(2 * m, m), 4**m)


def _weight(a: int, b: int, c: int) -> fmpq:
    """w_κ of κ = (a, b, 1^c), its hooks multiplied out row by row."""
    k = a + b + c
    if b == 0:
        # ∏ 2j over j < a, against ∏ (2j + 2)
        return fmpq(1)
    tail = _double_factorial_ratio(a - b) * (2 * (a - b) + 1)
    head = 1 / (_double_factorial_ratio(a) * (2 * a))
    middle = _double_factorial_ratio(b) * fmpq(2 * b, 2 * b - 1)
    return (-1) ** (c + 1) * 2 * k * head * middle * tail / ((2 * a + c + 1) * (2 * b + c))


@lru_cache(maxsize=4096)
def _two_rows(a: int, b: int) -> tuple[fmpq, ...]:
    """(c_i / b_(a,b)) for i ≤ b: the coefficients of g_{a+i} g_{b−i} in P_(a,b)."""
    m = a - b
    # 1/b_(a,b): legs 1 above the second row, legs 0 elsewhere
    tail = 1 / _double_factorial_ratio(m)
    head = _double_factorial_ratio(a) * (2 * a + 1) / (_double_factorial_ratio(m) * (2 * m + 1))
    current = tail * head / _double_factorial_ratio(b)
    terms = [current]
    for i in range(b):
        # at m = i = 0 the factor (m + i)/(m + 2i) has the limit 1
        balance = fmpq(m + i, m + 2 * i) if m + i else fmpq(1)
        current = current * balance * fmpq((2 * i - 1) * (m + 2 * i + 2), (i + 1) * (2 * m + 2 * i + 3))
        terms.append(current)
    return tuple(terms)


def in_power_sums(order: int) -> dict[Partition, fmpz_poly]:
    """E tr W^k, k = ``order`` ≥ 1, as {ν: polynomial in n}: the coefficients of p_ν = ∏ p_{ν_i}.

    In (1) the coefficient of p_ν is γ, read as the linear functional x^a y^b z^c ↦ γ_{abc}, of

        ∏_r q_r^{m_r} / (r^{m_r} m_r!),   q_r = (x^r + y^r)/2 − (−z)^r,   ν = (1^{m_1} 2^{m_2} …).

    Multiplication by q_r shortens the functional, so a walk over the partitions without a part 1, from
    the largest part down, meets each once; the parts 1 are one inner product with (x + y + 2z)^w.
    Polynomials in n are packed into integers, n = 2^B with 2^B > (2k − 1)!!, the sum of all coefficients.
    """
    base = _double_factorial(order).bit_length()
    common, terms = coefficients(order, None)
    start: list[list[fmpz]] = [[fmpz(0)] * (order - c + 1) for c in range(order + 1)]
    for a, b, c, value in terms:
        packed = value(fmpz(1) << base)
        start[c][a] += packed
        start[c][b] += packed  # γ made symmetric, and doubled
    ones = [_ones(w) for w in range(order + 1)]
    found: dict[Partition, fmpz_poly] = {}

    def walk(functional: list[list[fmpz]], weight: int, largest: int, parts: Partition, scale: int) -> None:
        """``scale`` divides out: the doublings, the r^m and the m!."""
        total = sum(map(mul, (x for row in functional for x in row), ones[weight]), fmpz(0))
        if total:
            quotient = total // (scale * factorial(weight) << weight)
            found[parts + (1,) * weight] = _unpacked(quotient, base, order)
        for r in range(min(largest, weight), 1, -1):
            repeated = 1 + sum(part == r for part in parts)
            walk(_shortened(functional, weight, r), weight - r, r, (*parts, r), scale * 2 * r * repeated)

    walk(start, order, order, (), 2 * common)
    return found


def _shortened(functional: list[list[fmpz]], weight: int, r: int) -> list[list[fmpz]]:
    """The functional f ↦ γ(2 q_r f); row c, place a holds x^a y^b z^c, a + b + c = weight."""
    rest = weight - r + 1
    if r % 2:
        return [
            [x + y + 2 * z for x, y, z in zip(row[r:], row[: rest - c], functional[c + r], strict=True)]
            for c, row in enumerate(functional[:rest])
        ]
    return [
        [x + y - 2 * z for x, y, z in zip(row[r:], row[: rest - c], functional[c + r], strict=True)]
        for c, row in enumerate(functional[:rest])
    ]


def _ones(weight: int) -> list[int]:
    """The coefficients of (x + y + 2z)^w, in the order of a functional's rows."""
    return [
        comb(weight, c) * comb(weight - c, a) << c for c in range(weight + 1) for a in range(weight - c + 1)
    ]


def _unpacked(value: fmpz, base: int, order: int) -> fmpz_poly:
    mask = (1 << base) - 1
    number = int(value)
    return fmpz_poly([(number >> (base * i)) & mask for i in range(order + 1)])


def _double_factorial(order: int) -> int:
    """(2k − 1)!!"""
    return factorial(2 * order) // (factorial(order) << order)


def at_power_sums(
    order: int, context_length: int, power_sums: Sequence[fmpz]
) -> tuple[list[fmpq], list[list[fmpz]], list[fmpz]]:
    """All moments up to an order at given integers p_1, …, p_order, exactly: (F, P, δ) with

        F_k = E tr W^k (k ≥ 1; F_0 = 0 is no moment),    P[k][r]/δ_k = (r/k) ∂F_k/∂p_r.

    These are the coefficients of E W^k = Σ_{r=1..k} (P[k][r]/δ_k) Σ^r, because F_k = E tr (ΣZ)^k with a
    standard Z, whose derivative in Σ is k Σ^{-1/2} E[W^k] Σ^{-1/2}. An identity of polynomials: the power
    sums need not be those of a matrix. Row 0 of P is (1), E W^0 = I.

    Integers of about order·(bits of a power sum + 3 log₂ order) bits, 2·order² of them.
    """
    p = [fmpz(0), *power_sums[:order]]
    scale_e = factorial(order)
    scale_g = scale_e << order
    g, e = [fmpz(scale_g)], [fmpz(scale_e)]
    signed = [x if r % 2 else -x for r, x in enumerate(p)]
    for k in range(1, order + 1):
        g.append(sum(map(mul, p[1 : k + 1], reversed(g)), fmpz(0)) // (2 * k))
        e.append(sum(map(mul, signed[1 : k + 1], reversed(e)), fmpz(0)) // k)
    traces, rows, denominators = [fmpq(0)], [[fmpz(1)]], [fmpz(1)]
    for k in range(1, order + 1):
        common, terms = coefficients(k, context_length)
        by_g, by_e = [fmpz(0)] * (k + 1), [fmpz(0)] * (k + 1)
        for a, b, c, value in terms:
            right = value * g[b]
            by_e[c] += right * g[a]
            by_g[a] += right * e[c]
            by_g[b] += value * g[a] * e[c]
        denominator = common * scale_g**2 * scale_e
        traces.append(fmpq(sum(map(mul, by_e, e), fmpz(0)), denominator))
        denominators.append(fmpz(2 * k * denominator))
        # 2r ∂F/∂p_r = Σ_a (∂F/∂g_a) g_{a−r} − 2 Σ_c (∂F/∂e_c) (−1)^r e_{c−r}
        rows.append([fmpz(0)])
        for r in range(1, k + 1):
            through_g = sum(map(mul, by_g[r:], g), fmpz(0))
            through_e = sum(map(mul, by_e[r:], e), fmpz(0))
            rows[k].append(through_g + 2 * through_e if r % 2 else through_g - 2 * through_e)
    return traces, rows, denominators
