"""Criteria of the experiments of Ahn et al. (2023). A changed letter changes every seed: the runs are made anew."""

from __future__ import annotations

from icl_claims.criteria import Criterion

SPARSE_THREE_LAYERS = Criterion(
    r"Five runs, each with a $\Sigma$ of its own. At the end of every run and for every $l$, "
    r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\le{near}$. From a third of the steps on, at every kept "
    r"state, $\operatorname{Dist}(A_l,I)$ is within ${steady}$ of $\operatorname{Dist}(\Sigma^{-1},I)$. The "
    r"population loss of the result, computed exactly, is at most ${share}$ of $d$, the loss of predicting 0; it is "
    r"not below the minimum on $\mathcal S$, and above it by at most ${little}$ of it. In the norm of "
    r"$\Sigma^{1/2}A_l\Sigma^{1/2}$ the result is within ${near}$, relatively and up to the order of the layers, of "
    r"the optimal steps on $\mathcal S$.",
    {"near": "1/50", "steady": "1/20", "share": "3/100", "little": "1/1000"},
)

RELAXED_THREE_LAYERS = Criterion(
    r"Five runs at the stated $n=10$, and five at the $n=20$ of the authors' notebook. At the end of every run, "
    r"$\operatorname{Dist}(B_l,I)\le{near}$ for $l=0,1$, "
    r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\le{near}$ for $l=0,1,2$, and "
    r"$\lVert\Sigma^{1/2}A_l\Sigma^{1/2}\rVert_F$ increases with $l$. On fresh batches of ${contexts}$ contexts with "
    r"five queries each, ${batches}$ for each $n$, the median loss of every run is at most ${share}$ of $d$, the "
    r"loss of predicting 0. The numbers of the figure, as multiples of $I$ with any values that round to them, lose "
    r"at most this share on most of ${many}$ fresh batches of ${prompts}$ contexts, $w$ and $x_q$ averaged out.",
    {"near": "1/20", "share": "3/100", "batches": "11", "contexts": "4000", "many": "24", "prompts": "20000"},
)

CONTEXT_LENGTH = Criterion(
    r"Five runs for each of $n=2,6,10,14,20$, each with a $\Sigma$ of its own. On each of ${batches}$ fresh batches "
    r"of ${contexts}$ contexts with five queries each, the logarithms of the losses are averaged over the five "
    r"$\Sigma$: of the transformers, of three steps of GD and of three steps of preconditioned GD, whose constant "
    r"steps are those multiples of $1/20$ up to 2 that lose least on another batch of this size. At every $n$ the "
    r"transformer has the least average on more than half of the batches.",
    {"batches": "11", "contexts": "4000"},
)

DEPTH = Criterion(
    r"Five runs with $n=20$ for each of $L=1,2,3,4$, each with a $\Sigma$ of its own. On each of ${batches}$ fresh "
    r"batches of ${contexts}$ contexts with five queries each, the logarithms of the losses are averaged over the "
    r"five $\Sigma$: of the transformers, of $L$ steps of preconditioned GD and of $L$ steps of GD, whose constant "
    r"steps are those multiples of $1/20$ up to 2 that lose least on another batch of this size. At every $L$ the "
    r"averages are in the stated order on more than half of the batches.",
    {"batches": "11", "contexts": "4000"},
)

BATCH_MINIMIZER = Criterion(
    r"For each of ${batches}$ batches of ${prompts}$ contexts at $n=20$, Newton's method from the published numbers "
    r"ends at a critical point of the loss of the batch, $w$ and $x_q$ averaged out, at which $a_0,a_1,a_2,b_0,b_1$ "
    r"are within ${a0}$, ${a1}$, ${a2}$, ${b}$, ${b}$ of them.",
    {"batches": "24", "prompts": "20000", "a0": "1/100", "a1": "1/20", "a2": "3/10", "b": "3/200"},
)
