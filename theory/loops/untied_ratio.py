r"""One step for all loops against steps of their own: the two least losses for long contexts.

On multiples of Σ⁻¹ the least loss with L steps of their own is, in the powers of s − 1,

    u = min ∫ q² dμ, q(0) = 1  =  det(∫ (s − 1)^{i+j} dμ)_{i,j ≤ L} / det(∫ s²(s − 1)^{i+j} dμ)_{i,j < L},

the squared distance of 1 from the polynomials without constant term. By the lowest powers of 1/n, n^L u tends to

    det(E tr G^{i+j})_{i,j ≤ L} / det(E tr G^{i+j})_{i,j < L},

the least E tr π(G)² among monic π of degree L, G the Gaussian matrix of
:mod:`icl_claims.theory.loops.centred_moments`. With one step for all the limit is E tr G^{2L}.

Source: derived here.
"""

from __future__ import annotations

import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.loops.centred_moments import centred_moment, gaussian_moment
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.task import isotropic

DIM = sympy.Symbol("d")


def gaussian_value(k: int, dim: int) -> fmpq:
    """E tr Gᵏ at d."""
    return fmpq(dim) if k == 0 else sum((fmpq(c) * dim**i for i, c in enumerate(gaussian_moment(k))), fmpq(0))


def untied_constant(loops: int, dim: int) -> fmpq:
    """The limit of n^L u.

    >>> [untied_constant(L, 2) for L in (1, 2)]
    [6, 28]
    """
    rows = [[gaussian_value(i + j, dim) for j in range(loops + 1)] for i in range(loops + 1)]
    return fmpq_mat(rows).det() / fmpq_mat([row[:-1] for row in rows[:-1]]).det()


def limit_ratio(loops: int, dim: int) -> fmpq:
    """The limit of p/u, p the least loss with one step for all loops.

    >>> limit_ratio(2, 2)
    23/14
    """
    return gaussian_value(2 * loops, dim) / untied_constant(loops, dim)


def prove_ratio(loops: int, stated: sympy.Expr) -> None:
    """E tr G^{2L} · det(E tr G^{i+j})_{i,j<L} = stated · det(E tr G^{i+j})_{i,j≤L}, as rational functions of d.

    Raises:
        Refuted: the ratio is another one.

    >>> prove_ratio(1, sympy.Integer(1))
    """

    def moment(k: int) -> sympy.Expr:
        return (
            DIM
            if k == 0
            else sum((int(c) * DIM**i for i, c in enumerate(gaussian_moment(k))), sympy.Integer(0))
        )

    rows = [[moment(i + j) for j in range(loops + 1)] for i in range(loops + 1)]
    smaller, larger = (sympy.Matrix([row[:size] for row in rows[:size]]).det() for size in (loops, loops + 1))
    if sympy.cancel(moment(2 * loops) * smaller / larger - stated) != 0:
        raise Refuted(f"the limit of the ratio is another one for L = {loops}")


def prove_distance_from_constants(loops: int, dim: int, context_length: int) -> None:
    """u is the ratio of determinants, at these sizes; the other route knows orthogonal polynomials.

    Raises:
        Refuted: it is not.

    >>> prove_distance_from_constants(2, 3, 4)
    """

    def moment(k: int) -> fmpq:
        if k == 0:
            return fmpq(dim)
        terms = centred_moment(k).to_dict().items()
        return sum(
            (fmpq(int(c)) * dim ** int(i) / fmpq(context_length) ** int(j) for (i, j), c in terms), fmpq(0)
        )

    h = [moment(k) for k in range(2 * loops + 1)]
    with_square = [h[k] + 2 * h[k + 1] + h[k + 2] for k in range(2 * loops - 1)]
    above = fmpq_mat([[h[i + j] for j in range(loops + 1)] for i in range(loops + 1)]).det()
    below = fmpq_mat([[with_square[i + j] for j in range(loops)] for i in range(loops)]).det()
    if above / below != optimal_steps(isotropic(dim, context_length), loops).loss:
        raise Refuted("the least loss is not the ratio of determinants")


def prove_lowest_powers(order: int) -> None:
    """E tr Hᵏ = n^{−k/2} E tr Gᵏ + higher powers of 1/n for even k, and no power at or below k/2 for odd k ≤ order.

    Raises:
        Refuted: one of them has another lowest term.

    >>> prove_lowest_powers(6)
    """
    for k in range(1, order + 1):
        found: dict[int, fmpq] = {}
        for (i, j), c in centred_moment(k).to_dict().items() if k > 1 else ():
            if 2 * int(j) <= k:
                found[int(i)] = fmpq(int(c)) if 2 * int(j) == k else fmpq(-1)
        stated = {i: fmpq(c) for i, c in enumerate(gaussian_moment(k)) if c}
        if found != stated:
            raise Refuted(f"the lowest power of 1/n in E tr H^{k} is not the Gaussian moment")
