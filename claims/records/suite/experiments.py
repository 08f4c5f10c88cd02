r"""Propositions beside the experiments of Ahn et al.: what the losses that they compare are at their minima.

$\Sigma$ has the eigenvalues $1,1,\frac14,\frac1{16},1$ of their experiments, which all losses depend on alone.
"""

from __future__ import annotations

from icl_claims.claims.assumptions import GAUSSIAN_COVARIATES, WHITENED_TASK
from icl_claims.claims.claim import Claim
from icl_claims.criteria import ahn2023 as criteria

_MINIMA = (
    r"$d=5$, $\Sigma$ with the eigenvalues $1,1,\frac14,\frac1{16},1$, $w\sim\mathcal "
    r"N(0,\Sigma^{-1})$, no noise. "
    r"Let $u$, $p$ and $g$ be the least population losses of $L$ sparse layers with $A_l=a_l\Sigma^{-1}$, of "
    r"$L$ steps "
    r"of preconditioned GD, $A_l=a\Sigma^{-1}$, and of $L$ steps of GD, $A_l=aI$, each with the best "
    r"constant step $a$ "
    r"or steps $a_l$. "
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="loss_against_depth_minima",
        paper="suite",
        location="beside Ahn et al., App. D, Fig. 7",
        statement=_MINIMA
        + r"For $n=20$: $u<p<g$ for $L=2,3,4$, but $u=p=\frac{15}{13}<g$ for $L=1$, where no choice of weights "
        r"$P$, $Q$ loses less.",
        assumptions=(GAUSSIAN_COVARIATES, WHITENED_TASK),
        parts=("deeper", "one_layer"),
    ),
    Claim(
        slug="loss_against_context_length_minima",
        paper="suite",
        location="beside Ahn et al., App. D, Fig. 6",
        statement=_MINIMA
        + r"For $L=3$ and $n=2,\dots,22$: $u<p<g$. So the best relaxed transformer, which may take $B_l=0$, loses less "
        r"than either; what training on sampled prompts finds need not.",
        assumptions=(GAUSSIAN_COVARIATES, WHITENED_TASK),
    ),
    Claim(
        slug="trained_relaxed_three_layers_at_twenty",
        paper="suite",
        location="beside Ahn et al., §5.1, Figs. 3–5",
        kind="experiment",
        corrects="trained_relaxed_three_layers",
        statement="The numbers of the figure belong to $n=20$, that of the authors' notebook, and "
        "not to the $n=10$ of the "
        "text. $d=5$, $L=3$; let the numbers be $a=(-0.38,-2.40,-9.55)$, $b=(0.90,0.56)$, as "
        "multiples of $I$ in whitened "
        r"coordinates. On more than half of all batches of $20\,000$ contexts, $w$ and $x_q$ averaged "
        r"out, they lose at most "
        "$0.15$ at $n=20$, and at $n=10$ all values that round to them lose more than $0.15$. The "
        "population loss agrees, "
        r"whatever common factor $c$ of the $A_l$ a convention may add: at $n=20$ and $A_l=c\,a_l\Sigma^{-1}$, "
        r"$B_l=b_lI$ it is below $0.00099$ for $c=0.876$, where the strict local minimum next to it "
        r"is $0.000961$; at $n=10$ "
        "it is above $0.11$ for every $c$, where $0.0393$ is attained.",
        parts=("batches", "not_ten", "twenty", "ten"),
        rests_on=("gdpp_loss",),
        criterion=criteria.RELAXED_THREE_LAYERS,
    ),
)
