"""Word polynomials at given matrices: exactly over ℚ, or in an eigenbasis with symbolic eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import mul
from typing import Any

import sympy
from flint import fmpq, fmpq_mat
from sympy.polys.fields import FracElement

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import Word, Words
from icl_claims.theory.task import RegressionTask


def at_task(polynomial: Words, task: RegressionTask, values: Mapping[str, fmpq_mat]) -> fmpq_mat:
    """The polynomial at Σ, Ω, σ², n, d of a task and at given matrices for its other letters.

    Letters named ``Sigma`` and ``Omega`` come from the task, 1 × 1 letters are 1 × 1 matrices.

    Raises:
        KeyError: a letter has no value.
        ValueError: a value is not of its letter's shape.
    """
    sizes = {"d": task.dim, "n": task.context_length, "1": 1}
    matrices = {"Sigma": task.covariance, "Omega": task.task_covariance, **values}
    for x in polynomial.letters():
        exact.matrix(x.name, matrices[x.name], (sizes[x.rows], sizes[x.cols]))

    @cache
    def word(letters: Word) -> fmpq_mat:
        if not letters:
            return exact.identity(sizes[polynomial.rows])
        last = letters[-1]
        factor = matrices[last.name].transpose() if last.transposed else matrices[last.name]
        return word(letters[:-1]) * factor if len(letters) > 1 else factor

    return polynomial.evaluate(
        number=lambda c: rational_value(c, task),
        word=word,
        trace=lambda letters: exact.trace(word(letters)),
        nothing=fmpq_mat(sizes[polynomial.rows], sizes[polynomial.cols]),
    )


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
