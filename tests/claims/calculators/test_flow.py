"""``flow``: times against a quadrature that shares no code with them, constants against formulas by hand."""

from __future__ import annotations

from fractions import Fraction
from math import comb, prod

import mpmath
import pytest

from icl_claims.claims.calculators import commands, flow
from tests.shared.command_line import answer, shown


def loss_of_one_dimension(n: int, loops: int) -> list[Fraction]:
    """Coefficients of E (1 − a s)^{2L} for s = χ²_n/n, from E (χ²_n)^k = n (n + 2) ⋯ (n + 2k − 2)."""
    moments = [
        Fraction(prod(range(n, n + 2 * k, 2)), n**k) if k else Fraction(1) for k in range(2 * loops + 1)
    ]
    return [(-1) ** k * comb(2 * loops, k) * m for k, m in enumerate(moments)]


@pytest.mark.parametrize(
    ("n", "loops", "level"), [(5, 1, "1/2"), (20, 2, "1/4"), (100, 3, "1/50"), (3, 4, "3/4")]
)
def test_time_by_quadrature(n: int, loops: int, level: str) -> None:
    found = answer(f"flow --dim 1 --context {n} --loops {loops} --level {level}")
    f = [mpmath.mpf(c.numerator) / c.denominator for c in loss_of_one_dimension(n, loops)]
    slope = [k * c for k, c in enumerate(f)][1:]
    with mpmath.workdps(30):
        target = mpmath.mpf(Fraction(level).numerator) / Fraction(level).denominator
        end = mpmath.findroot(
            lambda a: mpmath.polyval(f[::-1], a) - target, (0, found["optimal_step"]), solver="anderson"
        )
        time = mpmath.quad(lambda a: -1 / mpmath.polyval(slope[::-1], a), mpmath.linspace(0, end, 9))
    assert abs(found["step"] - end) < 1e-12
    assert abs(found["time"] - time) < 1e-10 * time
    assert found["limit_time"] < found["time"] < found["upper_time"]


def test_constants_by_hand() -> None:
    found = answer("flow --dim 4 --context 50 --loops 2 --level 1")
    assert found["dominance"] == 8.0
    assert found["recorded_radius"] == pytest.approx(8 * (16 * 4 / 50**0.5 * 4) ** 0.25, rel=1e-14)
    assert found["limit_time"] == 1 / 8
    assert found["recorded_time"] == pytest.approx(32**0.5, rel=1e-15)
    assert found["least_loss"] < found["recorded_dominance_from"] < 1.1 * found["least_loss"]
    one = answer("flow --dim 4 --context 50 --loops 1 --level 1")
    assert one["recorded_time"] is None
    assert one["dominance"] == 4.0
    assert answer("flow --dim 4 --context 50 --loops 4 --level 1")["recorded_dominance_from"] is None


def test_a_constant_that_fails_at_large_losses_has_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "RECORDED", flow.fmpq(12))
    assert answer("flow --dim 4 --context 50 --loops 2 --level 1")["recorded_dominance_from"] is None


def test_a_level_that_is_never_reached() -> None:
    found = answer("flow --dim 5 --context 10 --loops 2 --level 1/1000")
    assert found["time"] is found["upper_time"] is found["step"] is None
    assert "never" in found["note"]
    assert found["least_loss"] > 1
    assert "time" not in shown("flow --dim 5 --context 10 --loops 2 --level 1/1000")


def test_points_lead_to_the_level() -> None:
    found = answer("flow --dim 3 --context 30 --loops 2 --level 1/2 --points 5")
    assert len(found["levels"]) == len(found["times"]) == 5
    assert found["levels"] == sorted(found["levels"], reverse=True)
    assert found["times"] == sorted(found["times"])
    assert (found["levels"][-1], found["times"][-1]) == (0.5, found["time"])


def test_largest_sizes() -> None:
    d, loops = commands.LARGEST_FLOW, commands.MOST_LOOPS
    found = answer(f"flow --dim {d} --context {100 * d} --loops {loops} --level 10")
    assert found["limit_time"] < found["time"] < found["upper_time"]
