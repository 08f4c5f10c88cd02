r"""Ahn, Cheng, Daneshmand, Sra (2023), arXiv:2306.00297v2: preconditioned gradient descent in context.

Setting. Single layer: all entries of P_0, Q_0 are free. Several layers, *sparse* parametrisation (their
Eq. (8)): P_l = diag(0, 1), Q_l = −diag(A_l, 0), A_l any d×d matrix; *relaxed* parametrisation (their
Eq. (11)): P_l = diag(B_l, 1), Q_l = diag(A_l, 0), where A_l carries its own sign.
"""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    DIAGONAL_COVARIANCE,
    GAUSSIAN_COVARIATES,
    GAUSSIAN_TASK_IDENTITY,
    INDEPENDENT_TASK,
    ISOTROPIC_COVARIATES,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    SYMMETRIC_PRECONDITIONERS,
    WHITENED_SETTING,
    WHITENED_TASK,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Assumption, Claim

_NOT_STARTED = "Not started: no evidence has been written yet."

_IDENTITY_TASK = (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    GAUSSIAN_TASK_IDENTITY,
    NOISELESS_LABELS,
    MASKED_QUERY,
    ZERO_QUERY_LABEL,
)
_SPARSE = (
    r"In the sparse parametrisation $P_l=\operatorname{diag}(0_{d\times d},1)$, "
    r"$Q_l=-\operatorname{diag}(A_l,0)$ with $A_l\in\mathbb R^{d\times d}$: "
)
_SCALED = r"$\mathcal S=\{A_l=a_l\Sigma^{-1}\text{ for all }l\}$"
_ON_SCALED_SET = Assumption("scaled_set", r"$A_l=a_l\Sigma^{-1}$ for all $l$, with numbers $a_l$.")


def _needing_an_inverse(assumptions: tuple[Assumption, ...]) -> tuple[Assumption, ...]:
    """The assumptions, with the reason why there is no instance without a positive definite Σ."""
    reason = r"Without it there is no $\Sigma^{-1}$, and neither $\mathcal S$ nor the task is defined."
    return _with_reason(assumptions, {POSITIVE_DEFINITE_COVARIANCE.key: reason})


def _exchanged_anyway(assumptions: tuple[Assumption, ...]) -> tuple[Assumption, ...]:
    """The assumptions, with the reason why no instance shows those that the exchange of layers never needs."""
    reason = (
        r"The exchange holds without it, prompt by prompt. That critical points on $\mathcal S$ are critical in "
        r"all directions is proved with it; no instance is known where $f$ has only one critical point without it."
    )
    keys = (GAUSSIAN_COVARIATES.key, INDEPENDENT_TASK.key, WHITENED_TASK.key, MASKED_QUERY.key)
    return _with_reason(assumptions, dict.fromkeys(keys, reason))


def _with_reason(assumptions: tuple[Assumption, ...], reasons: dict[str, str]) -> tuple[Assumption, ...]:
    return tuple(replace(a, not_shown=reasons[a.key]) if a.key in reasons else a for a in assumptions)


_DISTANCE = r"$\operatorname{Dist}(M,I)=\min_\alpha\lVert M-\alpha I\rVert_F/\lVert M\rVert_F$"

