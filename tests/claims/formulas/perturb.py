r"""Perturbations of a printed formula: what a slip of the pen would make of it.

Each digit one more and one less; each sign the other one; d and n exchanged; a relation the other way round; each
term of a sum, each factor of a product and each transposition left out; the whole, or the last side of a relation,
negated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import sympy

from icl_claims.claims import tex
from icl_claims.claims.tex import Node, Unreadable

_OTHER_WAY = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", r"\succ": r"\prec", r"\prec": r"\succ"}
_OTHER_WAY |= {r"\preceq": r"\succeq", r"\succeq": r"\preceq", r"\ne": "="}
_BEFORE_A_TERM = (
    frozenset({"", "(", "[", "{", ",", "=", "<", ">", "+", "-", r"\{", r"\lVert", r"\langle"}) | tex.RELATIONS
)


def perturbations(text: str) -> Iterator[tuple[str, Node]]:
    """What was done, and the tree of the formula after it; only what can be read."""
    pieces = tex.tokens(text)
    for what, changed in _texts(pieces):
        try:
            yield what, tex.parse(" ".join(changed))
        except Unreadable:
            continue
    tree = tex.parse(text)
    yield from _trees(tree)
    if tree.head in ("relation=", r"relation\approx") or not tree.head.startswith("relation"):
        yield "negated", _negated(tree)


def _negated(tree: Node) -> Node:
    if tree.head.startswith("relation"):
        return replace(tree, parts=(*tree.parts[:-1], _negated(tree.parts[-1])), text="")
    if tree.head in ("list", "tuple"):
        return replace(tree, parts=(_negated(tree.parts[0]), *tree.parts[1:]), text="")
    return Node("negative", (tree,))


def _texts(pieces: list[str]) -> Iterator[tuple[str, list[str]]]:
    for place, piece in enumerate(pieces):
        for what, other in _others(pieces, place):
            yield f"{what} at token {place}", [*pieces[:place], *other, *pieces[place + 1 :]]
        if piece in _OTHER_WAY:
            yield f"{piece} → {_OTHER_WAY[piece]}", [*pieces[:place], _OTHER_WAY[piece], *pieces[place + 1 :]]
    names = {"d": "n", "n": "d"}
    measure = [i for i, x in enumerate(pieces[1:]) if x == r"\mu"]
    exchanged = [x if i in measure else names.get(x, x) for i, x in enumerate(pieces)]
    if exchanged != pieces:
        yield "d ↔ n", exchanged


def _others(pieces: list[str], place: int) -> Iterator[tuple[str, list[str]]]:
    piece = pieces[place]
    before = pieces[place - 1] if place else ""
    if re.fullmatch("[0-9]", piece):
        for other in (int(piece) + 1, int(piece) - 1):
            if 0 <= other <= 9:
                yield f"{piece} → {other}", [str(other)]
    elif piece == "+":
        yield "+ → −", ["-"]
    elif piece == "-" and before in _BEFORE_A_TERM:
        yield "− left out", []
    elif piece == "-":
        yield "− → +", ["+"]


def _trees(node: Node) -> Iterator[tuple[str, Node]]:
    if node.head in ("sum_of", "product") and len(node.parts) > 1:
        for i, part in enumerate(node.parts):
            rest = (*node.parts[:i], *node.parts[i + 1 :])
            yield f"without {part.text}", rest[0] if len(rest) == 1 else replace(node, parts=rest, text="")
    if node.head == "power" and node.parts[1].text == r"\top":
        yield f"{node.parts[0].text} not transposed", node.parts[0]
    for i, part in enumerate(node.parts):
        for what, other in _trees(part):
            yield what, replace(node, parts=(*node.parts[:i], other, *node.parts[i + 1 :]), text="")


def is_same_expression(a: Node, b: Node) -> bool:
    r"""Whether two formulas are one by commutative algebra: their values, or the equations that they state.

    What is no sum, product, quotient or integral power is a symbol by its TeX. An equation is the difference of its
    sides up to the sign; a list or a tuple is the set of the equations between its parts.
    """
    if a.head != b.head:
        return False
    if a.head.startswith("relation"):
        return _equations(a) == _equations(b)
    return _as_polynomial(a) == _as_polynomial(b)


def _equations(node: Node) -> set[frozenset[sympy.Expr]]:
    if node.head != "relation=" or len(node.parts) != 2:
        raise Unreadable(f"{node.text} is no equation")
    left, right = node.parts
    several = "list" if "list" in (left.head, right.head) else "tuple"
    sides = [part.parts if part.head == several else (part,) for part in node.parts]
    longest = max(map(len, sides))
    pairs = zip(*(side * longest if len(side) == 1 else side for side in sides), strict=True)
    differences = [sympy.expand(_as_polynomial(x) - _as_polynomial(y)) for x, y in pairs]
    return {frozenset((x, sympy.expand(-x))) for x in differences}


def _as_polynomial(node: Node) -> sympy.Expr:
    parts = node.parts
    if node.head == "number":
        return sympy.Rational(node.text)
    if node.head == "group":
        return _as_polynomial(parts[0])
    if node.head == "negative":
        return -_as_polynomial(parts[0])
    if node.head == "sum_of":
        return sympy.Add(*map(_as_polynomial, parts))
    if node.head == "product":
        return sympy.Mul(*map(_as_polynomial, parts))
    if node.head == "quotient":
        return _as_polynomial(parts[0]) / _as_polynomial(parts[1])
    if node.head == "power" and parts[1].head == "number":
        return _as_polynomial(parts[0]) ** int(parts[1].text)
    if not node.text:
        raise Unreadable("a perturbed part that is no sum, product or power")
    return sympy.Symbol(node.text)
