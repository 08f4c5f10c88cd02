r"""Reads the TeX of the records into expression trees. No mathematics is imported, and none is done here.

The subset: numerals, letters and named symbols with subscripts, superscripts, primes and accents, fractions,
juxtaposed products, quotients with a slash, sums, brackets, tuples, sets, norms, inner products, ``\sum``, ``\prod``,
``\int … d\mu``, ``\min``, ``\inf``, ``\mathbb E``, ``\operatorname``, and chains of relations. From loosest to
tightest:

    fragment   list (relation list)*                          a=b<c
    list       sum (, sum)*                                   1,3,13
    sum        [±] term ((+ | − | \setminus | \times) term)*
    term       product (/ product)*                           a_lb_l/n
    product    factor factor …                                2L(2L-1)\int …

Whether ``f(a)`` is a product or a value of f, the tree does not say: it holds the factors f and (a), and whoever
evaluates it knows what f is. ``\operatorname{tr}``, ``\operatorname{rank}``, ``\operatorname{Var}`` and ``\mathbb E``
take the bracket that follows, or else the rest of the product; ``\sum``, ``\prod`` and ``\int`` take the rest of the
term; ``\min`` and ``\inf`` the rest of the sum. A sum without a printed range reaches over the terms after it that name
its index, as in ``\sum_l x_l+y_l``.

>>> parse(r"\frac1n\sum_k\lambda_k").outline()
'product(quotient(1, n), sum(k, sub(\\lambda, k)))'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

RELATIONS = frozenset(
    r"= < > \ne \le \ge \approx \to \leftarrow \in \sim \succ \succeq \prec \preceq".split()  # noqa: SIM905
)
_CLOSING = {
    "(": ")",
    "[": "]",
    r"\{": r"\}",
    r"\langle": r"\rangle",
    r"\lVert": r"\rVert",
    "|": "|",
    "{": "}",
}
_BRACKETS = {"(": "group", "[": "group", r"\{": "set", r"\langle": "inner", r"\lVert": "norm", "|": "modulus"}
_PREFIX = {"tr": "trace", "rank": "rank", "Var": "variance"}
_BIG = {r"\sum": "sum", r"\prod": "prod", r"\int": "integral", r"\min": "minimum", r"\inf": "infimum"}
_STYLES = frozenset({r"\mathcal", r"\mathbb", r"\bar", r"\tilde", r"\hat"})
_SYMBOLS = frozenset(
    r"\alpha \beta \gamma \delta \varepsilon \eta \kappa \lambda \mu \nu \pi \rho \sigma \tau \varphi "  # noqa: SIM905
    r"\Gamma \Sigma \Omega \infty \dots \top \star".split()
)
_TOKEN = re.compile(r"\\text\{[^}]*\}|\\[a-zA-Z]+|\\.|\S")
_SIZES = frozenset({r"\bigl", r"\bigr", r"\Bigl", r"\Bigr"})
_SPACES = frozenset({r"\ ", r"\;", "~"})


class Unreadable(ValueError):
    """TeX beyond the subset that is read here."""


@dataclass(frozen=True)
class Node:
    """An expression: what it is (``head``), its parts, and its TeX without blanks."""

    head: str
    parts: tuple[Node, ...] = ()
    text: str = ""

    def outline(self) -> str:
        """The tree on one line: for tests and messages."""
        if not self.parts:
            return self.text
        return f"{self.head}({', '.join(part.outline() for part in self.parts)})"

    def walk(self) -> Iterator[Node]:
        """The node and all nodes below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def tokens(text: str) -> list[str]:
    """The TeX in pieces, blanks and sizes of brackets left out.

    >>> tokens(r"\\bigl(a_l\\bigr)^2")
    ['(', 'a', '_', 'l', ')', '^', '2']
    """
    return [token for token in _TOKEN.findall(text) if token not in _SIZES | _SPACES]


def joined(pieces: list[str]) -> str:
    """Tokens as TeX again: a blank where a command would run into a letter.

    >>> joined(tokens(r"\\mathcal S' = 2"))
    "\\\\mathcal S'=2"
    """
    text, command = "", False
    for piece in pieces:
        if piece != r"\,":
            text += f" {piece}" if command and piece[0].isalpha() else piece
            command = bool(re.fullmatch(r"\\[a-zA-Z]+", piece))
    return text


def normal(text: str) -> str:
    """TeX without blanks that do not matter: equal for two spellings of the same tokens."""
    return joined(tokens(text))


