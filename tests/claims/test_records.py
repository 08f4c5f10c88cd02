"""The records of the three papers: complete, and every formula of them renders in the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import math_core
import pytest

from icl_claims.claims.claim import PAPERS, Claim
from icl_claims.claims.registry import registry

AHN2023 = """
loss_depends_on_last_row_and_first_columns global_minimizer global_minimizer_isotropic
global_minimizer_component_diagonal large_context_preconditioner forward_pass_is_preconditioned_gd
query_label_shift two_layer_symmetric_minimizer critical_points_scaled_inverse_covariance
invariant_direction_reduction permutation_symmetry gdpp_critical_points covariate_update_conditioning
relu_attention_minimizer stein_relu_halving
trained_sparse_three_layers trained_relaxed_three_layers loss_against_context_length loss_against_depth
"""

GATMIRY2024 = """
loop_is_preconditioned_gd global_minimizer_looped_u global_minimizer_looped optimal_loss_vanishes
gradient_dominance gradient_flow_convergence faster_than_polyak_lojasiewicz out_of_distribution
trained_looped_converges looped_matches_unlooped trained_preconditioner_is_scaled_identity test_time_loops
"""

FU2024 = """
ols_min_norm gd_gradient gd_power_series gd_linear_rate gd_sublinear_average ogd_interpolates_last
newton_residual_squaring newton_polynomial_expansion newton_moment_degree newton_initial_scale
newton_loglog_rate newton_quadratic_convergence newton_exponentially_faster newton_gd_step_matching
well_conditioned_rates first_order_lower_bound preconditioned_gd_linear cg_rate_and_termination
bfgs_inverse_update quasi_newton_ordering sum_of_moments_expansion weights_in_span_of_examples
other_moment_coefficients ridge_newton newton_order_invariance
theorem_newton_by_transformer attention_sum relu_pair_inner_product newton_init_layers newton_layer
weight_readout_layers prediction_readout_layers arithmetic_primitives one_layer_per_newton_step
causal_extension hidden_size_covers_experiment
trained_layers_improve trained_newton_three_per_layer trained_gd_exponential trained_ends_at_ols
trained_ill_conditioned trained_hidden_size_threshold trained_lstm_like_ogd trained_noisy
trained_span_of_examples parameter_counts
"""

RECORDED = {"ahn2023": AHN2023, "gatmiry2024": GATMIRY2024, "fu2024": FU2024}
EXPERIMENTS = {"ahn2023": 4, "gatmiry2024": 4, "fu2024": 10}


def every_claim() -> list[object]:
    return [pytest.param(claim, id=slug) for slug, claim in registry().items()]


def texts(claim: Claim) -> Iterator[str]:
    """Every Markdown text of a record that the report shows."""
    yield claim.statement
    for assumption in claim.assumptions:
        yield assumption.text
        yield assumption.not_shown or ""
    yield claim.reading or ""
    for other in claim.other_readings:
        yield other.text
    yield from claim.cites
    yield claim.reason or ""
    if claim.criterion is not None:
        yield from claim.criterion.text.split("\n\n")
    for departure in claim.departures:
        yield from (departure.setting, departure.there, departure.here, departure.read_in or "")


def split_formulas(text: str) -> tuple[list[str], list[str]]:
    """The prose and the formulas of a text with TeX between single dollar signs."""
    pieces = text.split("$")
    if len(pieces) % 2 == 0:
        raise ValueError(f"dollar signs must come in pairs, got {text!r}")
    return pieces[::2], pieces[1::2]


def render(formula: str) -> str:
    return math_core.LatexToMathML(fancy_error=False).convert_with_local_state(formula, displaystyle=False)


@pytest.mark.parametrize("claim", every_claim())
def test_every_formula_renders(claim: Claim) -> None:
    for text in texts(claim):
        for formula in split_formulas(text)[1]:
            assert formula.strip() == formula != "", f"formula must have no space at its ends: {text!r}"
            mathml = render(formula)
            assert mathml.startswith("<math")
            assert "<merror" not in mathml


@pytest.mark.parametrize("claim", every_claim())
def test_prose_holds_no_tex(claim: Claim) -> None:
    for text in texts(claim):
        for prose in split_formulas(text)[0]:
            assert not set(re.sub(r"`[a-z0-9_]+`", "", prose)) & set("\\^_{}"), (
                f"TeX must stand between dollar signs: {prose!r}"
            )


@pytest.mark.parametrize("claim", every_claim())
def test_formulas_stand_apart_from_words(claim: Claim) -> None:
    for text in texts(claim):
        prose = split_formulas(text)[0]
        for before, after in pairwise(prose):
            assert not before[-1:].isalpha(), f"a space is missing before a formula: {text!r}"
            assert not after[:1].isalpha(), f"a space is missing after a formula: {text!r}"


@pytest.mark.parametrize("claim", every_claim())
def test_statement_is_one_paragraph_of_sentences(claim: Claim) -> None:
    assert claim.statement == " ".join(claim.statement.split())
    assert claim.statement.rstrip("$)").endswith(".")


def test_formula_check_has_teeth() -> None:
    with pytest.raises(ValueError, match="in pairs"):
        split_formulas(r"half a $formula")
    for wrong in (r"\nosuchcommand", r"\frac{1", r"\begin{pmatrix}0"):
        with pytest.raises(math_core.LatexError):
            render(wrong)


@pytest.mark.parametrize("paper", RECORDED)
def test_paper_is_recorded_completely(paper: str) -> None:
    registered = {slug for slug, claim in registry().items() if claim.paper == paper}
    assert registered == set(RECORDED[paper].split())


def test_recorded_slugs_are_distinct() -> None:
    slugs = " ".join(RECORDED.values()).split()
    assert len(slugs) == len(set(slugs)) == 19 + 12 + 46


@pytest.mark.parametrize("paper", RECORDED)
def test_experiments_are_marked(paper: str) -> None:
    kinds = [claim.kind for claim in registry().values() if claim.paper == paper]
    assert kinds.count("experiment") == EXPERIMENTS[paper]


def test_secondary_readings_are_marked() -> None:
    secondary = {claim.paper for claim in registry().values() if claim.provenance == "secondary"}
    primary = {claim.paper for claim in registry().values() if claim.provenance == "primary"}
    assert "gatmiry2024" in secondary - primary
    assert "fu2024" in primary - secondary


def test_corrections_are_propositions_of_the_suite() -> None:
    assert set(RECORDED) < set(PAPERS)
    for claim in registry().values():
        if claim.corrects is not None:
            assert claim.paper == "suite", claim.slug


def test_one_text_per_assumption() -> None:
    seen: dict[str, str] = {}
    for claim in registry().values():
        for assumption in claim.assumptions:
            assert seen.setdefault(assumption.key, assumption.text) == assumption.text, claim.slug
