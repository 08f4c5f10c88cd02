r"""Fu, Chen, Jia, Sharan (2024), arXiv:2310.17086: the solvers of linear regression and their rates.

Setting of all three tables of this paper. Data: w ~ N(0, I_d), x_i ~ N(0, Σ) with Σ drawn from a
distribution over covariances (default: I), y_i = wᵀx_i; the noisy variant has σ = 0.1; the
ill-conditioned one κ(Σ) = 100, half of the eigenvalues 100 and half 1, a Haar eigenbasis redrawn for
every sequence.

Other than in the common notation, X is t×d with the examples as rows, and S = XᵀX is not divided by
n; X^(t), y^(t) are the first t examples (S is singular for t < d).

- Loss (1): (1/2n)‖y − Xw‖². OLS (2): (XᵀX)†Xᵀy.
- Gradient descent (3): ŵ_0 = 0, ŵ_{k+1} = ŵ_k − η∇L(ŵ_k); Eq. (11) writes it ŵ_k − η(Sŵ_k − Xᵀy).
- Online gradient descent (4): one example a step, η_k = 1/‖x_k‖².
- Iterative Newton (5), (37): M_0 = αS with α = 2/‖SSᵀ‖_2, M_{k+1} = 2M_k − M_k S M_k,
  ŵ_k = M_k Xᵀy. Theorem 5.1 says "for some α > 0".

The statements repeat what they use of this: a reader of the report sees one statement at a time.
"""

from __future__ import annotations

from icl_claims.claims.assumptions import (
    FIXED_STEP_SIZE,
    FULL_COLUMN_RANK,
    GAUSSIAN_COVARIATES,
    GAUSSIAN_TASK_IDENTITY,
    INDEPENDENT_TASK,
    NOISELESS_LABELS,
    NOISY_LABELS,
    ZERO_INITIAL_WEIGHTS,
)
from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.records import NOT_STARTED

ROWS = r"Here $X$ is $t\times d$ with the examples as rows and $S=X^\top X$, not divided by $n$. "
LEAST_SQUARES = ROWS + r"The loss is $L(w)=\frac1{2n}\lVert y-Xw\rVert^2$. "
GRADIENT_STEPS = r"$\hat w_0=0$, $\hat w_{k+1}=\hat w_k-\eta\nabla L(\hat w_k)$"
GRADIENT_DESCENT = LEAST_SQUARES + r"Gradient descent is " + GRADIENT_STEPS + ". "
NEWTON_STEP = r"$M_{k+1}=2M_k-M_kSM_k$, $\hat w_k=M_kX^\top y$"
NEWTON = (
    ROWS + r"Iterative Newton is $M_0=\alpha S$ with $\alpha=2/\lVert SS^\top\rVert_2$, " + NEWTON_STEP + ". "
)
NEWTON_ANY_SCALE = ROWS + r"Iterative Newton is $M_0=\alpha S$, " + NEWTON_STEP + ". "
ERROR_SIMILARITY = (
    r"$\mathrm{SimE}(\mathcal A,\mathcal B)$ is the expected cosine between the residual vectors of two "
    r"algorithms over the positions $t=1,\dots,n$; the best-matching step of $\mathcal B$ for a given step "
    r"(or layer) of $\mathcal A$ is the one that maximizes the similarity. "
)

