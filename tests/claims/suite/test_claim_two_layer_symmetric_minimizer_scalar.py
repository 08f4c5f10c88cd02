"""Two layers with symmetric matrices: the global minimizers are two pairs of multiples of I, for all d and n."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from sympy.polys.fields import FracElement

from icl_claims.claims.evidence import Evidence
from icl_claims.claims.results import Chart, Series
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.minors import has_positive_minors, is_positive
from icl_claims.theory.algebra.words import FIELD, d, letter, n
from icl_claims.theory.many_layers.matrix_layers import layered_loss
from icl_claims.theory.many_layers.scalar_pairs import scalar_pair_minimum
from icl_claims.theory.many_layers.step_sizes import optimal_steps
from icl_claims.theory.many_layers.two_symmetric_layers import (
    certificate,
    inner,
    parts,
    with_traces_of_three,
)
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_only_shifts
from tests.shared.coordinates import Variables, gaussian, rademacher
from tests.shared.strategies import rationals


class Claimed(NamedTuple):
    """What is claimed: e, p and the minimum; how much of ℓw is moved; from which sizes on it is definite."""

    e: FracElement
    p: FracElement
    minimum: FracElement
    share: int = 1
    least_context: int = 2


def stated() -> Claimed:
    """The formulas of the claim with the first moments of S, typed here from known values."""
    m = [
        d,
        d,
        d * (d + n + 1) / n,
        d * (d**2 + n**2 + 3 * d * n + 3 * d + 3 * n + 4) / n**2,
        d
        * (d**3 + n**3 + 6 * d**2 * n + 6 * d * n**2 + 6 * d**2 + 6 * n**2 + 17 * d * n + 21 * (d + n) + 20)
        / n**3,
    ]
    minor = m[2] * m[4] - m[3] ** 2
    e, p = (m[1] * m[4] - m[2] * m[3]) / minor, (m[1] * m[3] - m[2] ** 2) / minor
    return Claimed(e, p, m[0] - e * m[1] + p * m[2])


def check_certificate(claimed: Claimed) -> None:
    """F = F_0 + F_1 + F_2 orthogonal; the forms Q and R, with all of ℓw moved into them, positive definite for
    n ≥ 2; ℓ = 0 for n = 1; e, p and the minimum as claimed. For d ≥ 3 and for d = 2."""
    for two_dimensional in (False, True):
        found = certificate(two_dimensional, claimed.share)
        if (found.e, found.p, found.minimum) != (claimed.e, claimed.p, claimed.minimum):
            raise Refuted("the minimum on multiples of I is another one")
        if found.slope * (1 - claimed.share):
            raise Refuted("a part of ℓw is left, of no sign")
        if sympy.cancel(found.slope.as_expr().subs(sympy.Symbol("n"), 1)) != 0:
            raise Refuted("ℓ does not vanish for n = 1")
        fixed = {"d": 2} if two_dimensional else {}
        least = {"n": claimed.least_context} | ({} if two_dimensional else {"d": 3})
        shown = partial(is_positive, least=least, fixed=fixed)
        for form in (found.invariant, found.covariant):
            if not has_positive_minors(form, FIELD.one, shown):
                raise Refuted(f"a form is not shown to be positive definite for sizes from {least | fixed}")
        if not orthogonal_parts(two_dimensional, three=two_dimensional):
            raise Refuted("F_0, F_1 and F_2 are not orthogonal")


@cache
def orthogonal_parts(two_dimensional: bool, three: bool) -> bool:
    """Whether the parts are orthogonal, up to traces of three traceless matrices if ``three``."""
    first, second, rest = parts(two_dimensional)
    overlap = inner(second, rest)
    return not (inner(first, second) or inner(first, rest)) and (
        not overlap or (three and with_traces_of_three(overlap))
    )


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer_scalar",
    grade="proof",
    range="all d, n ≥ 1",
)
def test_claim_two_layer_symmetric_minimizer_scalar(evidence: Evidence) -> None:
    """f − f* is bounded below by two quadratic forms, in (e − e*, p − p*, w) and in (D + E, mE, kD), positive
    definite for all d ≥ 2, n ≥ 2: the gain of exchanging steps in some directions, linear in w = tr DE, is paid
    for since p w = tr(mE · kD). All in symbolic d and n; n = 1 and d = 1 apart."""
    claim = stated()
    mutants = {
        "nothing moved": claim._replace(share=0),
        "moved twice": claim._replace(share=2),
        "n = 1 like the others": claim._replace(least_context=1),
        "e of one layer": claim._replace(e=n / (d + n + 1)),
        "minimum of one layer": claim._replace(minimum=d * (d + 1) / (d + n + 1)),
        "p negative": claim._replace(p=-claim.p),
    }
    evidence.check(check_certificate, claim, mutants)
    if orthogonal_parts(True, three=False):
        raise Refuted("without the term in Z the parts are orthogonal for every d")
    for name, value in (("e = a + b", claim.e), ("p = ab", claim.p), ("minimum", claim.minimum)):
        evidence.figure(name, f"${sympy.latex(sympy.factor(value.as_expr()))}$")
    for size in ((2, 1), (2, 5), (3, 2), (5, 20)):
        evidence.figure(f"minimum at d = {size[0]}, n = {size[1]}", optimal_steps(isotropic(*size), 2).loss)


def check_bound(excess: Callable[[fmpq], fmpq]) -> None:
    """At pairs that exchange two rational steps near the optimal ones in some coordinates the loss exceeds the
    minimum, by more than claimed: exactly, from the loss of general layers."""
    for dim, size in ((2, 1), (2, 5), (3, 2), (3, 20)):
        best = optimal_steps(isotropic(dim, size), 2)
        a, b = (step.lower for step in best.steps)
        for flipped in range(1, dim):
            first = exact.diagonal([a] * (dim - flipped) + [b] * flipped)
            second = exact.diagonal([b] * (dim - flipped) + [a] * flipped)
            value = layered_loss(isotropic(dim, size), [first, second])
            if not value - best.loss > excess(best.loss):
                raise Refuted(f"d = {dim}, n = {size}: the exchanged pair exceeds the minimum by less")


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer_scalar",
    grade="exact",
    range="d ≤ 3, n ≤ 20: random symmetric pairs and exchanged pairs",
    complete=False,
)
def test_claim_two_layer_symmetric_minimizer_scalar_no_pair_does_better(evidence: Evidence) -> None:
    """Random symmetric pairs, commuting or not, and pairs with one symmetric matrix lose more than the minimum, by the
    loss of general layers, another route; coordinate-wise exchange of the two steps costs a share of the minimum."""
    mutants: dict[str, Callable[[fmpq], fmpq]] = {
        "exchange costs half the minimum": lambda minimum: minimum / 2,
        "exchange costs the minimum": lambda minimum: minimum,
        "exchange costs three tenths": lambda minimum: minimum * 3 / 10,
    }
    evidence.check(check_bound, lambda minimum: minimum * 0, mutants)

    @given(st.integers(2, 3), st.sampled_from([1, 2, 5, 20]), st.booleans(), st.data())
    def above(dim: int, size: int, both: bool, data: st.DataObject) -> None:
        def draw(symmetric: bool) -> fmpq_mat:
            scale = data.draw(st.sampled_from([1, 4, 16]))
            rows = [[data.draw(rationals) / scale for _ in range(dim)] for _ in range(dim)]
            for i in range(dim):
                for j in range(i):
                    rows[i][j] = rows[j][i] if symmetric else rows[i][j]
            return fmpq_mat(rows)

        pair = [draw(True), draw(both)]
        task = isotropic(dim, size)
        for ordered in (pair, pair[::-1]):
            assert layered_loss(task, ordered) > optimal_steps(isotropic(dim, size), 2).loss

    above()
    evidence.chart(exchange_chart())


def exchange_chart() -> Chart:
    """The loss between the two minimizers when the steps of one coordinate are exchanged, and those of both."""
    dim, size = 2, 5
    best = optimal_steps(isotropic(dim, size), 2)
    low, high = (validation.rational("step", nearest(step.lower)) for step in best.steps)
    task = isotropic(dim, size)
    places = [fmpq(i, 20) for i in range(21)]

    def loss(t: fmpq, u: fmpq) -> float:
        first = exact.diagonal([low + (high - low) * t, low + (high - low) * u])
        second = exact.diagonal([high - (high - low) * t, high - (high - low) * u])
        return nearest(layered_loss(task, [first, second]))

    x = tuple(float(int(t.p)) / float(int(t.q)) for t in places)
    return Chart(
        title="Exchanging two layers' steps, coordinate by coordinate",
        caption="d = 2, n = 5. From the minimizer (aI, bI) the steps of one coordinate, or of both, are moved "
        "linearly into the other order. Both together reach the other minimizer; one alone ends at a diagonal pair "
        "that loses more: the coordinates do not choose their order independently.",
        x_label="how far the steps are exchanged",
        y_label="loss",
        series=(
            Series(label="both coordinates", x=x, y=tuple(loss(t, t) for t in places)),
            Series(label="one coordinate", x=x, y=tuple(loss(t, fmpq(0)) for t in places)),
            Series(label="minimum", x=(0.0, 1.0), y=(nearest(best.loss),) * 2, style="dashed"),
        ),
    )


@pytest.mark.claim(
    slug="two_layer_symmetric_minimizer_scalar", grade="exact", range="one instance each", parts=()
)
def test_claim_two_layer_symmetric_minimizer_scalar_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: an exact instance in which the stated pairs are not the minimizers."""
    skewed = RegressionTask(exact.diagonal([1, 4]), 2)
    evidence.necessary(
        "isotropic_covariates", beaten(skewed, "Σ = diag(1, 4), Ω = I, n = 2", ("39/100", "19/100"))
    )
    narrow = RegressionTask(exact.identity(2), 2, [[1, 0], [0, "1/100"]])
    evidence.necessary(
        "identity_task", beaten(narrow, "Σ = I, Ω = diag(1, 1/100), n = 2", ("79/100", "3/100"))
    )
    v = Variables(x=rademacher, w=gaussian)
    if v.mean((v.of["w"] * (1 - v.of["x"] ** 2) * (1 - 5 * v.of["x"] ** 2)) ** 2):
        raise Refuted("one unit step is not enough for x = ±1")
    evidence.necessary(
        "gaussian_covariates",
        "x = ±1, d = 1: then S = 1, and every pair with a_0 = 1 loses 0, whatever a_1: the minimizers are not two.",
    )
    v = Variables(x=gaussian)
    x = v.of["x"]

    def dependent(e: fmpq, p: fmpq) -> fmpq:
        q = 1 - as_ring(e) * x**2 + as_ring(p) * x**4
        return v.mean((x * q) ** 2)

    best = optimal_steps(isotropic(1, 1), 2).residual
    e, p = -best[1], best[2]
    if not dependent(e, p) > dependent(fmpq(2, 5), fmpq(1, 35)):
        raise Refuted("for w = x_1 the stated pair is not beaten")
    evidence.necessary(
        "independent_task",
        f"w = x_1, d = n = 1: the stated pair loses {dependent(e, p)}, steps with sum 2/5 and product 1/35 lose "
        f"{dependent(fmpq(2, 5), fmpq(1, 35))}.",
    )
    noisy = isotropic(1, 1, noise_variance=8)
    a, b = (step.lower for step in optimal_steps(isotropic(1, 1), 2).steps)
    lost, better = (layered_loss(noisy, [[[x]], [[y]]]) for x, y in ((a, b), (a / 2, b / 2)))
    if not lost - better > fmpq(1, 10):
        raise Refuted("with noise smaller steps are not better by a margin")
    evidence.necessary(
        "noiseless_labels", "σ² = 8, d = n = 1: half the stated steps lose less, by more than 1/10."
    )
    prove_slot_only_shifts([sparse(letter(name, "d", "d")) for name in "AB"])
    evidence.dispensable(
        "zero_query_label",
        "A value c in the slot shifts the error by c at every layer; the error is odd in w, so f grows by the "
        "constant c².",
    )


