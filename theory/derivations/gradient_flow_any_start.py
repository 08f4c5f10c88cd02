r"""The gradient flow in infinitely long contexts, from any matrix: Euler's identity, and the case of two loops."""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.derivations.gradient_dominance_sharp import LIMIT
from icl_claims.theory.loops.any_start import (
    AnyStart,
    prove_homogeneous,
    prove_means,
    prove_rate,
    prove_two_loops,
)
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.task import RegressionTask

LOJASIEWICZ = (
    "S. Łojasiewicz (1984), Sur les trajectoires du gradient d'une fonction analytique (a bounded trajectory "
    "converges)"
)

STATED = AnyStart(degree=2 * LAYERS, divisor=4 * LAYERS, constant=fmpq(8))
"""⟨∇g, A − Σ⁻¹⟩ = 2L g, g(A(t)) ≤ ‖A(0) − Σ⁻¹‖²/(4Lt), and 8 for two loops."""

_TWO = fmpq_mat([[1, 2], [-1, fmpq(1, 3)]])
_THREE = fmpq_mat([[0, 1, 2], [-1, 1, 0], [3, fmpq(1, 2), 1]])


def homogeneous(stated: AnyStart) -> None:
    """At directions that do not commute with Σ and are not symmetric."""
    for loops in (1, 2, 3, 5):
        prove_homogeneous(stated.degree, RegressionTask.whitened([[2, 1], [1, 1]], 1), _TWO, loops)
    three = RegressionTask.whitened([[2, 1, 0], [1, 1, 0], [0, 0, 3]], 1)
    prove_homogeneous(stated.degree, three, _THREE, 3)


def rate(stated: AnyStart) -> None:
    """The divisor is twice the degree."""
    prove_rate(stated)


def sum_of_squares(stated: AnyStart) -> None:
    """At matrices that are neither symmetric nor normal."""
    shift = fmpq_mat([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    for matrix in (_TWO, _THREE, shift):
        prove_two_loops(stated.constant, matrix)


def means() -> None:
    """Two means of two numbers."""
    prove_means()


DERIVATION = Derivation(
    (
        LIMIT,
        Lemma(
            r"$g$ is homogeneous of degree $2L$ in $A-\Sigma^{-1}$, so $\langle\nabla "
            r"g(A),A-\Sigma^{-1}\rangle=2L\,g(A)$. Critical points are zeros of $g$, where "
            r"$(I-\Sigma^{1/2}A\Sigma^{1/2})^L=0$.",
            r"$I-\Sigma^{1/2}A\Sigma^{1/2}=-\Sigma^{1/2}(A-\Sigma^{-1})\Sigma^{1/2}$ is linear in $A-\Sigma^{-1}$, "
            "and $g$ is the squared norm of its power. Euler's identity; $g$ is least where it is 0, so zeros are "
            "critical.",
            homogeneous,
            "d = 2, L ∈ {1, 2, 3, 5} and d = 3, L = 3; matrices that do not commute",
            step="induction",
        ),
        Lemma(
            r"Along $\frac{dA}{dt}=-\nabla g$ the distance $\lVert A-\Sigma^{-1}\rVert_F$ falls, and "
            r"$g(A(t))\le\lVert A(0)-\Sigma^{-1}\rVert_F^2/(4Lt)$, from any $A(0)$.",
            r"$\frac{d}{dt}\lVert A-\Sigma^{-1}\rVert_F^2=-2\langle\nabla g,A-\Sigma^{-1}\rangle=-4L\,g$ by Lemma 2. "
            r"So $4L\int_0^tg\le\lVert A(0)-\Sigma^{-1}\rVert_F^2$, and $g$ falls along its gradient flow. The "
            "trajectory is bounded, so it exists for all times.",
            rate,
            "all L",
        ),
        Lemma(
            r"$A(t)$ converges to a zero of $g$; to $\Sigma^{-1}$ where $A(0)$ is symmetric.",
            r"$g$ is a polynomial and the trajectory is bounded, so it converges, to a critical point. From symmetric "
            r"$A(0)$ it stays symmetric, for $g(A^\top)=g(A)$; and a symmetric matrix with a power 0 is 0.",
            step="citation",
            cites=(LOJASIEWICZ,),
        ),
        Lemma(
            r"$L=2$, $\Sigma=I$, $N=I-A$: $\lVert\nabla g\rVert_F^2=4\bigl(\lVert N^2N^\top\rVert_F^2+"
            r"\lVert N^\top N^2\rVert_F^2+2\lVert N^3\rVert_F^2\bigr)$.",
            r"$\nabla g=-2(N^\top N^2+N^2N^\top)$, and $\langle N^\top N^2,N^2N^\top\rangle="
            r"\operatorname{tr}((N^\top)^2N\,N^2N^\top)=\operatorname{tr}((N^\top)^3N^3)$ by a turn of the trace.",
            sum_of_squares,
            "three matrices of size 2 and 3 that are not normal",
            step="symmetry",
        ),
        Lemma(
            r"Of two numbers $x,y\ge0$: $x^2y^4+x^4y^2\ge2x^3y^3$.",
            "The difference is the square of $xy(x-y)$.",
            means,
            "all x, y",
        ),
        Lemma(
            r"$L=2$: $\lVert\nabla g(A)\rVert_F^2\ge8\,d^{-1/2}\lambda_{\min}(\Sigma)^2g(A)^{3/2}$ for every $A$.",
            r"$\Sigma=I$: with $N=U\operatorname{diag}(x)V^\top$ and $W=V^\top U$, $\lVert N^2N^\top\rVert^2+\lVert "
            r"N^\top N^2\rVert^2=\sum W_{ij}^2(x_i^2x_j^4+x_i^4x_j^2)\ge2\sum W_{ij}^2(x_ix_j)^3$ and $g=\sum "
            r"W_{ij}^2(x_ix_j)^2$. The weights $W_{ij}^2$ have the sum $d$, and $z\mapsto z^{3/2}$ is convex: $\sum "
            r"W_{ij}^2z_{ij}^{3/2}\ge d^{-1/2}(\sum W_{ij}^2z_{ij})^{3/2}$. For any $\Sigma$ the gradient is that in "
            r"whitened coordinates between two factors $\Sigma^{1/2}$, its norm at least $\lambda_{\min}$ times.",
            step="convexity",
        ),
    )
)
"""A proposition of the suite: from which starts the flow of Gatmiry et al. (2024), Theorem 3.3, converges, n → ∞."""
