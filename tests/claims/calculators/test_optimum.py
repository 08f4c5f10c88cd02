"""``optimum``: the answers against formulas by hand, SymPy's roots and the loss of the layer."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Poly, sympify

from icl_claims.claims.calculators import commands, optimum
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers.matrix_layers import layered_gradient, layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask, isotropic
from tests.shared.command_line import (
    a,
    answer,
    around,
    assert_is_minimum,
    holds_the_root,
    rational,
    refusal,
    root_text,
    same,
    shown,
)  # fmt: skip


def moments(d: int, n: int) -> list[Fraction]:
    """E tr S^k for k = 0, …, 4, from the tables of E tr W^k in the literature."""
    W = [
        1,
        n,
        n * (n + d + 1),
        n * (n**2 + 3 * n * d + d**2 + 3 * n + 3 * d + 4),
        n
        * (
            n**3
            + 6 * n**2 * d
            + 6 * n * d**2
            + d**3
            + 6 * n**2
            + 17 * n * d
            + 6 * d**2
            + 21 * n
            + 21 * d
            + 20
        ),
    ]
    return [Fraction(d * m, n**k) for k, m in enumerate(W)]


@pytest.mark.parametrize("covariance", ["", "--covariance 1,1/4,3"])
@pytest.mark.parametrize("looped", ["", "--looped"])
def test_optimum_of_one_layer_with_noise(covariance: str, looped: str) -> None:
    found = answer(f"optimum --dim 3 --context 16 --layers 1 --noise 0.1 {covariance} {looped}")
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact"]
    task = RegressionTask.whitened(exact.diagonal([1, "1/4", 3]), 16, "1/10")
    step = fmpq(*map(int, found["steps_exact"][0].split("/")))
    # ΣΓ = a I: the layer A = a Σ⁻¹ is the minimizer of the task with its own Σ, not of a whitened one.
    assert task.covariance * single_layer.minimizer(task) == exact.identity(3) * step
    assert found["loss_exact"] == str(single_layer.minimum(task))
    assert len(found["steps"]) == 1
    assert same(found["steps"][0], found["steps_exact"][0])
    assert same(found["loss"], found["loss_exact"])


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["", "--looped"]))
def test_optimum_of_one_layer(d: int, n: int, looped: str) -> None:
    """f = d ((1 − a)² + a² (d + 1)/n), least at a = n/(n + d + 1)."""
    found = answer(f"optimum --dim {d} --context {n} --layers 1 {looped}")
    step = Fraction(n, n + d + 1)
    assert found["steps_exact"] == [str(step)]
    assert Fraction(found["loss_exact"]) == d * ((1 - step) ** 2 + step**2 * Fraction(d + 1, n))
    assert same(found["steps"][0], found["steps_exact"][0])
    assert same(found["loss"], found["loss_exact"])


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12))
def test_optimum_of_two_layers(d: int, n: int) -> None:
    """∫ (1 + c_1 s + c_2 s²)² dμ is least where ∫ q s = ∫ q s² = 0; the steps are the roots of a² + c_1 a + c_2."""
    m = moments(d, n)
    determinant = m[2] * m[4] - m[3] ** 2
    c1, c2 = (m[2] * m[3] - m[1] * m[4]) / determinant, (m[1] * m[3] - m[2] ** 2) / determinant
    found = answer(f"optimum --dim {d} --context {n} --layers 2")
    assert Fraction(found["loss_exact"]) == m[0] + c1 * m[1] + c2 * m[2]
    assert same(found["loss"], found["loss_exact"])
    for number, text in zip(found["steps"], found["steps_exact"], strict=True):
        assert holds_the_root(text, *around(number))
        if text.startswith("root"):
            assert root_text(text)[0].monic() == Poly(a**2 + rational(c1) * a + rational(c2), a)
        else:
            assert Fraction(text) ** 2 + c1 * Fraction(text) + c2 == 0
    assert sum(found["steps"]) == pytest.approx(float(-c1), rel=1e-14)


def test_rational_steps_are_written_as_such() -> None:
    """χ²_4/4 has moments 1, 3/2, 3, 15/2, and q = (1 − s)(1 − s/3) is orthogonal to s and s²."""
    found = answer("optimum --dim 1 --context 4 --layers 2")
    assert (found["steps_exact"], found["steps"]) == (["1/3", "1"], [1 / 3, 1.0])
    assert found["loss_exact"] == str(1 - Fraction(4, 3) + Fraction(1, 3) * Fraction(3, 2))
    found = answer("optimum --dim 4 --context 12 --layers 2 --looped")
    assert found["steps_exact"] == ["2/3"]
    assert same(found["loss"], found["loss_exact"])


@pytest.mark.parametrize("more", [0, 1])
def test_steps_are_written_up_to_the_longest(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    best = optimal_steps(isotropic(5, 20), 3).steps
    monkeypatch.setattr(optimum, "LONGEST_EXACT", optimum.characters(best) - more)
    found = optimum.optimum(isotropic(5, 20), 3, looped=False, whitened=True, in_files=False)
    assert ("steps_exact" in found, "note" in found) == (bool(more), bool(more))


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12))
def test_optimum_of_two_loops(d: int, n: int) -> None:
    """Differentiated and searched for roots by SymPy."""
    m = moments(d, n)
    f = Poly([rational((-1) ** k * math.comb(4, k) * m[k]) for k in (4, 3, 2, 1, 0)], a)
    found = answer(f"optimum --dim {d} --context {n} --layers 2 --looped")
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact"]
    (number,), (text,) = found["steps"], found["steps_exact"]
    low, high = map(rational, around(number))
    assert f.diff(a).count_roots(low, high) == f.diff(a).count_roots() == 1
    if text.startswith("root"):
        assert f.diff(a).rem(root_text(text)[0]).is_zero
        match = re.fullmatch(r"minimum of (.*) in \[(\S+), (\S+)\]", found["loss_exact"])
        assert match is not None
        assert Poly(sympify(match[1]), a) == f
        assert_is_minimum(f, rational(Fraction(number)), Fraction(match[2]), Fraction(match[3]))
    else:
        assert f.diff(a).eval(sympify(text)) == 0
        assert f.eval(sympify(text)) == sympify(found["loss_exact"])
    assert_is_minimum(f, rational(Fraction(number)), *around(found["loss"]))


@pytest.mark.parametrize(("d", "n"), [(1, 1), (3, 2), (5, 20), (40, 100)])
@pytest.mark.parametrize("layers", [3, 7, 30])
def test_optimum_of_many_layers(d: int, n: int, layers: int) -> None:
    found = answer(f"optimum --dim {d} --context {n} --layers {layers}")
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact"]
    assert len(found["steps"]) == len(found["steps_exact"]) == layers
    assert all(0 < low < high for low, high in pairwise([*found["steps"], math.inf]))
    assert same(found["loss"], found["loss_exact"])
    looped = answer(f"optimum --dim {d} --context {n} --layers {layers} --looped")
    assert len(looped["steps"]) == 1
    assert found["steps"][0] < looped["steps"][0] < found["steps"][-1]
    assert max(d - n, 0) < found["loss"] < looped["loss"]


@pytest.mark.parametrize("line", ["--dim 5 --context 20 --layers 3", "--dim 1 --context 21 --layers 3"])
def test_exact_steps_of_three_layers(line: str) -> None:
    """Every interval holds one root and the float64 beside it is the nearest to it; the second line has 7/5."""
    found = answer(f"optimum {line}")
    assert all(
        holds_the_root(t, *around(x)) for x, t in zip(found["steps"], found["steps_exact"], strict=True)
    )
    assert ("7/5" in found["steps_exact"]) == ("21" in line)
    assert answer(f"optimum {line}") == found


def test_optimum_does_not_depend_on_the_covariance() -> None:
    line = "optimum --dim 3 --context 7 --layers 4"
    assert answer(f"{line} --covariance 1,1/4,9") == answer(line)
    assert answer(f"{line} --covariance 1,1/4,9 --looped") == answer(f"{line} --looped")


def test_optimum_at_sizes_beyond_matrices() -> None:
    found = answer(f"optimum --dim {10**17} --context {10**18 - 1} --layers 5")
    assert len(found["steps"]) == 5
    assert same(found["loss"], found["loss_exact"])


def test_optimum_identity_keeps_the_order() -> None:
    found = answer("optimum --dim 3 --context 16 --layers 1 --task identity --covariance 1/4,1,1/16")
    assert list(found) == [
        "steps", "steps_exact", "preconditioner", "preconditioner_exact", "loss", "loss_exact",
    ]  # fmt: skip
    assert (found["steps"], found["steps_exact"]) == (None, None)
    task = RegressionTask(exact.diagonal(["1/4", 1, "1/16"]), 16)
    gamma = single_layer.minimizer(task)
    assert found["preconditioner_exact"] == [str(gamma[i, i]) for i in range(3)]
    assert all(map(same, found["preconditioner"], found["preconditioner_exact"]))
    assert found["loss_exact"] == str(single_layer.minimum(task))


def test_optimum_reads_decimals_exactly() -> None:
    line = "optimum --dim 2 --context 3 --layers 1 --task identity --noise {} --covariance {}"
    assert answer(line.format("0.1", "0.25,3e-1")) == answer(line.format("1/10", "1/4,3/10"))


def matrix_file(directory: Path, name: str, m: fmpq_mat) -> Path:
    path = directory / f"{name}.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in m.tolist()), encoding="utf-8")
    return path


def gram(entries: list[list[int]]) -> fmpq_mat:
    m = fmpq_mat(entries)
    return m * m.transpose()


SIGMA, OMEGA = gram([[1, 2, 0], [0, 1, 1], [1, 0, 3]]), gram([[2, 0, 1], [1, 1, 0], [0, 1, 1]]) / 4
SINGULAR = gram([[1, 2, 0], [0, 1, 1], [1, 3, 1]])


@pytest.mark.parametrize(("sigma", "omega"), [(SIGMA, OMEGA), (SINGULAR, OMEGA), (SIGMA, SINGULAR)])
def test_optimum_of_one_layer_for_any_task(tmp_path: Path, sigma: fmpq_mat, omega: fmpq_mat) -> None:
    """Σ and Ω that do not commute, singular ones among them: the gradient of the layer's loss vanishes at Γ."""
    assert sigma * omega != omega * sigma
    options = (
        f"--covariance-file {matrix_file(tmp_path, 'sigma', sigma)} "
        f"--task-covariance-file {matrix_file(tmp_path, 'omega', omega)} --noise 1/3"
    )
    found = answer(f"optimum --dim 3 --context 4 --layers 1 {options}")
    assert list(found) == [
        "steps", "steps_exact", "preconditioner", "preconditioner_exact", "loss", "loss_exact",
    ]  # fmt: skip
    gamma = fmpq_mat(
        [[validation.rational("entry", x) for x in row] for row in found["preconditioner_exact"]]
    )
    task = RegressionTask(sigma, 4, omega, "1/3")
    # An independent route: the layer as a word, averaged by integration by parts on states.
    (gradient,) = layered_gradient(task, [gamma])
    assert gradient == gradient * 0
    assert str(layered_loss(task, [gamma])) == found["loss_exact"]
    assert all(
        same(number, text)
        for numbers, texts in zip(found["preconditioner"], found["preconditioner_exact"], strict=True)
        for number, text in zip(numbers, texts, strict=True)
    )
    assert len(shown(f"optimum --dim 3 --context 4 --layers 1 {options}")["preconditioner"]) == 3


