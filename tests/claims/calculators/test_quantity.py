"""The numbers of an answer."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims.calculators.quantity import measured, rational, root, upper_bound


@given(st.fractions(min_value=0))
def test_each_holds_its_number(x: Fraction) -> None:
    value = fmpq(x.numerator, x.denominator)
    assert rational(value).value.compare(value) == measured(value).value.compare(value) == 0
    assert root(value**2).value.compare(value) == 0
    assert Fraction(rational(value).exactly or "") == x
    assert measured(value).exactly is None


@given(st.floats(min_value=0, allow_infinity=False))
def test_a_bound_is_the_float_itself(x: float) -> None:
    bound = upper_bound(x)
    exact = Fraction(x)
    assert bound.bound
    assert bound.value.compare(fmpq(exact.numerator, exact.denominator)) == 0
