r"""Critical points on 𝒮 with steps in blocks: the identities behind their number and index, as symbols.

Let b_1 < … < b_k be the values of the steps and m_1, …, m_k real exponents ≥ 1 (the sizes of the blocks, or what lies
between them and 1). With x_j = 1 − b_j s and P = ∏_j |x_j|^{2m_j} the function is F = ∫ P dμ. For every s with x_j ≠ 0,

    ∂_i P = −2 m_i s P/x_i,    ∂_i∂_j P = 4 m_i m_j s² P/(x_i x_j)   (i ≠ j),    ∂_i² P = 2 m_i (2m_i − 1) s² P/x_i²,

so that (b_i − b_j) ∂_i∂_j P = −2 (m_j ∂_i P − m_i ∂_j P). Divided by P all of these are rational functions. At a
critical point of F the Hessian of F is therefore diagonal with the positive entries 2 m_i (2m_i − 1) ∫ s² P/x_i² dμ.

The loss f itself, in all steps, is the case that every m_j is 1 and some of the b_j are equal.

What is proved with them: :mod:`icl_claims.theory.derivations.critical_points_attained`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product as products

import sympy
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.partitions import compositions
from icl_claims.theory.many_layers.critical_points import assignments

_S, _A, _B = sympy.symbols("s a b", real=True)
_M, _K = sympy.symbols("m k", positive=True)


def logarithmic_derivatives(
    first: sympy.Symbol, second: sympy.Symbol, m: sympy.Expr, k: sympy.Expr
) -> dict[str, sympy.Expr]:
    """∂P/P for P = x^{2m} y^{2k} ρ, x = 1 − a s, y = 1 − b s, ρ free of a and b, in ``a``, ``b``, ``aa`` and ``ab``.

    From the logarithm: ∂_a P = P ∂_a log P and ∂_a∂_b P = P (∂_a log P ∂_b log P + ∂_a∂_b log P).
    """
    logarithm = 2 * m * sympy.log(1 - first * _S) + 2 * k * sympy.log(1 - second * _S)
    a, b = sympy.diff(logarithm, first), sympy.diff(logarithm, second)
    return {
        "a": a,
        "b": b,
        "aa": a * a + sympy.diff(a, first),
        "ab": a * b + sympy.diff(a, second),
    }


def prove_mixed_derivative(between: int) -> None:
    """∂_a∂_b P = 4mk s² P/(xy), and (a − b) ∂_a∂_b P = between · (k ∂_a P − m ∂_b P), for all exponents, all a, b, s.

    Raises:
        Refuted: the mixed derivative is another one, or the factor another than −2.

    >>> prove_mixed_derivative(-2)
    """
    d = logarithmic_derivatives(_A, _B, _M, _K)
    if sympy.cancel(d["ab"] - 4 * _M * _K * _S**2 / ((1 - _A * _S) * (1 - _B * _S))) != 0:
        raise Refuted("the mixed derivative is not 4mk s² P/(xy)")
    if sympy.cancel((_A - _B) * d["ab"] - between * (_K * d["a"] - _M * d["b"])) != 0:
        raise Refuted("the mixed derivative is not that of the gradient's difference")


def prove_second_derivatives(within: int) -> None:
    """∂_a²P = 2m(2m − 1) s² P/x², and at m = k = 1 and equal steps ∂_a∂_b P = within · ∂_a² P.

    Raises:
        Refuted: one of the two is another one; the factor is 2.

    >>> prove_second_derivatives(2)
    """
    d = logarithmic_derivatives(_A, _B, _M, _K)
    if sympy.cancel(d["aa"] - 2 * _M * (2 * _M - 1) * _S**2 / (1 - _A * _S) ** 2) != 0:
        raise Refuted("the second derivative in one value is not a positive square")
    plain = logarithmic_derivatives(_A, _B, sympy.Integer(1), sympy.Integer(1))
    if sympy.cancel((plain["ab"] - within * plain["aa"]).subs(_B, _A)) != 0:
        raise Refuted("the mixed derivative at equal steps has another factor")


def prove_index(index: Callable[[int, int], int], layers: int, within: int = 2) -> None:
    """The Hessian along 𝒮 at a point with blocks of sizes M_1, …, M_k has index(L, k) negative eigenvalues.

    It is D_j ((1 − c) I + c J) on block j, J all ones, c = ``within`` = 2 and D_j > 0, and 0 between blocks: the
    signs do not depend on the D_j. All sizes with L up to ``layers`` are listed.

    Raises:
        Refuted: the index is another one, or an eigenvalue is 0.

    >>> prove_index(lambda L, k: L - k, 4)
    """
    for L in range(1, layers + 1):
        for sizes in compositions(L):
            if sum(_negative_eigenvalues(M, within) for M in sizes) != index(L, len(sizes)):
                raise Refuted(f"L = {L}: the Hessian has another index for blocks of sizes {sizes}")


def _negative_eigenvalues(size: int, within: int) -> int:
    """Of (1 − c) I + c J, whose eigenvalues are integers, by its characteristic polynomial."""
    block = fmpq_mat([[fmpq(1 if i == j else within) for j in range(size)] for i in range(size)])
    polynomial = block.charpoly()
    if polynomial[0] == 0:
        raise Refuted("a block of the Hessian is degenerate")
    return sum(times for factor, times in polynomial.factor()[1] if -factor[0] / factor[1] < 0)


def prove_ordered_partitions(count: Callable[[int, int], int], layers: int) -> None:
    """Orders of blocks: ``count(L, k)`` ways to distribute L layers to k blocks in a row, none empty, enumerated.

    Raises:
        Refuted: there are others, or the sizes of the blocks give another number.
    """
    for L in range(1, layers + 1):
        for k in range(1, L + 1):
            onto = sum(len(set(choice)) == k for choice in products(range(k), repeat=L))
            if onto != count(L, k):
                raise Refuted(f"L = {L}: {onto} ordered partitions into {k} blocks, not {count(L, k)}")
            if onto != sum(assignments(sizes) for sizes in compositions(L) if len(sizes) == k):
                raise Refuted(f"L = {L}: the sizes of {k} blocks give another number")
