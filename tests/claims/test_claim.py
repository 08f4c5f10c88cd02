"""What a record may not be."""

from __future__ import annotations

import pytest

from icl_claims.claims.claim import Claim


@pytest.mark.parametrize("parts", [(), ("first", "first"), ("first", "second", "first")])
def test_parts_are_distinct_and_one_at_least(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="parts must be distinct names, at least one"):
        Claim("sum", "suite", "here", "$1+1=2$.", parts=parts)
