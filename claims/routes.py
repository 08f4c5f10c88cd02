"""Which functions a function may call, read from its code: what a check rests on, and whether two routes are two.

Names are resolved in the function's own globals, closure and modules; calls through data are followed where the data
are functions. It is a reading of names, so it finds too much rather than too little.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

PACKAGE = "icl_claims."
MATHEMATICS = tuple(f"{PACKAGE}{room}" for room in ("theory", "numerics", "models"))
"""The rooms that a check must call."""


def reached(function: Callable[..., object]) -> tuple[frozenset[FunctionType], frozenset[str]]:
    """The functions that a call may run, itself included, and the modules of the mathematics that it calls.

    Functions of the mathematics are named where they are called from outside; what runs inside them is not looked at.
    """
    seen: set[FunctionType] = set()
    modules: set[str] = set()
    waiting: list[Any] = [function]
    while waiting:
        value = waiting.pop()
        if isinstance(value, MethodType):
            waiting += [value.__func__, value.__self__]
        elif isinstance(value, functools.partial):
            waiting += [value.func, *value.args, *value.keywords.values()]
        elif isinstance(value, FunctionType) or (callable(value) and hasattr(value, "__wrapped__")):
            inner = getattr(value, "__wrapped__", value)
            if inner is not value:
                waiting.append(inner)
            elif (module := value.__module__ or "").startswith(MATHEMATICS):
                modules.add(module)
                seen.add(value)
            elif value not in seen and _is_ours(module):
                seen.add(value)
                waiting += _named_in(value)
        elif isinstance(value, type):
            if value.__module__.startswith(MATHEMATICS):
                modules.add(value.__module__)
            elif _is_ours(value.__module__):
                waiting += [item for item in vars(value).values() if isinstance(item, FunctionType)]
        elif isinstance(value, Mapping):
            waiting += [item for item in value.values() if callable(item)]
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += [item for item in value if callable(item)]
    return frozenset(seen), frozenset(modules)


def _is_ours(module: str) -> bool:
    """Whether a function's code is looked into: not that of libraries."""
    return not module.startswith(("sympy", "flint", "numpy", "torch", "hypothesis", "builtins", "pytest"))


def _named_in(function: FunctionType) -> list[Any]:
    """The values of all names in the code of a function: of attributes too, where they belong to a module."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    scope = {**function.__globals__, **{name: _content(cell) for name, cell in cells}}
    found: list[Any] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    names = set(_names(function.__code__))
    for name in names:
        value = scope.get(name)
        if isinstance(value, ModuleType):
            found += [getattr(value, other) for other in names if hasattr(value, other)]
        else:
            found.append(value)
    return [value for value in found if value is not None]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # The name is not bound yet.
        return None


def _names(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
