r"""The recorded two-sided bound of every looped minimizer: proved where c < 1, over all matrices A and all u."""

from __future__ import annotations

from icl_claims.theory.algebra.words import eye
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.optimal_loss_vanishes import RECURSION
from icl_claims.theory.loops.localization import (
    RECORDED,
    Bound,
    prove_centre,
    prove_constants,
    prove_density_ratio,
    prove_first_context,
    prove_moment_at_one,
    prove_moment_bound,
    prove_probabilities,
    prove_scaling,
    prove_trace_of_square,
)
from icl_claims.theory.loops.value_row import prove_excess, prove_row_moves_by, prove_row_shifts_the_task
from icl_claims.theory.transformer.attention import W
from icl_claims.theory.transformer.looped import VALUE_ROW
from icl_claims.theory.transformer.preconditioned_gd import A
from icl_claims.theory.transformer.prompts import S

STATED = RECORDED

LOOPS = range(1, 9)

SCHUR = (
    "I. Schur (1909), Math. Ann. 66, 488–510: the squared moduli of the eigenvalues add up to at most the "
    "squared Frobenius norm"
)


def value_row() -> None:
    """One loop with u, and the mean square of the error."""
    prove_row_shifts_the_task(W + VALUE_ROW)
    prove_row_moves_by(eye("d") - S @ A)
    prove_excess(W + VALUE_ROW)


def moment() -> None:
    """The bound of E tr H^{2L}."""
    prove_moment_at_one(20)
    for L in LOOPS:
        prove_moment_bound(L)


def contexts() -> None:
    """Two contexts that are both good exist."""
    prove_density_ratio()
    prove_probabilities()


def scaling() -> None:
    """What the scaling of a direction does to the trace."""
    prove_scaling()


def constants(bound: Bound) -> None:
    """The numbers of the argument, and that they give the stated bound."""
    for L in LOOPS:
        prove_constants(L)
        prove_centre(bound, L)
        for d in (1, 2, 7):
            prove_first_context(bound, L, d)


def antisymmetric_part() -> None:
    """The mean of tr(I − SA)²."""
    prove_trace_of_square()


LOSS = Lemma(
    r"$\mathcal L(A,u)=\mathcal L(A,0)+\mathbb E\,u^\top(I-R)\Sigma(I-R)^\top u$ with $R=(I-SA)^L$, and "
    r"$\mathcal L(A,0)=\mathbb E\operatorname{tr}\Sigma R^\top\Sigma^{-1}R$. In whitened coordinates, with "
    r"$A'=\Sigma^{1/2}A\Sigma^{1/2}$, it is $f(A')=\mathbb E\lVert(I-SA')^L\rVert_F^2$.",
    r"A loop with $u$ does what one with $u=0$ does with the row $u^\top(X,x_q)$ added to the labels, less this row "
    r"again; and one with $u=0$ takes the labels $r^\top(X,x_q)$ to $r^\top(I-SA)(X,x_q)$. By induction the error "
    r"after $L$ loops is $x_q^\top(R^\top "
    r"w-(I-R^\top)u)$, "
    r"whose mean square over $x_q$ and $w$ is the sum. $S=\Sigma^{1/2}S'\Sigma^{1/2}$ gives "
    r"$R=\Sigma^{1/2}(I-S'A')^L\Sigma^{-1/2}$.",
    value_row,
    "one loop: all d, n, A, u, v, every prompt; the mean square for any R",
    step="induction",
)

