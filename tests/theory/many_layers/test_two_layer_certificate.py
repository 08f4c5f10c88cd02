"""The certificate of two symmetric layers: each condition of its checks violated by itself."""

from dataclasses import replace

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import FIELD, Words, d, n
from icl_claims.theory.many_layers import two_layer_certificate
from icl_claims.theory.many_layers.two_layer_certificate import (
    C,
    D,
    E,
    S,
    certificate,
    covariant_functions,
    covariant_gram,
    prove_certificate_of,
    prove_forms_positive,
    prove_one_example,
    prove_orthogonal,
    prove_slope_vanishes,
    with_traces_of_three,
)

ZERO = Words("d", "d", {})
CUBE = (D @ E @ D).trace()


def test_traces_of_three_letters() -> None:
    assert with_traces_of_three(CUBE)
    assert with_traces_of_three(CUBE * (D @ E).trace())
    assert not with_traces_of_three((D @ E).trace())
    assert not with_traces_of_three(CUBE + (D @ E).trace())
    assert not with_traces_of_three((D @ E @ D @ E).trace())
    assert not with_traces_of_three((D @ C @ D).trace())


def test_parts_that_overlap_are_refused() -> None:
    """Small parts in the place of F_0, F_1 and F_2."""
    prove_orthogonal((S, D @ S, ZERO), two_dimensional=False)
    with pytest.raises(Refuted, match="F_0 and F_1"):
        prove_orthogonal((S, S, ZERO), two_dimensional=False)
    with pytest.raises(Refuted, match="F_0 and F_2"):
        prove_orthogonal((S, D @ S, S), two_dimensional=False)
    with pytest.raises(Refuted, match="F_1 and F_2"):
        prove_orthogonal((S, D @ S, E @ S), two_dimensional=True)


def test_traces_of_three_vanish_for_two_dimensions_only() -> None:
    parts = (S, D @ S, (D @ E) @ S)
    prove_orthogonal((ZERO, *parts[1:]), two_dimensional=True)
    with pytest.raises(Refuted, match="F_1 and F_2"):
        prove_orthogonal((ZERO, *parts[1:]), two_dimensional=False)


@pytest.mark.parametrize("two_dimensional", [False, True])
def test_the_forms_need_all_of_the_slope(two_dimensional: bool) -> None:
    found = certificate(two_dimensional)
    prove_forms_positive(found, two_dimensional)
    with pytest.raises(Refuted, match="a part of ℓw is left"):
        prove_forms_positive(certificate(two_dimensional, 0), two_dimensional, share=0)
    with pytest.raises(Refuted, match="form R is not shown"):
        prove_forms_positive(replace(found, covariant=[[-x for x in row] for row in found.covariant]), False)
    with pytest.raises(Refuted, match="form Q is not shown"):
        prove_forms_positive(found, two_dimensional, least_context=1)


def test_a_certificate_of_other_steps_is_refused() -> None:
    found = certificate(two_dimensional=False)
    prove_certificate_of(found, found.e, found.p)
    for e, p in ((found.e + 1, found.p), (found.e, found.p + 1)):
        with pytest.raises(Refuted, match="critical elsewhere"):
            prove_certificate_of(found, e, p)


def test_the_slope_for_one_example() -> None:
    prove_slope_vanishes((n - 1) * FIELD.one, {"n": 1})
    with pytest.raises(Refuted, match="ℓ does not vanish"):
        prove_slope_vanishes(n * FIELD.one, {"n": 1})


def test_one_example_needs_the_term_and_independence() -> None:
    gram = [row[:3] for row in covariant_gram(two_dimensional=False)[:3]]
    bracket = covariant_functions([C] * 4, two_dimensional=False)[3]
    prove_one_example(bracket, gram)
    with pytest.raises(Refuted, match="not of the stated form"):
        prove_one_example(bracket * 2, gram)
    with pytest.raises(Refuted, match="independent"):
        prove_one_example(bracket, [gram[0], gram[0], gram[2]])


def test_independence_for_one_example_starts_at_two_dimensions() -> None:
    """A form that vanishes at d = 2 and is positive above."""
    gram = [[x * (d - 2) for x in row[:3]] for row in covariant_gram(two_dimensional=False)[:3]]
    with pytest.raises(Refuted, match="independent"):
        prove_one_example(covariant_functions([C] * 4, two_dimensional=False)[3], gram)


@pytest.mark.parametrize("two_dimensional", [False, True])
def test_the_forms_are_symmetric(two_dimensional: bool) -> None:
    found = certificate(two_dimensional)
    for form in (found.invariant, found.covariant):
        assert [list(row) for row in form] == [list(column) for column in zip(*form, strict=True)]


@pytest.mark.parametrize("words", [D, D.trace(), D.trace() + n * (D @ E).trace()])
def test_only_numbers_are_taken_for_numbers(words: Words) -> None:
    with pytest.raises(ValueError, match="words must be a number"):
        two_layer_certificate._number(words)
