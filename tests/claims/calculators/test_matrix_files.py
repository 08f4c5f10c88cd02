"""Covariances in files: every format gives the same matrix, and what is none is refused by name."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.claims.calculators.matrix_files import LARGEST_DIM, read
from icl_claims.theory.algebra import exact, validation
from tests.shared.command_line import answer, refusal

FLOATS = [[2.0, 0.1, -1e-3], [0.1, 1.0, 0.25], [-1e-3, 0.25, 3.0]]
"""Of which 0.1 and −1e-3 are not the float64 numbers that stand for them."""


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_json_and_csv_are_read_as_decimals(tmp_path: Path) -> None:
    decimals = fmpq_mat([[validation.rational("x", str(x)) for x in row] for row in FLOATS])
    rows = write(tmp_path / "rows.json", json.dumps(FLOATS))
    texts = write(tmp_path / "texts", json.dumps([[str(x) for x in row] for row in FLOATS]))
    log = write(tmp_path / "log.json", json.dumps({"task": {"covariance": FLOATS, "task_covariance": [[1]]}}))
    csv = write(
        tmp_path / "rows.csv", "# Σ\n" + "\n\n".join(",".join(map(str, row)) for row in FLOATS) + "\n"
    )
    for path in (rows, texts, log, csv):
        assert read(path, "covariance", 3).covariance.matrix == decimals, path
    assert read(log, "task_covariance", 1).covariance.matrix == fmpq_mat([[1]])


def test_csv_may_begin_with_a_mark_and_end_its_lines_with_comments(tmp_path: Path) -> None:
    content = "\ufeff1,0 # first\n# none\n0,2#,3\n"
    assert read(write(tmp_path / "x.csv", content), "covariance", 2).covariance.matrix == exact.diagonal(
        [1, 2]
    )


def test_endings_are_read_in_capitals_too(tmp_path: Path) -> None:
    write(tmp_path / "x.CSV", "1,0\n0,2")
    np.save(tmp_path / "x.npy", np.diag([1, 2]))
    (tmp_path / "x.npy").rename(tmp_path / "x.NPY")
    for name in ("x.CSV", "x.NPY"):
        assert read(tmp_path / name, "covariance", 2).covariance.matrix == exact.diagonal([1, 2])


def test_csv_holds_fractions_too(tmp_path: Path) -> None:
    assert read(
        write(tmp_path / "x.csv", "1/3, 0\n 0 ,2"), "covariance", 2
    ).covariance.matrix == exact.diagonal(["1/3", 2])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", ">f8"])
def test_npy_is_read_as_the_dyadic_numbers_that_it_holds(tmp_path: Path, dtype: str) -> None:
    array = np.array(FLOATS).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    expected = [[Fraction(float(x)) for x in row] for row in array]
    found = read(tmp_path / "x.npy", "covariance", 3).covariance.matrix
    assert [[Fraction(int(x.p), int(x.q)) for x in row] for row in found.tolist()] == expected
    assert expected[0][1] != Fraction(1, 10)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_npy_of_integers(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "x.npy", np.array([[2**62, 1], [1, 1]], dtype))
    assert read(tmp_path / "x.npy", "covariance", 2).covariance.matrix == fmpq_mat([[2**62, 1], [1, 1]])


@settings(max_examples=25)
@given(data=st.data())
def test_the_formats_agree_where_decimals_are_dyadic(
    data: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Gram matrices of quarters: in JSON, CSV and NumPy the same numbers, and the same answers."""
    size = data.draw(st.integers(1, 3))
    entry = st.integers(-8, 8)
    m = fmpq_mat([[data.draw(entry) for _ in range(size)] for _ in range(size)]) / 4
    gram = m * m.transpose() + exact.identity(size)
    floats = [[float(Fraction(int(x.p), int(x.q))) for x in row] for row in gram.tolist()]
    folder = tmp_path_factory.mktemp("formats")
    np.save(folder / "x.npy", np.array(floats))
    write(folder / "x.csv", "\n".join(",".join(map(repr, row)) for row in floats))
    write(folder / "x.json", json.dumps(floats))
    answers = []
    for name in ("x.npy", "x.csv", "x.json"):
        assert read(folder / name, "covariance", size).covariance.matrix == gram
        line = f"optimum --dim {size} --context 5 --layers 1 --task identity"
        answers.append(answer(f"{line} --covariance-file {folder / name}"))
    assert answers[0] == answers[1] == answers[2]