_DIAGONAL_WITHOUT = (
    "No instance: to show that every diagonal pair loses to another one takes a global bound over all diagonal pairs, "
    "which the suite has under these assumptions only."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="loss_depends_on_last_row_and_first_columns",
        paper="ahn2023",
        location="App. A.1",
        statement=r"For $L=1$, $f$ depends on $P$ only through its last row $b^\top$ and on $Q$ only through "
        r"its first $d$ columns $A\in\mathbb R^{(d+1)\times d}$. With $G=\frac1n\sum_{i\le n}z_iz_i^\top$ "
        r"over the context tokens $z_i=(x_i,y_i)$, "
        r"$f(b,A)=\mathbb E\lVert(b^\top GA+w^\top)x_q\rVert^2$.",
        assumptions=(MASKED_QUERY, ZERO_QUERY_LABEL),
        parts=("dependence", "formula"),
    ),
    Claim(
        slug="global_minimizer",
        paper="ahn2023",
        location="Theorem 1, Eq. (6)",
        statement=r"$L=1$, $x\sim\mathcal N(0,\Sigma)$, $\Sigma=U\operatorname{diag}(\lambda)U^\top$, "
        r"$w\sim\mathcal N(0,I)$. A global minimiser of $f$ over all $P$, $Q$ is "
        r"$P_0=\operatorname{diag}(0,1)$, $Q_0=-\operatorname{diag}\bigl(U\operatorname{diag}_i\bigl("
        r"\frac{1}{\frac{n+1}{n}\lambda_i+\frac1n\sum_k\lambda_k}\bigr)U^\top,\,0\bigr)$, unique only up to "
        r"$P_0\leftarrow\gamma P_0$, $Q_0\leftarrow Q_0/\gamma$ in the sense of the theorem's wording.",
        assumptions=_IDENTITY_TASK,
        parts=("minimizer", "rescaling"),
        reading=r"“Unique only up to” is read as the theorem's wording has it: rescaling $(P_0,Q_0)$ to "
        r"$(\gamma P_0,Q_0/\gamma)$ gives minimisers again. Read as “every minimiser has this form” it is "
        r"false, for most entries of $P$ and $Q$ are free and for $d=1$ there is a second orbit: "
        "`global_minimizer_uniqueness` gives the exact set.",
    ),
    Claim(
        slug="global_minimizer_isotropic",
        paper="ahn2023",
        location="Eq. (7), App. A.2 Lemma 2",
        statement=r"$\Sigma=I$: $Q_0=-\frac{1}{\frac{n-1}{n}+\frac{d+2}{n}}\operatorname{diag}(I,0)$. Per "
        r"coordinate $j$, the convex function $f_j(X)=\mathbb E[(\langle G,X\rangle+w_j)^2]$ is minimised by "
        r"$X_j=-\frac{1}{\frac{n-1}{n}+\frac{d+2}{n}}\,E_{d+1,j}$, with $G$ as in "
        r"`loss_depends_on_last_row_and_first_columns` and $E_{d+1,j}$ a matrix unit.",
        assumptions=(ISOTROPIC_COVARIATES, *_IDENTITY_TASK),
        parts=("minimizer", "components"),
    ),
    Claim(
        slug="global_minimizer_component_diagonal",
        paper="ahn2023",
        location="App. A.3 Lemma 3",
        statement=r"$\Sigma=\operatorname{diag}(\lambda)$: each convex "
        r"$f_j(X)=\mathbb E[(\langle G,X\rangle+w_j)^2]$ is minimised by "
        r"$X_j=-\frac{1}{\frac{n+1}{n}\lambda_j+\frac1n\sum_k\lambda_k}\,E_{d+1,j}$, and the loss decomposes "
        r"as a $\lambda$-weighted sum of the $f_j$: $f(b,A)=\sum_j\lambda_jf_j(ba_j^\top)$ with $a_j$ the "
        r"columns of $A$, $G$ as in `loss_depends_on_last_row_and_first_columns` and $E_{d+1,j}$ a matrix unit.",
        assumptions=(DIAGONAL_COVARIANCE, *_IDENTITY_TASK),
        parts=("components", "decomposition"),
    ),
    Claim(
        slug="large_context_preconditioner",
        paper="ahn2023",
        location="Remarks after Theorem 1",
        statement=r"As $n\to\infty$ the minimiser's block tends to $\Sigma^{-1}$; the term "
        r"$\frac1n\sum_k\lambda_k$, with $\lambda_k$ the eigenvalues of $\Sigma$, acts as a regulariser that grows "
        r"with the variance and shrinks with $n$.",
        assumptions=(POSITIVE_DEFINITE_COVARIANCE, GAUSSIAN_TASK_IDENTITY),
        parts=("limit", "regularizer"),
        reading=r"The block is the $A$ of $Q_0=-\operatorname{diag}(A,0)$. “Regulariser” is read as: the "
        r"term is added to every eigenvalue before inversion, so that $A$ is better conditioned than "
        r"$\Sigma^{-1}$.",
    ),
    Claim(
        slug="forward_pass_is_preconditioned_gd",
        paper="ahn2023",
        location="Lemma 1, App. C.1",
        statement=_SPARSE
        + r"$[Z_l]_{d+1,n+1}=-\langle x_q,w_l\rangle$ with $w_0=0$ and $w_{l+1}=w_l-A_l\nabla R(w_l)$, "
        r"$R(w)=\frac1{2n}\sum_i(\langle w,x_i\rangle-\langle w_\star,x_i\rangle)^2$ and $w_\star$ the task. "
        r"For every prompt, every $A_l$, every $l$.",
        reading=r"Whether $A_l$ or $A_l^\top$ acts is no matter of convention in the paper's formula: in "
        r"$PZM(Z^\top QZ)$ the mask makes the left index of $Z^\top QZ$ the key, so the query meets "
        r"$-x_i^\top A_lx_q$. The published code holds tokens as rows; its key-query block is the transpose, and "
        r"there the lemma is right. For symmetric $A_l$, so on every set that the paper's theorems consider, the "
        r"two agree.",
        assumptions=(MASKED_QUERY, ZERO_QUERY_LABEL),
    ),
    Claim(
        slug="query_label_shift",
        paper="ahn2023",
        location="App. C.2 Lemmas 5, 6",
        statement=r"Filling the query's label slot with $c$ shifts the query's entry $[Y_l]_{n+1}$ of the "
        r"label row by exactly $c$ at every layer and leaves everything else unchanged; hence "
        r"$f=\mathbb E[([\bar Y_L]_{n+1})^2]$, $\bar Y_l$ the label row when the slot starts at "
        r"$\langle w,x_q\rangle$ (Lemma 5).",
        assumptions=(
            Assumption(
                "sparse_or_relaxed",
                r"Sparse or relaxed parametrisation: $P_l=\operatorname{diag}(B_l,1)$ ($B_l=0$ where sparse) and "
                r"$Q_l=\pm\operatorname{diag}(A_l,0)$.",
            ),
            MASKED_QUERY,
        ),
        parts=("shift", "loss"),
    ),
    Claim(
        slug="two_layer_symmetric_minimizer",
        paper="ahn2023",
        location="Theorem 2, App. B.1",
        statement=r"$L=2$, sparse parametrisation, $A_0$ and $A_1$ symmetric, $\Sigma=\Omega=I$: some pair "
        r"of diagonal matrices is a global minimiser (“coordinate-wise adaptive step sizes”).",
        assumptions=(
            *(
                replace(assumption, not_shown=_DIAGONAL_WITHOUT)
                for assumption in (
                    ISOTROPIC_COVARIATES,
                    GAUSSIAN_COVARIATES,
                    INDEPENDENT_TASK,
                    GAUSSIAN_TASK_IDENTITY,
                    MASKED_QUERY,
                )
            ),
            NOISELESS_LABELS,
            ZERO_QUERY_LABEL,
            replace(
                SYMMETRIC_PRECONDITIONERS,
                not_shown="One symmetric matrix of the two is enough; whether some pair without any does better is "
                "not decided.",
            ),
        ),
        reading="The minimisers turn out to be multiples of the identity, so the coordinates share their step "
        "sizes: `two_layer_symmetric_minimizer_scalar`.",
    ),
    Claim(
        slug="critical_points_scaled_inverse_covariance",
        paper="ahn2023",
        location="Theorem 3, App. B.2",
        statement=r"Any $L$, sparse parametrisation, $x\sim\mathcal N(0,\Sigma)$, "
        r"$w\sim\mathcal N(0,\Sigma^{-1})$. On the set "
        + _SCALED
        + r": $\inf_{\mathcal S}\sum_l\lVert\nabla_{A_l}f\rVert_F^2=0$. The footnote adds that the infimum "
        r"need not be attained, so $\mathcal S$ might hold no exact critical point.",
        assumptions=WHITENED_SETTING,
        parts=("infimum",),
        reading="The theorem is the value of the infimum. The footnote is read as a caution about what its proof "
        "shows, not as the assertion that for some sizes the infimum is not attained. Read as that it would "
        "be false: by `critical_points_attained` the infimum is attained for all sizes, depths and "
        "covariances.",
    ),
    Claim(
        slug="invariant_direction_reduction",
        paper="ahn2023",
        location="App. B.2, Eqs. (27)–(30)",
        statement=r"At a point of "
        + _SCALED
        + r", for any direction $R_l$ there is $\tilde R_l=r_l\Sigma^{-1}$, "
        r"$r_l=\frac1d\operatorname{tr}(\Sigma^{1/2}R_l\Sigma^{1/2})$, with the same directional derivative "
        r"of $f$.",
        assumptions=(_ON_SCALED_SET, *_needing_an_inverse(WHITENED_SETTING)),
    ),
    Claim(
        slug="permutation_symmetry",
        paper="ahn2023",
        location="App. B.4 Lemma 4",
        statement=r"On "
        + _SCALED
        + r", $f$ is unchanged when two layers' matrices are exchanged: $f$ has several critical points.",
        reading=r"Two layers are there to be exchanged: $L\ge2$. A critical point is one where the gradient in "
        r"all entries of all $A_l$ vanishes. That exchange gives *several* of them needs one on $\mathcal S$ "
        r"with two different steps, which Lemma 4 does not supply; `optimal_steps_global_minimum` does.",
        assumptions=(
            _ON_SCALED_SET,
            Assumption("several_layers", r"$L\ge2$."),
            *_needing_an_inverse(_exchanged_anyway(WHITENED_SETTING)),
        ),
        parts=("exchange", "several"),
    ),
    Claim(
        slug="gdpp_critical_points",
        paper="ahn2023",
        location="Theorem 4, App. B.3",
        statement=r"Any $L$, relaxed parametrisation, $x\sim\mathcal N(0,\Sigma)$, "
        r"$w\sim\mathcal N(0,\Sigma^{-1})$. On $\mathcal S'=\{A_l=a_l\Sigma^{-1},\,B_l=b_lI\}$: "
        r"$\inf\sum_l\lVert\nabla_{A_l}f\rVert_F^2+\lVert\nabla_{B_l}f\rVert_F^2=0$. With $\Sigma=I$ the "
        r"implemented algorithm is GD++ (von Oswald et al. 2023). $f$ does not depend on $B_{L-1}$.",
        assumptions=WHITENED_SETTING,
        parts=("infimum", "gd_plus_plus", "last_layer"),
        reading=r"The sum over $l$ is read as reaching over both norms. A step of GD++ is read as: the covariates, "
        r"the query's too, move by "
        r"$x_j\leftarrow(I-\gamma XX^\top)x_j$, and the labels by one gradient step from zero weights on the current "
        r"covariates and labels; here with step $-a_l$ and $\gamma=-a_lb_l/n$, free for every layer.",
    ),
    Claim(
        slug="covariate_update_conditioning",
        paper="ahn2023",
        location="§5.1",
        statement=r"$X_{l+1}=X_l+B_lX_lMX_l^\top A_lX_l$ ($1/n$ absorbed): at the $\mathcal S'$ of Theorem 4 each "
        r"layer also maps the covariates by a polynomial in $S$ that improves the conditioning of the next layer's "
        r"Gram matrix; and $\lVert A_0\rVert\le\lVert A_1\rVert\le\lVert A_2\rVert$ at the trained optimum.",
        assumptions=WHITENED_SETTING,
        parts=("polynomial", "conditioning", "norms"),
        reading=r"“Improves the conditioning” is read as: the condition number of the next layer's Gram matrix is no "
        r"larger, on every prompt with $S\succ0$; at any point of $\mathcal S'$, or, charitably, at "
        r"the optimum only.",
    ),
    Claim(
        slug="relu_attention_minimizer",
        paper="ahn2023",
        location="Theorem 5, App. A.4",
        statement=r"$L=1$, $\operatorname{Attn}^\sigma(Z)=PZM\sigma(Z^\top QZ)$ with $\sigma$ the ReLU, "
        r"entrywise, last row of $Q$ zero, $\Sigma=\Omega=I$. $P_0=\operatorname{diag}(0,1)$, "
        r"$Q_0=-\frac{2n}{2(d+2)+(n-1)}\operatorname{diag}(I,0)$ is a global minimiser.",
        assumptions=(
            Assumption("zero_query_row", r"The last row of $Q$ is zero."),
            ISOTROPIC_COVARIATES,
            *_IDENTITY_TASK,
        ),
    ),
    Claim(
        slug="stein_relu_halving",
        paper="ahn2023",
        location="App. A.4",
        statement=r"$\mathbb E[\sigma(x^\top v)x]=\frac12v$ for $x\sim\mathcal N(0,I)$ with $\sigma$ the "
        r"ReLU, and $\sigma(\alpha)^2+\sigma(-\alpha)^2=\alpha^2$.",
        assumptions=(Assumption("standard_gaussian", r"$x\sim\mathcal N(0,I_d)$."),),
        parts=("halving", "squares"),
    ),
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
        reading=r"“$\to0$” is read as: at most $\frac1{50}$ at the end of the run. “Stays constant”: from a third of "
        r"the run on within $\frac1{20}$ of a constant other than 0. “Almost 0”: at most 3 % of the loss $d=5$ of "
        r"predicting 0; the loss cannot tend to 0, as no matrices lose less than $0.126$. “The stationary "
        r"point”: within $\frac1{50}$ of it, relatively and up to the order of the layers. “Appear globally "
        r"optimal”: no run ends below the minimum on $\mathcal S$; that no matrices at all do is not proved, "
        r"beyond the bound $0.126$ against $0.134$. Batches are drawn at every step, not at every hundredth.",
    ),
    Claim(
        slug="trained_relaxed_three_layers",
        paper="ahn2023",
        location="§5.1, Figs. 3–5",
        kind="experiment",
        statement=r"The setting of `trained_sparse_three_layers` with $B_0,B_1$ also trained; the text "
        r"states $n=10$, $d=5$. Claimed: $\operatorname{Dist}(B_l,I)\to0$, "
        r"$\operatorname{Dist}(\Sigma^{1/2}A_l\Sigma^{1/2},I)\to0$, the loss tends to 0, the norms of $A_l$ "
        r"increase with $l$. The figure shows $B_0\approx0.90\,I$ and $B_1\approx0.56\,I$; "
        r"$\Sigma^{1/2}A_l\Sigma^{1/2}\approx-0.38\,I$, $-2.40\,I$, $-9.55\,I$ for $l=0,1,2$.",
        parts=("distances", "loss", "norms", "figure"),
        reading=r"The figure is read as what training at the stated $n=10$ gives: multiples of $I$, "
        r"with two decimals. The "
        r"loss is the population loss, and the claim that it tends to 0 is read as: it is below the "
        r"loss of predicting "
        r"0, at least. “$\to0$” of distances: at most $\frac1{20}$ at the end of the run. (The "
        r"authors' notebook for this "
        r"experiment sets $N=20$.)",
    ),
    Claim(
        slug="loss_against_context_length",
        paper="ahn2023",
        location="App. D, Fig. 6",
        kind="experiment",
        statement=r"$d=5$, three steps or layers, context length from 2 to 22: trained linear transformer "
        r"(relaxed) against 3-step GD, 3-step $\Sigma^{-1}$-preconditioned GD (best constant step size by "
        r"grid search) and OLS. Claimed order: the transformer is the best of the three iterative methods "
        r"at every $n$.",
        reading=r"Data as in `trained_sparse_three_layers`; the loss is the population loss; GD and "
        r"preconditioned GD have "
        r"their best constant step. Read for the loss on a sample of prompts, the order is what "
        r"most batches show, at "
        r"short contexts too; the mean over all prompts is then carried by rare ones that no sample holds.",
    ),
    Claim(
        slug="loss_against_depth",
        paper="ahn2023",
        location="App. D, Fig. 7",
        kind="experiment",
        statement=r"$d=5$, $n=20$, $L=1,\dots,4$: at equal $L$, the log loss of the trained linear "
        r"transformer is below that of preconditioned GD, which is below that of GD.",
        reading=r"Data as in `trained_sparse_three_layers`; population losses; GD and "
        r"preconditioned GD with their best "
        r"constant step. (A grid search finds worse steps; and in the authors' notebooks the two baselines see "
        r"$n-1$ examples only: their code takes `X = Z[0:N-1]` of $N$ examples.)",
    ),
)