def as_ring(value: fmpq) -> Any:
    return sympy.QQ(int(value.p), int(value.q))


def beaten(task: RegressionTask, model: str, diagonal: tuple[str, str]) -> str:
    """A pair of diagonal matrices loses less than every pair of multiples of I."""
    least = scalar_pair_minimum(task).loss
    pair = best_diagonal(task, diagonal)
    if not layered_loss(task, pair) < least:
        raise Refuted(f"{model}: {layered_loss(task, pair)} does not beat {least}")
    shown = " and ".join(f"diag({', '.join(str(m[i, i]) for i in range(task.dim))})" for m in pair)
    return f"{model}: every pair of multiples of I loses at least {least}, the pair {shown} loses less."


def best_diagonal(task: RegressionTask, first: tuple[str, str]) -> list[fmpq_mat]:
    """A_0 = diag(first), with the diagonal A_1 that is best for it, rounded to 1/100: f is quadratic in A_1."""
    A0 = exact.diagonal(first)

    def f(x: fmpq, y: fmpq) -> fmpq:
        return layered_loss(task, [A0, exact.diagonal([x, y])])

    zero, h = fmpq(0), fmpq(1)
    base, px, mx, py, my = f(zero, zero), f(h, zero), f(-h, zero), f(zero, h), f(zero, -h)
    mixed = f(h, h) - px - py + base
    slopes = [[(mx - px) / 2], [(my - py) / 2]]
    curved = [[px + mx - 2 * base, mixed], [mixed, py + my - 2 * base]]
    found = validation.matrix("curved", curved).solve(validation.matrix("slopes", slopes)).entries()
    return [A0, exact.diagonal([(100 * x).floor() / fmpq(100) for x in found])]
