r"""The global minimum of the loss on 𝒮 = {A_l = a_l Σ⁻¹}: unique up to the order of the steps, for every depth.

As a runs through ℝᴸ, q_a(s) = ∏_l (1 − a_l s) runs through those polynomials of degree at most L with the value 1 at 0
whose roots are all real. Over all polynomials of this degree and value the minimum of ∫ q² dμ is attained at one q
only, and the roots of this one are real: so it is the minimum on 𝒮.
"""

from __future__ import annotations

from icl_claims.theory.algebra.words import eye, letter, n
from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.many_layers.scaled_layers import (
    STEP,
    prove_layer_contracts,
    prove_mean_square,
    prove_normal_equations,
    prove_polynomial_does_not_vanish,
)
from icl_claims.theory.many_layers.step_certificate import LAYERS, Optimum, prove_recipe
from icl_claims.theory.one_layer.large_context import CONTEXT
from icl_claims.theory.transformer.attention import X

SZEGO_ROOTS = (
    "G. Szegő, Orthogonal Polynomials, Theorem 3.3.1 (the roots are real, simple and inside the support)"
)
SZEGO_KERNEL = "G. Szegő, Orthogonal Polynomials, Theorem 3.1.3 (kernel polynomials are extremal)"

SIZES = [(d, n, L) for d in (1, 2, 5) for n in (1, 2, 20) for L in (1, 2, 3)] + [(3, 8, 5)]
"""(d, n, L); d = 1, n = 1, n < d and n = d are among them."""

STATED = Optimum(weight_power=1, degree=LAYERS, last=LAYERS, context=CONTEXT)
"""The orthogonal polynomial of degree L of s dμ, and 1/Σ_{k ≤ L} π_k(0)²/h_k."""


def loss_is_an_integral() -> None:
    """A layer multiplies the residual by I − aS, and the mean square over query and task is a trace."""
    prove_layer_contracts(eye("d") - X @ X.T * STEP / n)
    G = letter("G", "d", "d")
    prove_mean_square((G @ G.T).trace())


def support() -> None:
    """No polynomial but 0 vanishes at all eigenvalues that S can have."""
    prove_polynomial_does_not_vanish(8)


def normal_equations(optimum: Optimum) -> None:
    """The orthogonal polynomial of the stated measure solves the normal equations, which have one solution."""
    prove_normal_equations(optimum.weight_power, 3)


def at_sizes(optimum: Optimum) -> None:
    """The recipe gives the minimum, real and distinct positive steps, and the value by a second route."""
    prove_recipe(optimum, SIZES)


ERROR_IS_A_LABEL = Lemma(
    "The error of the prediction is, prompt by prompt, the query's label after $L$ layers when its slot starts at "
    r"$\langle w,x_q\rangle$; $f$ is its expected square.",
    "Filling the slot shifts the query's label by what it holds, at every layer.",
    step="claim",
    claim="query_label_shift",
)

LOSS_IS_AN_INTEGRAL = Lemma(
    r"$f(a)=\int\prod_l(1-a_ls)^2\,d\mu(s)$ with $\mu$ the expected spectral measure of $S=XX^\top/n$, $X$ a "
    r"$d\times n$ matrix of independent standard normal numbers: $\int p\,d\mu=\mathbb E\operatorname{tr}p(S)$.",
    r"In whitened coordinates $\Sigma=\Omega=I$ and $A_l=a_lI$. With the slot of Lemma 1 the label row starts as "
    r"$w^\top(X,x_q)$. A layer takes the label row $v^\top(X,x_q)$ to $((I-a_lS)v)^\top(X,x_q)$, for every $v$: by "
    r"induction the last one is $(q_a(S)w)^\top(X,x_q)$, $q_a(s)=\prod_l(1-a_ls)$, and the expected square of its "
    r"query entry over $x_q$ and $w$ is $\operatorname{tr}q_a(S)^2$.",
    loss_is_an_integral,
    "one layer: all d, n, a, v; the mean square of any matrix",
    step="induction",
)

