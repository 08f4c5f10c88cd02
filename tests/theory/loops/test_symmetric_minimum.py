"""The best symmetric matrix of a looped layer: each refusal of the checks is reached."""

from __future__ import annotations

import pytest
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.loops import symmetric_minimum as module
from icl_claims.theory.loops.symmetric_minimum import prove_mean_is_better, prove_one_example, prove_schur


def test_a_matrix_that_is_not_symmetric_violates_the_inequality_of_traces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There tr(I − SA)^{2L} is no sum of even powers of real numbers; with the trace doubled it is refused, too."""
    prove_schur(2)
    honest = module.exact.trace
    monkeypatch.setattr(module.exact, "trace", lambda m: 2 * honest(m) + 1)
    with pytest.raises(Refuted, match="below the trace"):
        prove_schur(2)


@pytest.mark.parametrize("scale", [0, fmpq(1, 2), 2])
def test_another_multiple_is_refused(scale: fmpq | int) -> None:
    prove_mean_is_better(fmpq(1), 2, 3)
    prove_mean_is_better(fmpq(1), 2, 1, symmetric=False)
    with pytest.raises(Refuted, match="\\(symmetric\\) is below"):
        prove_mean_is_better(fmpq(scale), 2, 3)
    with pytest.raises(Refuted, match="\\(any\\) is below"):
        prove_mean_is_better(fmpq(scale), 2, 1, symmetric=False)


def test_all_matrices_need_one_example() -> None:
    """For two loops and many examples a matrix that is not symmetric is better."""
    with pytest.raises(Refuted, match="\\(any\\) is below"):
        prove_mean_is_better(fmpq(1), 2, 100, symmetric=False)


@pytest.mark.parametrize(("call", "reason"), [(1, "power of one example"), (3, "is not \\(1 − t\\)")])
def test_another_power_is_refused(monkeypatch: pytest.MonkeyPatch, call: int, reason: str) -> None:
    """One of the scalars 1 is replaced by 2."""
    prove_one_example(4)
    honest, calls = module.eye, []

    def eye(size: str) -> Words:
        calls.append(size)
        return honest(size) * (2 if size == "1" and calls.count("1") == call else 1)

    monkeypatch.setattr(module, "eye", eye)
    with pytest.raises(Refuted, match=reason):
        prove_one_example(2)
