r"""Fu, Chen, Jia, Sharan (2024), arXiv:2310.17086: what the trained models are said to do.

Setting as in :mod:`icl_claims.claims.records.fu2024.solvers`. The trained model is GPT-2 with 12 layers, 8 heads,
width 256, softmax, causal, on the interleaved prompt x_1, y_1, …, x_q with y zero-padded to R^d;
d = 20, n = 40; the training is that of Garg et al. (Adam at 1e-4, batch 64, 500 001 steps, curriculum:
d from 5 by 1 and points from 11 by 2 every 2000 steps). Probing freezes all weights and refits only
the readout, at each layer.

- SimE: expected cosine of the residual vectors over the positions t = 1..n.
- SimW: fit w̃_t to the predictions on T ≫ d fresh queries, average the cosine over t = 1..n, then over
  sequences.
- Best-matching steps (9): argmax over one algorithm's steps of the similarity with the other's given step.
"""

from __future__ import annotations

from icl_claims.claims.claim import Claim
from icl_claims.claims.records import NOT_STARTED
from icl_claims.claims.records.fu2024.solvers import ERROR_SIMILARITY

_TRAINED = (
    r"A causal softmax GPT-2 of $12$ layers, $8$ heads and width $256$ is trained on prompts with $d=20$, "
    r"$n=40$, $w\sim\mathcal N(0,I)$ and $\Sigma=I$ unless stated. "
)
_PROBED = _TRAINED + r"Each layer is probed with all weights frozen and only its readout refitted. "
_MATCHED = _PROBED + ERROR_SIMILARITY

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="trained_layers_improve",
        paper="fu2024",
        location="§4.1, Figs. 2, 7",
        statement=_PROBED
        + r"The error falls with the layer index; from layer $3$ to $8$ superlinearly when $n>d$.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_newton_three_per_layer",
        paper="fu2024",
        location="§4.2, Fig. 3",
        statement=_MATCHED
        + r"Between layers $3$ and $9$ the best-matching step of iterative Newton grows linearly, about $3$ "
        r"steps a layer; $\mathrm{SimE}$ is high throughout.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_gd_exponential",
        paper="fu2024",
        location="§4.2, Figs. 3, 10",
        statement=_MATCHED
        + r"The best-matching step of gradient descent grows exponentially with the layer.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_ends_at_ols",
        paper="fu2024",
        location="§4.2, Fig. 14",
        statement=_PROBED + r"The last layers compute ordinary least squares.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_ill_conditioned",
        paper="fu2024",
        location="§4.3, Fig. 4",
        statement=_PROBED
        + r"With $\kappa(\Sigma)=100$ (half of the eigenvalues $100$, half $1$, a Haar eigenbasis redrawn "
        r"for every sequence) the model still matches iterative Newton ($21$ iterations, as for "
        r"$\Sigma=I$); gradient descent needs some $2000$ steps.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_hidden_size_threshold",
        paper="fu2024",
        location="§4.4, Fig. 6",
        statement="A causal softmax GPT-2 of $12$ layers and $1$ head is trained on prompts with $d=20$. Width "
        "$32$ or $64$ mimics ordinary least squares, smaller widths fail.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_lstm_like_ogd",
        paper="fu2024",
        location="§4.5, Fig. 5, Table 1",
        statement=_PROBED
        + r"An LSTM trained likewise is closer to online gradient descent (one example a step, "
        r"$\eta_k=1/\lVert x_k\rVert^2$) than to iterative Newton, does not improve over its layers, and "
        r"forgets early examples; the transformer is closer to Newton than to gradient descent or online "
        r"gradient descent.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_noisy",
        paper="fu2024",
        location="Appendix A.3.2",
        statement=_PROBED
        + r"With label noise $\sigma=0.1$ the picture is the same as without: the error falls superlinearly "
        r"over the middle layers, and the best-matching step of iterative Newton grows linearly with the "
        r"layer.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="trained_span_of_examples",
        paper="fu2024",
        location="Appendix B.4, Fig. 27",
        statement=_TRAINED
        + r"The weights $\tilde w_t$ that its predictions induce (fitted to the predictions on $T\gg d$ "
        r"fresh queries after $t$ examples) lie in the span of the examples.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="parameter_counts",
        paper="fu2024",
        location="Appendix A.1",
        statement="The transformer ($12$ layers, $8$ heads, width $256$) has $9.5$ M parameters, the LSTM "
        "($10$ layers) $5.3$ M.",
        kind="experiment",
        reason=NOT_STARTED,
    ),
)
