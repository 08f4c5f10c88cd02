r"""On which entries of P and Q the loss of one layer depends, and how it is written in them.

P = [[P_x, p], [uᵀ, β]] and Q = [[A_x, q], [aᵀ, q_0]] in blocks of heights and widths d and 1; a block is named by its
row and its column, 0 or 1. The query entry of the layer holds the letters of the blocks on which it depends, and no
others. Source: Ahn et al. (2023), App. A.1.
"""

from __future__ import annotations

from collections.abc import Collection

from sympy.polys.fields import FracElement

from icl_claims.theory.algebra.blocks import Blocks
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.words import Words
from icl_claims.theory.one_layer.linear_attention import free_weights, loss_from_layer, query_entry
from icl_claims.theory.one_layer.products import factors
from icl_claims.theory.transformer.attention import X_QUERY, W, X, prompt
from icl_claims.theory.transformer.prompts import LABELS, over_prompts

Block = tuple[int, int]


def prove_dependence(of_P: Collection[Block], of_Q: Collection[Block]) -> None:
    """The query entry depends on P and Q through these blocks only, for every prompt.

    Raises:
        Refuted: it holds a letter of another block.

    >>> prove_dependence([(1, 0), (1, 1)], [(0, 0), (1, 0)])
    """
    occurring = {x.name for x in query_entry().letters()}
    for name, matrix, blocks in zip("PQ", free_weights(), (of_P, of_Q), strict=True):
        for block in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if block not in blocks and occurring & {x.name for x in matrix[block].letters()}:
                raise Refuted(f"the query entry depends on the block {block} of {name}")


def written(scale: FracElement, query_tokens: int) -> Words:
    """bᵀ G A x_q with G = scale · Σ z zᵀ over the context tokens, and over the query's where ``query_tokens`` is 1."""
    tokens = prompt(LABELS) if query_tokens else Blocks([[X], [LABELS]])
    b, A = factors()
    return (b @ tokens @ tokens.T @ A)[0, 0] @ X_QUERY * scale


def prove_entry(scale: FracElement, query_tokens: int) -> None:
    """The query entry of the layer is this bᵀ G A x_q, for every prompt.

    Raises:
        Refuted: the two are different polynomials.

    >>> from icl_claims.theory.algebra.words import n
    >>> prove_entry(1 / n, 0)
    """
    if query_entry() != written(scale, query_tokens):
        raise Refuted("the query entry of the layer is not bᵀ G A x_q")


def prove_loss(scale: FracElement, query_tokens: int, task_sign: int) -> None:
    """The loss of the layer is E‖(bᵀ G A ± wᵀ) x_q‖², the sign given by ``task_sign``.

    Raises:
        Refuted: the two are different polynomials.

    >>> from icl_claims.theory.algebra.words import n
    >>> prove_loss(1 / n, 0, 1)
    """
    residual = written(scale, query_tokens) + W.T @ X_QUERY * task_sign
    if loss_from_layer() != over_prompts(residual * residual):
        raise Refuted("the loss is not E‖(bᵀ G A + wᵀ) x_q‖²")
