r"""Ahn et al. (2023), Section 3 and Appendix A: one layer of linear attention, Theorem 1."""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    DIAGONAL_COVARIANCE,
    GAUSSIAN_TASK_IDENTITY,
    ISOTROPIC_COVARIATES,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Claim, OtherReading
from icl_claims.claims.records.ahn2023.setting import IDENTITY_TASK
from icl_claims.criteria import ahn2023 as criteria

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="loss_depends_on_last_row_and_first_columns",
        paper="ahn2023",
        location="App. A.1",
        statement=r"For $L=1$, $f$ depends on $P$ only through its last row $b^\top$ and on $Q$ only through "
        r"its first $d$ columns $A\in\mathbb R^{(d+1)\times d}$. With $G=\frac1n\sum_{i\le n}z_iz_i^\top$ over "
        r"the context tokens $z_i=(x_i,y_i)$, $f(b,A)=\mathbb E\lVert(b^\top GA+w^\top)x_q\rVert^2$.",
        assumptions=(MASKED_QUERY, ZERO_QUERY_LABEL),
        parts=("dependence", "formula"),
        derivation="theory.derivations.loss_depends_on_last_row_and_first_columns",
    ),
    Claim(
        slug="global_minimizer",
        paper="ahn2023",
        location="Theorem 1, Eq. (6)",
        statement=r"$L=1$, $x\sim\mathcal N(0,\Sigma)$, $\Sigma=U\operatorname{diag}(\lambda)U^\top$, "
        r"$w\sim\mathcal N(0,I)$. A global minimizer of $f$ over all $P$, $Q$ is "
        r"$P_0=\operatorname{diag}(0,1)$, "
        r"$Q_0=-\operatorname{diag}\bigl(U\operatorname{diag}_i\bigl(\frac{1}{\frac{n+1}{n}\lambda_i"
        r"+\frac1n\sum_k\lambda_k}\bigr)U^\top,\,0\bigr)$, "
        r"unique only up to $P_0\leftarrow\gamma P_0$, $Q_0\leftarrow Q_0/\gamma$ in the sense of the theorem's "
        "wording.",
        assumptions=IDENTITY_TASK,
        parts=("minimizer", "rescaling"),
        derivation="theory.derivations.global_minimizer",
        reading="“Unique only up to” is read as the theorem's wording has it: rescaling $(P_0,Q_0)$ to "
        r"$(\gamma P_0,Q_0/\gamma)$ gives minimizers again. Read as “every minimizer has this form” it is "
        "false, for most entries of $P$ and $Q$ are free and for $d=1$ there is a second orbit: "
        "`global_minimizer_uniqueness` gives the exact set.",
        criterion=criteria.GLOBAL_MINIMIZER,
    ),
    Claim(
        slug="global_minimizer_isotropic",
        paper="ahn2023",
        location="Eq. (7), App. A.2 Lemma 2",
        statement=r"$\Sigma=I$: $Q_0=-\frac{1}{\frac{n-1}{n}+\frac{d+2}{n}}\operatorname{diag}(I,0)$. Per "
        r"coordinate $j$, the convex function $f_j(X)=\mathbb E[(\langle G,X\rangle+w_j)^2]$ is minimized by "
        r"$X_j=-\frac{1}{\frac{n-1}{n}+\frac{d+2}{n}}\,E_{d+1,j}$, with $G$ as in "
        "`loss_depends_on_last_row_and_first_columns` and $E_{d+1,j}$ a matrix unit.",
        assumptions=(ISOTROPIC_COVARIATES, *IDENTITY_TASK),
        parts=("minimizer", "components"),
        derivation="theory.derivations.global_minimizer_isotropic",
        reading=r"The $P_0$ beside this $Q_0$ is that of `global_minimizer`.",
    ),
    Claim(
        slug="global_minimizer_component_diagonal",
        paper="ahn2023",
        location="App. A.3 Lemma 3",
        statement=r"$\Sigma=\operatorname{diag}(\lambda)$: each convex $f_j(X)=\mathbb E[(\langle "
        r"G,X\rangle+w_j)^2]$ is minimized by "
        r"$X_j=-\frac{1}{\frac{n+1}{n}\lambda_j+\frac1n\sum_k\lambda_k}\,E_{d+1,j}$, and the loss decomposes as "
        r"a $\lambda$-weighted sum of the $f_j$: $f(b,A)=\sum_j\lambda_jf_j(ba_j^\top)$ with $a_j$ the columns "
        "of $A$, $G$ as in `loss_depends_on_last_row_and_first_columns` and $E_{d+1,j}$ a matrix unit.",
        assumptions=(DIAGONAL_COVARIANCE, *IDENTITY_TASK),
        parts=("components", "decomposition"),
        derivation="theory.derivations.global_minimizer_component_diagonal",
    ),
    Claim(
        slug="large_context_preconditioner",
        paper="ahn2023",
        location="Remarks after Theorem 1",
        statement=r"As $n\to\infty$ the minimizer's block tends to $\Sigma^{-1}$; the term "
        r"$\frac1n\sum_k\lambda_k$, with $\lambda_k$ the eigenvalues of $\Sigma$, acts as a regularizer that "
        "grows with the variance and shrinks with $n$.",
        assumptions=(POSITIVE_DEFINITE_COVARIANCE, GAUSSIAN_TASK_IDENTITY, NOISELESS_LABELS),
        parts=("limit", "regularizer"),
        derivation="theory.derivations.large_context_preconditioner",
        rests_on=("global_minimizer",),
        reading=r"The block is the $A$ of $Q_0=-\operatorname{diag}(A,0)$ in `global_minimizer`, under all assumptions "
        r"of that claim. “Regularizer” is read as: the term is added to every eigenvalue of $\Sigma$, scaled, before "
        r"inversion, so that $A$ is no worse conditioned than $\Sigma^{-1}$; and better, unless all eigenvalues of "
        r"$\Sigma$ are equal.",
        other_readings=(
            OtherReading(
                "always_better",
                r"“Regularizer” read as: $A$ is better conditioned than $\Sigma^{-1}$, whatever $\Sigma$. Where all "
                "eigenvalues are equal both are multiples of the identity.",
            ),
        ),
    ),
)
