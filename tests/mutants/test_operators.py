"""Each kind of edit, what is left alone, and that an edit changes its own place only."""

from __future__ import annotations

import ast

import pytest

from tests import ROOT
from tests.mutants.operators import Mutant, functions, mutants_of
from tests.mutants.sample import all_mutants


def variants(body: str, head: str = "def f(x, y):") -> set[str]:
    """The mutated lines of a function with this body."""
    source = head + "\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return {mutant.after for mutant in mutants_of("theory/f.py", source)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x < y", {"return x <= y"}),
        ("return x not in y", {"return x in y"}),
        ("return x < y <= z", {"return x <= y <= z", "return x < y < z"}),
        ("return x @ (y - z)", {"return x * (y - z)", "return x @ (y + z)"}),
        ("x **= y", {"x *= y", "pass"}),
        ("return -x", {"return x"}),
        ("return not (x)", {"return (x)"}),
        ("return 3", {"return 4", "return 2"}),
        ("return True", {"return False"}),
        ("return 0.5, 0.0", {"return 1.0, 0.0", "return 0.5, 1.0"}),
        ("return x and (y or z)", {"return x", "return (y or z)", "return x or (y or z)", "return x and (y)",
                                   "return x and (z)", "return x and (y and z)"}),
        ("while x > y: x()", {"while x >= y: x()", "while not (x > y): x()", "while x > y: pass"}),
        ("return x if x == y else y", {"return x if x != y else y"}),
        ("return [k for k in x if y]", {"return [k for k in x if not y]"}),
        ("return x[a : b + c]", {"return x[a + 1 : b + c]", "return x[a : (b + c) - 1]", "return x[a : b - c]"}),
        ("return range(x)", {"return range(x - 1)"}),
        ("return range(x, y)", {"return range(x + 1, y)", "return range(x, y - 1)"}),
        ("return max(abs(x), y)", {"return min(abs(x), y)", "return max(x, y)"}),
        ("return x.lower()", {"return x.upper()"}),
        ("return f(x, key=(y), other=z)", {"return f(x, other=z)", "return f(x, key=(y))"}),
        ("return f(key=x)", {"return f()"}),
        ("x.y = z", {"pass"}),
        ("for k in x: break", {"for k in x: pass"}),
        ("raise ValueError('x' + y, 3)", {"pass"}),
    ],
)  # fmt: skip
def test_edits(body: str, expected: set[str]) -> None:
    assert variants(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        '"""x < y"""',
        "z: list[3] = x",
        'return f"{x + 1}"',
        'return "text"',
        "return zip(x, y, strict=True)",
        "return x.read_text(encoding=y)",
        "return cast(A | B, x)",
        "@cache(3)\ndef inner(z: A | B) -> A | B:\n    return z",
    ],
)
def test_left_alone(body: str) -> None:
    assert variants(body) == set()


def test_truth_values_are_returned_by_functions_of_truth_only() -> None:
    assert variants("return g(x)", "def f(x) -> bool:") == {"return True", "return False"}
    assert variants("return lambda: g(x)", "def f(x) -> int:") == set()
    inner = "def inner():\n    return x\nreturn g(inner)"
    assert variants(inner, "def f(x) -> bool:") == {"return True", "return False"}


def test_defaults_are_mutated_and_the_module_is_not() -> None:
    assert variants("pass", "A = 3\ndef f(x, y=1, *, z=False):") == {
        "def f(x, y=2, *, z=False):",
        "def f(x, y=0, *, z=False):",
        "def f(x, y=1, *, z=True):",
    }


def test_methods_and_nested_functions_have_the_name_of_the_outermost() -> None:
    source = "class A:\n    class B:\n        def f(self):\n            def g():\n                return -x\n"
    assert [name for name, _ in functions(ast.parse(source))] == ["A.B.f"]
    assert mutants_of("theory/f.py", source) == [
        Mutant("theory/f.py", "A.B.f", "sign or not dropped", 5, 87, 88, "", "return -x", "return x")
    ]


def test_places_count_characters_where_trees_count_bytes() -> None:
    source = "def f(σ, τ):\n    return (\n        σ * 'Ω'\n        - τ\n    )\n"
    assert [m.applied_to(source) for m in mutants_of("f.py", source)] == [
        source.replace("- τ", "+ τ"),
        source.replace("*", "+"),
    ]


def test_every_mutant_of_the_project_is_python_and_differs_in_its_function_alone() -> None:
    """A few of each file: that the text parses, and that what differs is the named function."""
    seen = all_mutants()
    assert {mutant.file.split("/")[0] for mutant in seen} == {"theory", "numerics", "models", "claims"}
    for mutant in seen[::200]:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        before, after = (
            {name: ast.dump(node) for name, node in functions(ast.parse(text))}
            for text in (source, mutant.applied_to(source))
        )
        assert [name for name in before if before[name] != after[name]] == [mutant.function]