def test_the_formats_agree_for_both_covariances(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[2.0, 0.5], [0.5, 1.0]]))
    write(tmp_path / "x.csv", "2,0.5\n.5,1")
    line = "loss --dim 2 --context 5 --steps 1/3 --preconditioner identity"
    for option in ("--covariance-file", "--task-covariance-file"):
        by_array = answer(f"{line} {option} {tmp_path / 'x.npy'}")
        assert by_array == answer(f"{line} {option} {tmp_path / 'x.csv'}")


REFUSED = {
    "x.json": {
        "{": "must be JSON, rows of numbers or a log with them under task, covariance; got Expecting property",
        "3": "under task, covariance; got neither",
        "[1, 2]": "under task, covariance; got neither",
        '{"task": 1}': "under task, covariance; got neither",
        '{"task": {"task_covariance": [[1]]}}': "under task, covariance; got neither",
        "[[1, true], [true, 1]]": "must hold numbers, got true",
        "[[1, null], [null, 1]]": "must hold numbers, got null",
        "[[1, NaN], [NaN, 1]]": "must be a finite number such as 0.25, 1/3 or 2e-3, got 'NaN'",
        "[[1, 1e999999999], [0, 1]]": "must be a finite number such as 0.25, 1/3 or 2e-3, got '1e999999999'",
        "[[1, 0], [0]]": "must be 2 × 2, as --dim says, got 2 × 1 or 2",
        "[[1], [0, 1]]": "must be 2 × 2, as --dim says, got 2 × 1 or 2",
        "[[1, 0], [0, 1], [0, 0]]": "must be 2 × 2, as --dim says, got 3 × 2",
        "[[1, 0, 0], [0, 1, 0]]": "must be 2 × 2, as --dim says, got 2 × 3",
        "[[1, 0], 2]": "under task, covariance; got neither",
        '{"covariance": [[1, 0], [0, 1]]}': "under task, covariance; got neither",
        "[[1, 1e-11], [0, 1]]": "must be symmetric, got entries [1][0] and [0][1] that differ",
        "[[1]]": "must be 2 × 2, as --dim says, got 1 × 1",
        "[]": "must be 2 × 2, as --dim says, got 0 × 0",
        "[[1, 2], [0, 1]]": "must be symmetric, got entries [1][0] and [0][1] that differ",
        "[[1, 2], [2, 1]]": "must be positive semidefinite, got a matrix with a negative eigenvalue",
        f"[[1, {'9' * 5000}], [1, 1]]": f"got '{'9' * 40}…'",
        "[" * 100_000: "recursion",
    },
    "x.csv": {
        "1,0\n0,": "must be a finite number such as 0.25, 1/3 or 2e-3, got ''",
        "1 0\n0 1": "must be a finite number such as 0.25, 1/3 or 2e-3, got '1 0'",
        "": "must be 2 × 2, as --dim says, got 0 × 0",
    },
    "x.npy": {
        "nonsense": "must be an array as numpy.save writes it",
        "": "must be an array as numpy.save writes it, got No data left in file",
    },
}