def test_a_diagonal_file_gives_the_matrix(tmp_path: Path) -> None:
    path = matrix_file(tmp_path, "sigma", exact.diagonal([1, "1/4"]))
    line = "optimum --dim 2 --context 5 --layers 1 --task identity"
    by_file, by_list = answer(f"{line} --covariance-file {path}"), answer(f"{line} --covariance 1,1/4")
    first, second = by_list["preconditioner_exact"]
    assert by_file["preconditioner_exact"] == [[first, "0"], ["0", second]]
    assert by_file["loss_exact"] == by_list["loss_exact"]


def test_eigenvalues_of_the_task_covariance() -> None:
    line = "optimum --dim 3 --context 6 --layers 1 --noise 1/5 --covariance 1,0,1/4"
    found = answer(f"{line} --task-covariance 2,1/3,0")
    task = RegressionTask(exact.diagonal([1, 0, "1/4"]), 6, exact.diagonal([2, "1/3", 0]), "1/5")
    gamma = single_layer.minimizer(task)
    assert found["preconditioner_exact"] == [str(gamma[i, i]) for i in range(3)]
    assert found["loss_exact"] == str(single_layer.minimum(task))
    assert answer(f"{line} --task-covariance 1,1,1") == answer(f"{line} --task identity")


@settings(max_examples=30)
@given(st.integers(1, 10**18 - 1), st.integers(1, 10**18 - 1), st.fractions(0, 9, max_denominator=9))
def test_noise_at_sizes_beyond_matrices(d: int, n: int, noise: Fraction) -> None:
    """f = d (1 − a)² + a² (d (d + 1) + dσ²)/n, least at a = n/(n + d + 1 + σ²)."""
    found = answer(f"optimum --dim {d} --context {n} --layers 1 --noise {noise}")
    step = n / (n + d + 1 + noise)
    assert found["steps_exact"] == [str(step)]
    assert Fraction(found["loss_exact"]) == d * (1 - step) ** 2 + step**2 * d * (d + 1 + noise) / Fraction(n)