INFINITE_SUPPORT = Lemma(
    r"If a polynomial $p$ has $\int p^2\,d\mu=0$, then $p=0$. So $\int pq\,d\mu$ is an inner product on polynomials, "
    r"and so is $\int pq\,s^2\,d\mu$.",
    r"$\mathbb E\operatorname{tr}p(S)^2=0$ makes the polynomial $p(S)$ of the entries of $X$ vanish almost surely; "
    "it is continuous and the normal density is positive, so it vanishes for every $X$. For the $X$ whose only "
    "nonzero entry is $t$ at the first place, $S$ has the eigenvalue $t^2/n$: $p(t^2/n)=0$ for all $t$, so $p=0$. "
    "With $sp$ in the place of $p$ this is the second claim.",
    support,
    "the last step, degree ≤ 8, all n",
    step="compactness",
)

DERIVATION = Derivation(
    (
        ERROR_IS_A_LABEL,
        LOSS_IS_AN_INTEGRAL,
        INFINITE_SUPPORT,
        Lemma(
            r"Among all polynomials $q$ of degree at most $L$ with $q(0)=1$ the integral $\int q^2\,d\mu$ is least "
            r"at exactly one, $q^\star$: that with $\int q^\star s^j\,s\,d\mu=0$ for $j<L$, a multiple of the "
            r"orthogonal polynomial of degree $L$ of $s\,d\mu$.",
            r"Write $q=1-sr$, $\deg r<L$. By Lemma 3 the integral is a strictly convex quadratic function of the "
            "coefficients of $r$ that tends to infinity with them, so it has one minimum, where its derivatives in "
            r"them vanish. For $L\le3$ the solution is checked with $d$ and $n$ as symbols; the leading minors of "
            "the Gram matrix have positive coefficients in $d-1$ and $n-1$.",
            normal_equations,
            "L ≤ 3, all d, n ≥ 1",
            step="convexity",
        ),
        Lemma(
            r"$q^\star$ has $L$ roots, all positive and different, so $q^\star=q_a$ for steps $a_l>0$, all "
            r"different. Hence $f(a)\ge\int(q^\star)^2d\mu$ on $\mathbb R^L$, with equality for one multiset of "
            r"steps: the reciprocals of these roots. There the gradient vanishes, for $\mathbb R^L$ is open.",
            r"$s\,d\mu$ is a positive measure on $[0,\infty)$ without an atom at 0, and by Lemma 3 no polynomial but "
            r"0 vanishes on it: the cited theorem. Equality makes $q_a=q^\star$, by Lemma 4, and the roots of a "
            "polynomial of degree exactly $L$ are the reciprocals of the steps.",
            step="citation",
            cites=(SZEGO_ROOTS,),
        ),
        Lemma(
            r"The minimum is $1/\sum_{k\le L}\pi_k(0)^2/h_k$, with $\pi_k$ the monic orthogonal polynomials of $\mu$ "
            r"and $h_k=\int\pi_k^2\,d\mu$.",
            r"With $K(s)=\sum_{k\le L}\pi_k(0)\pi_k(s)/h_k$ every $q$ of degree at most $L$ has $q(0)=\int "
            r"qK\,d\mu$; so $1\le\int q^2d\mu\int K^2d\mu$ with equality for multiples of $K$, and $\int "
            r"K^2d\mu=K(0)$. At the sizes named it is checked with Lemmas 4 and 5: the stated polynomial is "
            "orthogonal, has different positive roots, and is $K/K(0)$.",
            at_sizes,
            "28 sizes with d ≤ 5, n ≤ 20, L ≤ 5, n = 1 and n < d among them",
            step="citation",
            cites=(SZEGO_KERNEL,),
        ),
    )
)
"""A proposition of the suite: it completes Theorem 3 of Ahn et al. (2023) on its own set."""
