r"""Ahn et al. (2023), Sections 4.3 and 5.1 and Appendix D: the experiments and their figures."""

from __future__ import annotations

from icl_claims.claims.claim import Claim, Departure, OtherReading
from icl_claims.criteria import ahn2023 as criteria

_DISTANCE = r"$\operatorname{Dist}(M,I)=\min_\alpha\lVert M-\alpha I\rVert_F/\lVert M\rVert_F$"

_NOTEBOOK = "the authors' notebook"

_COMMON = (
    Departure("floating point", "32 bits", "64 bits", _NOTEBOOK),
    Departure(
        "rotation $U$",
        "singular vectors of a matrix of uniform numbers",
        "Haar, rounded to an exactly orthogonal rational matrix",
        _NOTEBOOK,
    ),
)
"""Of all experiments."""

_FRESH = (Departure("standard deviation at the start", "0.0001", "0.01", _NOTEBOOK),)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="trained_sparse_three_layers",
        paper="ahn2023",
        location="§4.3, Figs. 1, 2",
        kind="experiment",
        statement=r"$d=5$, $n=20$, $L=3$, $\Sigma=U^\top DU$ with "
        r"$D=\operatorname{diag}(1,1,0.25,0.0625,1)$ and $U$ a random orthogonal matrix, "
        r"$w\sim\mathcal N(0,\Sigma^{-1})$. Adam on $A_0,A_1,A_2$ from small i.i.d. Gaussian entries; "
        r"minibatch 20 000 prompts, resampled every 100 steps; each matrix's gradient clipped to norm 0.01; "
        r"5 seeds with different $U$. Claimed: "
        r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0$ for every $l$, where "
        + _DISTANCE
        + r", while $\operatorname{Dist}(A_l,I)$ stays constant; the loss converges “to almost 0”; the "
        r"trained matrices are the stationary point of Theorem 3 and “appear globally optimal”.",
        parts=("whitened_distance", "raw_distance", "loss", "stationary_point", "globally_optimal"),
        reading=r"The criterion says what “$\to0$”, “stays constant”, “almost 0” and “the stationary "
        r"point” are read as. "
        r"The loss cannot tend to 0, as no matrices lose less than $0.126$; “almost 0” is a share of "
        r"the loss of predicting "
        r"0. “Appear globally optimal”: no run ends below the minimum on $\mathcal S$; that no other "
        r"choice of matrices does "
        "is not proved, beyond the bound $0.126$ against $0.134$.",
        criterion=criteria.SPARSE_THREE_LAYERS,
        departures=(
            *_COMMON,
            Departure(
                "minibatch",
                "20 000 contexts, one query each",
                "4000 contexts, five queries each, which average the query out",
            ),
            Departure("minibatch drawn", "every 100 steps", "every step"),
            Departure("steps", "30 000", "1500", _NOTEBOOK),
            Departure(
                "learning rate", "0.02, halved every 2000 steps", "0.3, falling linearly to 0", _NOTEBOOK
            ),
            Departure("betas of Adam", "0.99 and 0.9", "0.9 and 0.99", _NOTEBOOK),
            Departure("standard deviation at the start", "0.0001", "0.1", _NOTEBOOK),
            Departure(
                "weights that are judged",
                "the last",
                "the average over the last 3 tenths of the steps",
                _NOTEBOOK,
            ),
        ),
    ),
    Claim(
        slug="trained_relaxed_three_layers",
        paper="ahn2023",
        location="§5.1, Figs. 3–5",
        kind="experiment",
        statement="The setting of `trained_sparse_three_layers` with $B_0,B_1$ also trained; the text states "
        r"$n=10$, $d=5$. Claimed: $\operatorname{Dist}(B_l,I)\to0$, "
        r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0$, the loss tends to 0, the norms of $A_l$ "
        r"increase with $l$. The figure shows $B_0\approx0.90\,I$ and $B_1\approx0.56\,I$; "
        r"$\Sigma^{1/2}A_l\Sigma^{1/2}\approx-0.38\,I$, $-2.40\,I$, $-9.55\,I$ for $l=0,1,2$.",
        parts=("distances", "loss", "norms", "figure"),
        severity="constant",
        reading="The text's $n=10$ is judged. The loss is that of fresh batches, as the figure shows "
        "it. The criterion "
        r"says what “$\to0$” is read as, and what the numbers of the figure must show at this $n$.",
        criterion=criteria.RELAXED_THREE_LAYERS,
        departures=(
            *_COMMON,
            Departure(
                "optimizer",
                "L-BFGS on one batch, without a line search, rate 0.1",
                "L-BFGS on one batch, with a search for the strong Wolfe conditions, rate 1",
                _NOTEBOOK,
            ),
            Departure("pairs that L-BFGS keeps", "600", "200", _NOTEBOOK),
            Departure("iterations, at most", "8000", "2000", _NOTEBOOK),
            Departure(
                "the batch",
                "20 000 contexts, one query each",
                "4000 contexts, five queries each, which average the query out",
                _NOTEBOOK,
            ),
            Departure("standard deviation at the start", "0.0001", "0.01", _NOTEBOOK),
            Departure("seeds", "three", "five for each $n$", _NOTEBOOK),
        ),
        other_readings=(
            OtherReading(
                "notebook_context",
                "The figure is what training gives at the $n=20$ of the authors' notebook: there its "
                "numbers lose little on "
                "batches, and the loss of a batch has a critical point near them.",
            ),
            OtherReading(
                "population_loss", "The population loss is small at the end of training, at $n=10$."
            ),
        ),
    ),
    Claim(
        slug="loss_against_context_length",
        paper="ahn2023",
        location="App. D, Fig. 6",
        kind="experiment",
        statement="$d=5$, three steps or layers, context length from 2 to 22: trained linear transformer "
        r"(relaxed) against 3-step GD, 3-step $\Sigma^{-1}$-preconditioned GD (best constant step size by grid "
        "search) and OLS. Claimed order: the transformer is the best of the three iterative methods at every "
        "$n$.",
        reading="The figure shows losses on a test batch, and is read so. GD and preconditioned GD "
        "have the constant step "
        "that a grid search finds best on a batch of its own. (In the authors' notebooks the two "
        "baselines see $n-1$ examples "
        "only: their code takes `X = Z[0:N-1]` of $N$ examples. Here they see all $n$.) OLS is no "
        "part of the claimed order.",
        criterion=criteria.CONTEXT_LENGTH,
        departures=(
            *_COMMON,
            *_FRESH,
            Departure("steps", "8000", "2000", _NOTEBOOK),
            Departure(
                "minibatch",
                "40 000 contexts, one query each",
                "2000 contexts, five queries each, which average the query out",
                _NOTEBOOK,
            ),
            Departure("gradient clipped to norm", "0.001", "0.01", _NOTEBOOK),
            Departure(
                "learning rate",
                "0.01, at $n<5$ 0.001, halved every 2000 steps",
                "0.3, at $n=2$ 0.1, falling linearly to 0",
                _NOTEBOOK,
            ),
            Departure("betas of Adam", "0.99 and 0.99", "0.9 and 0.99", _NOTEBOOK),
            Departure(
                "weights that are judged",
                "of the last ten kept ones, the best on a batch for this",
                "the average over the last 3 tenths of the steps",
                _NOTEBOOK,
            ),
            Departure("context lengths", "2, 4, …, 20", "2, 6, 10, 14, 20", _NOTEBOOK),
            Departure(
                "test batches",
                "one of 40 000 contexts, one query each",
                "eleven of 4000 contexts, five queries each",
                _NOTEBOOK,
            ),
            Departure(
                "grid of the baselines",
                "nine steps from 0.001 to 0.16, for the sum of gradients over the examples",
                "the multiples of 1/20 up to 2, for their mean",
                _NOTEBOOK,
            ),
        ),
        other_readings=(
            OtherReading(
                "population",
                "Read for the population loss, the order is false at short contexts: the mean over "
                "all prompts is "
                "then dominated by prompts too rare to be sampled.",
            ),
        ),
    ),
    Claim(
        slug="loss_against_depth",
        paper="ahn2023",
        location="App. D, Fig. 7",
        kind="experiment",
        statement=r"$d=5$, $n=20$, $L=1,\dots,4$: at equal $L$, the log loss of the trained linear transformer "
        "is below that of preconditioned GD, which is below that of GD.",
        reading="The figure shows losses on a test batch, and is read so. The transformers have "
        "every $B_l$ free, as in the "
        "authors' notebook for this figure. GD and preconditioned GD have the constant step that a "
        "grid search finds best on a "
        "batch of its own. (In the authors' notebooks the two baselines see $n-1$ examples only: "
        "their code takes "
        "`X = Z[0:N-1]` of $N$ examples. Here they see all $n$.)",
        criterion=criteria.DEPTH,
        departures=(
            *_COMMON,
            *_FRESH,
            Departure("steps", "20 000", "2000", _NOTEBOOK),
            Departure(
                "minibatch",
                "20 000 contexts, one query each",
                "2000 contexts, five queries each, which average the query out",
                _NOTEBOOK,
            ),
            Departure("minibatch drawn", "every 100 steps", "every step", _NOTEBOOK),
            Departure(
                "learning rate", "0.01, halved every 4000 steps", "0.3, falling linearly to 0", _NOTEBOOK
            ),
            Departure("betas of Adam", "0.99 and 0.9", "0.9 and 0.99", _NOTEBOOK),
            Departure(
                "weights that are judged",
                "of the last twenty kept ones, the best on a batch for this",
                "the average over the last 3 tenths of the steps",
                _NOTEBOOK,
            ),
            Departure(
                "test batches",
                "one of 20 000 contexts, one query each",
                "eleven of 4000 contexts, five queries each",
                _NOTEBOOK,
            ),
            Departure(
                "grid of the baselines",
                "six or nine steps from 0.001 to 0.16, for the sum of gradients over the examples",
                "the multiples of 1/20 up to 2, for their mean",
                _NOTEBOOK,
            ),
        ),
        other_readings=(
            OtherReading(
                "population",
                "Read for the population loss, the order is false with one layer, where the transformer cannot "
                "be below "
                "one step of preconditioned GD: both have the minimum over all weights.",
            ),
        ),
        parts=("deeper", "one_layer"),
    ),
)
