r"""Ahn et al. (2023), Section 4 and Appendices B and C: several layers, Lemma 1, Theorems 2 and 3."""

from __future__ import annotations

from dataclasses import replace

from icl_claims.claims.assumptions import (
    GAUSSIAN_COVARIATES,
    GAUSSIAN_TASK_IDENTITY,
    INDEPENDENT_TASK,
    ISOTROPIC_COVARIATES,
    MASKED_QUERY,
    NOISELESS_LABELS,
    POSITIVE_DEFINITE_COVARIANCE,
    SYMMETRIC_PRECONDITIONERS,
    WHITENED_SETTING,
    ZERO_QUERY_LABEL,
)
from icl_claims.claims.claim import Assumption, Claim, OtherReading

_SPARSE = (
    r"In the sparse parametrization $P_l=\operatorname{diag}(0_{d\times d},1)$, "
    r"$Q_l=-\operatorname{diag}(A_l,0)$ with $A_l\in\mathbb R^{d\times d}$: "
)

_SCALED = r"$\mathcal S=\{A_l=a_l\Sigma^{-1}\text{ for all }l\}$"

_ON_SCALED_SET = Assumption("scaled_set", r"$A_l=a_l\Sigma^{-1}$ for all $l$, with numbers $a_l$.")


def _needing_an_inverse(assumptions: tuple[Assumption, ...]) -> tuple[Assumption, ...]:
    """The assumptions, with the reason why there is no instance without a positive definite Σ."""
    reason = (
        r"The statement is not defined: without it there is no $\Sigma^{-1}$, and neither "
        r"$\mathcal S$ nor the task is."
    )
    return _with_reason(assumptions, {POSITIVE_DEFINITE_COVARIANCE.key: reason})


_EXCHANGED_UNMASKED = (
    "Not tried for all sizes: the exchange holds without it, prompt by prompt, and so does the reduction to the "
    "steps. Two layers have three critical points on the set without it at $d=1$, $n\\le3$ and at $d=2$, $n=1$."
)


