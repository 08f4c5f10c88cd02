"""The restricted weights (P, Q) that the papers study, in symbolic blocks.

Source: Ahn et al. (2023), Eqs. (8) and (11).
"""

from __future__ import annotations

from icl_claims.theory.algebra.blocks import Blocks, block_diagonal
from icl_claims.theory.algebra.words import Words, one, zero


def sparse(A: Words) -> tuple[Blocks, Blocks]:
    """The sparse parametrization P = diag(0, 1), Q = −diag(A, 0) (Ahn et al., Eq. (8)); A is d × d.

    >>> from icl_claims.theory.algebra.words import eye
    >>> P, Q = sparse(eye("d"))
    >>> P[1, 1] == one(), Q[0, 0] == -eye("d")
    (True, True)
    """
    return block_diagonal(zero("d", "d"), one()), -block_diagonal(A, zero("1", "1"))


def relaxed(A: Words, B: Words) -> tuple[Blocks, Blocks]:
    """The relaxed parametrization P = diag(B, 1), Q = diag(A, 0) (Ahn et al., Eq. (11)); A and B are d × d.

    A has its own sign here: at B = 0 this is ``sparse(-A)``.

    >>> from icl_claims.theory.algebra.words import eye
    >>> relaxed(eye("d"), zero("d", "d")) == sparse(-eye("d"))
    True
    """
    return block_diagonal(B, one()), block_diagonal(A, zero("1", "1"))
