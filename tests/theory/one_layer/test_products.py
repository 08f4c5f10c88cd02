"""The checks of the products b a_jᵀ: each accepts the layer's own polynomials, and refuses one change at a time."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words, eye, letter, one
from icl_claims.theory.one_layer import convexity, linear_attention, products, single_layer
from icl_claims.theory.one_layer.products import (
    factors,
    prove_bilinear,
    prove_component_excess,
    prove_component_gradients,
    prove_excess_is_a_square,
    prove_excess_of_contributions,
    prove_gradient,
    prove_gradient_with_mask,
    prove_invertible,
    prove_minimum,
    prove_own_key_is_even,
    prove_residual_vanishes,
    prove_scaled,
    prove_weighted_sum,
)
from icl_claims.theory.one_layer.single_layer import A_X, BETA, GAMMA, LINEAR, RELU, U
from icl_claims.theory.transformer.attention import MASK, NO_MASK, X_QUERY
from icl_claims.theory.transformer.prompts import OMEGA, SIGMA


def test_the_entry_of_both_layers_is_bilinear() -> None:
    prove_bilinear(linear_attention.query_entry())
    prove_bilinear(single_layer.value() * single_layer.score())


@pytest.mark.parametrize(
    "extra",
    [
        U.T @ X_QUERY,
        X_QUERY.T @ A_X @ X_QUERY,
        BETA * BETA * (X_QUERY.T @ A_X @ X_QUERY),
        BETA * (X_QUERY.T @ A_X @ A_X @ X_QUERY),
        one(),
        BETA * (U.T @ X_QUERY),
        X_QUERY.T @ A_X @ A_X @ X_QUERY,
    ],
    ids=["no A", "no b", "b twice", "A twice", "neither", "two of b alone", "two of A alone"],
)
def test_a_term_that_is_not_bilinear_is_refused(extra: Words) -> None:
    with pytest.raises(Refuted, match="bilinear"):
        prove_bilinear(linear_attention.query_entry() + extra)


def test_a_term_outside_traces_counts_too() -> None:
    """The letters of the matrix part of a term, and not only those in its traces."""
    with pytest.raises(Refuted, match="bilinear"):
        prove_bilinear(U)


def test_the_gradient_of_both_layers() -> None:
    """That of ReLU attention is half of the trace."""
    prove_gradient(linear_attention.gradient_from_layer(GAMMA), single_layer.normal_matrix())
    prove_gradient(single_layer.product_gradient(keep=RELU) * 2, single_layer.normal_matrix(RELU))
    with pytest.raises(Refuted, match="gradient is not"):
        prove_gradient(linear_attention.gradient_from_layer(GAMMA), single_layer.normal_matrix(RELU))
    with pytest.raises(Refuted, match="gradient is not"):
        prove_gradient(linear_attention.gradient_from_layer(GAMMA) * 2, single_layer.normal_matrix())


def test_the_normal_matrix_is_invertible() -> None:
    """Its second refusal needs an N that meets the first identity: that of v sees the symmetric part of ΩN alone."""
    normal = single_layer.normal_matrix()
    prove_invertible(normal)
    with pytest.raises(Refuted, match="not negative"):
        prove_invertible(normal - eye("d"))
    other = letter("C", "d", "d")
    with pytest.raises(Refuted, match="not symmetric"):
        prove_invertible(normal + other @ OMEGA - other.T @ OMEGA)


def test_the_minimum() -> None:
    signal, gain = (SIGMA @ OMEGA).trace(), (SIGMA @ GAMMA @ SIGMA @ OMEGA).trace()
    prove_minimum(single_layer.normal_matrix(), signal - gain)
    with pytest.raises(Refuted, match="claimed minimum"):
        prove_minimum(single_layer.normal_matrix(), signal + gain)


def test_component_gradients() -> None:
    prove_component_gradients(single_layer.normal_matrix())
    with pytest.raises(Refuted, match="f_j"):
        prove_component_gradients(single_layer.normal_matrix() + SIGMA @ OMEGA)


def test_the_excess_of_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_component_excess()
    monkeypatch.setattr(products, "hessian_form", lambda: convexity.hessian_form() * 2)
    with pytest.raises(Refuted, match="square and the derivative"):
        prove_component_excess()


@pytest.mark.parametrize("weight", [eye("d"), SIGMA * 2, SIGMA @ SIGMA])
def test_the_weights_of_the_components(weight: Words) -> None:
    prove_weighted_sum(SIGMA)
    with pytest.raises(Refuted, match="weighted sum"):
        prove_weighted_sum(weight)


def test_the_residual_in_an_eigendirection() -> None:
    lam, T, n = sympy.symbols("lambda T n")
    stated = 1 / ((n + 1) / n * lam + T / n)
    normal = single_layer.normal_matrix()

    def check(preconditioner: sympy.Expr, covariance: sympy.Expr = lam, trace: sympy.Expr = T) -> None:
        prove_residual_vanishes(
            normal, covariance=covariance, preconditioner=preconditioner, trace=trace, context_length=n
        )

    check(stated)
    for changed in ({"preconditioner": -stated}, {"covariance": 2 * lam}, {"trace": T + 1}):
        with pytest.raises(Refuted, match="does not vanish"):
            check(**{"preconditioner": stated, **changed})


def test_factors_are_one_row_and_one_column() -> None:
    b, A = factors()
    assert (b @ A)[0, 0] == U.T @ A_X + BETA * A[1, 0]


@pytest.mark.parametrize("keep", [LINEAR, RELU])
def test_the_excess_of_contributions(keep: Fraction) -> None:
    prove_excess_of_contributions(keep)
    with pytest.raises(Refuted, match="mean square of the contributions"):
        prove_excess_of_contributions(keep, single_layer.product_gradient(keep=keep) * 2)


def test_the_query_as_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_own_key_is_even()
    with pytest.raises(Refuted, match="the query as a key adds more"):
        prove_own_key_is_even((BETA, U.T @ X_QUERY))
    monkeypatch.setattr("icl_claims.theory.one_layer.products.LABEL", one())
    with pytest.raises(Refuted, match="not odd in w and ε"):
        prove_own_key_is_even()


def test_an_entry_that_does_not_scale_and_factors_that_do_not_cancel() -> None:
    prove_scaled(linear_attention.query_entry(), 2, -2)
    with pytest.raises(Refuted, match="does not scale"):
        prove_scaled(linear_attention.query_entry() + one(), 1, -1)
    with pytest.raises(Refuted, match="do not cancel"):
        prove_scaled(linear_attention.query_entry(), 1, 1)


def test_the_excess_needs_the_derivative_at_the_point() -> None:
    prove_excess_is_a_square(linear_attention.gradient_from_layer(GAMMA))
    with pytest.raises(Refuted, match="excess is not the square"):
        prove_excess_is_a_square(linear_attention.gradient_from_layer(GAMMA) * 2)


def test_the_mask_does_not_matter_to_the_gradient_and_what_is_seen_does() -> None:
    prove_gradient_with_mask(NO_MASK)
    with pytest.raises(Refuted, match="another mask"):
        prove_gradient_with_mask(MASK + MASK)
