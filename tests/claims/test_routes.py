"""Which functions a call may run, read from its code."""

from __future__ import annotations

import functools

import sympy

from icl_claims.claims.routes import reached
from icl_claims.theory import task
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.exact import identity, total


def direct() -> None:
    total([])


def through_a_module() -> None:
    exact.total([])


def through_another() -> None:
    direct()


def inside_a_comprehension() -> list[object]:
    return [(lambda: direct())() for _ in range(2)]


def by_a_table() -> None:
    TABLE["direct"]()


def by_a_list() -> None:
    for call in ROW:
        call()


def by_a_class() -> object:
    return task.RegressionTask


def by_a_default(call: object = direct) -> None:
    pass


def by_a_default_of_a_keyword(*, call: object = direct) -> None:
    pass


class Own:
    """A class with a method that calls the mathematics."""

    def method(self) -> None:
        direct()


def by_an_own_class() -> None:
    Own().method()


def alone() -> object:
    return sympy.Integer(1)


TABLE = {"direct": direct}
ROW = [direct]


def test_the_mathematics_is_found_however_it_is_called() -> None:
    calls = (
        direct,
        through_a_module,
        through_another,
        inside_a_comprehension,
        by_a_table,
        by_a_list,
        by_a_default,
        by_a_default_of_a_keyword,
    )
    partial = functools.partial(through_another)
    wrapped = functools.wraps(direct)(lambda: None)
    for call in (*calls, by_an_own_class, Own().method, partial, wrapped, total):
        assert reached(call)[1] == {"icl_claims.theory.algebra.exact"}, call
    assert reached(by_a_class)[1] == {"icl_claims.theory.task"}


def test_a_call_in_a_closure_is_found() -> None:
    def outer(call: object) -> object:
        return lambda: call  # type: ignore[return-value]

    assert reached(outer(direct))[1]  # type: ignore[arg-type]
    assert not reached(outer(alone))[1]  # type: ignore[arg-type]


def test_functions_on_the_way_are_named_and_libraries_are_not_looked_into() -> None:
    functions, _ = reached(through_another)
    assert functions == {through_another, direct, total}
    assert reached(alone) == (frozenset({alone}), frozenset())
    assert identity not in functions
