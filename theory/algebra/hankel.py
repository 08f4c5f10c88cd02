r"""Hankel systems H x = r in integers, H = (c_{i+j}) positive definite: exact solutions of many thousand digits.

The solution is lifted p-adically [1] in steps of a modulus B = p^{2^i} of about half the length of the entries: from
H x ≡ r modulo B follows the next digit by solving with (r − H x)/B. What makes a step cheap is that H⁻¹ is a
Bezoutian: with the coefficients of f monic of degree L, and of g,

    H g = e_{L−1},    H (f − s^L) = −(c_L, …, c_{2L−1})    (c_{2L−1} arbitrary),

the kernel of Christoffel and Darboux is Σ_ij (H⁻¹)_ij x^i y^j = (f(x) g(y) − g(x) f(y))/(x − y) [2], so that

    H⁻¹ e = g · [f E]₊ − f · [g E]₊,    E(s) = Σ_j e_j s^{−j−1},

[·]₊ the polynomial part: four products of polynomials in place of L² products of numbers. f and g modulo p come
from elimination, and modulo B by the same lifting, which doubles the precision each time.

The common denominator is that of rᵀ H⁻¹ r, save small factors: H is symmetric, so that k digits of H⁻¹ r give 2k of
this number, and lattice reduction gives its denominator. Multiplication by H decides in the end: a solution that is
returned has been verified, so that nothing before needs trust.

References:
    [1] J. D. Dixon (1982), Exact solution of linear equations using p-adic expansions, Numer. Math. 40, 137–141.
    [2] G. Szegő, Orthogonal Polynomials, §3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpz, fmpz_mat, fmpz_poly, nmod_mat

_PRIMES = (2**62 - 57, 2**62 - 87, 2**62 - 117)
"""Tried in turn, for one may divide det H."""

_PARTS = 16
"""Of how many parts a long number is for :func:`_denominator`."""

_SMALL = 64
"""Bits that a factor may have which the first guess at the common denominator lacks."""


def solution(entries: Sequence[fmpz], right: Sequence[fmpz]) -> tuple[list[fmpz], fmpz]:
    """Integers y_j and v > 0 with H y = v r, verified.

    Args:
        entries: c_0, …, c_{2L−2}, with H positive definite.
        right: r_0, …, r_{L−1}.

    Raises:
        ZeroDivisionError: H is singular, or nearly so: modulo several primes.
        ArithmeticError: no solution was verified, as may happen where H is not positive definite.

    >>> solution([fmpz(2), fmpz(1), fmpz(3)], [fmpz(1), fmpz(0)])
    ([3, -1], 5)
    """
    lifting, size = _Lifting(entries), len(right)
    # By Cramer's rule v | det H ≤ ∏ H_kk, and |y_j| ≤ ∏ H_kk Σ |r_i|, as no minor of H of size L − 1 is larger
    # than the largest of the diagonal ones.
    bits = sum(entries[2 * k].bit_length() for k in range(size)) + sum(map(abs, right)).bit_length()
    enough = bits + max(sum(map(abs, right)).bit_length() + 4, 4 * _SMALL)
    digits, rest = lifting.digits(fmpz_poly(list(right)), enough)
    modulus = lifting.base ** len(digits)
    columns = [_joined(column, lifting.base) for column in zip(*digits, strict=True)]
    # With x the digits and e = (r − H x)/Bᵏ, H⁻¹r = x + Bᵏ H⁻¹e and rᵀH⁻¹e ≡ xᵀe: so twice as many of rᵀH⁻¹r.
    unit = _denominator(_dot(right, columns) + modulus * _dot(rest, columns), modulus**2)
    found: list[fmpz] = []
    for column in columns:
        y = _balanced(unit * column, modulus)
        if y.bit_length() > bits:
            missing = _small_denominator(y, modulus)
            unit, y, found = unit * missing, _balanced(y * missing, modulus), [x * missing for x in found]
        found.append(y)
    if unit == 0 or lifting.applied(fmpz_poly(found)) != [unit * x for x in right]:
        raise ArithmeticError(f"no solution of a Hankel system of {size} equations was verified")
    return found, unit


def _denominator(x: fmpz, modulus: fmpz) -> fmpz:
    """v for the shortest vector (y, v) with y ≡ v x modulo the modulus.

    The basis is reduced by what the leading bits of its long column show, a part at a time, as in Lehmer's
    version of Euclid's algorithm. Any such step is unimodular; the last reduction is of the whole.
    """
    basis = fmpz_mat([[modulus, 0], [x % modulus, 1]])
    part = modulus.bit_length() // _PARTS
    for _ in range(_PARTS):
        long, short = (max(abs(basis[i, j]) for i in (0, 1)).bit_length() for j in (0, 1))
        if long - short < 2 * part:
            break
        leading = [[basis[i, 0] >> (long - part), fmpz(i == 0), fmpz(i == 1)] for i in (0, 1)]
        step = fmpz_mat(leading).lll()
        basis = fmpz_mat([[step[i, 1], step[i, 2]] for i in (0, 1)]) * basis
    return abs(basis.lll()[0, 1])


def _small_denominator(x: fmpz, modulus: fmpz) -> fmpz:
    """v of few bits with v x ≡ y, y much smaller than the modulus: seen from their leading bits alone.

    For v x = y + k m means that x/m is nearly k/v.
    """
    rest = max(modulus.bit_length() - 4 * _SMALL, 0)
    return _denominator(x >> rest, modulus >> rest)


class _Lifting:
    """Solutions of H x = r modulo powers of ``base``, digit by digit."""

    def __init__(self, entries: Sequence[fmpz]) -> None:
        self.size = len(entries) // 2 + 1
        self.entries = fmpz_poly(list(entries))
        prime, f, g = self._modulo_a_prime()
        self.base, self.f, self.g = fmpz(prime), f, g
        longest = max(x.bit_length() for x in entries)
        while self.base.bit_length() < longest // 2:
            self._double()

    def applied(self, x: fmpz_poly) -> list[fmpz]:
        """H x: Σ_j c_{i+j} x_j is the coefficient of s^{L−1+i} in c(s) · s^{L−1} x(1/s)."""
        product = self.entries * _turned(x, self.size)
        return [product[self.size - 1 + i] for i in range(self.size)]

    def digits(self, right: fmpz_poly, bits: int) -> tuple[list[list[fmpz]], list[fmpz]]:
        """x_0, …, x_{k−1} with Σ_i x_i Bⁱ = x the solution modulo Bᵏ, of at least so many bits; and (r − H x)/Bᵏ."""
        found, e = [], right
        for _ in range(bits // (self.base.bit_length() - 1) + 1):
            x = self._solved(e)
            found.append([x[j] for j in range(self.size)])
            e = self._quotient(e, x)
        return found, [e[j] for j in range(self.size)]

    def _quotient(self, right: fmpz_poly, x: fmpz_poly) -> fmpz_poly:
        """(r − H x)/B."""
        return fmpz_poly([(right[i] - y) // self.base for i, y in enumerate(self.applied(x))])

    def _solved(self, e: fmpz_poly) -> fmpz_poly:
        """H⁻¹ e modulo B."""
        turned = _turned(_modulo(e, self.base), self.size)
        ahead, behind = (_modulo((p * turned).right_shift(self.size), self.base) for p in (self.f, self.g))
        return _modulo(self.g.mul_low(ahead, self.size) - self.f.mul_low(behind, self.size), self.base)

    def _double(self) -> None:
        """f and g modulo B², and B² for B."""
        monic = fmpz_poly([0] * self.size + [1])
        last = fmpz_poly([0] * (self.size - 1) + [1])
        beyond = fmpz_poly([-self.entries[self.size + i] for i in range(self.size)])
        lower = self.f - monic
        f, g = (
            x + self._solved(self._quotient(right, x)) * self.base
            for x, right in ((lower, beyond), (self.g, last))
        )
        self.f, self.g, self.base = f + monic, g, self.base**2

    def _modulo_a_prime(self) -> tuple[int, fmpz_poly, fmpz_poly]:
        size, c = self.size, self.entries
        rows = fmpz_mat([[c[i + j] for j in range(size)] for i in range(size)])
        right = fmpz_mat([[-c[size + i], int(i == size - 1)] for i in range(size)])
        for prime in _PRIMES:
            try:
                x = nmod_mat(rows, prime).solve(nmod_mat(right, prime))
            except ZeroDivisionError:
                continue
            lower, g = (fmpz_poly([int(x[i, k]) for i in range(size)]) for k in (0, 1))
            return prime, lower + fmpz_poly([0] * size + [1]), g
        raise ZeroDivisionError(f"a Hankel matrix of {size} rows is singular modulo {len(_PRIMES)} primes")


def _turned(x: fmpz_poly, size: int) -> fmpz_poly:
    """s^{L−1} x(1/s)."""
    return fmpz_poly([x[size - 1 - j] for j in range(size)])


def _modulo(x: fmpz_poly, modulus: fmpz) -> fmpz_poly:
    return fmpz_poly([c % modulus for c in x.coeffs()])


def _dot(a: Sequence[fmpz], b: Sequence[fmpz]) -> fmpz:
    return sum((x * y for x, y in zip(a, b, strict=True)), fmpz(0))


def _balanced(x: fmpz, modulus: fmpz) -> fmpz:
    """The residue of least magnitude."""
    residue = x % modulus
    return residue - modulus if 2 * residue > modulus else residue


def _joined(digits: Sequence[fmpz], base: fmpz) -> fmpz:
    """Σ_i digit_i baseⁱ, in pairs, so that long numbers meet numbers of their length."""
    numbers, power = list(digits), base
    while len(numbers) > 1:
        if len(numbers) % 2:
            numbers.append(fmpz(0))
        numbers = [low + power * high for low, high in zip(numbers[::2], numbers[1::2], strict=True)]
        power = power * power
    return numbers[0]
