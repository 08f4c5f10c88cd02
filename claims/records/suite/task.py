"""REPLACE: the record of the proposition ``task``."""

from icl_claims.claims.claim import Assumption, Claim

CLAIMS = (
    Claim(
        slug="task",
        paper="suite",
        location="REPLACE: where it stands",
        statement=r"REPLACE: one gradient step of size $a$ from $w=0$ leaves the error $w-t=(as-1)t$.",
        assumptions=(
            Assumption("quadratic_loss", r"The loss is $R(w)=\tfrac{s}{2}(w-t)^2$."),
            Assumption("start_at_zero", r"The step starts at $w=0$."),
        ),
        derivation="theory.derivations.task",
        draft=True,  # Take this away when nothing is owed any more: a draft is never verified, and fails nothing.
    ),
)
