"""The certificate of two symmetric layers at sizes: a bound of the loss; what its helpers refuse."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_mat

from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.minors import has_positive_minors
from icl_claims.theory.algebra.words import Words, d, letter, n, one
from icl_claims.theory.evaluation import at_task, rational_value
from icl_claims.theory.many_layers import two_layer_certificate
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.many_layers.two_layer_certificate import (
    C,
    D,
    E,
    certificate,
    inner,
    parts,
    traceless,
    with_traces_of_three,
)
from icl_claims.theory.many_layers.two_symmetric_layers import (
    curvature_in_first,
    curvature_in_second,
    loss_polynomial,
)
from icl_claims.theory.task import isotropic


def trace(*letters: Words) -> Words:
    product = letters[0]
    for x in letters[1:]:
        product = product @ x
    return product.trace()


def test_every_trace_of_one_traceless_letter_vanishes() -> None:
    for x in (C, D, E):
        assert not traceless(x.trace())
        assert not traceless(x.trace() * trace(D, E))
    kept = trace(D, E) + trace(D, D, E) * 2 + one()
    assert traceless(kept + trace(D, E) * C.trace()) == kept


def test_what_is_no_number_is_refused() -> None:
    assert two_layer_certificate._number(one() * (n / d)) == n / d
    for words in (trace(D, E), one() + trace(C, C), C):
        with pytest.raises(ValueError, match="words must be a number"):
            two_layer_certificate._number(words)


def test_what_is_no_multiple_of_the_square_is_refused() -> None:
    assert two_layer_certificate._per_square(trace(C, C) * (n / d)) == n / d
    assert two_layer_certificate._per_square(trace(C, C) * 0) == 0
    for words in (trace(C, C) + one(), trace(D, E), trace(C, C) + trace(C, C, C)):
        with pytest.raises(ValueError, match="words must be a multiple of tr C²"):
            two_layer_certificate._per_square(words)


def test_in_two_dimensions_what_overlaps_are_traces_of_three() -> None:
    """And there is such an overlap, so that the condition says something."""
    first, second, rest = parts(two_dimensional=True)
    assert not inner(first, second)
    assert not inner(first, rest)
    overlap = inner(second, rest)
    assert overlap
    assert with_traces_of_three(overlap)


@pytest.mark.parametrize(("dim", "size"), [(2, 1), (2, 5), (3, 2), (5, 20)])
def test_the_certificate_at_sizes(dim: int, size: int) -> None:
    """e*, p* and f* are those of the optimal steps; ℓ ≥ 0, and 0 at n = 1 only; Q and R are positive definite."""
    found, task = certificate(dim == 2), isotropic(dim, size)
    best = optimal_steps(task, 2)
    assert rational_value(found.minimum, task) == best.loss
    assert (rational_value(found.e, task), rational_value(found.p, task)) == (
        -best.residual[1],
        best.residual[2],
    )
    slope = rational_value(found.slope, task)
    assert slope > 0 if size > 1 else slope == 0
    for form in (found.invariant, found.covariant):
        at_sizes = [[rational_value(x, task) for x in row] for row in form]
        assert at_sizes == [list(column) for column in zip(*at_sizes, strict=True)]
        if size > 1:
            assert has_positive_minors(at_sizes, fmpq(1), lambda x: bool(x > 0))


@pytest.mark.parametrize("dim", [2, 3])
def test_the_certificate_bounds_the_loss(dim: int) -> None:
    """f ≥ f* + Q(e − e*, p − p*, w) + R(D + E, mE, kD) at symmetric pairs, all of ℓw in Q and R; with equality at
    multiples of I. Another Q or R would lie above f somewhere: near the exchanged pairs the gap is small."""
    found, task = certificate(dim == 2), isotropic(dim, 2)
    e, p, least = (rational_value(x, task) for x in (found.e, found.p, found.minimum))
    Q, R = (
        [[rational_value(x, task) for x in row] for row in form]
        for form in (found.invariant, found.covariant)
    )

    def excess(a: fmpq_mat, b: fmpq_mat) -> fmpq:
        m, k = exact.trace(a) / dim, exact.trace(b) / dim
        one, first, second = exact.identity(dim), a - exact.identity(dim) * m, b - exact.identity(dim) * k
        assert exact.trace(one) == dim
        x = [m + k - e, m * k - p, exact.trace(first * second)]
        v = [first + second, second * m, first * k]
        bound = sum((Q[i][j] * x[i] * x[j] for i in range(3) for j in range(3)), least)
        bound += sum((R[i][j] * exact.inner(v[i], v[j]) for i in range(3) for j in range(3)), fmpq(0))
        return layered_loss(task, [a, b]) - bound

    steps = [step.lower for step in optimal_steps(task, 2).refined(20).steps]
    apart = exact.diagonal([1, -1] + [0] * (dim - 2))
    for m, k in (steps, steps[::-1], [fmpq(1, 3), fmpq(2)], [fmpq(0), fmpq(-1, 2)]):
        a, b = exact.identity(dim) * m, exact.identity(dim) * k
        assert excess(a, b) == 0
        for t in (fmpq(1, 8), fmpq(-1, 2), fmpq(3)):
            assert excess(a + apart * t, b - apart * t) > 0
            assert excess(a + apart * t, b) >= 0
            assert excess(a, b + apart * t) >= 0


def test_the_share_that_is_moved() -> None:
    """ℓw = (ℓ/p*) tr(mE · kD) − (ℓ/p*)(p − p*) w: half of ℓ/p* leaves Q and half enters R, on both sides of each."""
    with_all, with_none = certificate(True), certificate(True, 0)
    half = with_all.slope / (2 * with_all.p)
    for i, j in ((1, 2), (2, 1)):
        assert with_none.invariant[i][j] - with_all.invariant[i][j] == half
        assert with_all.covariant[i][j] - with_none.covariant[i][j] == half


def test_the_loss_and_its_curvatures_at_matrices() -> None:
    """The polynomial is the loss of two layers; the second differences are twice the curvatures, at d = 2, n = 3."""
    a, b = fmpq_mat([[1, 2], [0, -1]]) / 3, fmpq_mat([[1, 1], [-1, 2]]) / 5
    r, task = fmpq_mat([[0, 1], [2, -1]]) / 4, isotropic(2, 3)

    def at(words: Words) -> fmpq:
        return at_task(words, task, {"A": a, "B": b, "R": r})[0, 0]

    assert at(loss_polynomial()) == layered_loss(task, [a, b])
    R = letter("R", "d", "d")
    for curvature, moved in ((curvature_in_first, (r, r * 0)), (curvature_in_second, (r * 0, r))):
        ahead, behind = (layered_loss(task, [a + moved[0] * s, b + moved[1] * s]) for s in (1, -1))
        assert ahead + behind - 2 * layered_loss(task, [a, b]) == 2 * at(curvature(R))
