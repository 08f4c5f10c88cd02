r"""Gradient dominance of the looped loss with its best constants: symmetric A in long contexts, A = aΣ⁻¹ in all."""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.loops.dominance import (
    RATIO,
    Dominance,
    prove_exponents,
    prove_gradient_on_multiples,
    prove_limit,
    prove_on_multiples,
    prove_probability_of_mean_one,
    prove_symmetric_gradient,
)
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask

HOELDER = "R. Bhatia, Matrix Analysis, Corollary IV.2.6 (Hölder's inequality for Schatten norms)"

SIZES = [(d, n, L) for d in (1, 2, 5) for n in (1, 3, 20) for L in (1, 2, 3, 6)]
"""(d, n, L); d = 1, n = 1 and n < d are among them."""

STATED = Dominance(
    factor=4 * LAYERS**2,
    norm=2 * LAYERS / (LAYERS - 1),
    exponent=(2 * LAYERS - 1) / LAYERS,
    slack=((1 - RATIO) / (1 + RATIO)) ** 2,
)
"""c = 4L²‖Σ⁻¹‖_p^{−2} with p = 2L/(L − 1), against f^{(2L−1)/L}; ((1 − κ)/(1 + κ))² on the multiples of Σ⁻¹."""

_ROOT = fmpq_mat([[2, 1], [1, 1]])
_SYMMETRIC = fmpq_mat([[1, 2], [2, fmpq(1, 3)]])
_SKEW = fmpq_mat([[1, 2], [-1, fmpq(1, 3)]])


def limit() -> None:
    """Loss and gradient at A that is not symmetric, as polynomials in 1/n."""
    for loops in (1, 2):
        prove_limit(RegressionTask([[2, 1], [1, 1]], 1, [[1, 0], [0, 3]]), _SKEW, loops)
    prove_limit(RegressionTask.whitened([["2"]], 1), fmpq_mat([[fmpq(-1, 3)]]), 3)


def symmetric_gradient() -> None:
    """N^{2L−1} between two roots of Σ."""
    for loops in (1, 2, 3, 5):
        prove_symmetric_gradient(_ROOT, _SYMMETRIC, loops)
    three = fmpq_mat([[2, 1, 0], [1, 1, 0], [0, 0, 3]])
    prove_symmetric_gradient(three, fmpq_mat([[0, 1, 2], [1, -1, 0], [2, 0, 1]]), 3)


def hoelder(stated: Dominance) -> None:
    """The exponents of Hölder's inequality and of its case of equality."""
    prove_exponents(stated)


def gradient_on_multiples() -> None:
    """At several multiples of Σ⁻¹."""
    for context_length, loops in ((1, 1), (3, 2), (2, 3)):
        prove_gradient_on_multiples(_ROOT, context_length, loops)


def mean_one() -> None:
    """f(0) = d and f'(0) = −2Ld."""
    prove_probability_of_mean_one(SIZES)


def on_multiples(stated: Dominance) -> None:
    """Powers, factor and slack."""
    prove_on_multiples(stated)


LIMIT = Lemma(
    r"$\mathcal L(A,0)$ is a polynomial in $A$ and $1/n$, of degree $2L$ in $A$. Its part without $1/n$ is "
    r"$g(A)=\lVert(I-\Sigma^{1/2}A\Sigma^{1/2})^L\rVert_F^2$. So loss and gradient tend to $g$ and $\nabla g$, "
    "uniformly on bounded sets.",
    r"$\mathcal L$ is a sum of expectations of words in $S$ and $A$ of at most $2L$ letters $S$; each is a sum over "
    r"pairings, a polynomial in $1/n$ whose constant term has $\Sigma$ in the place of $S$. With $\Omega=\Sigma^{-1}$ "
    "and whitened coordinates the words add up to $g$.",
    limit,
    "L ≤ 2 at d = 2 and L = 3 at d = 1; A, Σ and Ω that do not commute",
    step="induction",
)

GRADIENT_ON_MULTIPLES = Lemma(
    r"At $A=a\Sigma^{-1}$: $\nabla_A\mathcal L(A,0)=\frac{f'(a)}d\Sigma$, with $f(a)=\mathcal L(a\Sigma^{-1},0)$.",
    r"In whitened coordinates $\mathcal L(QAQ^\top,0)=\mathcal L(A,0)$ for orthogonal $Q$, so the gradient at $aI$ "
    r"commutes with all of them and is a multiple of $I$, whose trace is $f'(a)$. With $\Sigma$ it is "
    r"$\Sigma^{1/2}\nabla\Sigma^{1/2}$.",
    gradient_on_multiples,
    "d = 2 with Σ ≠ I at four values of a; (n, L) = (1, 1), (3, 2), (2, 3)",
    step="symmetry",
)

