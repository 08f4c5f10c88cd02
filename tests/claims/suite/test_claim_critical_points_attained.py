"""All critical points on 𝒮: the infimum of Theorem 3 is attained, at one point per ordered partition of layers."""

from math import comb

import pytest
from flint import arb, fmpq

from icl_claims.claims.edits import changed
from icl_claims.claims.evidence import Evidence
from icl_claims.claims.statement import Statement
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra import exact
from icl_claims.theory.algebra.words import letter
from icl_claims.theory.derivations.critical_points_attained import BLOCKS, DERIVATION, STATED, Landscape
from icl_claims.theory.loops.step import optimal_looped_step
from icl_claims.theory.many_layers.critical_points import critical_points_by_index, ordered_partitions
from icl_claims.theory.many_layers.elimination import multiple_points, prove_counts
from icl_claims.theory.many_layers.step_certificate import LAYERS
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
from icl_claims.theory.task import RegressionTask, isotropic
from icl_claims.theory.transformer.parametrizations import sparse
from icl_claims.theory.transformer.query_label import prove_slot_adds_its_square
from tests.shared.scaled_set import NO_INVERSE, OnScaledSet, critical_points, on_scaled_set
from tests.shared.settings import Setting, conditions

SLUG = "critical_points_attained"


def attained_margin(landscape: Landscape, at: OnScaledSet) -> fmpq:
    """How many critical points there are beside one."""
    return fmpq(sum(critical_points(at).values()) - 1)


def count_margin(landscape: Landscape, at: OnScaledSet) -> fmpq:
    """Minus how far the stated number of critical points is off."""
    stated = sum(landscape.count(at.layers, k) for k in range(1, at.layers + 1))
    return fmpq(-abs(sum(critical_points(at).values()) - stated))


def index_margin(landscape: Landscape, at: OnScaledSet) -> fmpq:
    """Minus how far the stated numbers of critical points of each index are off, in all."""
    found, stated = critical_points(at), landscape.by_index(at.layers)
    return fmpq(-sum(abs(found[i] - stated.get(i, 0)) for i in {*found, *stated}))


STATEMENT = Statement(
    slug=SLUG,
    stated=STATED,
    margins={"attained": attained_margin, "count": count_margin, "index": index_margin},
    conditions=conditions(SLUG),
    instances=lambda corner: on_scaled_set(SLUG, corner, most_layers=3),
    without=lambda key: on_scaled_set(SLUG, without=key),
    undefined_without={"positive_definite_covariance": NO_INVERSE},
)


def unordered_partitions(layers: int, blocks: int) -> int:
    """S(L, k): the order of the blocks ignored."""
    choices = ((-1) ** j * comb(blocks, j) * (blocks - j) ** layers for j in range(blocks + 1))
    return sum(choices) // sum(
        (-1) ** j * comb(blocks, j) * (blocks - j) ** blocks for j in range(blocks + 1)
    )


def orders_of_sizes(layers: int, blocks: int) -> int:
    """The sizes of the blocks in order, whatever the layers in them."""
    return comb(layers - 1, blocks - 1)


def minimizers_only(layers: int, blocks: int) -> int:
    """None but those with different steps."""
    return ordered_partitions(layers, blocks) if blocks == layers else 0


THREE_LAYERS = OnScaledSet(Setting(RegressionTask.whitened([[2, 1], [1, 1]], 3)), 3)


