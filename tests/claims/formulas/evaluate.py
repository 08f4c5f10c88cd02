r"""Evaluates printed formulas (:mod:`icl_claims.claims.tex`) over exact values, given what each symbol means.

An *environment* maps TeX to values (:mod:`tests.claims.formulas.values`): numbers, polynomials in s or in random
entries, matrices, Python functions, tuples. Keys of special form:

* ``"a_"``: the family a_0, a_1, …, a function of the index or a mapping (a plain key ``"a_q"`` comes first);
* ``"l∈"``: the values of an index whose range is not printed, or is printed by a bound only;
* ``"="``: the value of a formula without a relation, or a function that says whether a value is right;
  ``"true"``: whether a relation is true here (it is, by default);
* ``r"\mathbb E"``, ``r"\operatorname{tr}"``, ``r"\operatorname{Var}"``, ``r"\int"``: functions of the evaluated body;
* ``"E∈"``, in the place of ``r"\mathbb E"``: equally likely environments, over which the body is averaged;
* ``r"\min"``, ``r"\inf"``: functions of a function that evaluates the body after more symbols got values;
* ``r"\nabla"``: a function of the names that are differentiated, and by; ``r"\to"``, ``r"\leftarrow"``: relations.

A known real number that is printed rounded is a :class:`Rounded`: it equals a printed numeral if it rounds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from math import factorial
from operator import add
from types import FunctionType
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.claims import tex
from icl_claims.claims.tex import Node
from icl_claims.theory.algebra import definiteness, exact, validation
from tests.claims.formulas.values import (
    NO_VALUE,
    Matrix,
    Root,
    Rounded,
    Several,
    Shape,
    Undefined,
    plus,
    same,
    scalar,
    times,
)

Environment = Mapping[str, Any]


def holds(node: Node, environment: Environment) -> bool:
    """Whether a formula is as the environment says: true (or false), or of the value that stands under "=".

    Raises:
        Undefined: it has no value there.
    """
    if node.head.startswith("relation"):
        return evaluate(node, environment) == environment.get("true", True)
    if "=" not in environment:
        raise Undefined(f"{node.text} has no relation, and no value to be compared with")
    expected = environment["="]
    if isinstance(expected, FunctionType):
        value = evaluate(node, environment)
        try:
            return bool(expected(value))
        except NO_VALUE as error:
            raise Undefined(f"{node.text}: {error!r}") from error
    return equal(expected, node, environment)


def equal(value: Any, node: Node, environment: Environment) -> bool:
    """Whether a node has a value; a :class:`Rounded` is compared with the numeral as it is printed."""
    if isinstance(value, Rounded):
        return value.agrees(scalar(evaluate(node, environment)), _unit(node))
    if isinstance(value, tuple) and node.head in ("tuple", "list"):
        return len(value) == len(node.parts) and all(
            map(equal, value, node.parts, [environment] * len(value))
        )
    return same(value, evaluate(node, environment))


def _unit(node: Node) -> fmpq:
    """One in the last printed digit of a numeral, with its sign or its power of ten."""
    if node.head == "negative":
        return _unit(node.parts[0])
    if node.head == "product" and node.parts[-1].head == "power":
        return _unit(node.parts[0]) * evaluate(node.parts[-1], {})
    if node.head != "number":
        raise Undefined(f"{node.text} is no numeral")
    return fmpq(1, 10 ** len(node.text.partition(".")[2]))


def evaluate(node: Node, environment: Environment) -> Any:
    """The value of a node.

    Raises:
        Undefined: it has none in this environment.
    """
    if node.text in environment and node.head not in ("number", "relation"):
        return scalar(environment[node.text])
    head = "relation" if node.head.startswith("relation") else node.head
    if head not in _RULES:
        raise Undefined(f"{node.text} has no meaning here")
    try:
        return scalar(_RULES[head](node, environment))
    except Undefined:
        raise
    except NO_VALUE as error:
        raise Undefined(f"{node.text}: {error!r}") from error


# Numbers and names.


def _number(node: Node, _: Environment) -> fmpq:
    return validation.rational("number", node.text)


def _sub(node: Node, environment: Environment) -> Any:
    base, index = node.parts
    if base.head == "norm" and index.text == "F":
        return evaluate(base, environment)
    place = evaluate(index, environment) if index.head != "nothing" else None
    if base.text + "_" in environment:
        family = environment[base.text + "_"]
        # Counted indices are Python integers, so that lists and mappings can be families.
        key = tuple(map(_natural, place)) if isinstance(place, tuple) else _natural(place)
        if isinstance(family, Sequence) and key < 0:
            raise Undefined(f"{node.text}: indices start at 0")
        return family(key) if callable(family) else family[key]
    value = evaluate(base, environment)
    if isinstance(value, Matrix):
        i, j = map(_natural, place) if isinstance(place, tuple) else (1, _natural(place))
        if i < 1 or j < 1:
            raise Undefined(f"{node.text}: entries are counted from 1")
        return value.rows[i - 1][j - 1]
    raise Undefined(f"{node.text} is no family and no matrix")


def _natural(value: Any) -> Any:
    return int(value) if isinstance(value, fmpq) and value.q == 1 else value


def _prime(node: Node, environment: Environment) -> Any:
    raise Undefined(f"{node.text} has no meaning here")


# Arithmetic.


def _sum_of(node: Node, environment: Environment) -> Any:
    return reduce(plus, (evaluate(part, environment) for part in node.parts))


def _negative(node: Node, environment: Environment) -> Any:
    return times(fmpq(-1), evaluate(node.parts[0], environment))


def _plus_minus(node: Node, environment: Environment) -> Any:
    return times(environment[r"\pm"], evaluate(node.parts[0], environment))


def _quotient(node: Node, environment: Environment) -> Any:
    above, below = (evaluate(part, environment) for part in node.parts)
    if isinstance(above, Root) and isinstance(below, Root):
        return Root(above.square / below.square)
    if isinstance(below, Matrix):
        raise Undefined(f"{node.text}: a matrix below a bar")
    return times(above, 1 / below)


def _power(node: Node, environment: Environment) -> Any:
    base, exponent = node.parts
    if base.text == r"\mathbb R":
        return Shape(*map(int, evaluate(exponent, environment)))
    return _raised(evaluate(base, environment), exponent, environment)


def _raised(value: Any, exponent: Node, environment: Environment) -> Any:
    if exponent.text == r"\top":
        return value.T
    if isinstance(value, Root):
        if evaluate(exponent, environment) != 2:
            raise Undefined("a norm is only squared")
        return value.square
    power = evaluate(exponent, environment)
    if not isinstance(power, fmpq) or power.q != 1:
        raise Undefined(f"the exponent {exponent.text} is no integer")
    if isinstance(value, Matrix):
        if power < 0:
            value, power = value.inverse(), -power
        unit = Matrix(exact.identity(value.shape[0]))
        return reduce(Matrix.__matmul__, [value] * int(power), unit)
    return 1 / value ** int(-power) if power < 0 else value ** int(power)


def _product(node: Node, environment: Environment) -> Any:
    return _applied(list(node.parts), environment)


def _applied(factors: list[Node], environment: Environment) -> Any:
    """The product of factors, in which a function is applied to the bracket after it, or to all that follows."""
    first, *rest = factors
    value = evaluate(first, environment)
    if isinstance(value, FunctionType):
        if not rest:
            return value
        argument, *rest = rest
        if argument.head == "power" and argument.parts[0].head in ("group", "tuple"):
            inner, exponent = argument.parts
            value = _raised(scalar(_called(value, inner, environment)), exponent, environment)
        elif argument.head in ("group", "tuple"):
            value = scalar(_called(value, argument, environment))
        else:
            return scalar(value(_applied([argument, *rest], environment)))
    return times(value, _applied(rest, environment)) if rest else value


def _called(function: Any, argument: Node, environment: Environment) -> Any:
    if getattr(function, "binds", None):
        return function([evaluate(argument, {**environment, **more}) for more in function.binds])
    return function(*(evaluate(part, environment) for part in argument.parts))


def _factorial(node: Node, environment: Environment) -> Any:
    return factorial(int(evaluate(node.parts[0], environment)))


def _without(node: Node, environment: Environment) -> tuple[Any, ...]:
    parts, removed = (evaluate(part, environment) for part in node.parts)
    place = parts.index(removed)
    return (*parts[:place], *parts[place + 1 :])


# Brackets.


def _group(node: Node, environment: Environment) -> Any:
    return evaluate(node.parts[0], environment)


def _tuple(node: Node, environment: Environment) -> tuple[Any, ...]:
    return tuple(evaluate(part, environment) for part in node.parts)


def _list(node: Node, environment: Environment) -> Several:
    return Several(evaluate(part, environment) for part in node.parts)


def _stack(node: Node, environment: Environment) -> Matrix:
    """(A; 0): A above a row of zeros."""
    above, below = (evaluate(part, environment) for part in node.parts)
    if below != 0:
        raise Undefined(f"{node.text}: only zeros are stacked below")
    return Matrix([*above.rows, (fmpq(0),) * above.shape[1]])


def _set(node: Node, environment: Environment) -> Any:
    """A set of listed values; or, of relations, whether they are true in the environment."""
    if not node.parts[0].head.startswith("relation"):
        return frozenset(evaluate(part, environment) for part in node.parts)
    conditions = [part for part in node.parts if part.head.startswith("relation")]
    layers = environment["l∈"]
    return all(evaluate(part, {**environment, "l": layer}) for part in conditions for layer in layers)


def _inner(node: Node, environment: Environment) -> Any:
    a, b = (evaluate(part, environment) for part in node.parts)
    return (a.T @ b).trace()


def _norm(node: Node, environment: Environment) -> Root:
    value = evaluate(node.parts[0], environment)
    entries = value.entries() if isinstance(value, Matrix) else [value]
    return Root(reduce(add, (x * x for x in entries)))


def _modulus(node: Node, environment: Environment) -> Any:
    return abs(evaluate(node.parts[0], environment))


# Operators.


def _operator(key: str, default: Callable[[Any], Any] | None = None) -> Callable[[Node, Environment], Any]:
    def rule(node: Node, environment: Environment) -> Any:
        function = environment.get(key, default)
        if function is None:
            raise Undefined(f"{key} has no meaning here")
        return function(evaluate(node.parts[0], environment))

    return rule


def _expectation(node: Node, environment: Environment) -> Any:
    if "E∈" not in environment:
        return _operator(r"\mathbb E")(node, environment)
    values = [evaluate(node.parts[0], {**environment, **more}) for more in environment["E∈"]]
    return times(fmpq(1, len(values)), reduce(plus, values))


def _trace(value: Any) -> Any:
    return value.trace()


def _rank(value: Any) -> int:
    return int(fmpq_mat([list(row) for row in value.rows]).rank())


def _gradient(node: Node, environment: Environment) -> Any:
    function, *variable = node.parts
    if not variable:
        return environment[rf"\nabla {function.text}"]
    base, index = variable[0].parts
    return environment[r"\nabla"](function.text, base.text, _natural(evaluate(index, environment)))


def _integral(node: Node, environment: Environment) -> Any:
    body = node.parts[-1]
    factors = body.parts if body.head == "product" else (body,)
    if factors[-1].head != "measure":
        raise Undefined(f"{node.text}: an integral without a measure")
    return environment[r"\int"](_applied(list(factors[:-1]), environment))


def _measure(node: Node, environment: Environment) -> Any:
    raise Undefined(f"{node.text} stands alone")


def _bound(key: str) -> Callable[[Node, Environment], Any]:
    """min or inf: the table's function gets the body, as a function of further symbols."""

    def rule(node: Node, environment: Environment) -> Any:
        body = node.parts[-1]
        return environment[key](lambda more: evaluate(body, {**environment, **more}))

    return rule


