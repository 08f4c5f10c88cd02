r"""Propositions about the looped loss: gradient dominance with its best constants, and the gradient flow.

$f^\star$ is the least loss on $\{a\Sigma^{-1}\}$; $\lVert\cdot\rVert_p$ a Schatten norm.
"""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    ISOTROPIC_COVARIATES,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    WHITENED_TASK,
)
from icl_claims.claims.claim import Claim
from icl_claims.claims.records.gatmiry2024.setting import LOSS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="gradient_dominance_sharp",
        paper="suite",
        location="corrects Gatmiry et al., Theorem 3.4",
        statement=LOSS + r"Let $g(A)=\lVert(I-\Sigma^{1/2}A\Sigma^{1/2})^L\rVert_F^2$ and "
        r"$c=4L^2\lVert\Sigma^{-1}\rVert_p^{-2}$, $p=\frac{2L}{L-1}$, a Schatten norm ($p=\infty$ for $L=1$); for "
        r"$\Sigma=I$ this is $c=4L^2d^{-(L-1)/L}$. As $n\to\infty$, $\mathcal L(A,0)\to g(A)$ for every $A$, and "
        r"$\lVert\nabla g(A)\rVert_F^2\ge c\,g(A)^{(2L-1)/L}$ for every symmetric $A$; no larger constant does. For "
        r"all $\eta\in(0,1)$ and $\xi>0$ there is an $n_0$ such that "
        r"$\lVert\nabla_A\mathcal L(A,0)\rVert_F^2\ge(1-\eta)\,c\,\mathcal L(A,0)^{(2L-1)/L}$ for every $n\ge n_0$ and "
        r"symmetric $A$ with $\mathcal L(A,0)\ge\xi$. For every $n\ge1$ and $A=a\Sigma^{-1}$, with "
        r"$\kappa=(f^\star/\mathcal L(A,0))^{1/(2L)}$ and $f^\star$ the least loss of such $A$, "
        r"$\lVert\nabla_A\mathcal L(A,0)\rVert_F^2\ge4L^2\operatorname{tr}(\Sigma^2)\,d^{-(2L-1)/L}"
        r"\bigl(\frac{1-\kappa}{1+\kappa}\bigr)^2\mathcal L(A,0)^{(2L-1)/L}$, and at $A=0$ there is equality with "
        r"$\kappa=0$ in the place of $\kappa$.",
        assumptions=(
            replace(
                GAUSSIAN_COVARIATES,
                not_shown="Any law with covariance $\\Sigma$ has the same limit. On the multiples of $\\Sigma^{-1}$ "
                "the proof needs of the law only that the gradient is a multiple of $\\Sigma$ there, as it is where "
                "whitened coordinates may be permuted and reflected; the suite knows no law for which the bound fails.",
            ),
            replace(
                POSITIVE_DEFINITE_COVARIANCE,
                not_shown="Without it there is no $\\Sigma^{-1}$: neither the task nor the constant is defined.",
            ),
            replace(
                INDEPENDENT_TASK,
                not_shown="With $w=x_1$ the loss on the multiples of $\\Sigma^{-1}$ is steeper, and the bound holds "
                "with room in all instances that were tried; the suite has no law of $w$ for which it fails.",
            ),
            WHITENED_TASK,
            NOISELESS_LABELS,
        ),
        parts=("limit", "long_contexts", "multiples"),
        derivation="theory.derivations.gradient_dominance_sharp",
        cites=("R. Bhatia, Matrix Analysis, Corollary IV.2.6 (Hölder's inequality for Schatten norms)",),
        corrects="gradient_dominance",
        reading="The corrected statement is about symmetric $A$. Over all $A$ the best constant of the limit is "
        r"smaller: at $\Sigma=I$, $L=2$, $d=3$ the nilpotent shift $I-A$ gives the quotient $8<16/\sqrt3$.",
    ),
    Claim(
        slug="gradient_flow_time",
        paper="suite",
        location="corrects Gatmiry et al., Theorem 3.3",
        statement=LOSS
        + r"$\Sigma=I$, $A(0)=0$, $\frac{\mathrm dA}{\mathrm dt}=-\nabla_A\mathcal L(A,0)$. For all "
        r"$d,n,L\ge1$ the flow is $A(t)=a(t)I$, $a$ rising from $0$ to the best step $a^\star$ of such matrices, of "
        r"loss $f^\star$. Let $t(\xi)$ be the time at which the loss is $\xi\in(f^\star,d]$, "
        r"$\tau(\xi)=\frac{(d/\xi)^{(L-1)/L}-1}{4L(L-1)}$ (for $L=1$ its limit $\frac14\log\frac d\xi$) and "
        r"$\kappa=(f^\star/\xi)^{1/(2L)}$. Then "
        r"$\tau(\xi)\le t(\xi)\le\bigl(\frac{1+\kappa}{1-\kappa}\bigr)^2\tau(\xi)$, so that "
        r"$t(\xi)\to\tau(\xi)$ as $n\to\infty$, and "
        r"$|a(t)-a^\star|\le(1+\kappa)(\xi/d)^{1/(2L)}$ for $t\ge t(\xi)$.",
        assumptions=(
            GAUSSIAN_COVARIATES,
            ISOTROPIC_COVARIATES,
            INDEPENDENT_TASK,
            WHITENED_TASK,
            replace(
                NOISELESS_LABELS,
                not_shown="Noise adds a term that is positive and keeps the symmetry. The loss need not be convex "
                "then for $L\\ge2$; the suite knows no instance at which a bound fails.",
            ),
        ),
        parts=("multiples", "time", "closeness"),
        derivation="theory.derivations.gradient_flow_time",
        reading="The best step is that of the multiples of $I$, on which the flow from $0$ stays; nothing is said "
        "about other minimizers over all matrices, symmetric or not.",
        corrects="gradient_flow_convergence",
    ),
    Claim(
        slug="gradient_flow_any_start",
        paper="suite",
        location="beyond Gatmiry et al., Theorem 3.3, in the limit of long contexts",
        statement=LOSS
        + r"In the limit $n\to\infty$ the loss is $g(A)=\lVert(I-\Sigma^{1/2}A\Sigma^{1/2})^L\rVert_F^2$. For "
        r"all $d,L\ge1$ and every $A$, symmetric or not, $\langle\nabla g(A),A-\Sigma^{-1}\rangle=2L\,g(A)$: there is "
        r"no critical point but the zeros of $g$. The flow $\frac{\mathrm dA}{\mathrm dt}=-\nabla g(A)$ from any "
        r"$A(0)$ has $g(A(t))\le\lVert A(0)-\Sigma^{-1}\rVert_F^2/(4Lt)$ and converges to a zero of $g$, to "
        r"$\Sigma^{-1}$ if $A(0)$ is symmetric. For $L=2$ and every $A$, $\lVert\nabla "
        r"g(A)\rVert_F^2\ge8\,d^{-1/2}\lambda_{\min}(\Sigma)^2g(A)^{3/2}$.",
        assumptions=(
            replace(
                GAUSSIAN_COVARIATES,
                not_shown="Any law with covariance $\\Sigma$ and moments of all orders has the same limit.",
            ),
            replace(
                POSITIVE_DEFINITE_COVARIANCE,
                not_shown="Without it there is no $\\Sigma^{-1}$, and no task.",
            ),
            replace(
                INDEPENDENT_TASK,
                not_shown="A task that depends on finitely many examples has another limit, which was not looked at.",
            ),
            WHITENED_TASK,
            NOISELESS_LABELS,
        ),
        parts=("euler", "rate", "two_loops"),
        derivation="theory.derivations.gradient_flow_any_start",
        cites=(
            "S. Łojasiewicz (1984), Sur les trajectoires du gradient d'une fonction analytique (a bounded trajectory "
            "converges)",
        ),
        reading=r"At $L\ge2$ the zeros are the $A$ with $I-\Sigma^{1/2}A\Sigma^{1/2}$ nilpotent of order $L$ or less, "
        r"so from some starts that are not symmetric the flow does not reach $\Sigma^{-1}$. The constant 8 is no more "
        r"than a factor of $\sqrt3$ below the best one where 3 divides $d$.",
    ),
)