@pytest.mark.claim(slug="critical_points_attained", grade="argument", range="all d, n, L ≥ 1, Σ ≻ 0")
@pytest.mark.claim(
    slug="critical_points_scaled_inverse_covariance",
    grade="argument",
    range="all d, n, L ≥ 1, Σ ≻ 0",
    parts=(),
    refutes=True,
    reading="not_attained",
)
def test_claim_critical_points_attained(evidence: Evidence) -> None:
    """The sizes of the blocks are deformed to 1: critical points stay nondegenerate and in a compact set, so that there
    is one for each order of the blocks."""
    partitions = "ordered partitions into"
    counts = [
        changed(STATED, partitions, count=unordered_partitions),
        changed(STATED, partitions, count=orders_of_sizes),
        changed(STATED, partitions, count=minimizers_only),
    ]
    evidence.prove(DERIVATION, STATEMENT, counts, part="count", at=THREE_LAYERS)
    other = "the Hessian has another index"
    indices = [
        changed(STATED, other, index=LAYERS - BLOCKS + 1),
        changed(STATED, other, index=BLOCKS - 1),
        changed(STATED, other, index=LAYERS - 1),
    ]
    evidence.mutants(DERIVATION, STATEMENT, indices, part="index", at=THREE_LAYERS)
    for L in (1, 2, 3, 4, 5):
        numbers = critical_points_by_index(L)
        assert sum((-1) ** index * count for index, count in numbers.items()) == 1  # Morse, for a coercive f
        counted = ", ".join(f"{count} of index {index}" for index, count in numbers.items())
        evidence.figure(f"critical points, L = {L}", f"{sum(numbers.values())}: {counted}")


SIZES = [(d, n, L) for d, n in ((1, 1), (2, 1), (1, 4), (3, 2), (5, 20)) for L in (1, 2, 3, 4)]
"""(d, n, L); n < d and d = 1 are among them."""


@pytest.mark.claim(
    slug="critical_points_attained",
    grade="exact",
    range="five sizes (d, n) with n < d among them, L ≤ 3, and L = 4 without pairs of double steps",
    parts=(),
)
def test_claim_critical_points_attained_by_elimination(evidence: Evidence) -> None:
    """Steps eliminated down to one polynomial in one step; its real roots counted by Sturm's theorem, each placed
    and given its index by certified pivots, all steps positive: the counts of the theorem, index by index."""
    prove_counts(STATED.by_index, SIZES)
    task = isotropic(5, 20)
    for steps in multiple_points(task, 2, 1):
        shown = ", ".join(f"{float(a.mid()):.4f}" for a in sorted(steps, key=lambda a: float(a.mid())))
        evidence.figure(
            f"saddle at d = 5, n = 20, L = 3: steps {shown}", f"{saddle_loss(steps):.6f}", exact=False
        )
    evidence.figure("minimum at d = 5, n = 20, L = 3", optimal_steps(task, 3).loss)
    looped = nearest(optimal_looped_step(task, 3).loss.upper)
    evidence.figure("looped saddle there", f"{looped:.6f}", exact=False)


def saddle_loss(steps: list[arb]) -> float:
    """The loss at the nearest floats."""
    return nearest(loss_of_steps(isotropic(5, 20), [float(a.mid()) for a in steps]))


def slot_is_dispensable() -> None:
    """A number c in the slot adds the constant c² to f, and changes no derivative."""
    prove_slot_adds_its_square([sparse(letter(name, "d", "d")) for name in "AB"])


@pytest.mark.claim(slug="critical_points_attained", grade="exact", range="one instance each", parts=())
def test_claim_critical_points_attained_necessity(evidence: Evidence) -> None:
    """Where the two diagonal entries of A ask for different steps no point of 𝒮 is critical; with much noise no
    critical point has two different steps."""
    plain = isotropic(2, 1)
    line = RegressionTask(exact.identity(2), 1, exact.diagonal([1, 4]))
    instances = {
        ("gaussian_covariates", "attained"): OnScaledSet(Setting(plain, covariates="half_signs"), 1),
        ("independent_task", "attained"): OnScaledSet(Setting(plain, weights="first_coordinate"), 1),
        ("whitened_task", "attained"): OnScaledSet(Setting(line), 1),
        ("noiseless_labels", "count"): OnScaledSet(Setting(isotropic(1, 1, noise_variance=8)), 2),
    }
    for (key, part), instance in instances.items():
        evidence.necessary(STATEMENT, key, instance, part=part)
    evidence.dispensable("zero_query_label", slot_is_dispensable)
