r"""Criteria of the experiments of Ahn et al. (2023).

A changed letter changes every seed: the runs are then made anew.
"""

from __future__ import annotations

from icl_claims.criteria import Criterion

GLOBAL_MINIMIZER = Criterion(
    r"One layer with every entry of $P$ and $Q$ free, $\Sigma=\operatorname{diag}(1,1/4,1/16)$, $w\sim\mathcal "
    r"N(0,I)$, "
    r"for each of $n=2,4,8,16,32,64$. With $f$ the exact population loss of the trained weights and $E$ the "
    r"difference "
    r"between their preconditioner and the stated one, $\operatorname{tr}(\Sigma E\,\mathbb E[gg^\top]E^\top)\le "
    r"f-f^*$, "
    r"where $f^*$ is the loss at the stated one."
)

SPARSE_THREE_LAYERS = Criterion(
    r"Five runs, each with a $\Sigma$ of its own. At the end of every run and for every $l$, "
    r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\le{near}$. From a third of the steps on, "
    r"at every kept state, "
    r"$\operatorname{Dist}(A_l,I)$ is within ${steady}$ of $\operatorname{Dist}(\Sigma^{-1},I)$. The "
    r"population loss of "
    r"the result, computed exactly, is at most ${share}$ of $d$, the loss of predicting 0; it is not "
    r"below the minimum "
    r"on $\mathcal S$, and above it by at most ${little}$ of it. In the norm of "
    r"$\Sigma^{1/2}A_l\Sigma^{1/2}$ the result is within ${near}$, relatively and up to the order of "
    r"the layers, of the "
    r"optimal steps on $\mathcal S$.",
    {"near": "1/50", "steady": "1/20", "share": "3/100", "little": "1/1000"},
)

RELAXED_THREE_LAYERS = Criterion(
    r"Five runs at the stated $n=10$, and five at the $n=20$ of the authors' notebook. At the end of every run, "
    r"$\operatorname{Dist}(B_l,I)\le{near}$ for $l=0,1$, "
    r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\le{near}$ for "
    r"$l=0,1,2$, and $\lVert\Sigma^{1/2}A_l\Sigma^{1/2}\rVert_F$ increases with $l$. On fresh batches of "
    r"${contexts}$ contexts with five queries each, ${batches}$ for each $n$, the median loss of "
    r"every run is at most "
    r"${share}$ of $d$, the loss of predicting 0. The numbers of the figure, as multiples of $I$ with any values "
    r"that round to them, lose at most this share on most of ${many}$ fresh batches of ${prompts}$ contexts, $w$ and "
    r"$x_q$ averaged out.",
    {"near": "1/5", "share": "3/100", "batches": "11", "contexts": "4000", "many": "24", "prompts": "20000"},
)

CONTEXT_LENGTH = Criterion(
    r"Five runs for each of $n=2,6,10,14,20$, each with a $\Sigma$ of its own. On each of "
    r"${batches}$ fresh batches of "
    r"${contexts}$ contexts with five queries each, the logarithms of the losses are averaged over "
    r"the five $\Sigma$: "
    r"of the transformers, of three steps of GD and of three steps of preconditioned GD, whose "
    r"constant steps are those "
    r"multiples of $1/20$ up to 2 that lose least on another batch of this size. At every $n$ the "
    r"transformer has the "
    r"least average on more than half of the batches.",
    {"batches": "11", "contexts": "4000"},
)

DEPTH = Criterion(
    r"Five runs with $n=20$ for each of $L=1,2,3,4$, each with a $\Sigma$ of its own. On each of "
    r"${batches}$ fresh batches "
    r"of ${contexts}$ contexts with five queries each, the logarithms of the losses are averaged over the five "
    r"$\Sigma$: of the transformers, of $L$ steps of preconditioned GD and of $L$ steps of GD, whose "
    r"constant steps are "
    r"those multiples of $1/20$ up to 2 that lose least on another batch of this size. At every $L$ "
    r"the averages are in "
    r"the stated order on more than half of the batches.",
    {"batches": "11", "contexts": "4000"},
)

BATCH_MINIMIZER = Criterion(
    r"For each of ${batches}$ batches of ${prompts}$ contexts at $n=20$, Newton's method from the "
    r"published numbers ends at a "
    r"critical point of the loss of the batch, $w$ and $x_q$ averaged out, at which $a_0,a_1,a_2,b_0,b_1$ are within "
    r"${a0}$, ${a1}$, ${a2}$, ${b}$, ${b}$ of them.",
    {"batches": "24", "prompts": "20000", "a0": "1/100", "a1": "1/20", "a2": "3/10", "b": "3/200"},
)
