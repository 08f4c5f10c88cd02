r"""Theorem 4 of Ahn et al.: near-critical points on 𝒮′, one step of GD++ in each layer, the free last B."""

from __future__ import annotations

from typing import NamedTuple

from icl_claims.theory.algebra.words import Words, n
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.gdpp_infimum_attained import CHANGE_OF_BASIS, MULTIPLES, ROTATION
from icl_claims.theory.transformer.relaxed_layers import (
    SHARE,
    STEP,
    prove_gd_plus_plus,
    prove_prediction_free_of,
    prove_whitens_to_multiples,
)


class FreeMatrix(NamedTuple):
    """A matrix that the prediction does not depend on: its name, and 1 for the last layer, 2 for the one before."""

    name: str
    layers_before_the_end: int


class Theorem(NamedTuple):
    """Theorem 4: the powers of Σ in 𝒮′, the γ and the step η of GD++ in a and b, and which matrix is free."""

    A_power: int
    B_power: int
    gamma: Words
    step: Words
    free: FreeMatrix


STATED = Theorem(-1, 0, -(STEP * SHARE) / n, -STEP, FreeMatrix("B", 1))


def scaled_set(theorem: Theorem) -> None:
    """𝒮′ in whitened coordinates."""
    prove_whitens_to_multiples(theorem.A_power, theorem.B_power)


def gd_plus_plus(theorem: Theorem) -> None:
    """One layer is one step."""
    prove_gd_plus_plus(theorem.gamma, theorem.step)


def last_layer(theorem: Theorem) -> None:
    """The prediction does not hold the matrix."""
    prove_prediction_free_of(*theorem.free)


DERIVATION = Derivation(
    (
        Lemma(
            r"In the coordinates $\bar x=\Sigma^{-1/2}x$ the stated $A_l$ and $B_l$ are $a_lI$ and $b_lI$.",
            r"$\Sigma^{1/2}A_l\Sigma^{1/2}$ and $\Sigma^{-1/2}B_l\Sigma^{1/2}$ are multiplied out.",
            scaled_set,
            "all d, Σ ≻ 0",
        ),
        CHANGE_OF_BASIS,
        ROTATION,
        MULTIPLES,
        Lemma(
            r"Some point of $\mathcal S'$ is critical for all $A_l$, $B_l$: the infimum is 0, and is attained.",
            "The point is $a_l=0$, $b_l=-\\frac12$ for $l<L-1$ and $a_{L-1}=-\\frac n{n+d+1}$.",
            step="claim",
            claim="gdpp_infimum_attained",
        ),
        Lemma(
            r"For $\Sigma=I$ a layer $(a_lI,b_lI)$ is a step of GD++ with the stated $\gamma$ and step, on "
            r"any state: "
            "so $L$ layers are $L$ steps.",
            "The four blocks of the layer's output are compared with those of the step.",
            gd_plus_plus,
            "all d, n, a, b, every state, the query's column included",
        ),
        Lemma(
            r"The prediction of $L$ layers does not depend on $B_{L-1}$.",
            "The label row of a layer's output does not hold its own $B$. Two layers are multiplied out from "
            "any state, "
            "which may be what any earlier layers gave.",
            last_layer,
            "all d, n, A, B, every state, with the mask and without",
        ),
    )
)
