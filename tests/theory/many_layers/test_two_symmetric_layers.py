"""The loss of two layers as a polynomial in words: against the loss of one task, and what its checks refuse."""

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra.exact import Refuted, trace
from icl_claims.theory.algebra.words import Letter, Words, eye, letter
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.two_symmetric_layers import (
    A,
    B,
    X,
    curvature_in_first,
    curvature_in_second,
    loss_polynomial,
    mean,
    n,
    noisy_loss_polynomial,
    prove_loss,
    prove_second_difference,
)
from icl_claims.theory.task import isotropic

R = letter("R", "d", "d")


def number(polynomial: Words, matrices: dict[str, fmpq_mat], size: int, noise: int) -> fmpq:
    """The polynomial at these matrices."""
    dim = matrices["A"].nrows()

    def traced(word: tuple[Letter, ...]) -> fmpq:
        product = fmpq_mat([[int(i == j) for j in range(dim)] for i in range(dim)])
        for x in word:
            m = matrices[x.name]
            product = product * (m.transpose() if x.transposed else m)
        return trace(product)

    def coefficient(c: object) -> fmpq:
        value = c.as_expr().subs({"n": size, "d": dim, "sigma2": noise})  # type: ignore[attr-defined]
        return fmpq(int(value.p), int(value.q))

    return polynomial.evaluate(coefficient, lambda word: fmpq(1), traced, fmpq(0))


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("noise", [0, 2])
def test_the_polynomials_are_the_losses(size: int, noise: int) -> None:
    """Against the loss of general layers, another route, at matrices that are not symmetric."""
    matrices = {
        "A": fmpq_mat([[fmpq(1, 2), fmpq(1, 3)], [0, fmpq(1, 5)]]),
        "B": fmpq_mat([[1, -1], [fmpq(1, 4), 0]]),
    }
    f = noisy_loss_polynomial() if noise else loss_polynomial()
    assert number(f, matrices, size, noise) == layered_loss(
        isotropic(2, size, noise_variance=noise), [matrices["A"], matrices["B"]]
    )


def test_means_of_terms() -> None:
    """E XXᵀ = nI, and traces without X stand outside."""
    assert mean(X @ X.T * (A @ B).trace()) == eye("d") * n * (A @ B).trace()


def test_another_loss_is_refused() -> None:
    with pytest.raises(Refuted, match="is not E"):
        prove_loss(loss_polynomial() + A.trace())


def test_each_second_difference_is_looked_at() -> None:
    f = loss_polynomial()
    prove_second_difference(f, "A", curvature_in_first(R))
    for name, wrong in (("B", curvature_in_first(R)), ("A", curvature_in_second(R))):
        with pytest.raises(Refuted, match=f"in {name} is not"):
            prove_second_difference(f, name, wrong)
    with pytest.raises(Refuted, match="in B is not"):
        prove_second_difference(f, "B", curvature_in_second(R) * 2)
