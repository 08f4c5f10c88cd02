r"""Gatmiry et al. (2024): gradient dominance, and the convergence of the gradient flow."""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    INDEPENDENT_TASK,
    ISOTROPIC_COVARIATES,
    LARGE_CONTEXT,
    NOISELESS_LABELS,
    WHITENED_TASK,
)
from icl_claims.claims.claim import Claim, OtherReading
from icl_claims.claims.records.gatmiry2024.setting import DATA, LOSS

_IMPLIED = {
    "gaussian_covariates": "Other laws with the same covariance have the same limit, and the guarantee follows from "
    "the inequality whatever the law; the suite has no law for which a part fails.",
    "positive_definite_covariance": r"Without it there is no $\Sigma^{-1}$, and no task.",
    "independent_task": "The guarantee follows from the inequality whatever the law of $w$; the landscape of other "
    "laws was not looked at.",
    "whitened_task": "The guarantee follows from the inequality whatever the task; with another one the flow from $0$ "
    "leaves the multiples of $I$, where its time is known.",
}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="gradient_dominance",
        paper="gatmiry2024",
        location="Theorem 3.4",
        statement=LOSS + r"$\lVert\nabla_A\mathcal L(A,0)\rVert_F^2\ge\frac1{16}\mathcal L(A,0)^{(2L-1)/L}$ "
        r"whenever the loss $\mathcal L(A,0)$ is not already tiny ($n$ is large enough relative to $L$ and "
        r"$d$ for the stated level of the loss).",
        assumptions=(*DATA, LARGE_CONTEXT),
        provenance="secondary",
        severity="constant",
        reading=r"Judged for every $A$, symmetric or not, and every $\Sigma\succ0$, which the assumptions allow. “Not "
        r"already tiny” leaves a threshold open; the counterexamples stand at $A=0$, where the loss is $d$, for every "
        r"$n$, so that they satisfy any threshold. An exponent that is right needs a constant that falls with $d$ and "
        r"with the eigenvalues of $\Sigma$: `gradient_dominance_sharp`.",
        other_readings=(
            OtherReading(
                "isotropic",
                r"With $\Sigma=I$, as in Theorem 3.3: false where $d^{(L-1)/L}>64L^2$, from $d=65537$ on for $L=2$.",
            ),
        ),
    ),
    Claim(
        slug="gradient_flow_convergence",
        paper="gatmiry2024",
        location="Theorem 3.3",
        statement=LOSS + r"For $\Sigma=I$, the gradient flow "
        r"$\frac{\mathrm dA}{\mathrm dt}=-\nabla_A\mathcal L(A,0)$ reaches loss at most $\xi$ by time "
        r"$t\ge\bigl(\frac1\xi\bigr)^{(L-1)/(2L-1)}\bigl(\frac{16L}{L-1}\bigr)^{(L-1)/L}$, for $\xi$ above "
        r"the level that $n$ allows, and $A(t)$ is then spectrally close to the global minimizer "
        r"$A_{\mathrm{opt}}$.",
        assumptions=(
            GAUSSIAN_COVARIATES,
            ISOTROPIC_COVARIATES,
            INDEPENDENT_TASK,
            WHITENED_TASK,
            NOISELESS_LABELS,
            LARGE_CONTEXT,
        ),
        provenance="secondary",
        severity="constant",
        reading=r"The flow starts at $A(0)=0$, and the loss is at most $\xi$ at every $t$ from the stated time on. The "
        r"time is defined for $L\ge2$ only. “Above the level that $n$ allows” leaves a threshold open; the "
        r"counterexamples stand for every $n$: no flow from $0$ is faster than the limit $n\to\infty$, which needs "
        r"$\bigl((d/\xi)^{(L-1)/L}-1\bigr)/(4L(L-1))$, with another exponent and with $d$ (`gradient_flow_time`).",
        other_readings=(
            OtherReading(
                "implied_time",
                r"With $\frac{16L}{L-1}\xi^{-(L-1)/L}$ for the time, which is what the dominance inequality with "
                r"$1/16$ implies: true in the limit for $d^{(L-1)/L}\le64L^2$.",
            ),
        ),
    ),
    Claim(
        slug="faster_than_polyak_lojasiewicz",
        paper="gatmiry2024",
        location="§1, §3",
        statement=LOSS + r"The exponent $(2L-1)/L$ of the gradient dominance "
        r"$\lVert\nabla_A\mathcal L(A,0)\rVert_F^2\ge\frac1{16}\mathcal L(A,0)^{(2L-1)/L}$ gives a "
        r"convergence guarantee although the landscape in $A$ is not convex for $L\ge2$.",
        assumptions=(*(replace(a, not_shown=_IMPLIED.get(a.key)) for a in DATA), LARGE_CONTEXT),
        parts=("guarantee", "not_convex"),
        provenance="secondary",
        derivation="theory.derivations.faster_than_polyak_lojasiewicz",
        rests_on=("gradient_dominance_sharp",),
        reading=r"The guarantee is read as an implication: wherever the inequality holds along a gradient flow, with "
        r"$1/16$ or any other constant $c$, the loss is at most $\xi$ after "
        r"$\frac{L}{c(L-1)}\bigl(\xi^{-(L-1)/L}-\mathcal L(0)^{-(L-1)/L}\bigr)$. That it holds with $1/16$ is false "
        r"(`gradient_dominance`); where it does hold, and with which constant, `gradient_dominance_sharp` says. The "
        r"exponent is above 1 for $L\ge2$: for losses below 1 the guarantee is weaker than that of the "
        r"Polyak–Łojasiewicz inequality, which is exponential, and for losses above 1 stronger. The landscape is read "
        r"as that over all matrices with $d\ge2$: for $d=1$ the loss is convex for every $L$ and $n$ "
        "(`optimal_looped_step_unique`).",
        other_readings=(
            OtherReading(
                "symmetric_matrices",
                r"Not convex over the symmetric $A$: in the limit $n\to\infty$ with $\Sigma=I$ it is convex there.",
            ),
        ),
    ),
)
