"""A point of 𝒮′ at which the loss is critical in all matrices: the infimum of Ahn et al., Theorem 4, is attained."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flint import fmpq

from icl_claims.claims.edits import changed, inside, plus, times
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.theory.algebra.words import FIELD, d, letter, n
from icl_claims.theory.derivations.gdpp_infimum_attained import DERIVATION, STATED
from icl_claims.theory.evaluation import rational_value
from icl_claims.theory.many_layers import gdpp, gdpp_directions
from icl_claims.theory.many_layers.gdpp_point import Point
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.attention import NO_MASK
from icl_claims.theory.transformer.parametrizations import relaxed as relaxed_weights
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from icl_claims.theory.transformer.relaxed_layers import prove_change_of_basis, prove_rotation, whitened_pair
from icl_claims.theory.transformer.rotations import U
from tests.shared.relaxed import (
    Relaxed,
    gradient_on_the_ray,
    plain,
    relaxed,
    squared_gradient_of_two_scalar_layers,
)
from tests.shared.settings import Setting, conditions

SLUG = "gdpp_infimum_attained"


def numbers(point: Point, at: Relaxed) -> list[fmpq]:
    """a_l and b_l for l < L − 1, and a_{L−1}, at the sizes of the instance."""
    return [rational_value(x, at.setting.task) for x in point]


def critical_margin(point: Point, at: Relaxed) -> fmpq:
    """Minus the squared gradient there: of one layer in all entries of A_0, of two for d = 1 in a_0, a_1, b_0."""
    first, move, last = numbers(point, at)
    if at.layers == 1:
        pairs = gradient_on_the_ray(at.setting, at.setting.task.covariance.inv())
        return -sum(((alpha + beta * last) ** 2 for alpha, beta in pairs), fmpq(0))
    return -squared_gradient_of_two_scalar_layers(at, [first, last], [move])


def saddle_margin(point: Point, at: Relaxed) -> fmpq:
    """By how much a point close by loses less: a_0 = 2⁻⁴⁰ and b_0 less by 2⁻³⁰. One layer says nothing."""
    if at.layers == 1:
        return fmpq(0)
    first, move, last = numbers(point, at)
    small = fmpq(1, 2**40)
    here, there = (
        replace(at, a=(first + t, last), b=(move - 1024 * t, fmpq(0))).loss_of_scaled()
        for t in (0 * small, small)
    )
    return here - there


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"critical": critical_margin, "saddle": saddle_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: relaxed(SLUG, corner),
    without=lambda key: relaxed(SLUG, without=key),
    undefined_without={"positive_definite_covariance": "for singular Σ there is no Σ⁻¹, so no set 𝒮′"},
)


@pytest.mark.claim(slug="gdpp_infimum_attained", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
def test_claim_gdpp_infimum_attained(evidence: Evidence) -> None:
    """By invariance the gradient is that in a and b; as the first layers change nothing, that of two layers."""
    of_two, of_one = "Lemma 6: slope 0 of 2 layers", "Lemma 6: slope 0 of 1 layers"
    mutants = [
        changed(STATED, of_two, move=-FIELD.one / 3),
        changed(STATED, of_two, move=FIELD.zero),
        inside(STATED, "move", times(STATED.move, -1, of_two)),
        changed(STATED, of_one, last=-n / (n + d)),
        inside(STATED, "last", times(STATED.last, -1, of_one)),
        inside(STATED, "first", plus(STATED.first, STATED.last, "Lemma 5: a layer with a")),
    ]
    evidence.prove(DERIVATION, STATEMENT, mutants, part="critical", at=[plain(2, 1), plain(1, 1, 2)])
    task = isotropic(5, 20)
    point = gdpp.explicit_critical_point(task, 3)
    shown = "; ".join(f"{name} = ({', '.join(map(str, x))})" for name, x in zip("ab", point, strict=True))
    evidence.figure("the point at d = 5, n = 20, L = 3", f"{shown}; loss {gdpp.loss(task, *point)}")


@pytest.mark.claim(slug="gdpp_infimum_attained", grade="exact", range="four sizes, L = 2 and 3", parts=())
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("sizes", [(1, 1), (2, 5), (5, 3), (5, 20)])
def test_claim_gdpp_infimum_attained_at_numbers(sizes: tuple[int, int], layers: int) -> None:
    """The gradient and the Hessian of the exact loss at the point of the program."""
    task = isotropic(*sizes)
    a, b = gdpp.explicit_critical_point(task, layers)
    hessian = gdpp.hessian(task, a, b)
    assert not any(x for part in gdpp.gradient(task, a, b) for x in part)
    assert hessian[layers, layers] == 0 < hessian[0, layers]


def slot_is_dispensable() -> None:
    """With c in the slot f grows by the constant c², checked for two layers; no derivative changes."""
    A, B = letter("A", "d", "d"), letter("B", "d", "d")
    prove_slot_adds_its_square([relaxed_weights(A, B), relaxed_weights(A, B)])


def mask_is_dispensable() -> None:
    """Where the query is a key as well, two layers multiplied out and averaged have the slopes 0 at the point and are a
    saddle there; rotations and changes of basis turn such layers in the same way."""
    A, B = letter("A", "d", "d"), letter("B", "d", "d")
    prove_change_of_basis(*whitened_pair(A, B), A, B, NO_MASK)
    prove_rotation(U @ A @ U.T, U @ B @ U.T, NO_MASK)
    gdpp_directions.prove_critical_without_mask(STATED)


@pytest.mark.claim(slug="gdpp_infimum_attained", grade="exact", range="one instance per assumption", parts=())
def test_claim_gdpp_infimum_attained_necessity(evidence: Evidence) -> None:
    """Each assumption dropped by itself: the point is not critical."""
    one = plain(1, 1)
    instances = {
        "gaussian_covariates": replace(one, setting=replace(one.setting, covariates="signs")),
        "independent_task": replace(one, setting=replace(one.setting, weights="first_example")),
        "whitened_task": replace(
            plain(2, 1), setting=Setting(RegressionTask([[1, 0], [0, 1]], 1, [[1, 0], [0, 0]]))
        ),
        "noiseless_labels": replace(one, setting=Setting(RegressionTask([[1]], 1, [[1]], 1))),
    }
    for key, instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part="critical")
    evidence.dispensable("zero_query_label", slot_is_dispensable)
    evidence.dispensable("masked_query", mask_is_dispensable)
