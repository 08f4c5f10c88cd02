"""Word polynomials at given matrices or joint eigenvalues: exactly over ℚ, or with symbolic eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial, reduce
from math import prod
from operator import mul
from typing import Any

import sympy
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.words import Word, Words
from icl_claims.theory.task import RegressionTask


def at_task(polynomial: Words, task: RegressionTask, values: Mapping[str, fmpq_mat]) -> fmpq_mat:
    """The polynomial at Σ, Ω, σ², n, d of a task and at given matrices for its other letters.

    Letters named ``Sigma`` and ``Omega`` come from the task, 1 × 1 letters are 1 × 1 matrices. Products are of
    integer matrices beside one denominator each, and of a trace of a product only the diagonal is computed.

    Raises:
        KeyError: a letter has no value.
        ValueError: a value is not of its letter's shape.
    """
    sizes = {"d": task.dim, "n": task.context_length, "1": 1}
    matrices = {"Sigma": task.covariance, "Omega": task.task_covariance, **values}
    for x in polynomial.letters():
        validation.matrix(x.name, matrices[x.name], (sizes[x.rows], sizes[x.cols]))

    integers = {name: matrices[name].numer_denom() for name in {x.name for x in polynomial.letters()}}
    known: dict[tuple[str, ...], tuple[fmpz_mat, fmpz]] = {}
    if not {"Sigma", "Omega"} & set(values):
        m, unit = task.covariance_product.numer_denom()
        known = {("Sigma", "Omega"): (m, unit), ("Omega", "Sigma"): (m.transpose(), unit)}

    @cache
    def product(letters: Word) -> tuple[fmpz_mat, fmpz]:
        names = tuple(x.name for x in letters)
        if names in known:
            return known[names]
        if len(letters) == 1:
            m, unit = integers[letters[0].name]
            return (m.transpose() if letters[0].transposed else m), unit
        (left, left_unit), (right, right_unit) = map(product, _halves(letters))
        return _reduced(left * right, left_unit * right_unit)

    def word(letters: Word) -> fmpq_mat:
        if not letters:
            return exact.identity(sizes[polynomial.rows])
        m, unit = product(letters)
        return fmpq_mat(m) / unit

    def trace(letters: Word) -> fmpq:
        if len(letters) == 1:
            return exact.trace(word(letters))
        (left, left_unit), (right, right_unit) = map(product, _halves(_opened(letters)))
        return fmpq(exact.integer_inner(left, right.transpose()), left_unit * right_unit)

    return polynomial.evaluate(
        number=lambda c: rational_value(c, task),
        word=word,
        trace=trace,
        nothing=fmpq_mat(sizes[polynomial.rows], sizes[polynomial.cols]),
    )


def _halves(letters: Word) -> tuple[Word, Word]:
    """Two factors of a word of two letters or more, the first of an even number of letters where that can be.

    Ω and Γ stand beside Σ, in pairs whose numbers are short where Ω = Σ⁻¹: pairs are multiplied first.
    """
    middle = max(len(letters) // 4 * 2, 2) if len(letters) > 2 else 1
    return letters[:middle], letters[middle:]


def _opened(closed: Word) -> Word:
    """A closed word turned so that it begins at dimension 1 if it passes there: its products are vectors then."""
    cut = next((i for i, x in enumerate(closed) if x.rows == "1"), 0)
    return closed[cut:] + closed[:cut]


def _reduced(m: fmpz_mat, unit: fmpz) -> tuple[fmpz_mat, fmpz]:
    """The same matrix m/unit in lowest terms."""
    common = unit
    for x in m.entries():
        if common == 1:
            return m, unit
        common = common.gcd(x)
    return fmpz_mat(m.nrows(), m.ncols(), [x // common for x in m.entries()]), unit // common


def at_levels(polynomial: Words, task: RegressionTask, values: Mapping[str, Sequence[fmpq]]) -> list[fmpq]:
    """The polynomial at a task with diagonal Σ and Ω, and at matrices that are multiples of I on each of its levels.

    A word is then a product of eigenvalues and a trace a sum over the levels: no d × d matrix is needed.

    Args:
        polynomial: d × d or a scalar, in letters d × d.
        task: Σ and Ω, σ², n and d.
        values: of each letter that is not ``Sigma`` or ``Omega`` its eigenvalue on every level.

    Returns:
        The eigenvalues on the levels, in their order; of a scalar polynomial its one value.

    Raises:
        KeyError: a letter has no value.
        ValueError: Σ or Ω is not diagonal, or a letter has not one value for each level.

    >>> from icl_claims.theory.algebra.words import letter
    >>> square = letter("Sigma", "d", "d") @ letter("Sigma", "d", "d")
    >>> task = RegressionTask.diagonal([3, 3, 2], context_length=5)
    >>> at_levels(square, task, {}), at_levels(square.trace(), task, {})
    ([9, 4], [22])
    """
    levels = task.levels()
    if levels is None:
        raise ValueError(f"task must have diagonal Σ and Ω, got {task!r}")
    columns: dict[str, Sequence[fmpq]] = {
        "Sigma": [x.covariance for x in levels],
        "Omega": [x.task_covariance for x in levels],
        **values,
    }
    for name, column in columns.items():
        if len(column) != len(levels):
            raise ValueError(
                f"{name} must have one value for each of {len(levels)} levels, got {len(column)}"
            )

    def product(place: int, letters: Word) -> fmpq:
        return prod((columns[x.name][place] for x in letters), start=fmpq(1))

    @cache
    def trace(letters: Word) -> fmpq:
        return exact.total(x.multiplicity * product(i, letters) for i, x in enumerate(levels))

    @cache
    def number(c: FracElement) -> fmpq:
        return rational_value(c, task)

    places = range(1 if polynomial.is_scalar else len(levels))
    return [polynomial.evaluate(number, partial(product, i), trace, fmpq(0)) for i in places]


def rational_value(c: FracElement, task: RegressionTask) -> fmpq:
    """A coefficient in ℚ(n, d, σ²) at the numbers of a task."""
    point = (fmpq(task.context_length), fmpq(task.dim), task.noise_variance)

    def value(polynomial: Any) -> fmpq:
        return sum(
            (
                reduce(
                    mul,
                    (x**k for x, k in zip(point, powers, strict=True)),
                    fmpq(int(a.numerator), int(a.denominator)),
                )
                for powers, a in polynomial.terms()
            ),
            fmpq(0),
        )

    return value(c.numer) / value(c.denom)


def in_eigenbasis(
    polynomial: Words, eigenvalues: Mapping[str, Any], traces: Mapping[str, Any] | None = None
) -> sympy.Expr:
    """One diagonal entry of a polynomial in matrices that are all diagonal in one basis.

    Args:
        polynomial: d × d, in letters that commute.
        eigenvalues: each letter's eigenvalue at the entry, a SymPy expression or a number.
        traces: the value of each trace, its word spelled with blanks, as in ``{"Sigma": T}``.

    Raises:
        KeyError: a letter or a trace has no value.
    """
    given = traces or {}

    def word(letters: Word) -> sympy.Expr:
        return sympy.prod(sympy.sympify(eigenvalues[x.name]) for x in letters)

    def trace(letters: Word) -> sympy.Expr:
        return sympy.sympify(given[" ".join(x.name for x in letters)])

    return polynomial.evaluate(lambda c: c.as_expr(), word, trace, sympy.Integer(0))


def vanishes(expression: sympy.Expr) -> bool:
    """Whether a rational expression over ℚ is zero, decided on its numerator polynomial."""
    numerator = sympy.fraction(sympy.together(expression))[0]
    free = sorted(numerator.free_symbols, key=str)
    return bool(sympy.Poly(numerator, *free, domain=sympy.QQ).is_zero) if free else numerator == 0