_BOTH = NEWTON + r"Gradient descent is " + GRADIENT_STEPS + r" on $L(w)=\frac1{2n}\lVert y-Xw\rVert^2$. "
_MOMENTS = r"A sum of moments is $\hat w=\sum_s\beta_sS^sX^\top y$. "
_DATA: tuple[Assumption, ...] = (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    GAUSSIAN_TASK_IDENTITY,
    NOISELESS_LABELS,
)
_NONZERO_EXAMPLE = Assumption("nonzero_example", r"$x_k\ne0$.")
_WELL_CONDITIONED = Assumption("well_conditioned", r"The condition number is $\kappa\approx1$.")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="ols_min_norm",
        paper="fu2024",
        location="Eq. (2)",
        statement=LEAST_SQUARES
        + r"Ordinary least squares, $(X^\top X)^\dagger X^\top y$, is the minimum-norm minimizer of the "
        r"loss.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="gd_gradient",
        paper="fu2024",
        location="Eqs. (1), (3), (11)",
        statement=LEAST_SQUARES + r"The two forms of gradient descent, "
        r"$\hat w_{k+1}=\hat w_k-\eta\nabla L(\hat w_k)$ and "
        r"$\hat w_{k+1}=\hat w_k-\eta(S\hat w_k-X^\top y)$, are the same recursion.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="gd_power_series",
        paper="fu2024",
        location="§5",
        statement=GRADIENT_DESCENT
        + r"After $k$ steps $\hat w_k^{\mathrm{GD}}$ is $X^\top y$ times a polynomial in $S$ of degree "
        r"$O(k)$.",
        assumptions=(ZERO_INITIAL_WEIGHTS,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="gd_linear_rate",
        paper="fu2024",
        location="§3.1",
        statement=GRADIENT_DESCENT
        + r"It needs $O(\kappa(S)\log(1/\varepsilon))$ steps for error $\varepsilon$, where "
        r"$\kappa=\lambda_{\max}/\lambda_{\min}$.",
        assumptions=(FULL_COLUMN_RANK,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="gd_sublinear_average",
        paper="fu2024",
        location="§4.2, Fig. 2 caption",
        statement=GRADIENT_DESCENT
        + r"With a fixed step size it converges sublinearly, as measured by the error averaged over prompts.",
        assumptions=(*_DATA, FIXED_STEP_SIZE),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="ogd_interpolates_last",
        paper="fu2024",
        location="§3.1",
        statement="Online gradient descent takes step $k$ on the one example $(x_k,y_k)$. With step size "
        r"$\eta_k=1/\lVert x_k\rVert^2$ the new weights make zero error on $(x_k,y_k)$.",
        assumptions=(_NONZERO_EXAMPLE,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_residual_squaring",
        paper="fu2024",
        location="§3.1 (implicit)",
        statement=NEWTON + r"Its residuals satisfy $I-SM_{k+1}=(I-SM_k)^2$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_polynomial_expansion",
        paper="fu2024",
        location="§5, Eqs. (38), (39)",
        statement=NEWTON_ANY_SCALE + r"Its first iterates are $M_1=2\alpha S-4\alpha^2S^3$ and "
        r"$M_2=4\alpha S-12\alpha^2S^3+16\alpha^3S^5-16\alpha^4S^7$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_moment_degree",
        paper="fu2024",
        location="§5, Eq. (40)",
        statement=NEWTON_ANY_SCALE
        + r"Its iterates are $M_k=\sum_{s=1}^{2^{k+1}-1}\beta_sS^s$; $k$ steps need $\Omega(2^k)$ moments "
        r"of $S$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_initial_scale",
        paper="fu2024",
        location="Eqs. (5), (37)",
        statement=NEWTON
        + r"With this $\alpha$ it converges, $M_k\to S^\dagger$, for any $S=X^\top X$, singular ones "
        r"included.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_loglog_rate",
        paper="fu2024",
        location="§3.1",
        statement=NEWTON
        + r"It needs $O(\log\kappa(S)+\log\log(1/\varepsilon))$ steps for error $\varepsilon$, where "
        r"$\kappa=\lambda_{\max}/\lambda_{\min}$.",
        assumptions=(FULL_COLUMN_RANK,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_quadratic_convergence",
        paper="fu2024",
        location="§4.2",
        statement=NEWTON + r"It converges superlinearly on every prompt.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_exponentially_faster",
        paper="fu2024",
        location="§4.2, §5",
        statement=_BOTH
        + r"The degree in $S$ after $k$ steps is exponential in $k$ for Newton and linear for gradient "
        r"descent; the rates differ exponentially.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_gd_step_matching",
        paper="fu2024",
        location="Fig. 26",
        statement=_BOTH + ERROR_SIMILARITY + r"The best-matching number of gradient descent steps grows "
        r"exponentially in the number of Newton steps; Newton against itself gives the diagonal.",
        assumptions=_DATA,
        reason=NOT_STARTED,
    ),
    Claim(
        slug="well_conditioned_rates",
        paper="fu2024",
        location="§4.2",
        statement=_BOTH
        + r"For condition number $\kappa\approx1$ gradient descent needs $O(\log(1/\varepsilon))$ steps and "
        r"Newton $O(\log\log(1/\varepsilon))$; $\Sigma=I$ is treated as this case.",
        assumptions=(_WELL_CONDITIONED,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="first_order_lower_bound",
        paper="fu2024",
        location="§4.2 (citing Nemirovski and Yudin; Arjevani et al.)",
        statement=r"No gradient-based method beats $\Omega(\log(1/\varepsilon))$ steps for error $\varepsilon$, "
        "not even on quadratics; hence matching iterative Newton needs second-order information.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="preconditioned_gd_linear",
        paper="fu2024",
        location="Footnote 4",
        statement=LEAST_SQUARES + r"Preconditioned gradient descent on it still converges only linearly.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="cg_rate_and_termination",
        paper="fu2024",
        location="Appendix A.2.3, Eq. (12)",
        statement=LEAST_SQUARES
        + r"The conjugate gradient method needs $O(\sqrt\kappa\log(1/\varepsilon))$ steps for error "
        r"$\varepsilon$, where $\kappa=\lambda_{\max}/\lambda_{\min}$ of $S$; it moves along conjugate "
        r"directions with exact line search.",
        assumptions=(FULL_COLUMN_RANK,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="bfgs_inverse_update",
        paper="fu2024",
        location="Appendix A.2.3, Eqs. (13), (14)",
        statement=r"The BFGS method with $B_k\approx(\nabla^2L)^{-1}$, $s=w_{k+1}-w_k$ and $g=\nabla "
        r"L_{k+1}-\nabla L_k$ updates $B_{k+1}=B_k-\frac{B_kgg^\top B_k}{g^\top B_kg}+\frac{ss^\top}{g^\top s}$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="quasi_newton_ordering",
        paper="fu2024",
        location="§4.2, Appendix A.2.3, Figs. 11, 12",
        statement="BFGS keeps pace with the layers of the trained transformer, while limited-memory BFGS and "
        "the conjugate gradient method are slower.",
        assumptions=_DATA,
        reason=NOT_STARTED,
    ),
    Claim(
        slug="sum_of_moments_expansion",
        paper="fu2024",
        location="Appendix B.3, Eqs. (41), (42)",
        statement=ROWS
        + r"$S^s$ and $S^sX^\top y$ are written out as sums over chains of inner products of the examples "
        r"$x_1,\dots,x_t$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="weights_in_span_of_examples",
        paper="fu2024",
        location="Appendix B.4, Eqs. (43), (44)",
        statement=ROWS + _MOMENTS + r"Such weights lie in $\operatorname{span}\{x_1,\dots,x_t\}$.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="other_moment_coefficients",
        paper="fu2024",
        location="Appendix B.3, end",
        statement=ROWS
        + _MOMENTS
        + r"Rescaling the value matrices $V$ or the MLP of the transformer that the paper constructs for "
        r"iterative Newton gives other sums of moments.",
        reason=NOT_STARTED,
    ),
    Claim(
        slug="ridge_newton",
        paper="fu2024",
        location="Appendix A.3.2",
        statement=NEWTON
        + r"With noise, the estimator is $\hat w=(X^\top X+\lambda I)^\dagger X^\top y$ for some $\lambda$; "
        r"iterative Newton on $S+\lambda I$ instead of $S$ keeps the superlinear rate.",
        assumptions=(NOISY_LABELS,),
        reason=NOT_STARTED,
    ),
    Claim(
        slug="newton_order_invariance",
        paper="fu2024",
        location="§4.5, Fig. 5",
        statement=NEWTON
        + r"Its error is the same on recent and on early examples; that of online gradient descent (one "
        r"example a step, $\eta_k=1/\lVert x_k\rVert^2$) favours the recent ones.",
        reason=NOT_STARTED,
    ),
)