def parse(text: str) -> Node:
    """The tree of a fragment.

    Raises:
        Unreadable: a token is not understood, or something is missing; the message says where.

    >>> parse("a_l=b+1").outline()
    'relation=(sub(a, l), sum_of(b, 1))'
    """
    reader = _Reader(tokens(text))
    tree = reader.fragment()
    if reader.at < len(reader.tokens):
        raise Unreadable(f"TeX is not read from {joined(reader.tokens[reader.at :])!r} on, in {text!r}")
    return tree


class _Reader:
    """Recursive descent over the tokens; one method for each level of the grammar."""

    def __init__(self, pieces: list[str]) -> None:
        self.tokens, self.at = pieces, 0
        self.within_sum = False
        """Whether a sum or a product reads its body, which ends before the measure of the integral around it."""

    # Tokens.

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """The next token if it is one of these, else the empty text."""
        self.blanks()
        if self.peek() in wanted:
            self.at += 1
            return self.tokens[self.at - 1]
        return ""

    def blanks(self) -> None:
        while self.peek() == r"\,":
            self.at += 1

    def demand(self, token: str) -> None:
        if not self.take(token):
            raise Unreadable(f"TeX must have {token!r} before {joined(self.tokens[self.at :])!r}")

    def node(self, head: str, parts: tuple[Node, ...], start: int) -> Node:
        return Node(head, parts, joined(self.tokens[start : self.at]))

    # Levels of the grammar.

    def fragment(self) -> Node:
        self.blanks()
        start = self.at
        operands, signs = [Node("nothing") if self.peek() in RELATIONS else self.listed()], []
        while sign := self.take(*RELATIONS):
            signs.append(sign)
            operands.append(self.listed())
        return self.node("relation" + " ".join(signs), tuple(operands), start) if signs else operands[0]

    def listed(self) -> Node:
        self.blanks()
        start = self.at
        items = [self.sum()]
        while self.take(","):
            items.append(self.sum())
        return self.node("list", tuple(items), start) if len(items) > 1 else items[0]

    def sum(self) -> Node:
        self.blanks()
        start = self.at
        terms = [self.signed()]
        while self.peek() in ("+", "-", r"\setminus", r"\times"):
            sign = self.peek()
            if sign in ("+", "-"):
                self.take("+")
                term = self.signed()
                if not self._absorbed(terms, term):
                    terms.append(term)
            else:
                self.take(sign)
                first = self.node("sum_of", tuple(terms), start) if len(terms) > 1 else terms[0]
                head = {r"\setminus": "without", r"\times": "times"}[sign]
                terms = [self.node(head, (first, self.signed()), start)]
        return self.node("sum_of", tuple(terms), start) if len(terms) > 1 else terms[0]

    def _absorbed(self, terms: list[Node], term: Node) -> bool:
        """Whether the term is taken into the sum before it, whose index it names."""
        last = terms[-1]
        if last.head != "sum" or last.parts[0].head != "symbol" or term.head == "sum":
            return False
        index, body = last.parts
        if index.text not in {node.text for node in term.walk()}:
            return False
        both = Node("sum_of", (body, term), f"{body.text}+{term.text}")
        terms[-1] = Node("sum", (index, both), f"{last.text}+{term.text}")
        return True

    def signed(self) -> Node:
        start = self.at
        if self.take("-"):
            return self.node("negative", (self.term(),), start)
        if self.take(r"\pm"):
            return self.node("plus_minus", (self.term(),), start)
        return self.term()

    def term(self) -> Node:
        self.blanks()
        start = self.at
        value = self.product()
        while self.take("/"):
            divisor = self.product()
            value = self.node("quotient", (value, divisor), start)
        return value

    def product(self) -> Node:
        self.blanks()
        start = self.at
        factors = [self.factor()]
        while True:
            self.take(r"\cdot")
            if not self._begins_factor():
                break
            factors.append(self.factor())
        return self.node("product", tuple(factors), start) if len(factors) > 1 else factors[0]

    def _begins_factor(self) -> bool:
        token = self.peek()
        if self.within_sum and self._at_measure():
            return False
        if token == "|":
            # A bar within bars closes them; the records never nest moduli.
            return False
        known = _BRACKETS.keys() | _BIG.keys() | _STYLES | _SYMBOLS
        return bool(re.fullmatch(r"[a-zA-Z0-9]", token)) or token in known | {
            r"\frac",
            r"\tfrac",
            r"\operatorname",
            r"\nabla",
        }

    def factor(self) -> Node:
        start = self.at
        if self._at_measure():
            self.at += 2
            variable = (self.bracket(),) if self.peek() == "(" else ()
            return self.node("measure", variable, start)
        return self._scripts(self.primary(), start)

    def _at_measure(self) -> bool:
        return self.peek() == "d" and self.peek(1) == r"\mu"

    def _scripts(self, base: Node, start: int) -> Node:
        while True:
            if self.take("_"):
                base = self.node("sub", (base, self.argument()), start)
            elif self.take("^"):
                base = self.node("power", (base, self.argument()), start)
            elif self.take("'"):
                base = self.node("prime", (base,), start)
            elif self.take("!"):
                base = self.node("factorial", (base,), start)
            else:
                return base

    def argument(self) -> Node:
        """What a script, or a fraction, takes: a braced fragment or a single token."""
        self.blanks()
        start = self.at
        if self.take("{"):
            inside = self.fragment()
            self.demand("}")
            return inside
        token = self.peek()
        self.at += 1
        if re.fullmatch(r"[0-9]", token):
            return self.node("number", (), start)
        if re.fullmatch(r"[a-zA-Z]", token) or token in _SYMBOLS:
            return self.node("symbol", (), start)
        if token in _STYLES:
            self.argument()
            return self.node("symbol", (), start)
        raise Unreadable(f"TeX must have an argument at {joined(self.tokens[start:])!r}")

    def primary(self) -> Node:
        start, token = self.at, self.peek()
        if re.fullmatch(r"[0-9]", token):
            return self.numeral()
        if token in _BRACKETS:
            return self.bracket()
        self.at += 1
        if re.fullmatch(r"[a-zA-Z]", token) or token in _SYMBOLS:
            return self.node("symbol", (), start)
        if token == r"\mathbb" and self.peek() == "E":
            self.at += 1
            return self._prefix("expectation", start)
        readers: dict[str, Callable[[int], Node]] = {
            r"\frac": self._fraction,
            r"\tfrac": self._fraction,
            r"\operatorname": self._operator,
            r"\nabla": self._gradient,
        }
        if token in readers:
            return readers[token](start)
        if token in _STYLES:
            self.argument()
            return self.node("symbol", (), start)
        if token in _BIG:
            return self._big(_BIG[token], start)
        self.at = start
        raise Unreadable(f"TeX is not understood at {joined(self.tokens[start:])!r}")

    def numeral(self) -> Node:
        start = self.at
        digits = ""
        while re.fullmatch(r"[0-9]", self.peek()) or (self.peek() == "." and self.peek(1).isdigit()):
            digits += self.peek()
            self.at += 1
            # The thin space between thousands belongs to the numeral.
            if self.peek() == r"\," and all(self.peek(i).isdigit() for i in (1, 2, 3)):
                self.at += 1
        return Node("number", (), digits or joined(self.tokens[start : self.at]))

    def bracket(self) -> Node:
        start, opening = self.at, self.peek()
        self.at += 1
        items, separators = [self._item()], set()
        while separator := self.take(",", ";"):
            separators.add(separator)
            items.append(self._item())
        if self.peek().startswith(r"\text{"):
            # A condition in words, as in {… for all l}: the variable it names is read and kept.
            self.at += 1
            items.append(self.sum())
        self.demand(_CLOSING[opening])
        if len(separators) > 1:
            raise Unreadable(
                f"TeX must have commas or semicolons in {joined(self.tokens[start : self.at])!r}"
            )
        head = _BRACKETS[opening]
        if head == "group" and separators:
            head = "stack" if ";" in separators else "tuple"
        return self.node(head, tuple(items), start)

    def _item(self) -> Node:
        start = self.at
        item = self.sum()
        if sign := self.take(*RELATIONS):
            return self.node("relation" + sign, (item, self.sum()), start)
        return item

    def _fraction(self, start: int) -> Node:
        above = self.argument()
        return self.node("quotient", (above, self.argument()), start)

    def _operator(self, start: int) -> Node:
        self.demand("{")
        name = ""
        while self.peek() not in ("}", ""):
            name += self.peek()
            self.at += 1
        self.demand("}")
        if name in _PREFIX:
            return self._prefix(_PREFIX[name], start)
        return self.node("symbol", (), start)

    def _prefix(self, head: str, start: int) -> Node:
        self.blanks()
        body = self.bracket() if self.peek() in ("(", "[") else self.product()
        return self.node(head, (body,), start)

    def _gradient(self, start: int) -> Node:
        variable = (self.argument(),) if self.take("_") else ()
        return self.node("gradient", (self.primary(), *variable), start)

    def _big(self, head: str, start: int) -> Node:
        bounds = []
        while mark := self.take("_", "^"):
            bounds.append((mark, self.argument()))
        around, self.within_sum = self.within_sum, head in ("sum", "prod")
        body = self.sum() if head in ("minimum", "infimum") else self.term()
        self.within_sum = around
        lower = tuple(bound for mark, bound in sorted(bounds, key=lambda b: b[0] == "^") for _ in mark)
        return self.node(head, (*lower, body), start)
