"""Polynomials in non-commuting matrices and their traces, of symbolic size.

A *word* is a product of letters (matrices of symbolic shape); a :class:`Words` is a sum of terms

    coefficient · tr(word) ⋯ tr(word) · word,      coefficient ∈ ℚ(n, d, σ²).

Every identity between two of them holds for all sizes d, n and all matrices of the declared shapes
and symmetries: equality of normal forms is a proof. Normal form: a product that passes through
dimension 1 splits there into scalars; a trace is the least of its rotations and of their transposes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from operator import mul
from typing import Any

from sympy import QQ
from sympy.polys.fields import FracElement, field

FIELD, n, d, sigma2 = field("n,d,sigma2", QQ)
"""ℚ(n, d, σ²) and its generators: context length, dimension, noise variance."""

SIZES: dict[str, FracElement] = {"n": n, "d": d, "1": FIELD.one}
"""The symbolic sizes that a letter may have, each with its value."""


@dataclass(frozen=True, order=True)
class Letter:
    """A matrix of symbolic shape ``rows`` × ``cols``, each one of "d", "n", "1"."""

    name: str
    rows: str
    cols: str
    symmetric: bool = False
    transposed: bool = False

    def __post_init__(self) -> None:
        if self.rows not in SIZES or self.cols not in SIZES:
            raise ValueError(f"rows and cols must be among {sorted(SIZES)}, got {self.rows!r}, {self.cols!r}")
        if self.symmetric and self.rows != self.cols:
            raise ValueError(f"a symmetric letter must be square, got {self.rows} × {self.cols}")

    @property
    def T(self) -> Letter:
        """The transposed letter."""
        if self.symmetric or (self.rows, self.cols) == ("1", "1"):
            return self
        return replace(self, rows=self.cols, cols=self.rows, transposed=not self.transposed)

    @property
    def plain(self) -> Letter:
        """The letter as it was declared."""
        return self.T if self.transposed else self


Word = tuple[Letter, ...]
Term = tuple[tuple[Word, ...], Word]
"""The traces of a term, sorted, and its matrix part (empty: the identity, or the scalar 1)."""


class Words:
    """A polynomial in words, all of shape ``rows`` × ``cols``.

    Supports ``+``, ``-``, ``@`` (matrix product), ``*`` (by a rational number, an element of
    :data:`FIELD` or a 1 × 1 polynomial), ``.T``, :meth:`trace`, and ``==``, which decides identity.

    >>> A, B = letter("A", "d", "d"), letter("B", "d", "d")
    >>> (A @ B).trace() == (B.T @ A.T).trace()
    True
    >>> A @ B == B @ A
    False
    """

    __slots__ = ("cols", "rows", "terms")

    def __init__(self, rows: str, cols: str, terms: Mapping[Term, FracElement]) -> None:
        self.rows, self.cols = rows, cols
        self.terms: dict[Term, FracElement] = {term: c for term, c in terms.items() if c}

    def __add__(self, other: Words) -> Words:
        if (self.rows, self.cols) != (other.rows, other.cols):
            raise ValueError(
                f"terms must have one shape, got {self.rows}×{self.cols} and {other.rows}×{other.cols}"
            )
        return Words(self.rows, self.cols, _collect([*self.terms.items(), *other.terms.items()]))

    def __neg__(self) -> Words:
        return Words(self.rows, self.cols, {term: -c for term, c in self.terms.items()})

    def __sub__(self, other: Words) -> Words:
        return self + (-other)

    def __matmul__(self, other: Words) -> Words:
        if self.cols != other.rows:
            raise ValueError(
                f"shapes must chain, got {self.rows}×{self.cols} times {other.rows}×{other.cols}"
            )
        products = (
            (_product(s + t, v + w), a * b)
            for (s, v), a in self.terms.items()
            for (t, w), b in other.terms.items()
        )
        return Words(self.rows, other.cols, _collect(products))

    def __mul__(self, factor: Words | FracElement | int | Fraction) -> Words:
        if isinstance(factor, Words):
            scalar, rest = (self, factor) if self.is_scalar else (factor, self)
            if not scalar.is_scalar:
                raise ValueError("one factor of * must be 1 × 1; @ is the matrix product")
            products = (
                ((_sorted(s + t), word), a * b)
                for (s, _), a in scalar.terms.items()
                for (t, word), b in rest.terms.items()
            )
            return Words(rest.rows, rest.cols, _collect(products))
        c = coefficient(factor)
        return Words(self.rows, self.cols, {term: a * c for term, a in self.terms.items()})

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Words:
        return self * (FIELD.one / coefficient(divisor))

    @property
    def is_scalar(self) -> bool:
        """Whether the shape is 1 × 1."""
        return self.rows == self.cols == "1"

    @property
    def T(self) -> Words:
        """The transpose."""
        return Words(
            self.cols, self.rows, {(traces, _transpose(word)): c for (traces, word), c in self.terms.items()}
        )

    def trace(self) -> Words:
        """The trace, a 1 × 1 polynomial; tr(I_d) = d."""
        if self.rows != self.cols:
            raise ValueError(f"a trace needs a square polynomial, got {self.rows}×{self.cols}")
        traced = []
        for (traces, word), c in self.terms.items():
            if word:
                traced.append(((_sorted(traces + _closed(word)), ()), c))
            else:
                traced.append(((traces, ()), c * SIZES[self.rows]))
        return Words("1", "1", _collect(traced))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Words):
            return NotImplemented
        return (self.rows, self.cols, self.terms) == (other.rows, other.cols, other.terms)

    def __hash__(self) -> int:
        return hash((self.rows, self.cols, frozenset(self.terms.items())))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def letters(self) -> frozenset[Letter]:
        """The letters that occur, untransposed."""
        return frozenset(x.plain for traces, word in self.terms for part in (*traces, word) for x in part)

    def substitute(self, values: Mapping[str, Words]) -> Words:
        """The polynomial with letters, named by the keys, replaced by polynomials of their shape."""

        def image(x: Letter) -> Words:
            if x.name not in values:
                return of_letter(x)
            return values[x.name].T if x.transposed else values[x.name]

        def word_image(word: Word) -> Words:
            return reduce(Words.__matmul__, (image(x) for x in word))

        total = zero(self.rows, self.cols)
        for (traces, word), c in self.terms.items():
            part = word_image(word) if word else eye(self.rows)
            for trace in traces:
                part = part * word_image(trace).trace()
            total = total + part * c
        return total

    def evaluate(
        self,
        number: Callable[[FracElement], Any],
        word: Callable[[Word], Any],
        trace: Callable[[Word], Any],
        nothing: Any,
    ) -> Any:
        """The polynomial under an interpretation of coefficients, words and traces.

        The one way from a formula to numbers: rational matrices, float64 arrays and symbolic
        eigenvalues are three interpretations. ``word`` gets the empty word for the identity (or
        the scalar 1); ``nothing`` is the zero to which the terms are added.
        """
        total = nothing
        for (traces, letters), c in sorted(self.terms.items(), key=lambda item: item[0]):
            total = total + word(letters) * reduce(mul, map(trace, traces), number(c))
        return total

    def __repr__(self) -> str:
        def show(word: Word) -> str:
            return " ".join(x.name + ("ᵀ" if x.transposed else "") for x in word)

        shown = [
            " ".join([f"({c.as_expr()})", *(f"tr({show(t)})" for t in traces), show(word)]).strip()
            for (traces, word), c in sorted(self.terms.items(), key=lambda item: item[0])
        ]
        return " + ".join(shown) or "0"


def letter(name: str, rows: str, cols: str, symmetric: bool = False) -> Words:
    """The polynomial that consists of one letter."""
    return of_letter(Letter(name, rows, cols, symmetric))


def of_letter(x: Letter) -> Words:
    """The polynomial that consists of this letter."""
    return Words(x.rows, x.cols, {_product((), (x,)): FIELD.one})


def eye(size: str) -> Words:
    """The identity of a symbolic size."""
    return Words(size, size, {((), ()): FIELD.one})


def one() -> Words:
    """The scalar 1."""
    return eye("1")


def zero(rows: str, cols: str) -> Words:
    """The zero polynomial of a shape."""
    return Words(rows, cols, {})


def coefficient(value: Any) -> FracElement:
    """An element of :data:`FIELD` from an int, a Fraction or an element."""
    if isinstance(value, FracElement):
        return value
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return FIELD(QQ(value.numerator, value.denominator))
    raise TypeError(f"a coefficient must be an int, a Fraction or an element of ℚ(n, d, σ²), got {value!r}")


def _collect(items: Iterable[tuple[Term, FracElement]]) -> dict[Term, FracElement]:
    total: dict[Term, FracElement] = {}
    for term, c in items:
        total[term] = total[term] + c if term in total else c
    return total


def _transpose(word: Word) -> Word:
    return tuple(x.T for x in reversed(word))


def _sorted(traces: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(sorted(traces))


def _product(traces: tuple[Word, ...], word: Word) -> Term:
    """Normal form: whatever stands between two passages through dimension 1 is a scalar."""
    cuts = [i for i, x in enumerate(word) if x.rows == "1"]
    if word and word[-1].cols == "1":
        cuts.append(len(word))
    if len(cuts) < 2:
        return _sorted(traces), word
    scalars = tuple(_least(word[i:j]) for i, j in pairwise(cuts))
    return _sorted(traces + scalars), word[: cuts[0]] + word[cuts[-1] :]


def _closed(word: Word) -> tuple[Word, ...]:
    """The traces that tr(word) is a product of."""
    cut = next((i for i, x in enumerate(word) if x.rows == "1"), None)
    if cut is None:
        return (_least(word),)
    return _product((), word[cut:] + word[:cut])[0]


def _least(word: Word) -> Word:
    """The least of the rotations of a closed word and of its transpose."""
    candidates = [v[i:] + v[:i] for v in (word, _transpose(word)) for i in range(len(v))]
    return min(candidates)
