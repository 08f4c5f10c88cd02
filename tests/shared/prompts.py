"""Small prompts in coordinates that break one assumption each: covariates, tasks and labels of other laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flint import fmpq

from tests.shared.coordinates import Prompt, Variables, gaussian, inner, rademacher


def noiseless(columns: Sequence[Sequence[Any]], x_query: Sequence[Any], w: Sequence[Any]) -> Prompt:
    """The prompt of the task w without noise: y_i = ⟨w, x_i⟩, and the target ⟨w, x_q⟩."""
    X = list(zip(*columns, strict=True))
    return Prompt(X, x_query, [inner(w, x) for x in columns], inner(w, x_query))


def signs() -> tuple[Variables, Prompt]:
    """d = 1, n = 2, x = ±1: S = 1 always."""
    v = Variables(x0=rademacher, x1=rademacher, q=rademacher, w=gaussian)
    return v, noiseless([[v.of["x0"]], [v.of["x1"]]], [v.of["q"]], [v.of["w"]])


def own_example() -> tuple[Variables, Prompt]:
    """d = n = 1, w = x_1: both standard normal, but dependent."""
    v = Variables(x=gaussian, q=gaussian)
    return v, noiseless([[v.of["x"]]], [v.of["q"]], [v.of["x"]])


def skewed_task() -> tuple[Variables, Prompt]:
    """d = 2, n = 1, independent w_j, 2 with probability 1/5 and −1/2 otherwise: mean 0, variance 1, but skewed."""

    def skewed(k: int) -> fmpq:
        return (fmpq(2) ** k + 4 * fmpq(-1, 2) ** k) / 5

    v = Variables(x0=gaussian, x1=gaussian, q0=gaussian, q1=gaussian, w0=skewed, w1=skewed)
    x, q, w = ([v.of[f"{name}{a}"] for a in range(2)] for name in "xqw")
    return v, noiseless([x], q, w)


def filled(prompt: Prompt, slot: int) -> Prompt:
    """The same with a number in the query's label slot."""
    return replace(prompt, slot=slot)
