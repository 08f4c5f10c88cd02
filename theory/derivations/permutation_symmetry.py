r"""Ahn et al., Lemma 4 of App. B.4: the order of layers on 𝒮 = {A_l = a_l Σ⁻¹} does not matter, so critical points
recur.

Layers a_0 C, …, a_{L−1} C multiply the label row by I − a_l K with one matrix K; such factors commute.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.algebra.words import Words
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.transformer.symmetries import MATRICES, prove_exchange, prove_orders


class Exchange(NamedTuple):
    """The two matrices that do the same as A_0 and A_1; and how many critical points there are at least on 𝒮."""

    exchanged: tuple[Words, Words]
    critical_points: sympy.Expr


STATED = Exchange((MATRICES[1], MATRICES[0]), sympy.factorial(LAYERS))


def exchange(stated: Exchange) -> None:
    """The stated exchange of two neighbours changes no label."""
    prove_exchange(stated.exchanged)


def orders(stated: Exchange) -> None:
    """L different steps have as many orders as stated."""
    prove_orders(lambda L: int(stated.critical_points.subs(LAYERS, L)), 6)


DERIVATION = Derivation(
    (
        Lemma(
            r"Layers with matrices $a_0C,\dots,a_{L-1}C$, $C$ any $d\times d$ matrix, give the same label row in "
            r"every order, from every state, with the mask and without it. On $\mathcal S$ ($C=\Sigma^{-1}$) the "
            "loss is therefore unchanged under every exchange.",
            "For two neighbours it is an identity between products of matrices. Exchanges of neighbours generate "
            "all orders, and sparse layers leave the covariates alone, so that any number of them follows by "
            "induction.",
            exchange,
            "two layers: all d, n, a_0, a_1, C, every state",
            step="induction",
        ),
        Lemma(
            r"On $\mathcal S$ there is a point with $L$ different steps at which $\partial f/\partial a_l=0$ for all "
            "$l$.",
            "It is the minimizer.",
            step="claim",
            claim="optimal_steps_global_minimum",
        ),
        Lemma(
            r"A point of $\mathcal S$ with $\partial f/\partial a_l=0$ for all $l$ is a critical point of $f$ over "
            "all matrices.",
            r"The derivative of $f$ there in any direction $R_l$ is a multiple of $\partial f/\partial a_l$.",
            step="claim",
            claim="invariant_direction_reduction",
        ),
        Lemma(
            r"$f$ has at least $L!$ critical points on $\mathcal S$, so several for $L\ge2$.",
            r"By Lemma 1, $f$ on $\mathcal S$ is a symmetric function of the steps, so every order of those in Lemma "
            r"2 is critical along $\mathcal S$, and by Lemma 3 in all directions. Different steps have $L!$ orders: "
            r"listed for $L\le6$, and by induction for all $L$.",
            orders,
            "L ≤ 6",
            step="induction",
        ),
    )
)
"""Ahn et al. (2023), App. B.4, Lemma 4."""