@pytest.mark.parametrize(
    ("name", "content"),
    [(name, content) for name, contents in REFUSED.items() for content in contents],
    ids=lambda text: text[:30],
)
def test_refusals(tmp_path: Path, name: str, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / name, content)
    message = refusal(f"optimum --dim 2 --context 3 --layers 1 --covariance-file {path}", capsys)
    assert f"'--covariance-file': {path}: " in message
    assert REFUSED[name][content] in message


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.eye(2, dtype=complex), "must hold integers or floats of at most 64 bits, got complex128"),
        (np.eye(2, dtype=bool), "must hold integers or floats of at most 64 bits, got bool"),
        (np.eye(2, dtype=np.longdouble), "must hold integers or floats of at most 64 bits"),
        (np.ones(2), "must be an array of two axes, got (2,)"),
        (np.ones((3, 2)), "must be 2 × 2, as --dim says, got 3 × 2"),
        (np.ones((0, 0)), "must be 2 × 2, as --dim says, got 0 × 0"),
        (np.array([[1, np.inf], [np.inf, 1]]), "must be a finite number, got inf"),
        (np.array([[1.0, 0.1], [0.1 + 1e-14, 1.0]]), "which looks like rounding: store (M + Mᵀ)/2"),
        (np.array([[2, 1], [0, 2]]), "must be symmetric, got entries [1][0] and [0][1] that differ"),
        (
            np.array([[1, None], [None, 1]]),
            "must be an array as numpy.save writes it, got Array can't be memory-mapped",
        ),
    ],
)
def test_refusals_of_arrays(
    tmp_path: Path, array: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    line = f"optimum --dim 2 --context 3 --layers 1 --covariance-file {tmp_path / 'x.npy'}"
    assert message in refusal(line, capsys)


def test_an_array_that_is_a_pickle_or_an_archive_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pickle would be executed; an archive holds several arrays."""
    path = tmp_path / "x.npy"
    line = f"optimum --dim 2 --context 3 --layers 1 --covariance-file {path}"
    path.write_bytes(pickle.dumps([[1.0, 0.0], [0.0, 1.0]]))
    assert "must be an array as numpy.save writes it, got " in refusal(line, capsys)
    with path.open("wb") as file:
        np.savez(file, np.eye(2))
    assert "must be an array of two axes, got several arrays" in refusal(line, capsys)


def test_a_large_array_is_refused_before_its_numbers_are_read(tmp_path: Path) -> None:
    """nan would be refused by itself."""
    np.save(tmp_path / "x.npy", np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="must be 2 × 2, as --dim says, got 3 × 2"):
        read(tmp_path / "x.npy", "covariance", 2)


@pytest.mark.parametrize(
    ("below", "above", "hint"),
    [
        ("1", "10000000000/9999999999", True),
        ("-10000000000/9999999999", "-1", True),
        ("-1", "-10000000000/9999999999", True),
        ("1", "1.0000000002", False),
        ("1e-9", "-1e-9", False),
        ("0", "1e-14", False),
    ],
)
def test_an_asymmetry_is_called_rounding_up_to_a_share_of_the_larger_entry(
    tmp_path: Path, below: str, above: str, hint: bool
) -> None:
    """And any is refused, wherever it stands."""
    path = write(tmp_path / "x.csv", f"3,0,0\n0,3,{above}\n0,{below},3")
    with pytest.raises(ValueError, match=r"got entries \[2\]\[1\] and \[1\]\[2\] that differ") as refused:
        read(path, "covariance", 3)
    assert ("which looks like rounding" in str(refused.value)) == hint


U64, U32, U16 = fmpq(1, 2**53), fmpq(1, 2**24), fmpq(1, 2**11)


@pytest.mark.parametrize(
    ("name", "roundoff"),
    [("x.csv", U64), ("x.json", U64), ("f8", U64), ("f4", U32), ("f2", U16), ("i8", fmpq(0))],
)
@pytest.mark.parametrize("dim", [2, 3])
def test_an_asymmetry_is_accepted_up_to_the_bound_for_rounding(
    tmp_path: Path, name: str, roundoff: fmpq, dim: int
) -> None:
    """4 d u times the largest entry, 2, exactly; one part in 2⁴ more is refused."""
    scale = 2**60 if name == "i8" else 2
    bound = 4 * dim * roundoff * scale
    step = bound / 16 if bound > 0 else fmpq(1)
    for difference in (bound, bound + step):
        rows = [[fmpq(scale) * (i == j) for j in range(dim)] for i in range(dim)]
        rows[dim - 1][0] = difference
        if name[0] == "x":
            path = tmp_path / name
            texts = [[str(x) for x in row] for row in rows]
            write(path, json.dumps(texts) if name == "x.json" else "\n".join(map(",".join, texts)))
        else:
            path = tmp_path / "x.npy"
            number = int if name == "i8" else float
            np.save(
                path, np.array([[number(Fraction(int(x.p), int(x.q))) for x in row] for row in rows], name)
            )
        if difference > bound:
            with pytest.raises(
                ValueError, match=f"got entries .{dim - 1}..0. and .0..{dim - 1}. that differ"
            ):
                read(path, "covariance", dim)
        else:
            found = read(path, "covariance", dim)
            m = fmpq_mat(rows)
            assert found.covariance.matrix == (m + m.transpose()) / 2
            assert (found.note is None) == (name == "i8")


@settings(max_examples=50)
@given(dim=st.integers(2, 8), seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["f8", "f4"]))
def test_the_rounding_of_a_product_is_within_the_bound(
    dim: int, seed: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Q D Qᵀ as NumPy rounds it, Q orthogonal or not; taken as the mean with its transpose, exactly."""
    random = np.random.default_rng(seed)
    Q, D = random.normal(size=(dim, dim)).astype(kind), np.diag(random.exponential(size=dim) + 1).astype(kind)
    M = (Q @ D @ Q.T) + np.eye(dim, dtype=kind)
    path = tmp_path_factory.mktemp("rounded") / "x.npy"
    np.save(path, M)
    found = read(path, "covariance", dim)
    exactly = validation.matrix("M", M)
    assert found.covariance.matrix == (exactly + exactly.transpose()) / 2
    assert (found.note is None) == bool((M == M.T).all())


@pytest.mark.parametrize("command", ["optimum --layers 1", "loss --steps 1/2"])
def test_what_was_made_symmetric_is_said_once(tmp_path: Path, command: str) -> None:
    """One file for both covariances; a file that is symmetric leaves nothing to say."""
    path = tmp_path / "x.npy"
    np.save(path, np.array([[2.0, 0.5], [0.5 + 2**-53, 1.0]]))
    line = f"{command} --dim 2 --context 5 --covariance-file {path} --task-covariance-file {path}"
    said = f"{path} was made symmetric, (M + Mᵀ)/2: entries across the diagonal differed by up to 1.1e-16, "
    assert answer(line)["notes"] == [f"{said}as rounding makes them."]
    np.save(path, np.array([[2.0, 0.5], [0.5, 1.0]]))
    assert "notes" not in answer(line)


def test_a_header_that_claims_too_much_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.eye(2))
    path.write_bytes(path.read_bytes().replace(b"(2, 2), }" + b" " * 14, b"(9000000000000, 2), }  "))
    line = f"optimum --dim 2 --context 3 --layers 1 --covariance-file {path}"
    assert "must be an array as numpy.save writes it, got " in refusal(line, capsys)