def test_a_thousand_eigenvalues() -> None:
    """For Σ = cI all eigenvalues are those of one dimension more or less: γ = 1/(c (n + 1 + d)/n)."""
    found = answer(f"optimum --dim 1000 --context 9 --layers 1 --task identity --covariance 2{',2' * 999}")
    assert found["preconditioner_exact"] == [str(Fraction(9, 2 * 1010))] * 1000
    assert answer("optimum --dim 1000 --context 9 --layers 1 --task identity")["steps"] is None


def test_exact_steps_beyond_measure_are_null_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "optimum --dim 5 --context 20 --layers 3"
    whole = answer(line)
    monkeypatch.setattr(optimum, "LONGEST_EXACT", 50)
    found = answer(line)
    assert list(found) == ["steps", "steps_exact", "loss", "loss_exact", "note"]
    assert found["steps_exact"] is None
    assert {key: found[key] for key in ("steps", "loss", "loss_exact")} == {
        key: whole[key] for key in ("steps", "loss", "loss_exact")
    }
    assert "steps_exact" in found["note"]


def test_the_length_of_exact_steps_is_foreseen() -> None:
    from icl_claims.theory.algebra.algebraic import written
    from icl_claims.theory.many_layers.step_sizes import optimal_steps

    steps = optimal_steps(RegressionTask.isotropic(7, 31), 20).steps
    assert sum(map(len, written(steps))) / 2 < optimum.characters(steps) < 2 * sum(map(len, written(steps)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--layers 2 --noise 1/2",
            "'--layers': must be 1 with --noise above 0, got 2: optima of more layers are",
        ),
        (
            "--layers 2 --task identity",
            "'--layers': must be 1 with --task identity or a --task-covariance, got 2",
        ),
        (
            "--layers 2 --task identity --noise 1",
            "'--layers': must be 1 with --task identity or a --task-covariance, got 2",
        ),
        ("--layers 1 --task identity --looped", "'--looped': must be left out with --task identity or a"),
        ("--layers 1 --task-covariance 1,2 --looped", "'--looped': must be left out with"),
        ("--layers 1 --task identity --covariance 0,0", "must have tr ΣΩ + σ² > 0, got 0: every label is 0"),
        ("--layers 101", "'--layers': must be an integer from 1 to 100, got '101'"),
    ],
)
def test_refusals(options: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refusal(f"optimum --dim 2 --context 3 {options}", capsys)


def test_labels_of_noise_alone_have_an_optimum() -> None:
    found = answer("optimum --dim 2 --context 3 --layers 1 --task-covariance 0,0 --noise 1")
    assert (found["preconditioner"], found["loss"]) == ([0, 0], 0)


def test_the_largest_sizes_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limits, lowered: each is the last size that it allows, and holds for its own kind of matrix."""
    monkeypatch.setattr(commands, "MOST_EIGENVALUES", 3)
    monkeypatch.setattr(commands, "LARGEST_INVERSE", 2)
    line = "optimum --context 3 --layers 1 --task identity"
    path = matrix_file(tmp_path, "dense", fmpq_mat([[2, 1], [1, 2]]))
    assert answer(f"{line} --dim 3")["loss"] > 0
    assert answer(f"{line} --dim 2 --covariance-file {path}")["loss"] > 0
    assert "'--dim': must be at most 3 where eigenvalues" in refusal(f"{line} --dim 4", capsys)
    path = matrix_file(tmp_path, "dense", fmpq_mat([[2, 1, 0], [1, 2, 0], [0, 0, 1]]))
    assert "'--dim': must be at most 2 where dense" in refusal(
        f"{line} --dim 3 --covariance-file {path}", capsys
    )


def test_refusals_of_large_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "optimum --context 3 --layers 1 --task identity"
    assert "'--dim': must be at most 10000 where eigenvalues" in refusal(f"{line} --dim 10001", capsys)
    dense = fmpq_mat([[2 if i == j else 1 for j in range(81)] for i in range(81)])
    path = matrix_file(tmp_path, "dense", dense)
    message = "'--dim': must be at most 80 where dense d × d matrices are inverted, got 81"
    assert message in refusal(f"{line} --dim 81 --covariance-file {path}", capsys)
    # Neither matters where the answer is the same for every Σ.
    assert answer(f"optimum --dim 81 --context 3 --layers 1 --noise 1 --covariance-file {path}")["loss"] > 0
    unrelated = ",".join(f"1/{10**300 + k}" for k in range(60))
    message = "Σ and Ω must leave the exact loss at most 1000000 digits, got about "
    assert message in refusal(f"{line} --dim 60 --covariance {unrelated}", capsys)
