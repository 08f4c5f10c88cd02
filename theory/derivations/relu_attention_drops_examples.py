"""One layer of ReLU attention: why a fair coin decides for each example whether it counts.

Value and score of an example are odd in it. So of an example and its negative one contributes what it does to linear
attention and the other nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.one_layer.rectifier import RELU, prove_odd_in_the_example, prove_one_of_a_pair_counts


class Coins(NamedTuple):
    """With the activation σ(s) = ``sigma`` of the scores, each example counts with probability ``keep``."""

    sigma: sympy.Expr
    keep: sympy.Rational


STATED = Coins(RELU, keep=sympy.Rational(1, 2))


def odd() -> None:
    """Value and score change sign with the example."""
    prove_odd_in_the_example()


def pair(coins: Coins) -> None:
    """One of the two contributions counts, the other is 0."""
    prove_one_of_a_pair_counts(coins.sigma, coins.keep)


DERIVATION = Derivation(
    (
        Lemma(
            r"The value $p=b^\top z$ and the score $s=z^\top Q\,(x_q;c)$ of an example $z=(x,y)$ change their signs "
            "with $z$, whatever $c$ stands in the query's label slot; so $ps$ does not change.",
            "Both are linear in $z$.",
            odd,
            "all d, b, Q, z, x_q, c",
        ),
        Lemma(
            r"Of the contributions $p\,\sigma(s)$ of $z$ and $-p\,\sigma(-s)$ of $-z$ one is $ps$ and the other is "
            r"$0$. So, given $w$, $x_q$ and the pairs $\{z_i,-z_i\}$, the entry $\frac1n\sum_ip_i\,\sigma(s_i)$ has "
            r"the law of $\frac1n\sum_i\kappa_i\,p_is_i$ with independent fair coins $\kappa_i$, where $p_is_i$ is "
            "known from the pairs.",
            r"For $s>0$ the first contributes $ps$ and the second $0$, for $s<0$ the other way round, and for $s=0$ "
            "both are $0=ps$. The examples are independent, and each is either element of its pair with probability "
            r"$\frac12$.",
            pair,
            "all p, s",
        ),
    )
)
