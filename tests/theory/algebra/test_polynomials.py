"""Lists of coefficients against python-flint's polynomials."""

from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.theory.algebra.polynomials import inner_product, product
from icl_claims.theory.algebra.words import d, n

coefficients = st.lists(st.integers(-9, 9).map(fmpq), min_size=1, max_size=5)


@given(coefficients, coefficients)
def test_product_is_that_of_flint(p: list[fmpq], q: list[fmpq]) -> None:
    assert fmpq_poly(product(p, q)) == fmpq_poly(p) * fmpq_poly(q)


def test_product_over_a_field_of_fractions() -> None:
    assert product([1 / n, d], [n, -1 / d]) == [1, n * d - 1 / (n * d), -1]


def test_inner_product_is_an_integral() -> None:
    """Against the moments 1/(k + 1) of the uniform law on [0, 1] it is ∫ p ds."""
    p = fmpq_poly([3, -1, 4, 1])
    moments = [fmpq(1, k + 1) for k in range(9)]
    assert inner_product(p, moments) == p.integral()(1)
    assert inner_product([], moments, fmpq(0)) == 0
