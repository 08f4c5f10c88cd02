"""The parts of two layers' error: for d = 2, and for d ≥ 3, where less vanishes."""

from __future__ import annotations

import pytest

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.derivations import two_layer_symmetric_minimizer_scalar as derivation
from icl_claims.theory.many_layers.two_layer_certificate import parts


def test_parts_for_two_dimensions_are_not_orthogonal_in_more(monkeypatch: pytest.MonkeyPatch) -> None:
    derivation.orthogonal()
    monkeypatch.setattr(derivation, "parts", lambda two_dimensional: parts(two_dimensional=True))
    with pytest.raises(Refuted, match="F_1 and F_2 are not orthogonal"):
        derivation.orthogonal()
