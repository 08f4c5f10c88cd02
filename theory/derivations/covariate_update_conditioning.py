r"""Ahn et al., §5.1: the covariates after a layer are a polynomial in the Gram matrix times those before.

How often the update improves the conditioning is no matter of proof; see the sampled evidence.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from icl_claims.theory.derivation import Derivation
from icl_claims.theory.derivations.covariate_update_conditioning_threshold import COVARIATES
from icl_claims.theory.derivations.gdpp_infimum_attained import CHANGE_OF_BASIS
from icl_claims.theory.transformer.relaxed_layers import a, b, p, s


class Update(NamedTuple):
    """p ← p(1 + move).

    The numbers of the figure in decimals, the context length, the share of prompts on which each update lowers the
    condition number; the layers in the order of their norms, the least first.
    """

    move: sympy.Expr
    a: tuple[str, ...]
    b: tuple[str, ...]
    context_length: int
    share: float
    order: tuple[int, ...]


STATED = Update(a * b * s * p**2, ("-0.38", "-2.40", "-9.55"), ("0.90", "0.56"), 20, 0.9, (0, 1, 2))

DERIVATION = Derivation((CHANGE_OF_BASIS, COVARIATES))
