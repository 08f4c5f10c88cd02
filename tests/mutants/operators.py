"""Mutants of a source file: each is one edit of the text inside one function.

An edit replaces the characters from ``start`` to ``end`` by ``text``, so that a mutant differs from the source where it
is mutated and nowhere else. What no test could or should see is left alone: docstrings, annotations, decorators, the
text of exceptions, f-strings (Python 3.11 does not say where their parts stand), the type in ``cast``, and the
arguments ``strict`` and ``encoding``, whose absence no right call shows.
"""

from __future__ import annotations

import ast
import bisect
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.MatMult: ("@", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
BOUNDS = {"lower": "upper", "upper": "lower", "floor": "ceil", "ceil": "floor"}
KEPT_KEYWORDS = ("strict", "encoding")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """One edit: ``text`` in the place of the characters from ``start`` to ``end`` of ``file``.

    ``function`` is the outermost function or method; ``before`` and ``after`` are the lines that the edit touches,
    without indentation, joined by one space where there are several.
    """

    file: str
    function: str
    operator: str
    line: int
    start: int
    end: int
    text: str
    before: str
    after: str

    def applied_to(self, source: str) -> str:
        """The source with the edit made."""
        return source[: self.start] + self.text + source[self.end :]


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """The functions of a module and the methods of its classes, by qualified names; nested functions belong to them."""

    def inside(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
        for node in body:
            if isinstance(node, Function):
                yield prefix + node.name, node
            elif isinstance(node, ast.ClassDef):
                yield from inside(node.body, f"{prefix}{node.name}.")

    return inside(tree.body, "")


def mutants_of(file: str, source: str) -> list[Mutant]:
    """All mutants of a file in the order of its text."""
    text = Text(source)
    found = []
    for name, function in functions(ast.parse(source)):
        for operator, start, end, new in _edits(function, text):
            before, after = text.lines(start, end, new)
            if before != after:
                found.append(Mutant(file, name, operator, text.line(start), start, end, new, before, after))
    return found


class Text:
    """A source with the places of its tokens, in characters from its start."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    @cached_property
    def _tokens(self) -> list[tuple[int, int, str]]:
        tokens = tokenize.generate_tokens(io.StringIO(self.source).readline)
        return [
            (self._starts[t.start[0] - 1] + t.start[1], self._starts[t.end[0] - 1] + t.end[1], t.string)
            for t in tokens
            if t.type in (tokenize.OP, tokenize.NAME)
        ]

    def at(self, line: int, column: int) -> int:
        """The place of a line and a column in bytes of UTF-8, as syntax trees count."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Where a node starts and ends."""
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno or 0, node.end_col_offset or 0)

    def of(self, node: ast.expr) -> str:
        """The text of an expression, in parentheses where its neighbours could tear it apart."""
        start, end = self.span(node)
        whole = ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.Constant
        return self.source[start:end] if isinstance(node, whole) else f"({self.source[start:end]})"

    def between(self, start: int, end: int, words: str) -> tuple[int, int]:
        """Where these words (tokens, by blanks) stand between two places."""
        first, last = (bisect.bisect_left(self._tokens, (place,)) for place in (start, end))
        inside = self._tokens[first:last]
        wanted = words.split()
        for k in range(len(inside)):
            if [token[2] for token in inside[k : k + len(wanted)]] == wanted:
                return inside[k][0], inside[k + len(wanted) - 1][1]
        raise ValueError(f"{words!r} must stand in {self.source[start:end]!r}")

    def with_comma(self, node: ast.keyword) -> tuple[int, int]:
        """Where an argument stands, with the comma behind it or else the one before it."""
        start, end = self.span(node)
        behind = self.source[end:].lstrip()
        if behind.startswith(","):
            rest = self.source[end:].partition(",")[2]
            return start, len(self.source) - len(rest.lstrip())
        before = self.source[:start].rstrip()
        return (len(before) - 1 if before.endswith(",") else start), end

    def line(self, place: int) -> int:
        """The number of the line in which a place is."""
        return self.source.count("\n", 0, place) + 1

    def lines(self, start: int, end: int, new: str) -> tuple[str, str]:
        """The lines that an edit touches, before and after it."""
        first = self.source.rfind("\n", 0, start) + 1
        last = self.source.find("\n", end)
        head, tail = self.source[first:start], self.source[end:last]
        return _one_line(head + self.source[start:end] + tail), _one_line(head + new + tail)


def _one_line(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


Edit = tuple[str, int, int, str]


def _edits(function: Function, text: Text) -> Iterator[Edit]:
    nodes = [*function.args.defaults, *(d for d in function.args.kw_defaults if d), *_body(function)]
    for node in nodes:
        for inner in _inside(node):
            yield from _of_node(inner, text)
    if isinstance(function.returns, ast.Name) and function.returns.id == "bool":
        yield from _returns(function, text)


def _body(function: Function) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is inside it, without what is never mutated."""
    match node:
        case ast.JoinedStr():
            return
        case ast.Raise():
            yield node
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            children: list[ast.AST] = [
                *node.args.defaults,
                *(d for d in node.args.kw_defaults if d),
                *_body(node),
            ]
        case ast.AnnAssign():
            children = [node.value] if node.value else []
        case ast.Call():
            children = [node.func, *node.args, *(k for k in node.keywords if k.arg not in KEPT_KEYWORDS)]
            if isinstance(node.func, ast.Name) and node.func.id == "cast":
                del children[1]
        case _:
            children = list(ast.iter_child_nodes(node))
    yield node
    for child in children:
        yield from _inside(child)


def _of_node(node: ast.AST, text: Text) -> Iterator[Edit]:
    match node:
        case ast.Compare():
            yield from _comparisons(node, text)
        case ast.BinOp():
            old, new = ARITHMETIC[type(node.op)]
            yield "arithmetic", *text.between(text.span(node.left)[1], text.span(node.right)[0], old), new
        case ast.AugAssign():
            old, new = ARITHMETIC[type(node.op)]
            place = text.between(text.span(node.target)[1], text.span(node.value)[0], f"{old}=")
            yield "arithmetic", *place, f"{new}="
            yield "statement dropped", *text.span(node), "pass"
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            start = text.span(node)[0]
            yield "sign or not dropped", start, start + (4 if isinstance(node.op, ast.Not) else 1), ""
        case ast.Constant():
            yield from _constants(node, text)
        case ast.BoolOp():
            yield from _conjuncts(node, text)
        case ast.If() | ast.While() | ast.IfExp():
            yield from _negated(node.test, text)
        case ast.comprehension():
            for condition in node.ifs:
                yield from _negated(condition, text)
        case ast.Slice():
            yield from _ends([node.lower, node.upper], text)
        case ast.Call():
            yield from _calls(node, text)
        case ast.Raise() | ast.Break() | ast.Continue() | ast.Expr(value=ast.Call()):
            yield "statement dropped", *text.span(node), "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "statement dropped", *text.span(node), "pass"


def _comparisons(node: ast.Compare, text: Text) -> Iterator[Edit]:
    sides = [node.left, *node.comparators]
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        old, new = COMPARISONS[type(op)]
        yield "comparison", *text.between(text.span(left)[1], text.span(right)[0], old), new


def _constants(node: ast.Constant, text: Text) -> Iterator[Edit]:
    if isinstance(node.value, bool):
        yield "constant", *text.span(node), str(not node.value)
    elif isinstance(node.value, int):
        yield "constant", *text.span(node), str(node.value + 1)
        yield "constant", *text.span(node), str(node.value - 1)
    elif isinstance(node.value, float):
        yield "constant", *text.span(node), repr(2 * node.value or 1.0)


def _conjuncts(node: ast.BoolOp, text: Text) -> Iterator[Edit]:
    word, other = (" and ", " or ") if isinstance(node.op, ast.And) else (" or ", " and ")
    operands = [text.of(operand) for operand in node.values]
    for k in range(len(operands)):
        yield "conjunct dropped", *text.span(node), word.join(operands[:k] + operands[k + 1 :])
    yield "and, or", *text.span(node), other.join(operands)


def _negated(test: ast.expr, text: Text) -> Iterator[Edit]:
    """The negated condition, unless dropping a ``not`` or changing an equality gives the same mutant."""
    negates_itself = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        negates_itself = not isinstance(test.ops[0], ORDERS)
    if not negates_itself:
        yield "condition negated", *text.span(test), f"not {text.of(test)}"


def _ends(ends: list[ast.expr | None], text: Text) -> Iterator[Edit]:
    """One off at each end that is no constant: constants are mutated as such."""
    for end, shift in zip(ends, (" + 1", " - 1"), strict=True):
        if end is not None and not isinstance(end, ast.Constant | ast.UnaryOp):
            yield "end of a range", *text.span(end), text.of(end) + shift


def _calls(node: ast.Call, text: Text) -> Iterator[Edit]:
    match node.func:
        case ast.Name("range") if 1 <= len(node.args) <= 2:
            yield from _ends([None, *node.args][-2:], text)
        case ast.Name("abs") if len(node.args) == 1:
            yield "call swapped", *text.span(node), text.of(node.args[0])
        case ast.Name(name) if name in CALLS:
            yield "call swapped", *text.span(node.func), CALLS[name]
        case ast.Attribute(attr=name) if name in BOUNDS:
            end = text.span(node.func)[1]
            yield "call swapped", end - len(name), end, BOUNDS[name]
    for keyword in node.keywords:
        if keyword.arg is not None and keyword.arg not in KEPT_KEYWORDS:
            yield "keyword dropped", *text.with_comma(keyword), ""


def _returns(function: Function, text: Text) -> Iterator[Edit]:
    for node in _own(function):
        if (
            isinstance(node, ast.Return)
            and node.value is not None
            and not isinstance(node.value, ast.Constant)
        ):
            for value in ("True", "False"):
                yield "return value", *text.span(node.value), value


def _own(function: Function) -> Iterator[ast.AST]:
    """What is inside a function and not inside a function within it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            yield node
            waiting[:0] = ast.iter_child_nodes(node)