def _big(operation: Callable[[Any, Any], Any], empty: int) -> Callable[[Node, Environment], Any]:
    def rule(node: Node, environment: Environment) -> Any:
        *bounds, body = node.parts
        values = [evaluate(body, {**environment, name: i}) for name, i in _indices(bounds, environment)]
        return reduce(operation, values) if values else empty

    return rule


def _indices(bounds: Sequence[Node], environment: Environment) -> Iterator[tuple[str, Any]]:
    """The index's name with each of its values."""
    lower, *upper = bounds
    if lower.head == "symbol":
        yield from ((lower.text, i) for i in environment[lower.text + "∈"])
        return
    name, bound = lower.parts[0].text, lower.parts[1]
    if upper:
        first, last = evaluate(bound, environment), evaluate(upper[0], environment)
        yield from ((name, i) for i in range(int(first), int(last) + 1))
    elif lower.head == r"relation\in":
        yield from ((name, r) for r in evaluate(bound, environment))
    else:
        candidates = environment[name + "∈"]
        yield from ((name, i) for i in candidates if evaluate(lower, {**environment, name: i}))


# Relations.


def _relation(node: Node, environment: Environment) -> bool:
    signs = node.head.removeprefix("relation").split()
    pairs = zip(node.parts, signs, node.parts[1:], strict=False)
    return all(_related(left, sign, right, environment) for left, sign, right in pairs)


