"""Counts of critical points on 𝒮, and the minimizers of two layers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.critical_points import critical_points_by_index
from icl_claims.theory.many_layers.matrix_layers import layered_gradient, layered_hessian, layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.wishart import spectral_moments, trace_moments
from tests.claims.formulas.points import SIZES, identity, rows
from tests.claims.formulas.table import compares


@compares("critical_points_attained", "L-k")
def indices() -> Iterator[dict[str, Any]]:
    """An index that ``theory`` gives to as many critical points as there are maps of the L layers onto k blocks."""
    for L in (1, 2, 3, 4):
        for k in range(1, L + 1):
            onto = sum(len(set(x)) == k for x in product(range(k), repeat=L))
            by_index = critical_points_by_index(L)
            yield {
                "L": L,
                "k": k,
                "=": lambda i, onto=onto, by=by_index, L=L, k=k: (
                    by.get(int(i)) == onto and has_blocks(L, int(i), k)
                ),
            }


def has_blocks(layers: int, index: int, blocks: int) -> bool:
    """The index has a place of its own: places in the list run as the numbers of blocks do, the most blocks first."""
    return list(critical_points_by_index(layers)).index(index) == list(range(layers, 0, -1)).index(blocks)


@compares("critical_points_attained critical_points_local_minimum permutation_symmetry", "L!")
def minimizers_on_scaled_set() -> Iterator[dict[str, Any]]:
    """How many critical points of index 0 ``theory`` counts."""
    for L in (1, 2, 3, 4, 5):
        yield {"L": L, "=": critical_points_by_index(L)[0]}


@compares("critical_points_attained", "1,3,13,75")
def numbers_of_critical_points() -> Iterator[dict[str, Any]]:
    """How many critical points ``theory`` counts for L = 1, 2, 3, 4."""
    yield {"=": tuple(sum(critical_points_by_index(L).values()) for L in (1, 2, 3, 4))}


@compares("critical_points_local_minimum_two_layers", "2d^2")
@compares("critical_points_local_minimum", "Ld^2")
def entries_of_the_hessian() -> Iterator[dict[str, Any]]:
    """How many rows the Hessian of ``theory`` in all matrix entries has, for two layers."""
    for d, n in ((1, 2), (2, 1), (3, 1)):
        task = isotropic(d, n)
        yield {"d": d, "n": n, "L": 2, "=": layered_hessian(task, [exact.identity(d)] * 2).nrows()}


def two_steps(d: int, n: int) -> dict[str, Any]:
    """e, p: sum and product of the two optimal steps of ``theory``; m_k: the moments; f^⋆: the minimum; I."""
    best = optimal_steps(isotropic(d, n), 2)
    e, p = -best.polynomial[1], best.polynomial[0]
    moments = spectral_moments(4, d, n)
    return {"e": e, "p": p, "m_": moments, r"f^\star": best.loss, "I": identity(d), "d": d, "n": n}


@compares(
    "two_layer_symmetric_minimizer_scalar",
    r"e=\frac{m_1m_4-m_2m_3}{m_2m_4-m_3^2}",
    r"p=\frac{m_1m_3-m_2^2}{m_2m_4-m_3^2}",
    r"f^\star=m_0-e\,m_1+p\,m_2",
)
def sum_and_product_of_steps() -> Iterator[dict[str, Any]]:
    """See :func:`two_steps`; and the same for W = nS, whose steps are n times smaller, since there m_0 ≠ m_1."""
    for d, n in SIZES:
        point = two_steps(d, n)
        yield point
        yield {**point, "m_": trace_moments(4, d, n), "e": point["e"] / n, "p": point["p"] / n**2}


@compares("two_layer_symmetric_minimizer_scalar", "z^2-ez+p")
def polynomial_of_steps() -> Iterator[dict[str, Any]]:
    """The monic polynomial of ``theory`` whose roots are the optimal steps, at z."""
    for d, n in SIZES:
        for z in (fmpq(0), fmpq(2, 3), fmpq(-4)):
            yield {
                **two_steps(d, n),
                "z": z,
                "=": optimal_steps(isotropic(d, n), 2).polynomial(z),
            }


def rational_pairs() -> Iterator[tuple[RegressionTask, fmpq, fmpq]]:
    """Sizes at which the two optimal steps are rational, with them."""
    for d, n in ((1, 4), (1, 14), (4, 1)):
        roots = [-f[0] / f[1] for f, _ in optimal_steps(isotropic(d, n), 2).polynomial.factor()[1]]
        yield (isotropic(d, n), *roots)


@compares("two_layer_symmetric_minimizer_scalar", "(aI,bI)", "(bI,aI)")
def minimizing_pairs() -> Iterator[dict[str, Any]]:
    """a, b: the two steps, rational at these sizes. The pair loses the minimum, and its gradient is 0."""
    for task, a, b in rational_pairs():

        def is_minimizer(pair: Any, task: RegressionTask = task) -> bool:
            matrices = [fmpq_mat(rows(m)) for m in pair]
            slopes = layered_gradient(task, matrices)
            least = optimal_steps(task, 2).loss
            return layered_loss(task, matrices) == least and not any(x for m in slopes for x in m.entries())

        yield {"a": a, "b": b, "I": identity(task.dim), "=": is_minimizer}


@compares("two_layer_symmetric_minimizer_scalar", r"a\ne b")
def different_steps() -> Iterator[dict[str, Any]]:
    """a, b: as in :func:`minimizing_pairs`."""
    for _, a, b in rational_pairs():
        yield {"a": a, "b": b}