def _with_reason(assumptions: tuple[Assumption, ...], reasons: dict[str, str]) -> tuple[Assumption, ...]:
    return tuple(replace(a, not_shown=reasons[a.key]) if a.key in reasons else a for a in assumptions)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="forward_pass_is_preconditioned_gd",
        paper="ahn2023",
        location="Lemma 1, App. C.1",
        statement=_SPARSE
        + r"$[Z_l]_{d+1,n+1}=-\langle x_q,w_l\rangle$ with $w_0=0$ and $w_{l+1}=w_l-A_l\nabla R(w_l)$, "
        r"$R(w)=\frac1{2n}\sum_i(\langle w,x_i\rangle-\langle w_\star,x_i\rangle)^2$ and $w_\star$ the task. "
        r"For every prompt, every $A_l$, every $l$.",
        reading=r"Judged literally: in $PZM(Z^\top QZ)$ the mask makes the left index of $Z^\top QZ$ the key, so the "
        r"query meets $-x_i^\top A_lx_q$. For symmetric $A_l$, so on every set that the paper's theorems consider, the "
        r"lemma as written and with $A_l^\top$ agree.",
        other_readings=(
            OtherReading(
                "tokens_as_rows",
                r"As in the published code, which holds tokens as rows: its key-query block is the transpose, "
                r"$Q_l=-\operatorname{diag}(A_l^\top,0)$. There the lemma is right.",
            ),
        ),
        assumptions=(NOISELESS_LABELS, MASKED_QUERY, ZERO_QUERY_LABEL),
        severity="notation",
    ),
    Claim(
        slug="query_label_shift",
        paper="ahn2023",
        location="App. C.2 Lemmas 5, 6",
        statement="Filling the query's label slot with $c$ shifts the query's entry $[Y_l]_{n+1}$ of the label "
        r"row by exactly $c$ at every layer and leaves everything else unchanged; hence $f=\mathbb E[([\bar "
        r"Y_L]_{n+1})^2]$, $\bar Y_l$ the label row when the slot starts at $\langle w,x_q\rangle$ (Lemma 5).",
        assumptions=(
            Assumption(
                "sparse_or_relaxed",
                r"Sparse or relaxed parametrization: $P_l=\operatorname{diag}(B_l,1)$ ($B_l=0$ where sparse) and "
                r"$Q_l=\pm\operatorname{diag}(A_l,0)$.",
            ),
            MASKED_QUERY,
        ),
        parts=("shift", "loss"),
        derivation="theory.derivations.query_label_shift",
    ),
    Claim(
        slug="two_layer_symmetric_minimizer",
        paper="ahn2023",
        location="Theorem 2, App. B.1",
        statement=r"$L=2$, sparse parametrization, $A_0$ and $A_1$ symmetric, $\Sigma=\Omega=I$: some pair of "
        "diagonal matrices is a global minimizer (“coordinate-wise adaptive step sizes”).",
        assumptions=(
            ISOTROPIC_COVARIATES,
            GAUSSIAN_COVARIATES,
            INDEPENDENT_TASK,
            GAUSSIAN_TASK_IDENTITY,
            MASKED_QUERY,
            NOISELESS_LABELS,
            ZERO_QUERY_LABEL,
            replace(
                SYMMETRIC_PRECONDITIONERS,
                not_shown="One symmetric matrix of the two is enough. No pair without any is known that loses "
                "less; that there is none is not proved.",
            ),
        ),
        reading="A minimizer is one among the symmetric pairs. The minimizers turn out to be multiples of the "
        "identity, so the coordinates share their step sizes: `two_layer_symmetric_minimizer_scalar`.",
        rests_on=("two_layer_symmetric_minimizer_scalar",),
        derivation="theory.derivations.two_layer_symmetric_minimizer",
    ),
    Claim(
        slug="critical_points_scaled_inverse_covariance",
        paper="ahn2023",
        location="Theorem 3, App. B.2",
        statement=r"Any $L$, sparse parametrization, $x\sim\mathcal N(0,\Sigma)$, "
        r"$w\sim\mathcal N(0,\Sigma^{-1})$. On the set "
        + _SCALED
        + r": $\inf_{\mathcal S}\sum_l\lVert\nabla_{A_l}f\rVert_F^2=0$. The footnote adds that the infimum "
        r"need not be attained, so $\mathcal S$ might hold no exact critical point.",
        assumptions=_needing_an_inverse(WHITENED_SETTING),
        parts=("infimum",),
        reading="The theorem is the value of the infimum. The footnote is read as a caution about what its "
        "proof shows.",
        other_readings=(
            OtherReading(
                "not_attained",
                "The footnote asserts that for some sizes the infimum is not attained. False: it is attained for all "
                "sizes, depths and covariances, `critical_points_attained`.",
            ),
        ),
        derivation="theory.derivations.critical_points_scaled_inverse_covariance",
        rests_on=("invariant_direction_reduction",),
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
        derivation="theory.derivations.invariant_direction_reduction",
    ),
    Claim(
        slug="permutation_symmetry",
        paper="ahn2023",
        location="App. B.4 Lemma 4",
        statement=r"On "
        + _SCALED
        + r", $f$ is unchanged when two layers' matrices are exchanged: $f$ has several critical points.",
        reading=r"Two layers are there to be exchanged: $L\ge2$. A critical point is one where the gradient in "
        r"all entries of all $A_l$ vanishes. “Several” are those that exchange makes of one, on $\mathcal S$: "
        r"$L!$ at "
        "least. That needs one with different steps, which Lemma 4 does not supply; "
        "`optimal_steps_global_minimum` does.",
        assumptions=(
            _ON_SCALED_SET,
            Assumption("several_layers", r"$L\ge2$."),
            *_needing_an_inverse(_with_reason(WHITENED_SETTING, {MASKED_QUERY.key: _EXCHANGED_UNMASKED})),
        ),
        derivation="theory.derivations.permutation_symmetry",
        rests_on=("optimal_steps_global_minimum", "invariant_direction_reduction"),
        parts=("exchange", "several"),
    ),
)
