r"""Moments of H = S − I, S = XXᵀ/n with X d × n of independent standard normal entries, for symbolic d and n.

Integration by parts removes one X. The term that meets the Xᵀ beside it cancels against the −I, and what is left is

    E tr Hᵏ R = (1/n) Σ_{a=0}^{k−2} E[(tr H^{k−2} + tr H^{k−1}) R + (tr Hᵃ + tr H^{a+1}) tr H^{k−2−a} R]
              + (1/n) Σ_r 2r E[(tr H^{k+r−2} + tr H^{k+r−1}) R/tr Hʳ],         R = ∏ tr Hʳ.

All coefficients are positive. Each term lowers the sum of the exponents by 1 or 2 for a factor 1/n, and adds one trace
at most. So, by induction on the sum K of the exponents, E ∏ tr H^{k_i} is a polynomial in d and 1/n with coefficients
that are not negative, without powers of 1/n below K/2; and E tr Hᵏ is of degree at most j + 1 in d at n^{−j}, j < k.

At the lowest power of 1/n only steps by 2 take part: there stands the moment of the symmetric Gaussian matrix G with
E G_ij G_kl = δ_ik δ_jl + δ_il δ_jk, the limit of √n H.

Source: derived here. For G: M. Ledoux (2009), Ann. Inst. H. Poincaré Probab. Statist. 45, 754–769.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from math import comb
from typing import Any

from flint import fmpq, fmpz

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.partitions import partitions
from icl_claims.theory.algebra.validation import bounded_integer
from icl_claims.theory.wishart import SCALED_RING, spectral_moments, trace_moment

LARGEST_ORDER = 20
"""The largest k: half a second."""

DIM, UNIT = SCALED_RING.gens()
"""d and 1/n."""

Parts = tuple[int, ...]


def centred_moment(k: int) -> Any:
    """E tr Hᵏ in ℤ[d, 1/n].

    Args:
        k: from 1 to :data:`LARGEST_ORDER`.

    Raises:
        TypeError, ValueError: ``k`` is no such integer.

    >>> centred_moment(2), centred_moment(3)
    (d^2*(1/n) + d*(1/n), d^3*(1/n)^2 + 3*d^2*(1/n)^2 + 4*d*(1/n)^2)
    """
    return joint_centred_moment((bounded_integer("k", k, LARGEST_ORDER),))


def joint_centred_moment(parts: Iterable[int]) -> Any:
    """E ∏ tr H^{k_i} in ℤ[d, 1/n]; an exponent 0 gives a factor d.

    >>> joint_centred_moment((1, 1))
    2*d*(1/n)
    """
    exponents = sorted(parts, reverse=True)
    zeros = exponents.count(0)
    return _centred(tuple(exponents[: len(exponents) - zeros])) * DIM**zeros


@cache
def _centred(parts: Parts) -> Any:
    if not parts:
        return DIM**0
    total = 0 * DIM
    for count, smaller in steps(parts):
        total += joint_centred_moment(smaller) * count
    return total * UNIT


def steps(parts: Parts) -> Iterator[tuple[int, Parts]]:
    """The terms of the recursion at the first exponent: each with its coefficient, without the factor 1/n."""
    k, rest = parts[0], parts[1:]
    for a in range(k - 1):
        yield from ((1, (k - 2, *rest)), (1, (k - 1, *rest)))
        yield from ((1, (a, k - 2 - a, *rest)), (1, (a + 1, k - 2 - a, *rest)))
    for i, r in enumerate(rest):
        others = rest[:i] + rest[i + 1 :]
        yield from ((2 * r, (k + r - 2, *others)), (2 * r, (k + r - 1, *others)))


def gaussian_moment(k: int, variance: int = 1, common: int = 0) -> list[fmpz]:
    """E tr Gᵏ as a polynomial in d, its coefficients from the constant one on.

    Args:
        k: from 1 to :data:`LARGEST_ORDER`.
        variance, common: v and c where E G_ij G_kl = v (δ_ik δ_jl + δ_il δ_jk) + c δ_ij δ_kl.

    Raises:
        TypeError, ValueError: ``k`` is no such integer.

    >>> gaussian_moment(2), gaussian_moment(4)
    ([0, 1, 1], [0, 5, 5, 2])
    """
    found = _gaussian((bounded_integer("k", k, LARGEST_ORDER),), variance, common)
    return coefficients_in_dim(found, 0)


@cache
def _gaussian(parts: Parts, variance: int, common: int) -> Any:
    zeros = parts.count(0)
    if zeros:
        return _gaussian(tuple(k for k in parts if k), variance, common) * DIM**zeros
    if not parts:
        return DIM**0
    parts = tuple(sorted(parts, reverse=True))
    (k, *rest), total = parts, 0 * DIM
    weight = sum(parts)
    for count, smaller in steps(parts):
        if sum(smaller) == weight - 2:
            total += _gaussian(smaller, variance, common) * (count * variance)
    if common:
        total += _gaussian((k - 2, *rest), variance, common) * (common * (k - 1)) if k > 1 else 0
        for i, r in enumerate(rest):
            others = (k - 1, r - 1, *rest[:i], *rest[i + 1 :])
            total += _gaussian(others, variance, common) * (common * r)
    return total


def coefficients_in_dim(polynomial: Any, power: int) -> list[fmpz]:
    """Of (1/n)^power: a polynomial in d, its coefficients from the constant one on.

    >>> coefficients_in_dim(centred_moment(2), 1)
    [0, 1, 1]
    """
    found = {int(i): c for (i, j), c in polynomial.to_dict().items() if j == power}
    return [found.get(i, fmpz(0)) for i in range(max(found, default=-1) + 1)]


def powers_of_unit(polynomial: Any) -> set[int]:
    """The j at which (1/n)^j occurs.

    >>> powers_of_unit(centred_moment(4)) == {2, 3}
    True
    """
    return {int(j) for _, j in polynomial.to_dict()}


# ---------------------------------------------------------------------- checks


def prove_recursion(weight: int, order: int) -> None:
    """The recursion gives the moments of S − I: all joint ones up to a weight, and single traces up to an order.

    By the binomial theorem from the moments of S, whose route is another one; d and n are symbols.

    Raises:
        Refuted: it gives others.

    >>> prove_recursion(3, 5)
    """
    for size in range(1, weight + 1):
        for parts in partitions(size):
            if joint_centred_moment(parts) * 1 != _by_binomials(parts):
                raise Refuted(f"the recursion gives another moment at the exponents {parts}")
    moments = spectral_moments(order)
    for k in range(1, order + 1):
        if centred_moment(k) != sum(
            (moments[j] * ((-1) ** (k - j) * comb(k, j)) for j in range(k + 1)), 0 * DIM
        ):
            raise Refuted(f"the recursion gives another E tr H^{k}")


def _by_binomials(parts: Parts) -> Any:
    """E ∏ tr (S − I)^{k_i} from the joint moments of W: n^{−Σj} E ∏ tr W^{j_i}."""
    terms: dict[Parts, int] = {(): 1}
    for k in parts:
        terms_next: dict[Parts, int] = {}
        for chosen, c in terms.items():
            for j in range(k + 1):
                terms_next[(*chosen, j)] = terms_next.get((*chosen, j), 0) + c * (-1) ** (k - j) * comb(k, j)
        terms = terms_next
    total = 0 * DIM
    for chosen, c in terms.items():
        positive = tuple(j for j in chosen if j)
        moment = trace_moment(positive).to_dict() if positive else {(0, 0): 1}
        size, zeros = sum(chosen), len(chosen) - len(positive)
        for (i, j), value in moment.items():
            total += DIM ** (int(i) + zeros) * UNIT ** (size - int(j)) * (int(value) * c)
    return total


def prove_steps_are_positive(order: int) -> None:
    """Every term has a positive coefficient, lowers the sum of exponents by 1 or 2, and adds one trace at most.

    Raises:
        Refuted: one does not.

    >>> prove_steps_are_positive(4)
    """
    for size in range(1, order + 1):
        for parts in partitions(size):
            for count, smaller in steps(parts):
                if count <= 0:
                    raise Refuted("a term of the recursion is not positive")
                if size - sum(smaller) not in (1, 2):
                    raise Refuted("a term lowers the sum of the exponents by another number than 1 or 2")
                if len(smaller) > len(parts) + 1:
                    raise Refuted("a term adds more than one trace")


def prove_expansion(k: int, lowest: int, last: int, excess: int) -> None:
    """E tr Hᵏ = Σ_{j=lowest}^{last} c_j n^{−j}, c_j with positive coefficients and of degree at most j + excess in d.

    Raises:
        Refuted: another power of 1/n occurs or an end one does not, a coefficient is negative, or a degree larger.

    >>> prove_expansion(4, 2, 3, 1)
    """
    moment = centred_moment(k)
    found = powers_of_unit(moment)
    if min(found) != lowest:
        raise Refuted(f"the lowest power of 1/n in E tr H^{k} is another one")
    if max(found) != last:
        raise Refuted(f"the highest power of 1/n in E tr H^{k} is another one")
    for j in found:
        row = coefficients_in_dim(moment, j)
        if min(row) < 0:
            raise Refuted(f"a coefficient of E tr H^{k} is negative")
        if len(row) - 1 > j + excess:
            raise Refuted(f"the degree in d at n^-{j} of E tr H^{k} is larger than stated")


def prove_leading(loops: int, variance: int, common: int) -> None:
    """The coefficient of n^{−L} in E tr H^{2L} is E tr G^{2L}.

    Raises:
        Refuted: it is another one.

    >>> prove_leading(2, 1, 0)
    """
    if coefficients_in_dim(centred_moment(2 * loops), loops) != gaussian_moment(2 * loops, variance, common):
        raise Refuted("the leading coefficient is not the moment of the Gaussian matrix")


def prove_limit(step: fmpq, limit: fmpq, loops: int) -> None:
    """As n → ∞ the loss E tr(I − aS)^{2L} of L equal steps a tends to this limit, for every d.

    With I − aS = (1 − a)I − aH it is a polynomial in d and 1/n, whose constant coefficient in 1/n is read.

    Raises:
        Refuted: it tends to another one.

    >>> prove_limit(fmpq(1), fmpq(0), 3)
    """
    size, found = 2 * loops, [fmpq(0)]
    for k in range(size + 1):
        moment = centred_moment(k) if k else DIM
        weight = comb(size, k) * (1 - step) ** (size - k) * (-step) ** k
        row = coefficients_in_dim(moment, 0)
        found += [fmpq(0)] * (len(row) - len(found))
        for i, c in enumerate(row):
            found[i] += weight * c
    if found[0] != limit or any(found[1:]):
        raise Refuted("the loss at this step does not tend to the stated limit")
