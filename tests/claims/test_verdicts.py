"""The rules by which evidence becomes a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from icl_claims.claims.claim import Assumption, Claim
from icl_claims.claims.results import GRADES, Grade, Mutant, Necessity, Results, Row, Tightness
from icl_claims.claims.verdicts import CONCLUSIVE, Judgement, counts, judge, judge_all, refutes
from tests.shared.rows import COUNTEREXAMPLE, passed

CLAIM = Claim(
    "sum",
    "suite",
    "here",
    "$1+1=2$",
    assumptions=(Assumption("positive", "$n>0$"), Assumption("finite", "$n<9$", not_shown="no instance")),
    parts=("first", "second"),
    severity="constant",
)
CORRECTION = Claim("sum_corrected", "suite", "here", "$1+1=2$", corrects="sum")
REGISTRY = {"sum": CLAIM, "sum_corrected": CORRECTION}
KILLED = tuple(Mutant(name=name, killed=True, power=0.999) for name in "abc")
NECESSARY = (Necessity(assumption="positive", necessary=True, instance="n = 0"),)


def row(name: str = "full", **changes: object) -> Row:
    """Evidence that alone makes the claim ``sum`` hold, but for the changes."""
    whole = {
        "parts": ("first", "second"),
        "mutants": KILLED,
        "necessity": NECESSARY,
        "counterexamples": tuple(COUNTEREXAMPLE.model_copy(update={"part": p}) for p in ("first", "second")),
    }
    base = passed(f"tests/test_sum.py::test_claim_sum_{name}", "sum", **whole)
    return base.model_copy(update=changes)


def bare(name: str, **changes: object) -> Row:
    """Evidence that decides parts, with one mutant of those of ``row``, and nothing else."""
    return row(name, **{"mutants": KILLED[:1], "necessity": (), **changes})


def judged(*rows: Row, claim: Claim = CLAIM, registry: dict[str, Claim] = REGISTRY) -> Judgement:
    return judge(claim, Results(rows=rows), registry)


def holding_correction() -> Row:
    return row("corrected", slug="sum_corrected", parts=("statement",))


def test_complete_conclusive_evidence_for_every_part_holds():
    judgement = judged(row())
    assert (judgement.verdict, judgement.grade, judgement.range) == ("holds", "proof", "all n")
    assert (judgement.mutants_killed, judgement.mutants, judgement.gaps) == (3, 3, ())


@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("complete", [True, False])
def test_holds_needs_a_conclusive_grade_over_the_whole_range(grade: Grade, complete: bool):
    expected = (
        "holds" if complete and grade in {"proof", "argument", "exact", "certified", "float"} else "supported"
    )
    assert judged(row(grade=grade, complete=complete)).verdict == expected


def test_the_grade_is_that_of_the_weakest_part():
    first, second = row("first", parts=("first",)), bare("second", parts=("second",), grade="float")
    assert (judged(first, second).verdict, judged(first, second).grade) == ("holds", "float")


def test_one_bounded_part_makes_the_claim_supported():
    first = row("first", parts=("first",))
    second = bare("second", parts=("second",), grade="exact", complete=False, range="d ≤ 4")
    judgement = judged(first, second)
    assert (judgement.verdict, judgement.range) == ("supported", "all n; d ≤ 4")


def test_complete_weaker_evidence_decides_before_bounded_stronger_evidence():
    judgement = judged(row("a", grade="float"), bare("b", grade="exact", complete=False, range="d ≤ 4"))
    assert (judgement.verdict, judgement.grade, judgement.range) == ("holds", "float", "all n")


def test_a_failed_check_leaves_the_claim_open_whatever_else_passed():
    judgement = judged(row(), bare("other", outcome="failed", grade="trained", range="seed 0"))
    assert (judgement.verdict, judgement.grade, judgement.range) == ("open", "trained", "seed 0")


def test_a_counterexample_refutes_whatever_else_passed():
    judgement = judged(row(), bare("other", refutes=True, grade="exact", range="d = 2"))
    assert (judgement.verdict, judgement.grade, judgement.range) == ("refuted", "exact", "d = 2")


def test_a_counterexample_need_not_decide_every_part():
    assert judged(row(parts=("first",), refutes=True)).verdict == "refuted"


def test_refuted_becomes_holds_corrected_when_the_correction_holds():
    refuted = row(refutes=True)
    assert judged(refuted, holding_correction()).verdict == "holds-corrected"
    for weaker in (
        {"grade": "statistical"},
        {"outcome": "failed"},
        {"stale": True},
        {"mutants": ()},
        {"lemmas": ()},
    ):
        correction = holding_correction().model_copy(update=weaker)
        assert judged(refuted, correction).verdict == "refuted"


def test_the_correction_of_another_claim_corrects_nothing():
    registry = {"sum": CLAIM, "sum_corrected": replace(CORRECTION, corrects="product")}
    assert judged(row(refutes=True), holding_correction(), registry=registry).verdict == "refuted"


def test_a_correction_does_not_touch_a_claim_that_holds():
    assert judged(row(), holding_correction()).verdict == "holds"


def test_no_rows_is_unverified_with_the_recorded_reason():
    assert judged().verdict == "unverified"
    assert judged().gaps == ("no evidence has run",)
    assert judged(claim=replace(CLAIM, reason="needs a GPU")).gaps == ("needs a GPU",)


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({"outcome": "skipped"}, "skipped: tests/test_sum.py::test_claim_sum_full"),
        ({"stale": True}, "stale: tests/test_sum.py::test_claim_sum_full"),
        ({"parts": ("first",)}, "part second: no evidence decides it"),
        ({"mutants": KILLED[:2]}, "2 mutants killed, 3 required"),
        ({"mutants": (*KILLED, Mutant(name="d", killed=False))}, "mutant survives: d"),
        (
            {"mutants": (*KILLED[:2], Mutant(name="d", killed=False))},
            "2 mutants killed, 3 required",
        ),
        ({"necessity": ()}, "assumption positive: necessity not addressed"),
        (
            {"outcome": "refused", "message": "text"},
            "no evidence: tests/test_sum.py::test_claim_sum_full: text",
        ),
    ],
)
def test_each_thing_owed_leaves_the_claim_unverified(changes: dict[str, object], gap: str):
    judgement = judged(row(**changes))
    assert judgement.verdict == "unverified"
    assert gap in judgement.gaps
    assert judgement.grade is None


def test_a_dispensable_assumption_is_addressed():
    dispensable = (Necessity(assumption="positive", necessary=False, instance="by symmetry"),)
    assert judged(row(necessity=dispensable)).verdict == "holds"


def test_a_skip_among_passing_evidence_is_loud():
    judgement = judged(row(), bare("other", outcome="skipped"))
    assert (judgement.verdict, judgement.gaps) == (
        "unverified",
        ("skipped: tests/test_sum.py::test_claim_sum_other",),
    )


def test_what_was_refused_is_a_debt_and_decides_nothing():
    refused = bare("other", parts=("second",), outcome="refused", message="no instance")
    judgement = judged(row(), refused)
    owed = "no evidence: tests/test_sum.py::test_claim_sum_other: no instance"
    assert (judgement.verdict, judgement.gaps) == ("unverified", (owed,))
    beside = judged(row(parts=("first",)), refused)
    assert dict(beside.parts) == {"first": "holds", "second": "undecided"}
    assert not counts(refused)


def test_a_stale_full_row_does_not_count_and_opens_no_gap_where_the_rest_is_complete():
    stale = bare("long", level="full", stale=True, refutes=True)
    judgement = judged(row(), stale)
    assert (judgement.verdict, judgement.gaps, judgement.stale) == ("holds", (), True)
    incomplete = judged(row(parts=("first",)), stale)
    assert incomplete.verdict == "unverified"
    assert incomplete.gaps == (
        "part second: no evidence decides it",
        "stale: tests/test_sum.py::test_claim_sum_long",
    )
    fresh = judged(row(parts=("first",)), bare("long", level="full", parts=("first",)))
    assert fresh.gaps == ("part second: no evidence decides it",)


def test_tightness_is_that_of_the_rows_that_count():
    tight = bare("tight", tightness=Tightness(ratio="3/2"))
    stale = bare("stale", level="full", stale=True, tightness=Tightness(ratio="7"))
    assert judged(row()).tightness is None
    assert judged(row(), tight, stale).tightness == "3/2"


def test_evidence_that_decides_no_part_brings_teeth_and_necessity_only():
    decides, aids = row("decides", necessity=()), row("aids", parts=(), grade="trained", complete=False)
    assert judged(aids).gaps == (
        "part first: no evidence decides it",
        "part second: no evidence decides it",
        "0 mutants killed, 3 required",
    )
    assert (judged(decides, aids).verdict, judged(decides, aids).grade) == ("holds", "proof")


def test_a_mutant_counts_once_and_only_from_evidence_that_decides():
    """The weaker second row decides nothing beside the first, whatever it rejects; nor does a row without parts."""
    other = tuple(m.model_copy(update={"name": f"{m.name}'"}) for m in KILLED)
    idle = [bare("b", grade="exact", complete=False, mutants=other), bare("c", parts=(), mutants=other)]
    judgement = judged(row("a"), *idle)
    assert (judgement.mutants_killed, judgement.mutants) == (3, 3)
    two = [row("a", parts=("first",), mutants=KILLED[:2]), row("b", parts=("second",), mutants=KILLED[:2])]
    assert (judged(*two).mutants, judged(*two).gaps) == (2, ("2 mutants killed, 3 required",))
    assert judged(two[0], row("b", parts=("second",))).mutants == 3
    silent = judged(row("a", parts=("first",)), bare("b", parts=("second",), mutants=()))
    assert silent.gaps == ("deciding check without mutants: tests/test_sum.py::test_claim_sum_b",)
    assert (
        "deciding check without mutants: tests/test_sum.py::test_claim_sum_full"
        in judged(row(mutants=())).gaps
    )


def test_proofs_and_arguments_need_their_lemmas():
    for grade in ("proof", "argument"):
        gaps = judged(row(grade=grade, lemmas=())).gaps
        assert gaps == (f"{grade} without lemmas: tests/test_sum.py::test_claim_sum_full",)
    assert judged(row(grade="exact", lemmas=())).verdict == "holds"
    assert judged(row(), bare("aid", parts=(), lemmas=())).verdict == "holds"


def test_a_mutant_of_a_sampled_check_states_its_power():
    unpowered = tuple(m.model_copy(update={"power": None}) for m in KILLED)
    judgement = judged(row(grade="statistical", mutants=unpowered))
    assert judgement.gaps == tuple(f"mutant of a sampled check without its power: {name}" for name in "abc")


# ---------------------------------------------------------------------- what refutes


@pytest.mark.parametrize("grade", GRADES)
def test_only_conclusive_or_very_sure_evidence_refutes(grade: Grade):
    sure = grade in CONCLUSIVE
    assert judged(row(refutes=True, grade=grade)).verdict == ("refuted" if sure else "doubted")
    for error, verdict in ((1e-6, "refuted"), (1.1e-6, "doubted"), (None, "doubted")):
        sampled = row(refutes=True, grade="statistical", error_probability=error)
        assert judged(sampled).verdict == verdict


def test_a_check_that_fails_refutes_nothing():
    assert refutes(row(refutes=True))
    assert not refutes(row(refutes=True, outcome="failed"))
    assert not refutes(row())


def test_doubt_does_not_hide_behind_support_nor_a_refutation_behind_doubt():
    doubt = bare("doubt", refutes=True, grade="trained", scale="small")
    judgement = judged(row(), doubt)
    assert (judgement.verdict, judgement.grade, judgement.scale) == ("doubted", "trained", "small")
    assert judged(row(), doubt, row("no", refutes=True, grade="exact")).verdict == "refuted"
    assert judged(row("no", refutes=True, grade="exact"), doubt).severity == "constant"
    assert judged(row(), doubt).severity is None


def test_parts_that_nothing_decides_stay_visible_beside_a_refutation():
    judgement = judged(row(parts=("first",), refutes=True))
    assert (judgement.verdict, dict(judgement.parts)) == (
        "refuted",
        {"first": "refuted", "second": "undecided"},
    )
    both = judged(
        row(parts=("first",), refutes=True), bare("b", parts=("second",), grade="trained", scale="small")
    )
    assert dict(both.parts) == {"first": "refuted", "second": "supported"}


def test_a_refutation_owes_a_counterexample_for_each_part_and_a_severity():
    bare_refutation = row(
        refutes=True, counterexamples=(COUNTEREXAMPLE.model_copy(update={"part": "first"}),)
    )
    assert judged(bare_refutation).gaps == ("part second: refuted without a counterexample",)
    assert judged(row(refutes=True), claim=replace(CLAIM, severity=None)).gaps == (
        "severity of what is false is not stated",
    )
    experiment = replace(CLAIM, kind="experiment")
    assert judged(row(refutes=True, counterexamples=()), claim=experiment).verdict == "refuted"


def test_a_refuted_claim_owes_neither_mutants_nor_necessity():
    judgement = judged(row(refutes=True, mutants=(), necessity=()))
    assert (judgement.verdict, judgement.gaps) == ("refuted", ())


def test_a_row_about_another_reading_decides_nothing():
    other = row("other", parts=(), reading="mod", refutes=True, mutants=KILLED)
    assert judged(row(), other).verdict == "holds"
    assert judged(row(parts=("first",)), other).gaps == ("part second: no evidence decides it",)
    assert judged(row(necessity=()), other).gaps == ("assumption positive: necessity not addressed",)


def test_what_was_refused_as_evidence_is_owed():
    refused = row("other", outcome="refused", message="text for an object")
    judgement = judged(row(), refused)
    assert judgement.verdict == "unverified"
    assert judgement.gaps == (f"no evidence: {refused.nodeid}: text for an object",)


def test_a_draft_is_unverified_and_lists_what_it_owes():
    draft = replace(CLAIM, draft=True)
    assert judged(row(), claim=draft).verdict == "unverified"
    assert judged(row(necessity=()), claim=draft).gaps == ("assumption positive: necessity not addressed",)


def test_the_scale_of_trained_evidence_is_that_of_its_smallest_run():
    small, paper = (row(scale, grade="trained", scale=scale) for scale in ("small", "paper"))
    first, second = (
        small.model_copy(update={"parts": ("first",)}),
        paper.model_copy(update={"parts": ("second",)}),
    )
    assert (judged(first, second).scale, judged(paper).scale, judged(row()).scale) == ("small", "paper", None)


def test_necessity_is_counted_against_all_assumptions():
    assert (judged(row()).necessity_decided, judged(row()).assumptions) == (1, 2)


# ---------------------------------------------------------------------- what a claim rests on

BELOW = replace(CLAIM, slug="below", corrects=None)
ABOVE = replace(CLAIM, slug="above", rests_on=("below",))
TOP = replace(CLAIM, slug="top", rests_on=("above",))
TOWER = {"below": BELOW, "above": ABOVE, "top": TOP, "aside": replace(CLAIM, slug="aside")}


def tower(**of_below: object) -> dict[str, Judgement]:
    rows = [row(slug, slug=slug) for slug in ("above", "top", "aside")]
    return judge_all(Results(rows=(*rows, row("below", slug="below", **of_below))), TOWER)


def test_a_claim_holds_only_while_all_that_it_rests_on_holds():
    assert {j.verdict for j in tower().values()} == {"holds"}
    fallen = tower(outcome="failed")
    assert {slug: j.verdict for slug, j in fallen.items()} == {
        "below": "open",
        "above": "open",
        "top": "open",
        "aside": "holds",
    }
    assert (fallen["above"].fallen, fallen["top"].fallen) == (("below",), ("above",))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"refutes": True}, "open"),
        ({"complete": False}, "open"),
        ({"grade": "trained", "scale": "small"}, "open"),
        ({"stale": True}, "unverified"),
        ({"necessity": ()}, "unverified"),
        ({"grade": "exact"}, "holds"),
    ],
)
def test_support_doubt_and_debts_below_do_not_carry(changes: dict[str, object], verdict: str):
    assert tower(**changes)["above"].verdict == verdict


def test_what_is_owed_below_is_named_above():
    above = tower(necessity=())["above"]
    assert above.gaps == ("rests on below: assumption positive: necessity not addressed",)
    assert (above.grade, above.range) == (None, "")


def test_what_is_owed_below_does_not_hide_what_did_not_run():
    registry = {**TOWER, "above": replace(ABOVE, rests_on=("below", "aside"))}
    rows = (row("above", slug="above"), row("below", slug="below", necessity=()))
    found = judge(registry["above"], Results(rows=rows), registry)
    assert (found.verdict, found.fallen, found.not_run) == ("unverified", ("below",), ("aside",))


def test_a_claim_below_without_a_stored_result_is_named_and_does_not_fell():
    found = judge(ABOVE, Results(rows=(row("above", slug="above"),)), TOWER)
    assert (found.verdict, found.not_run, found.fallen) == ("holds", ("below",), ())


def test_a_claim_that_rests_on_a_corrected_one_falls():
    registry = {**TOWER, "repair": replace(CORRECTION, slug="repair", corrects="below")}
    rows = (
        row("above", slug="above"),
        row("below", slug="below", refutes=True),
        row("repair", slug="repair", parts=("statement",)),
    )
    verdicts = {slug: j.verdict for slug, j in judge_all(Results(rows=rows), registry).items()}
    assert (verdicts["below"], verdicts["above"]) == ("holds-corrected", "open")


def test_all_claims_are_judged_in_the_order_of_the_registry():
    judgements = judge_all(Results(rows=(row(), holding_correction())), REGISTRY)
    verdicts = [(slug, judgement.verdict) for slug, judgement in judgements.items()]
    assert verdicts == [("sum", "holds"), ("sum_corrected", "holds")]


# ---------------------------------------------------------------------- properties

parts = st.sampled_from([(), ("first",), ("second",), ("first", "second")])


@st.composite
def rows(draw: st.DrawFn, **fixed: object) -> Row:
    """Any row of evidence for ``sum``, with some fields fixed."""
    free = {
        "parts": draw(parts),
        "grade": draw(st.sampled_from(GRADES)),
        "complete": draw(st.booleans()),
        "refutes": draw(st.booleans()),
        "level": draw(st.sampled_from(["quick", "full"])),
        "outcome": draw(st.sampled_from(["passed", "failed", "skipped"])),
        "stale": draw(st.booleans()),
        "mutants": draw(st.sampled_from([(), KILLED, KILLED[:1], (Mutant(name="z", killed=False),)])),
        "necessity": draw(st.sampled_from([(), NECESSARY])),
    }
    return row(str(draw(st.integers(0, 10**9))), **{**free, **fixed})


def evidence(**fixed: object) -> st.SearchStrategy[list[Row]]:
    return st.lists(rows(**fixed), max_size=5, unique_by=lambda r: r.nodeid)


sound = {
    "outcome": "passed",
    "stale": False,
    "mutants": KILLED,
    "necessity": NECESSARY,
    "error_probability": 1e-9,
    "grade": "exact",
}


@given(evidence(**sound), rows(**sound, refutes=True, parts=("second",)), st.randoms(use_true_random=False))
def test_a_refutation_wins_over_any_confirmations(others, refutation, random):
    found = [*others, refutation]
    random.shuffle(found)
    assert judged(*found).verdict == "refuted"


@given(evidence(), rows(outcome="passed", stale=False, refutes=True, parts=("first",)))
def test_with_a_counted_refutation_nothing_ever_holds_or_is_supported(others, refutation):
    assert judged(*others, refutation).verdict in {"refuted", "doubted", "open", "unverified"}


@given(evidence(), rows(outcome="failed", stale=False))
def test_with_a_counted_failure_the_claim_is_open(others, failure):
    assert judged(*others, failure).verdict == "open"


@given(st.lists(st.one_of(rows(stale=True), rows(outcome="skipped")), max_size=5))
def test_skipped_and_stale_rows_alone_verify_nothing(found):
    judgement = judged(*found)
    assert (judgement.verdict, judgement.grade, judgement.mutants) == ("unverified", None, 0)
    assert judgement.gaps


@given(evidence(), st.one_of(rows(stale=True), rows(outcome="skipped")))
def test_skipped_and_stale_rows_change_a_verdict_only_to_unverified(found, idle):
    before, after = judged(*found), judged(*found, idle)
    assert after.verdict in {before.verdict, "unverified"}
    assert (after.mutants_killed, after.tightness) == (before.mutants_killed, before.tightness)


@given(evidence(**sound, refutes=False), rows(**sound))
def test_weaker_evidence_changes_nothing(found, weaker):
    """Weaker in every part: not complete where the best is, and of no better grade."""
    assume({part for r in found for part in r.parts} == {"first", "second"})
    rank = {part: min(strength(r) for r in found if part in r.parts) for part in ("first", "second")}
    weaker = weaker.model_copy(update={"refutes": False})
    assume(all(strength(weaker) > rank[part] for part in weaker.parts))
    before, after = judged(*found), judged(*found, weaker)
    assert (after.verdict, after.grade, after.range) == (before.verdict, before.grade, before.range)


def strength(evidence_row: Row) -> tuple[bool, int]:
    return (not evidence_row.complete, GRADES.index(evidence_row.grade))


@given(evidence(**sound, refutes=False))
def test_holds_exactly_when_each_part_has_complete_conclusive_evidence(found):
    expected = all(
        any(part in r.parts and r.complete and r.grade in CONCLUSIVE for r in found) for part in CLAIM.parts
    )
    assert (judged(*found).verdict == "holds") == expected


@given(evidence(), st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_does_not_matter(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    one, two = judged(*found), judged(*shuffled)
    assert (one.verdict, one.grade, set(one.gaps)) == (two.verdict, two.grade, set(two.gaps))
