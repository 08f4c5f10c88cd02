r"""Fu, Chen, Jia, Sharan (2024), arXiv:2310.17086: Theorem 5.1 and its construction (Appendix B).

Setting as in :mod:`icl_claims.claims.records.fu2024.solvers`: examples are rows of X, S = XᵀX is not divided by n.

- Full ReLU attention (Definition B.1, Eq. (18)):
  h̃_t = h_t + (1/n) Σ_m Σ_{j=1}^n ReLU(⟨Q_m h_t, K_m h_j⟩) V_m h_j.
- Transformer: attention, then MLP, both with a residual connection.
- Readout: ŷ = uᵀh + v at the query.

A state h_t belongs to token t; [a; b] stacks columns.
"""

from __future__ import annotations

from icl_claims.claims.claim import Claim
from icl_claims.claims.records import NOT_STARTED
from icl_claims.claims.records.fu2024.solvers import NEWTON_STEP, ROWS

_ATTENTION = (
    r"Full ReLU attention is "
    r"$\tilde h_t=h_t+\frac1n\sum_m\sum_{j=1}^n\operatorname{ReLU}(\langle Q_mh_t,K_mh_j\rangle)V_mh_j$; "
    r"$[a;b]$ stacks columns. "
)

_NEWTON_HEADS = (
    r"$J=\operatorname{diag}(I,0)$, $Q_m=\tilde Q_mG$, $K_m=\tilde K_mJ$, $\tilde Q_1^\top\tilde K_1=I$, "
    r"$\tilde Q_2^\top\tilde K_2=-I$ and $V_1=V_2=J$, "
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="theorem_newton_by_transformer",
        paper="fu2024",
        location="Theorem 5.1",
        statement=ROWS
        + r"For every $k$ there are weights such that, on any in-context examples and any query, the "
        r"transformer predicts exactly with $\hat w_k$, where $M_0=\alpha S$ for some $\alpha>0$ and "
        + NEWTON_STEP
        + r". It has hidden size $O(d)$ and $k+8$ layers: $3$ to set up $M_0$, one per Newton step, $5$ to "
        r"read out.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="attention_sum",
        paper="fu2024",
        location="Lemma B.3",
        statement=_ATTENTION
        + r"From $h_t'=[h_t;1;0]$, two heads with $Q_1=K_1=Q_2=ee^\top$ ($e$ the unit vector of the "
        r"constant's row), $K_2=-K_1$ and $V_1=V_2$ (the block $nI$ from the first rows into the last) give "
        r"$[h_t;1;\sum_jh_j]$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="relu_pair_inner_product",
        paper="fu2024",
        location="Eqs. (21), (28)",
        statement=_ATTENTION
        + r"Two heads with $Q_1^\top K_1=-Q_2^\top K_2$ and equal value matrices $V_1=V_2$ compute the "
        r"plain (unrectified) inner product, by $\operatorname{ReLU}(a)+\operatorname{ReLU}(-a)=a$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_init_layers",
        paper="fu2024",
        location="Eqs. (20)–(24)",
        statement=ROWS
        + _ATTENTION
        + r"Three layers set up $M_0=\alpha S$: copy $x_t$ to $[x_t;x_t]$; attention with "
        r"$Q_1^\top K_1=-Q_2^\top K_2=\operatorname{diag}(I,0)$, $V_1=V_2=n\alpha\operatorname{diag}(I,0)$ "
        r"adds $\alpha Sx_t$; subtract, leaving $[\alpha Sx_t;x_t]$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_layer",
        paper="fu2024",
        location="Eqs. (25)–(32)",
        statement=ROWS
        + _ATTENTION
        + r"The state is $h_t=[Tx_t;x_t]$. With $G=\begin{pmatrix}0&-\frac n2I\\0&0\end{pmatrix}$, "
        + _NEWTON_HEADS
        + r"attention gives $(T-\frac12TST^\top)x_t$ in the first block, and the MLP "
        r"$h\leftarrow h+\operatorname{diag}(I,0)h$ doubles it: $(2T-TST^\top)x_t$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="weight_readout_layers",
        paper="fu2024",
        location="Eqs. (33), (34)",
        statement=ROWS
        + r"From states that hold $Tx_j$ and $y_j$, three layers read out the weights: move $Tx_j$ beside "
        r"$y_j$, multiply, sum over $j$ (Lemma B.3); every column then holds $TX^\top y$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="prediction_readout_layers",
        paper="fu2024",
        location="Eq. (35)",
        statement=r"Two layers read out the prediction: move $\hat w$ to the query column, multiply with $x_q$; "
        r"the readout $\hat y=u^\top h+v$ at the query has $u=[0;1]$, $v=0$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="arithmetic_primitives",
        paper="fu2024",
        location="Proposition B.4 (Akyürek et al.)",
        statement="The operations move, affine, multiply and divide on the entries of the states are one "
        "transformer layer each.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="one_layer_per_newton_step",
        paper="fu2024",
        location="§2, Remark B.5",
        statement="The construction takes one layer a Newton step, against $13$ in Giannou et al.; its first "
        "$3$ and last $5$ layers use causal softmax attention, the Newton layers full ReLU attention.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="causal_extension",
        paper="fu2024",
        location="Remark B.6, Eq. (36)",
        statement=ROWS + r"The state is $h_t=[Tx_t;x_t]$. With causal attention, normalized by $1/t$ "
        r"($\tilde h_t=h_t+\frac1t\sum_m\sum_{j\le t}"
        r"\operatorname{ReLU}(\langle Q_mh_t,K_mh_j\rangle)V_mh_j$; $[a;b]$ stacks columns), "
        r"and coefficient $-\frac12$ in $G=\begin{pmatrix}0&-\frac12I\\0&0\end{pmatrix}$, the layer with "
        + _NEWTON_HEADS
        + r"followed by the MLP $h\leftarrow h+\operatorname{diag}(I,0)h$, still computes a Newton step on "
        r"the running covariance.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="hidden_size_covers_experiment",
        paper="fu2024",
        location="§4.4",
        statement="The hidden size $O(d)$ of Theorem 5.1 resonates with, and covers, the experiment in which "
        "width $32$ or $64$ suffices at $d=20$ with $12$ layers.",
        reason=NOT_STARTED,
    ),
)
