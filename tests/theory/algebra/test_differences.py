"""Central differences of width one, against the derivatives of polynomials of degree at most two in each variable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import QQ, ring

from icl_claims.theory.algebra.differences import curvatures, slopes
from tests.shared.strategies import rationals

RING, *GENERATORS = ring("x,y,z", QQ)
POWERS = list(product(range(3), repeat=3))
"""The monomials of degree at most two in each of three variables, of total degree up to six."""


@settings(max_examples=30)
@given(
    st.lists(st.integers(-3, 3), min_size=len(POWERS), max_size=len(POWERS)),
    st.lists(rationals, min_size=3, max_size=3),
)
def test_differences_are_derivatives(coefficients: list[int], point: list[fmpq]) -> None:
    polynomial = RING.from_dict({p: QQ(c) for p, c in zip(POWERS, coefficients, strict=True) if c})
    here = [QQ(int(x.p), int(x.q)) for x in point]

    def at(values: Sequence[fmpq]) -> fmpq:
        return rational(polynomial.evaluate(list(zip(GENERATORS, map(ratio, values), strict=True))))

    first = [polynomial.diff(x) for x in GENERATORS]
    assert slopes(at, point) == [
        rational(p.evaluate(list(zip(GENERATORS, here, strict=True)))) for p in first
    ]
    second = [
        [p.diff(x).evaluate(list(zip(GENERATORS, here, strict=True))) for x in GENERATORS] for p in first
    ]
    assert curvatures(at, point).tolist() == [[rational(x) for x in row] for row in second]


def ratio(x: fmpq) -> object:
    return QQ(int(x.p), int(x.q))


def rational(x: object) -> fmpq:
    number = QQ.convert(x)
    return fmpq(int(number.numerator), int(number.denominator))


def test_a_cube_is_not_differentiated() -> None:
    """The degree matters: ((x + 1)³ − (x − 1)³)/2 = 3x² + 1."""
    assert slopes(lambda x: x[0] ** 3, [fmpq(2)]) == [13]


def test_no_variables() -> None:
    assert slopes(lambda _: fmpq(1), []) == []
    assert curvatures(lambda _: fmpq(1), []).tolist() == []
