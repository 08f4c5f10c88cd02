"""Bounds on the least eigenvalue: proved from below, and refused where a proposal is too large."""

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given

from icl_claims.numerics import eigenvalues
from icl_claims.numerics.eigenvalues import least_eigenvalue
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.one_layer.distance import proved_least_eigenvalue
from tests.shared.strategies import definite_matrices


@given(definite_matrices(3))
def test_least_eigenvalues_are_certified_from_below(matrix: fmpq_mat) -> None:
    """M − m I ⪰ 0, and not so for m one part in 2¹⁹ larger."""
    least = least_eigenvalue(matrix)
    assert least > 0
    validation.semidefinite("shifted", matrix - exact.identity(3) * least)
    with pytest.raises(ValueError, match="positive semidefinite"):
        validation.semidefinite("shifted", matrix - exact.identity(3) * (least * fmpq(2**19 + 1, 2**19)))


def test_least_eigenvalue_of_a_singular_matrix() -> None:
    assert least_eigenvalue(fmpq_mat([[1, 1], [1, 1]])) == 0
    assert least_eigenvalue(exact.diagonal([3, "1/3"])) == fmpq(1, 3)


@pytest.mark.parametrize("proposed", [1e9, 1.0001, -1.0, 0.0])
def test_whatever_float64_proposes_is_proved(monkeypatch: pytest.MonkeyPatch, proposed: float) -> None:
    """λ_min = 1: what is above it, or says nothing, becomes 0."""
    monkeypatch.setattr(eigenvalues.np.linalg, "eigvalsh", lambda _: [proposed])
    assert least_eigenvalue(fmpq_mat([[2, 1], [1, 2]])) == 0


def test_least_eigenvalue_of_a_diagonal_matrix_beyond_float64() -> None:
    """No float64 is needed there; elsewhere the entry that does not fit is an error, not a bound."""
    assert least_eigenvalue(exact.diagonal([10**400, 1])) == 1
    with pytest.raises(OverflowError):
        least_eigenvalue(fmpq_mat([[10**400, 1], [1, 1]]))


@given(definite_matrices(3))
def test_a_proposal_that_is_too_large_is_not_believed(matrix: fmpq_mat) -> None:
    """The trace is above λ_min of every definite 3 × 3 matrix; so is twice a bound that is tight to 2⁻¹⁹."""
    if exact.is_diagonal(matrix):
        assert proved_least_eigenvalue(matrix, fmpq(10**9)) == min(matrix[i, i] for i in range(3))
    else:
        assert proved_least_eigenvalue(matrix, exact.trace(matrix)) == 0
        assert proved_least_eigenvalue(matrix, 2 * least_eigenvalue(matrix)) == 0