def test_what_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "optimum --dim 2 --context 3 --layers 1"
    latin = tmp_path / "latin.json"
    latin.write_bytes("[[1, é]]".encode("latin-1"))
    assert "must be JSON" in refusal(f"{line} --covariance-file {latin}", capsys)
    assert "no such file" in refusal(f"{line} --covariance-file {tmp_path / 'none.json'}", capsys)
    assert "a folder, where a file is needed" in refusal(f"{line} --task-covariance-file {tmp_path}", capsys)


def test_the_largest_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.eye(LARGEST_DIM))
    line = f"--context 3 --step 1/2 --loops 2 --covariance-file {tmp_path / 'x.npy'}"
    assert answer(f"loss --dim {LARGEST_DIM} {line}")["loss"] > 0
    message = f"'--dim': must be at most {LARGEST_DIM} with --covariance-file, got {LARGEST_DIM + 1}"
    assert message in refusal(f"loss --dim {LARGEST_DIM + 1} {line}", capsys)


def test_semidefinite_is_decided_exactly(tmp_path: Path) -> None:
    """Singular by construction; one part in 10²⁰ less is refused."""
    rank_one = write(tmp_path / "x.csv", "1,1/3\n1/3,1/9")
    assert read(rank_one, "covariance", 2).covariance.matrix.det() == 0
    below = write(tmp_path / "y.csv", f"1,1/3\n1/3,{fmpq(1, 9) - fmpq(1, 10**20)}")
    with pytest.raises(ValueError, match="negative eigenvalue"):
        read(below, "covariance", 2)
