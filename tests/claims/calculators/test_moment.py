"""``moment``: polynomials and values, and the limits that the help states."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from icl_claims.claims import cli
from icl_claims.claims.calculators.moment import moment
from tests.shared.command_line import answer, refusal, shown


def test_moment() -> None:
    found = answer("moment 2,1 --dim 3 --context 8")
    assert list(found) == ["powers", "polynomial", "value"]
    assert found["powers"] == [2, 1]
    assert eval(found["polynomial"], {"d": 3, "n": 8}) == found["value"] == 8064
    assert moment([1], 2) == moment([1], None, 3) == moment([1])
    assert answer("moment 1") == {"powers": [1], "polynomial": "d*n"}
    assert answer("moment 1,2")["polynomial"] == found["polynomial"]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 10**18 - 1))
def test_moments_in_one_dimension_are_those_of_chi_squared(powers: list[int], n: int) -> None:
    found = answer(f"moment {','.join(map(str, powers))} --dim 1 --context {n}")
    assert found["value"] == math.prod(n + 2 * j for j in range(sum(powers)))
    assert eval(found["polynomial"], {"d": 1, "n": n}) == found["value"]


def test_moments_beyond_symbols() -> None:
    found = answer("moment 151 --dim 1 --context 3")
    assert found == {"powers": [151], "polynomial": None, "value": math.prod(range(3, 305, 2))}
    assert answer("moment 30,30 --dim 1 --context 1")["value"] == math.prod(range(1, 121, 2))


def test_a_power_0_is_the_dimension() -> None:
    assert answer("moment 0 --dim 3 --context 8") == {"powers": [0], "polynomial": "d", "value": 3}
    with_zero, without = answer("moment 0,2,0 --dim 3 --context 8"), answer("moment 2 --dim 3 --context 8")
    assert with_zero["value"] == 9 * without["value"]
    assert eval(with_zero["polynomial"], {"d": 3, "n": 8}) == with_zero["value"]


@pytest.fixture
def integers_of_any_length() -> Iterator[None]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("integers_of_any_length")
@pytest.mark.parametrize("n", [1, 10**18 - 1])
def test_the_largest_power(n: int) -> None:
    """More than 4300 digits, which Python writes only when told to: in JSON and in text."""
    expected = math.prod(n + 2 * j for j in range(2000))
    assert expected > 10**5000
    result = CliRunner().invoke(cli.group, ["moment", "2000", "--dim", "1", "--context", str(n), "--json"])
    assert json.loads(result.output)["value"] == expected
    assert shown(f"moment 2000 --dim 1 --context {n}")["value"] == [str(expected)]


@pytest.mark.usefixtures("integers_of_any_length")
def test_writing_long_integers_leaves_the_limit_of_python() -> None:
    sys.set_int_max_str_digits(5000)
    shown("moment 2000 --dim 1 --context 1")
    assert sys.get_int_max_str_digits() == 5000


@pytest.mark.parametrize("powers", ["150", "0,149,1", "24,24", "0,24,1,24,1"])
def test_the_stated_limits_of_the_polynomial(powers: str) -> None:
    assert answer(f"moment {powers}")["polynomial"]


@pytest.mark.parametrize("powers", ["1999,1", "32,32", "1,16,16,16,16,0"])
def test_the_stated_limits_of_the_value(powers: str) -> None:
    assert shown(f"moment {powers} --dim 3 --context 2")["value"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-1", "must be integers ≥ 0 such as 2,1, got '-1': W has no negative powers here"),
        ("-1,2 --dim 2 --context 3", "got '-1,2': W has no negative powers here"),
        ("2,-1", "must be integers ≥ 0 such as 2,1, got '-1': W has no negative powers here"),
        ("-- -3", "got '-3': W has no negative powers here"),
        ("2 -x", "No such option '-x'"),
        ("2,", "'K1,K2,…': must be an integer ≥ 0, got ''"),
        ("2,x", "'K1,K2,…': must be an integer ≥ 0, got 'x'"),
        ("151", "'K1,K2,…': powers must sum to at most 150 where a size is a symbol, got (151,)"),
        ("149,1,1", "'K1,K2,…': powers must sum to at most 150 where a size is a symbol"),
        ("25,24", "'K1,K2,…': powers must sum to at most 48 over several powers ≥ 2 where"),
        ("33,32 --dim 2 --context 3", "'K1,K2,…': powers must sum to at most 64 over several powers"),
        ("2001 --dim 2 --context 3", "'K1,K2,…': powers[0] must be an integer from 0 to 2000, got 2001"),
        ("2 --dim 3", "--dim needs --context beside it"),
        ("2 --context 3", "--context needs --dim beside it"),
        ("2 --dim -3 --context 1", "'--dim': must be an integer ≥ 1, got '-3'"),
    ],
)
def test_refusals(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refusal(f"moment {line}", capsys)