NORM_ON_MULTIPLES = Lemma(
    r"$\varphi(a)=(f(a)/d)^{1/(2L)}$ is convex, $\varphi(0)=1$, $\varphi'(0)=-1$ and $\varphi(a)\ge|1-a|$ for every "
    r"$a$, every $n$ and $d$. So $-1\le\varphi'\le0$ from $0$ to its minimizer $a^\star$.",
    r"$f(a)=\int(1-as)^{2L}d\mu$ with the expected spectral measure $\mu$ of $S$ in whitened coordinates. $\mu/d$ is a "
    r"probability measure of mean 1, so $\varphi(a)$ is the norm of $1-as$ in $L^{2L}(\mu/d)$, convex by Minkowski's "
    r"inequality, and at least the absolute value of the mean of $1-as$. Its slope rises from $-1$ to $0$.",
    mean_one,
    "36 sizes with d ≤ 5, n ≤ 20, L ≤ 6, n = 1 and n < d among them",
    step="convexity",
)

SLOPE_ON_MULTIPLES = Lemma(
    r"At $A=a\Sigma^{-1}$: $\lVert\nabla_A\mathcal L\rVert_F^2=4L^2\operatorname{tr}(\Sigma^2)d^{-(2L-1)/L}"
    r"\varphi'(a)^2f(a)^{(2L-1)/L}$, and $\varphi'(a)^2\ge\bigl(\frac{1-\kappa}{1+\kappa}\bigr)^2$ with "
    r"$\kappa=\varphi(a^\star)/\varphi(a)$. At $a=0$ it is 1.",
    r"$f=d\varphi^{2L}$ in the lemma on the gradient. By convexity "
    r"$|\varphi'(a)|\,|a-a^\star|\ge\varphi(a)-\varphi(a^\star)$, and "
    r"$|a-a^\star|\le|1-a|+|1-a^\star|\le\varphi(a)+\varphi(a^\star)$.",
    on_multiples,
    "all L, φ, κ",
)

DERIVATION = Derivation(
    (
        LIMIT,
        Lemma(
            r"For symmetric $A$ and $N=I-\Sigma^{1/2}A\Sigma^{1/2}$: $g=\operatorname{tr}N^{2L}$ and "
            r"$\nabla g=-2L\Sigma^{1/2}N^{2L-1}\Sigma^{1/2}$.",
            "The product rule over the $L$ factors of $N^L$: each gives the same term, for $N$ is symmetric.",
            symmetric_gradient,
            "d = 2, L ∈ {1, 2, 3, 5} and d = 3, L = 3; A and Σ that do not commute",
            step="induction",
        ),
        Lemma(
            r"$\lVert\nabla g\rVert_F^2\ge4L^2\lVert\Sigma^{-1}\rVert_p^{-2}\,g^{(2L-1)/L}$ with $p=\frac{2L}{L-1}$, "
            r"and there is equality at $N=\Sigma^{-1/(L-1)}$ and its multiples; for $L=1$, $p=\infty$, at $N=vv^\top$ "
            r"with $v$ an eigenvector of the least eigenvalue of $\Sigma$.",
            r"With $B=N^{2L-1}$ and $q=\frac{2L}{2L-1}$: $g=\lVert B\rVert_q^q$, and by Hölder's inequality "
            r"$\lVert\Sigma^{-1/2}(\Sigma^{1/2}B\Sigma^{1/2})\Sigma^{-1/2}\rVert_q\le\lVert\Sigma^{-1}\rVert_p"
            r"\lVert\Sigma^{1/2}B\Sigma^{1/2}\rVert_2$ for $\frac1q=\frac12+\frac1p$. In an eigenbasis of $\Sigma$ the "
            r"sides at $N=\Sigma^{-1/(L-1)}$ are $4L^2\operatorname{tr}\Sigma^{-p}$ and "
            r"$4L^2(\operatorname{tr}\Sigma^{-p})^{(2L-1)/L-2/p}$. At $L=1$ both sides are $4\lambda_{\min}^2$.",
            hoelder,
            "the exponents, all L ≥ 2",
            step="citation",
            cites=(HOELDER,),
        ),
        Lemma(
            r"For all $\eta\in(0,1)$ and $\xi>0$ there is an $n_0$ such that the inequality with $(1-\eta)$ times the "
            r"constant holds at every symmetric $A$ with $\mathcal L(A,0)\ge\xi$, for all $n\ge n_0$. At "
            r"$N=\Sigma^{-1/(L-1)}$ the quotient of the sides tends to 1.",
            r"By Lemma 1 there is a $C$ with $|\mathcal L-g|\le\frac Cn(1+\lVert N\rVert)^{2L}$ and "
            r"$\lVert\nabla\mathcal L-\nabla g\rVert\le\frac Cn(1+\lVert N\rVert)^{2L-1}$ for all $A$ and $n$. For "
            r"symmetric $N$, $g\ge d^{1-L}\lVert N\rVert_F^{2L}$. Where $\mathcal L\ge\xi$ and $n$ is large, "
            r"$g\ge\xi/2$ then, so that $(1+\lVert N\rVert)^{2L}\le C'g$, with $C'$ depending on $\xi$, $d$ and $L$: "
            r"loss and gradient differ from $g$ and $\nabla g$ by at most $C''/n$ times $g$ and $\lVert\nabla "
            r"g\rVert$, the latter by Lemma 3.",
            step="compactness",
        ),
        GRADIENT_ON_MULTIPLES,
        NORM_ON_MULTIPLES,
        SLOPE_ON_MULTIPLES,
    )
)
"""A proposition of the suite: the constants of Theorem 3.4 of Gatmiry et al. (2024)."""
