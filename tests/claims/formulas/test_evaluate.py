"""The evaluator of printed formulas."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq, fmpq_poly

from tests.claims.formulas.evaluate import evaluate, holds, parse
from tests.claims.formulas.values import Matrix, Root, Rounded, Undefined

A = Matrix([[1, 2], [3, 4]])
X = Matrix.column([1, 2])


@pytest.mark.parametrize(
    ("text", "environment", "value"),
    [
        (r"\frac12+2\cdot3/4-2^3", {}, fmpq(-6)),
        ("2L(2L-1)", {"L": 3}, 30),
        (r"a_l^2", {"a_": [5, 7], "l": 1}, 49),
        (r"A_{l+1}", {"A_": [5, 7], "l": 0}, 7),
        (r"x_q", {"x_q": 3, "x_": [1]}, 3),
        (r"[A]_{2,1}", {"A": A}, 3),
        (r"A^\top A", {"A": A}, Matrix([[10, 14], [14, 20]])),
        (r"A^{-1}A", {"A": A}, Matrix([[1, 0], [0, 1]])),
        (r"x^\top Ax", {"A": A, "x": X}, Matrix([[27]])),
        (r"\langle x,x\rangle", {"x": X}, 5),
        (r"\lVert A\rVert_F^2", {"A": A}, 30),
        (r"\operatorname{tr}A^2", {"A": A}, 29),
        (r"\operatorname{rank}A", {"A": A}, 2),
        (r"\sum_{k=1}^3k^2", {}, 14),
        (r"\sum_{k\le2}k", {"k∈": range(9)}, 3),
        (r"\sum_{r\in\nu}2r", {r"\nu": (1, 4)}, 10),
        (r"\prod_l(1-a_l)", {"a_": [3, 4], "l∈": range(2)}, 6),
        (r"\int s^2\,d\mu(s)", {"s": fmpq_poly([0, 1]), r"\int": lambda p: p[2] * 7}, 7),
        (r"f(a)b", {"f": lambda x: x + 1, "a": 2, "b": 5}, 15),
        (r"f(a)^2", {"f": lambda x: x + 1, "a": 2}, 9),
        (r"T\,x", {"T": lambda m: m, "x": X}, X),
        (r"\mathbb E[x^2]", {"E∈": [{"x": 1}, {"x": 3}]}, 5),
        (r"L!", {"L": 4}, 24),
        (r"|a|", {"a": -3}, 3),
    ],
)
def test_values(text: str, environment: dict[str, Any], value: Any) -> None:
    given = {parse(key).text if key.isalpha() else key: v for key, v in environment.items()}
    assert holds(parse(text), {**given, "=": value})


@pytest.mark.parametrize(
    ("text", "environment", "true"),
    [
        ("a<b<c", {"a": 1, "b": 2, "c": 3}, True),
        ("a<b<c", {"a": 1, "b": 3, "c": 3}, False),
        ("l=0,1,2", {"l": 2}, True),
        ("l=0,1,2", {"l": 3}, False),
        (r"x\in\{0,1\}", {"x": 1}, True),
        (r"A\in\mathbb R^{d\times2}", {"A": A, "d": 2}, True),
        (r"A\in\mathbb R^{d\times2}", {"A": X, "d": 2}, False),
        (r"A\succ0", {"A": Matrix([[2, 1], [1, 2]])}, True),
        (r"A\succ0", {"A": Matrix([[1, 1], [1, 1]])}, False),
        (r"A\preceq cI", {"A": Matrix([[1, 1], [1, 1]]), "c": 2, "I": Matrix([[1, 0], [0, 1]])}, True),
        (r"\lVert A\rVert\le\lVert B\rVert", {"A": X, "B": A}, True),
        (r"a\ne b", {"a": 1, "b": 1}, False),
        ("a=(-0.34,2.0)", {"a": (Rounded.of(fmpq(-337, 1000)), Rounded.of(fmpq(203, 100)))}, True),
        ("a=(-0.34,2.0)", {"a": (Rounded.of(fmpq(-334, 1000)), Rounded.of(fmpq(203, 100)))}, False),
    ],
)
def test_relations(text: str, environment: dict[str, Any], true: bool) -> None:
    assert evaluate(parse(text), environment) is true


@pytest.mark.parametrize(
    ("value", "bound", "text", "agrees"),
    [
        (fmpq(1263, 10000), "down", "0.126", True),
        (fmpq(1263, 10000), "down", "0.125", False),
        (fmpq(1263, 10000), "up", "0.127", True),
        (fmpq(625, 100) * 10**6, "down", r"6\cdot10^6", True),
        (fmpq(65, 10) * 10**6, "nearest", r"6\cdot10^6", True),
        (fmpq(66, 10) * 10**6, "nearest", r"6\cdot10^6", False),
        (fmpq(204, 100) * 10**13, "nearest", r"2.0\cdot10^{13}", True),
        (fmpq(206, 100) * 10**13, "nearest", r"2.0\cdot10^{13}", False),
    ],
)
def test_rounding(value: fmpq, bound: Any, text: str, agrees: bool) -> None:
    assert holds(parse(text), {"=": Rounded.of(value, bound)}) is agrees


def test_an_enclosure_must_round_as_a_whole() -> None:
    wide = Rounded(fmpq(12, 100), fmpq(16, 100))
    assert not holds(parse("0.1"), {"=": wide})


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("a", {}),
        ("ab", {"a": X, "b": A}),
        ("a+b", {"a": X, "b": A}),
        ("A^{-1}", {"A": Matrix([[1, 1], [1, 1]])}),
        ("a_l", {"a_": [1], "l": -1}),
        ("a_l", {"a_": [1], "l": 2}),
        ("1/a", {"a": 0}),
        (r"\int s", {"s": 1, r"\int": sum}),
        (r"f''", {}),
        ("a^b", {"a": 2, "b": fmpq(1, 2)}),
        (r"\operatorname{Var}v", {"v": 1}),
    ],
)
def test_what_has_no_value(text: str, environment: dict[str, Any]) -> None:
    with pytest.raises(Undefined):
        evaluate(parse(text), environment)


def test_norms_compare_by_their_squares() -> None:
    assert Root(fmpq(2)) < Root(fmpq(3)) <= Root(fmpq(3))
