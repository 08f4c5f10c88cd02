"""Exact real numbers to decimals, correct to the last digit shown."""

from __future__ import annotations

from math import floor, log10

from flint import fmpq

from icl_claims.numerics.rounding import Enclosed

DIGITS = 15
"""Significant digits where nothing else is said: all of them survive float64."""


def decimal(number: Enclosed, digits: int = DIGITS, *, up: bool = False) -> str:
    """A real number in decimal, rounded once: at most half a unit in the last place from it.

    Zeros at the end are left out exactly where the decimal is the number itself: 0.75 is three quarters,
    0.750000000000000 is close to it. Outside 10⁻⁵ ≤ |number| < 10^digits with an exponent, as 7.5e-6.

    Args:
        number: any enclosure that can be compared with rationals, such as a root of a polynomial.
        digits: significant digits, ≥ 1.
        up: away from 0 instead of to nearest (ties to even): what is shown is then a bound.

    >>> from icl_claims.theory.algebra.algebraic import number, square_root
    >>> decimal(square_root(fmpq(2)), 8), decimal(number(fmpq(3, 4))), decimal(number(fmpq(-2, 3)), 4)
    ('1.4142136', '0.75', '-0.6667')
    >>> decimal(number(fmpq(1, 3)), 3, up=True), decimal(number(fmpq(10) ** 40 + 1), 4)
    ('0.334', '1.000e+40')
    """
    sign = number.compare(fmpq(0))
    if sign == 0:
        return "0"
    # Apart from 0 and within one unit, so that the first guess below is off by a few units at most.
    bits = 64
    while _magnitudes(number, sign)[0] * (1 << 2) < _magnitudes(number, sign)[1] * 3:
        number, bits = number.refined(bits), 2 * bits

    def compare(value: fmpq) -> int:
        """The sign of |number| − value."""
        return sign * number.compare(sign * value)

    low = _magnitudes(number, sign)[0]
    exponent = floor((low.p.bit_length() - low.q.bit_length()) * log10(2))
    while compare(fmpq(10) ** (exponent + 1)) >= 0:
        exponent += 1
    while compare(fmpq(10) ** exponent) < 0:
        exponent -= 1
    unit = fmpq(10) ** (exponent + 1 - digits)
    while number.upper - number.lower > unit:
        number, bits = number.refined(bits), 2 * bits
    shown = int((_magnitudes(number, sign)[0] / unit).floor())
    while (side := compare((shown + (fmpq(0) if up else fmpq(1, 2))) * unit)) > 0:
        shown += 1
    if side == 0 and not up:
        shown += shown % 2
    is_exact = compare(shown * unit) == 0
    text = str(shown)
    if len(text) > digits:
        text, exponent = text[:-1], exponent + 1
    return "-" * (sign < 0) + _placed(text.rstrip("0") if is_exact else text, exponent, digits)


def _magnitudes(number: Enclosed, sign: int) -> tuple[fmpq, fmpq]:
    """Bounds on |number|."""
    low, high = (number.lower, number.upper) if sign > 0 else (-number.upper, -number.lower)
    return max(low, fmpq(0)), high


def _placed(digits: str, exponent: int, most: int) -> str:
    """d.ddd × 10^exponent."""
    if not -5 <= exponent < most:
        return f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{exponent:+}"
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    whole, rest = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}{'.' * bool(rest)}{rest}"
