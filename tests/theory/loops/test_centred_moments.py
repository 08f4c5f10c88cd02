"""Moments of S − I: against coordinates, and each refusal of their checks is reached."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flint import fmpq

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops import centred_moments as module
from icl_claims.theory.loops.centred_moments import (
    DIM,
    UNIT,
    centred_moment,
    gaussian_moment,
    joint_centred_moment,
    prove_expansion,
    prove_leading,
    prove_limit,
    prove_recursion,
    prove_steps_are_positive,
)
from icl_claims.theory.task import isotropic
from tests.shared.settings import Setting


@pytest.mark.parametrize(("d", "n", "parts"), [(1, 3, (4,)), (2, 2, (3,)), (2, 2, (2, 1)), (2, 1, (2, 2))])
def test_moments_in_coordinates(d: int, n: int, parts: tuple[int, ...]) -> None:
    """The entries of H multiplied out, and averaged monomial by monomial."""
    v, prompt = Setting(isotropic(d, n)).prompt()
    S = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in prompt.X] for a in prompt.X]
    H = [[v.ring(S[i][j]) - n * int(i == j) for j in range(d)] for i in range(d)]
    product = v.ring(1)
    for k in parts:
        power = [[v.ring(int(i == j)) for j in range(d)] for i in range(d)]
        for _ in range(k):
            power = [[sum(power[i][m] * H[m][j] for m in range(d)) for j in range(d)] for i in range(d)]
        product *= sum(power[i][i] for i in range(d))
    found = joint_centred_moment(parts).to_dict().items()
    value = sum((fmpq(int(c)) * d ** int(i) / fmpq(n) ** int(j) for (i, j), c in found), fmpq(0))
    assert v.mean(product) / fmpq(n) ** sum(parts) == value


def test_moments_of_the_gaussian_ensemble() -> None:
    """Even moments as Ledoux (2009) lists them for the orthogonal ensemble; odd ones vanish."""
    assert [gaussian_moment(k) for k in (2, 4, 6)] == [[0, 1, 1], [0, 5, 5, 2], [0, 41, 52, 22, 5]]
    assert gaussian_moment(3) == []
    assert gaussian_moment(4, variance=3) == [9 * c for c in gaussian_moment(4)]
    # For d = 1 it is N(0, 2v + c).
    assert sum(gaussian_moment(6, variance=2, common=3)) == 15 * 7**3


def test_sizes_are_validated() -> None:
    for k in (0, module.LARGEST_ORDER + 1):
        with pytest.raises(ValueError, match="k must be"):
            centred_moment(k)


def test_another_recursion_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_recursion(3, 4)
    honest = module.centred_moment
    monkeypatch.setattr(module, "centred_moment", lambda k: honest(k) + int(k == 4))
    with pytest.raises(Refuted, match="another E tr H\\^4"):
        prove_recursion(3, 4)
    joint = module.joint_centred_moment
    monkeypatch.setattr(module, "joint_centred_moment", lambda parts: joint(parts) + int(parts == (2, 1)))
    with pytest.raises(Refuted, match="another moment at the exponents"):
        prove_recursion(3, 2)


@pytest.mark.parametrize(
    ("term", "reason"),
    [((-1, (2,)), "is not positive"), ((1, (1,)), "by another number"), ((1, (1, 1, 1)), "more than one")],
)
def test_another_kind_of_term_is_refused(
    monkeypatch: pytest.MonkeyPatch, term: tuple[int, tuple[int, ...]], reason: str
) -> None:
    prove_steps_are_positive(4)
    honest = module.steps

    def steps(parts: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
        yield from honest(parts)
        if parts == (4,):
            yield term

    monkeypatch.setattr(module, "steps", steps)
    with pytest.raises(Refuted, match=reason):
        prove_steps_are_positive(4)


@pytest.mark.parametrize(
    ("k", "lowest", "last", "excess", "reason"),
    [(4, 1, 3, 1, "lowest"), (4, 3, 3, 1, "lowest"), (4, 2, 4, 1, "highest"), (4, 2, 3, 0, "degree in d")],
)
def test_another_expansion_is_refused(k: int, lowest: int, last: int, excess: int, reason: str) -> None:
    prove_expansion(k, 2, 3, 1)
    with pytest.raises(Refuted, match=reason):
        prove_expansion(k, lowest, last, excess)


def test_a_negative_coefficient_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "centred_moment", lambda _: DIM**2 * UNIT - DIM * UNIT)
    with pytest.raises(Refuted, match="is negative"):
        prove_expansion(2, 1, 1, 1)


@pytest.mark.parametrize(("variance", "common"), [(2, 0), (1, 1)])
def test_another_gaussian_matrix_is_refused(variance: int, common: int) -> None:
    prove_leading(3, 1, 0)
    with pytest.raises(Refuted, match="moment of the Gaussian matrix"):
        prove_leading(3, variance, common)


@pytest.mark.parametrize(("step", "limit"), [(1, 1), (2, 0), (fmpq(1, 2), 0)])
def test_another_limit_is_refused(step: fmpq | int, limit: int) -> None:
    prove_limit(fmpq(1), fmpq(0), 2)
    with pytest.raises(Refuted, match="does not tend"):
        prove_limit(fmpq(step), fmpq(limit), 2)
