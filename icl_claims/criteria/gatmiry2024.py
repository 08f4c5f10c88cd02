r"""Criteria of the experiments of Gatmiry et al. (2024).

A changed letter changes every seed: the runs are then made anew.
"""

from __future__ import annotations

from icl_claims.criteria import Criterion

CONVERGES = Criterion(
    r"Three runs for each of $n=5,40$ and $L=1,2,3,5$, with $d=10$ and $\Sigma=I$. Losses are medians "
    r"over ${batches}$ fresh batches of ${contexts}$ contexts, $w$ and $x_q$ averaged out, the same for all runs of "
    r"an $n$. At $n=40$ and $L=5$ every run loses at most ${share}$ of $d$, the loss of predicting 0. For each $n$ "
    r"every run loses less than every run with fewer loops.",
    {"batches": "11", "contexts": "1000", "share": "1/50"},
)

IDENTITY = Criterion(
    r"Three runs for each of $n=5,40$ and $L=1,2,3,5$, with $d=10$ and $\Sigma=I$. At the start of every run "
    r"$\operatorname{Dist}(A,I)\ge{far}$, and at its end $\operatorname{Dist}(A,I)\le{near}$.",
    {"far": "4/5", "near": "1/20"},
)

MATCHES = Criterion(
    r"Three runs for each of $n=5,40$ and $L=2,3,5$, with $d=10$ and $\Sigma=I$. On more than half of "
    r"${batches}$ fresh batches of ${contexts}$ contexts, $w$ and $x_q$ averaged out, every run loses at most "
    r"${factor}$ times what $L$ layers $A_l=a_lI$ with the steps $a_l$ of least population loss lose.",
    {"batches": "11", "contexts": "1000", "factor": "2"},
)

TEST_TIME = Criterion(
    r"Three runs for each of $L=2,5$ with $n=40$, $d=10$ and $\Sigma=I$. On more than half of ${batches}$ "
    r"fresh batches of ${contexts}$ contexts, $w$ and $x_q$ averaged out, the loss of every run falls with each "
    r"further loop from $L$ to ${loops}$; for $\Sigma=I$, and for $\Sigma$ with five eigenvalues ${small}$ and five "
    r"${large}$.",
    {"batches": "11", "contexts": "1000", "loops": "40", "small": "1/2", "large": "3/2"},
)
