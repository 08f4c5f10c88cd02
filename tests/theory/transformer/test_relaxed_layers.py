"""Relaxed layers: each refusal is reached, and the true statements pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import letter, n, zero
from icl_claims.theory.transformer import relaxed_layers as layers
from icl_claims.theory.transformer.attention import MASK, NO_MASK
from icl_claims.theory.transformer.parametrizations import relaxed
from icl_claims.theory.transformer.relaxed_layers import RESIDUAL, SHARE, STEP, a, b, p, s
from icl_claims.theory.transformer.rotations import U

A, B, C, K = (letter(name, "d", "d") for name in "ABCK")
WHITENED_A, WHITENED_B = layers.whitened_pair(A, B)
GAMMA = -(STEP * SHARE) / n
LABEL, MOVE = a * s * p**2, a * b * s * p**2


@pytest.mark.parametrize("mask", [MASK, NO_MASK])
def test_change_of_basis_and_rotation(mask: layers.Blocks) -> None:
    layers.prove_change_of_basis(WHITENED_A, WHITENED_B, A, B, mask)
    layers.prove_rotation(U @ A @ U.T, U @ B @ U.T, mask)


@pytest.mark.parametrize("broken", [MASK, NO_MASK], ids=["with the mask", "without"])
def test_the_prediction_is_looked_at_with_the_mask_and_without(
    broken: layers.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one of the two a layer adds the trace of its own covariate block to the query's label."""
    honest = layers.layer

    def leaking(P: layers.Blocks, Q: layers.Blocks, Z: layers.Blocks, mask: layers.Blocks) -> layers.Blocks:
        leak = layers.Blocks([[zero("d", "n"), zero("d", "1")], [zero("1", "n"), P[0, 0].trace()]])
        after = honest(P, Q, Z, mask)
        return after + leak if mask is broken else after

    monkeypatch.setattr(layers, "layer", leaking)
    with pytest.raises(Refuted, match="depends on B of the layer 1 before the end"):
        layers.prove_prediction_free_of("B", 1)


def test_what_is_true() -> None:
    layers.prove_whitens_to_multiples(-1, 0)
    layers.prove_gd_plus_plus(GAMMA, -STEP)
    layers.prove_prediction_free_of("B", 1)
    layers.prove_scalar_start()
    layers.prove_scalar_layer(LABEL, MOVE)
    layers.prove_expected_square((RESIDUAL @ RESIDUAL).trace())


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (lambda: layers.prove_change_of_basis(C @ A @ K, WHITENED_B, A, B), "changes the labels"),
        (lambda: layers.prove_change_of_basis(WHITENED_A, K.T @ B @ K, A, B), "carry the covariates over"),
        (lambda: layers.prove_whitens_to_multiples(0, 0), r"A = aΣ\^0 is no multiple"),
        (lambda: layers.prove_whitens_to_multiples(-1, 1), r"B = bΣ\^1 is no multiple"),
        (lambda: layers.prove_rotation(A, U @ B @ U.T), "the labels change under a rotation"),
        (lambda: layers.prove_rotation(U @ A @ U.T, B), "the covariates are not turned"),
        (lambda: layers.prove_gd_plus_plus(-GAMMA, -STEP), "the covariates after the layer are not those"),
        (lambda: layers.prove_gd_plus_plus(GAMMA, STEP), "the labels after the layer are not those"),
        (lambda: layers.prove_gd_plus_plus(GAMMA, -STEP, NO_MASK), "the covariates after the layer are not"),
        (lambda: layers.prove_prediction_free_of("B", 2), "depends on B of the layer 2 before the end"),
        (lambda: layers.prove_prediction_free_of("A", 1), "depends on A of the layer 1 before the end"),
        (lambda: layers.prove_scalar_layer(LABEL, -MOVE), "the covariates after the layer are others"),
        (lambda: layers.prove_scalar_layer(LABEL / p, MOVE), "the residuals after the layer are others"),
        (lambda: layers.prove_expected_square(RESIDUAL.trace() * RESIDUAL.trace()), "is another"),
    ],
)
def test_what_is_false_is_refused(refused: Callable[[], None], reason: str) -> None:
    with pytest.raises(Refuted, match=reason):
        refused()


def test_another_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "W", letter("v", "d", "1"))
    monkeypatch.setattr(layers, "prompt", lambda labels: layers.STATE)
    with pytest.raises(Refuted, match="the prompt is not the state"):
        layers.prove_scalar_start()


def test_a_label_that_enters_the_covariates_is_refused() -> None:
    P, Q = relaxed(A, B)
    layers.prove_covariates_see_no_labels(P, Q)
    moved = Blocks([[P[0, 0], letter("v", "d", "1")], [P[1, 0], P[1, 1]]])
    with pytest.raises(Refuted, match="covariates depend on"):
        layers.prove_covariates_see_no_labels(moved, Q)