def _related(left: Node, sign: str, right: Node, environment: Environment) -> bool:
    if sign in (r"\to", r"\leftarrow"):
        value = (
            None if left.head == "nothing" else evaluate(left, environment) if sign == r"\to" else left.text
        )
        return bool(environment[sign](value, evaluate(right, environment)))
    if left.head == "list":
        return all(_related(part, sign, right, environment) for part in left.parts)
    value = evaluate(left, environment)
    if sign in ("=", r"\approx"):
        if right.head == "list":
            return any(equal(value, part, environment) for part in right.parts)
        return equal(value, right, environment)
    other = evaluate(right, environment)
    if sign == r"\ne":
        return not same(value, other)
    if sign == r"\in":
        return _is_in(value, other)
    if sign in (r"\succ", r"\succeq", r"\prec", r"\preceq"):
        return _ordered(value, sign, other)
    return {"<": value < other, ">": value > other, r"\le": value <= other, r"\ge": value >= other}[sign]


def _is_in(value: Any, space: Any) -> bool:
    if isinstance(space, Shape):
        return bool(value.shape == (space.rows, space.cols))
    return value in space


def _ordered(a: Any, sign: str, b: Any) -> bool:
    """The Loewner order of rational symmetric matrices; 0 is the zero matrix."""
    matrix = next(x for x in (a, b) if isinstance(x, Matrix))
    zero = matrix.map(lambda x: x * 0)
    a, b = (x if isinstance(x, Matrix) else zero for x in (a, b) if isinstance(x, Matrix) or x == 0)
    low, high = (a, b) if sign.startswith(r"\prec") else (b, a)
    gap = plus(high, low.map(lambda x: -x))
    try:
        form = validation.semidefinite("difference", [list(row) for row in gap.rows])
    except ValueError:
        return False
    return sign.endswith("eq") or definiteness.is_positive_definite(form)


_RULES: dict[str, Callable[[Node, Environment], Any]] = {
    "number": _number,
    "sub": _sub,
    "prime": _prime,
    "sum_of": _sum_of,
    "negative": _negative,
    "plus_minus": _plus_minus,
    "quotient": _quotient,
    "power": _power,
    "product": _product,
    "factorial": _factorial,
    "without": _without,
    "times": _tuple,
    "group": _group,
    "tuple": _tuple,
    "list": _list,
    "stack": _stack,
    "set": _set,
    "inner": _inner,
    "norm": _norm,
    "modulus": _modulus,
    "trace": _operator(r"\operatorname{tr}", _trace),
    "rank": _operator(r"\operatorname{rank}", _rank),
    "variance": _operator(r"\operatorname{Var}"),
    "expectation": _expectation,
    "gradient": _gradient,
    "integral": _integral,
    "measure": _measure,
    "minimum": _bound(r"\min"),
    "infimum": _bound(r"\inf"),
    "sum": _big(plus, 0),
    "prod": _big(times, 1),
    "relation": _relation,
}


def parse(text: str) -> Node:
    """The tree of a printed formula."""
    return tex.parse(text)
