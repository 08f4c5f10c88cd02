"""The best two steps for all sizes: against those of one size, and each condition violated by itself."""

import pytest
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.many_layers.two_steps import (
    BEST,
    E,
    M,
    moments,
    of_sizes,
    prove_critical,
    prove_distinct,
    prove_minimum,
    prove_strictly_convex,
)
from icl_claims.theory.task import isotropic


@pytest.mark.parametrize(("dim", "size"), [(1, 1), (2, 1), (2, 5), (5, 20)])
def test_at_one_size_they_are_the_optimal_steps(dim: int, size: int) -> None:
    best = optimal_steps(isotropic(dim, size), 2)
    sizes = [value.as_expr().subs({"n": size, "d": dim}) for value in of_sizes(BEST)]
    assert [fmpq(int(x.p), int(x.q)) for x in sizes] == [-best.residual[1], best.residual[2]]


def test_the_best_pair_passes() -> None:
    prove_minimum(BEST)
    prove_distinct(BEST)


def test_each_integral_is_looked_at() -> None:
    with pytest.raises(Refuted, match="of s q is not 0"):
        prove_critical(BEST._replace(e=BEST.e + 1))
    with pytest.raises(Refuted, match="of s² q is not 0"):
        prove_critical(BEST._replace(e=BEST.e + M[3], p=BEST.p + M[2]))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"p": BEST.e**2 / 4}, "e² − 4p"),
        ({"e": -BEST.e}, "e is"),
        ({"p": -BEST.p}, "p is"),
    ],
)
def test_each_sign_is_looked_at(change: dict[str, object], name: str) -> None:
    with pytest.raises(Refuted, match=name):
        prove_distinct(BEST._replace(**change))


def test_the_minimum_is_looked_at() -> None:
    with pytest.raises(Refuted, match="another one"):
        prove_minimum(BEST._replace(minimum=BEST.minimum + E))


def test_convexity_needs_both_minors() -> None:
    m = moments()
    with pytest.raises(Refuted, match="m_2 is not"):
        prove_strictly_convex(-m[2], m[3], -(m[3] ** 2 + 1))
    with pytest.raises(Refuted, match="m_2 m_4"):
        prove_strictly_convex(m[2], m[3], m[3])