DERIVATION = Derivation(
    (
        LOSS,
        RECURSION,
        Lemma(
            r"For $n\ge d$: $f(I)=\mathbb E\operatorname{tr}H^{2L}\le(2L)^{2L}\,d\,(d/n)^L$.",
            r"By Lemma 2 and induction $\mathbb E\operatorname{tr}H^{2L}=\sum_{j\ge L}c_j(d)n^{-j}$, where "
            r"$c_j$ has no negative coefficient and degree at most $j+1$, as each factor $\frac1n$ adds "
            r"one trace at most. So $c_j(d)n^{-j}\le c_j(1)\,d\,(d/n)^L$, and $\sum_jc_j(1)=g_{2L}$ with "
            r"$g_k=\mathbb E(z^2-1)^k$. Lemma 2 at $d=n=1$ is $g_k=2(k-1)(g_{k-1}+g_{k-2})$, from which "
            r"$g_k\le2k(k-1)^{k-1}\le k^k$ by induction.",
            moment,
            "L ≤ 8, all d; the recursion for k ≤ 20",
            step="induction",
        ),
        Lemma(
            r"Let $f(A)\le f(I)$ and $\lambda_i$ be the eigenvalues of $I-SA$. Then "
            r"$\sum_i|\lambda_i|^{2L}\le32f(I)$ but for a probability of at most $\frac1{32}$.",
            r"The eigenvalues of $(I-SA)^L$ are $\lambda_i^L$: $\mathbb E\sum_i|\lambda_i|^{2L}\le f(A)$ "
            "by the cited inequality. Then Markov's inequality.",
            step="citation",
            cites=(SCHUR,),
        ),
        Lemma(
            r"Let $v$ be a unit vector, $n\ge2$, $\tau=1/\sqrt n$, $\sigma^2=1+\tau$, and $S_\sigma$ the "
            r"second moment of $(I+(\sigma-1)vv^\top)X$. There is an $X$ at which $S$ and $S_\sigma$ both "
            r"satisfy the inequality of Lemma 4, and $|v^\top Sv-1|\le2\tau$.",
            "The density of the scaled context over that of $X$ is a product of $n$ ratios of normal "
            r"densities, with the second moment $(1-\tau^2)^{-n/2}\le2$; by Cauchy's inequality the scaled "
            r"one violates the inequality with probability at most $\sqrt{2/32}=\frac14$. The variance of "
            r"$v^\top Sv$ is $\frac2n$: Chebyshev's inequality gives $\frac12$. As "
            r"$\frac1{32}+\frac14+\frac12<1$, some $X$ violates none.",
            contexts,
            "all n ≥ 2, d; a normal density",
            step="convexity",
        ),
        Lemma(
            r"Let $B=(A+A^\top)/2$, $Bv=bv$, $|v|=1$. Then $\operatorname{tr}S_\sigma "
            r"A-\operatorname{tr}SA=(\sigma^2-1)\,b\,v^\top Sv$ and $\det S_\sigma A=\sigma^2\det SA$.",
            r"$S_\sigma=PSP$ with $P=I+(\sigma-1)vv^\top$ is symmetric, so only $B$ meets it. $\det P=\sigma$.",
            scaling,
            "all d, σ, S, B with an eigenvector v",
        ),
        Lemma(
            r"For $n\ge8^6L^4d^4$ every $A$ with $\mathcal L(A,u)\le\mathcal L(\Sigma^{-1},0)$ for some "
            "$u$ satisfies "
            r"$(1-\rho)\Sigma^{-1}\preccurlyeq\frac{A+A^\top}2\preccurlyeq(1+\rho)\Sigma^{-1}$ with "
            r"$\rho=260L^2d^2/\sqrt n$. So does every global minimizer; for $n>8^{4L+2}L^2d^4$, that is "
            r"$c<1$, $\rho\le c$.",
            r"By Lemma 1 $f(A')\le f(I)$. At the $X$ of Lemma 5 the power mean and Lemma 3 give "
            r"$\sum|\lambda_i|^2\le d^{1-1/L}(32f(I))^{1/L}\le q=128L^2d^2/n\le\frac14$ for both contexts; "
            r"so $\det SA'>0$ and $|\log\det SA'-\operatorname{tr}(SA'-I)|\le q$, as "
            r"$|\log(1-\lambda)+\lambda|\le|\lambda|^2$ for $|\lambda|\le\frac12$. With Lemma 6 "
            r"$|b\,v^\top Sv\,\tau-\log(1+\tau)|\le2q$, hence $|b\,v^\top Sv-1|\le "
            r"e=\frac{2q}\tau+\frac\tau2$ and $|b-1|\le\frac{e+2\tau}{1-2\tau}\le\rho$. With "
            r"$y=(n_0/n)^{1/2}\le1$, $n_0=8^{4L+2}L^2d^4\ge8^6L^4d^4$: $c^{2L}=y$ and $\rho\le y\le "
            r"y^{1/(2L)}=c$, as $260L\le8^{2L+1}$, which holds for $L=1$ and grows.",
            constants,
            "L ≤ 8, d in {1, 2, 7}; the numbers of the argument for all n, d",
            step="induction",
        ),
        Lemma(
            r"For fixed $d$, $L$ every sequence of global minimizers has $A_{\mathrm{opt}}\to\Sigma^{-1}$ "
            r"as $n\to\infty$, the antisymmetric part $K$ of $A'$ included.",
            r"$\mathbb E\operatorname{tr}(I-SA')^2=\operatorname{tr}(I-A')^2+\frac1n(\lVert "
            r"A'\rVert_F^2+(\operatorname{tr}A')^2)$ and $\operatorname{tr}(I-A')^2=\lVert "
            r"I-B\rVert_F^2-\lVert K\rVert_F^2$. The left side is at most $\mathbb E\sum|\lambda_i|^2\le "
            r"d^{1-1/L}f(I)^{1/L}\to0$ in modulus and $B\to I$ by Lemma 7; so $(1-\frac1n)\lVert "
            r"K\rVert_F^2\to0$.",
            antisymmetric_part,
            "all d, n, A",
            step="compactness",
        ),
        Lemma(
            r"For $n\ge2$ the minimum is attained: there are global minimizers.",
            "By Lemma 1 $u=0$ is best. $f$ is a polynomial of degree $2L$ in $A'$ with the leading form "
            r"$\mathbb E\lVert(SA')^L\rVert_F^2$. Where it vanishes $SA'$ is nilpotent for almost all $X$: "
            r"so $\mathbb E(\operatorname{tr}SA')^2=(\operatorname{tr}A')^2+\frac2n\lVert B\rVert_F^2=0$ "
            r"gives $B=0$, and $\mathbb E\operatorname{tr}(SA')^2=-(1-\frac1n)\lVert K\rVert_F^2=0$ gives "
            "$K=0$. So it is positive on the unit sphere, and $f$ tends to infinity with $A'$.",
            antisymmetric_part,
            "the two means: all d, n, A",
            step="compactness",
        ),
    )
)
"""Theorem 3.2 of Gatmiry et al. (2024), where the recorded constant is below 1."""
