"""The static index: what it reads off test files, and what it refuses."""

from pathlib import Path

import pytest

from icl_claims.claims.claim import Claim
from icl_claims.claims.evidence_index import BadEvidence, Index, build, function_id, parse_marks, summary_of
from icl_claims.claims.results import Row

REGISTRY = {
    "sum": Claim("sum", "suite", "here", "$1+1=2$", parts=("first", "second")),
    "sum_of_three": Claim("sum_of_three", "suite", "here", "$1+1+1=3$"),
}


def index_of(root: Path, text: str, name: str = "test_claim_sum.py") -> Index:
    path = root / "tests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("import pytest\nfrom pytest import mark\n" + text, encoding="utf-8")
    return build(root, REGISTRY)


def marked(arguments: str, name: str = "test_claim_sum", docstring: str = "'''One.'''") -> str:
    return f"@pytest.mark.claim({arguments})\ndef {name}(evidence):\n    {docstring}\n"


GOOD = "slug='sum', grade='proof', range='all n'"


def test_a_mark_is_read_with_its_defaults(tmp_path):
    (entry,) = index_of(tmp_path, marked(GOOD, docstring="'''One\n    and one.\n\n    Two.'''")).entries
    assert (entry.nodeid, entry.summary) == ("tests/test_claim_sum.py::test_claim_sum", "One and one.")
    mark = entry.mark
    assert (mark.slug, mark.grade, mark.range, mark.level) == ("sum", "proof", "all n", "quick")
    assert (mark.parts, mark.complete, mark.refutes) == (("first", "second"), True, False)


def test_only_a_proof_is_complete_unless_the_mark_says_so(tmp_path):
    text = marked("slug='sum', grade='exact', range='d ≤ 4'")
    text += marked("slug='sum', grade='float', range='all', complete=True", "test_claim_sum_float")
    assert [entry.mark.complete for entry in index_of(tmp_path, text).entries] == [False, True]


def test_what_is_given_overrides_the_defaults(tmp_path):
    text = marked(f"{GOOD}, parts=('second',), complete=False, refutes=True, level='full'")
    (entry,) = index_of(tmp_path, text).entries
    mark = entry.mark
    assert (mark.parts, mark.complete, mark.refutes, mark.level) == (("second",), False, True, "full")


@pytest.mark.parametrize("path", ["theory/test_sum.py", "tests/sum.py", "tests/test_sum.txt"])
def test_evidence_stands_in_test_files_only(path: str) -> None:
    mark = ((), {"slug": "sum", "grade": "proof", "range": "all n"})
    assert parse_marks("tests/test_sum.py::test_claim_sum", "One.", [mark], REGISTRY)
    with pytest.raises(BadEvidence, match="evidence must stand in a file"):
        parse_marks(f"{path}::test_claim_sum", "One.", [mark], REGISTRY)


def test_evidence_may_decide_no_part_by_itself(tmp_path):
    (entry,) = index_of(tmp_path, marked(f"{GOOD}, parts=()")).entries
    assert entry.mark.parts == ()


def test_functions_in_classes_under_conditions_and_in_folders_are_found(tmp_path):
    text = "class TestSum:\n" + "".join(f"    {line}\n" for line in marked(GOOD).splitlines())
    text += "if True:\n" + "".join(f"    {line}\n" for line in marked(GOOD, "test_claim_sum_if").splitlines())
    text += (
        "@mark.claim(slug='sum', grade='proof', range='all n')\nasync def test_claim_sum_c(): '''One.'''\n"
    )
    text += "def test_other(): pass\ndef helper_claim_sum(): pass\n"
    found = index_of(tmp_path, text, "deep/test_sums.py").entries
    assert [entry.nodeid.partition("::")[2] for entry in found] == [
        "TestSum::test_claim_sum",
        "test_claim_sum_if",
        "test_claim_sum_c",
    ]


def test_several_marks_give_several_entries(tmp_path):
    text = "@pytest.mark.claim(slug='sum_of_three', grade='exact', range='n = 3')\n" + marked(GOOD)
    index = index_of(tmp_path, text)
    assert [entry.mark.slug for entry in index.entries] == ["sum", "sum_of_three"]
    assert [entry.mark.grade for entry in index.of("sum_of_three")] == ["exact"]


def test_the_quick_level_leaves_out_the_full_one(tmp_path):
    index = index_of(tmp_path, marked(GOOD) + marked(f"{GOOD}, level='full'", "test_claim_sum_long"))
    assert len(index.of("sum")) == len(index.of("sum", "full")) == 2
    assert [entry.nodeid.rpartition("::")[2] for entry in index.of("sum", "quick")] == ["test_claim_sum"]


REFUSED = {
    "unknown slug": (
        "slug='sun', grade='proof', range='all'",
        r"must be registered \(near: sum\), got 'sun'",
    ),
    "unknown grade": (
        "slug='sum', grade='sure', range='all'",
        r"grade must be one of proof, .*'sure'",
    ),
    "unknown level": (f"{GOOD}, level='slow'", r"level must be one of quick, full, got 'slow'"),
    "unknown part": (f"{GOOD}, parts=('third',)", r"parts of sum, which are first, second, got \('third',\)"),
    "refuting without naming parts": (f"{GOOD}, refutes=True", "parts must be named, .*, got None"),
    "trained without a scale": (
        f"{GOOD.replace('proof', 'trained')}",
        "scale must be one of paper, small for grade trained, and for no other, got None",
    ),
    "a scale that is none": (
        f"{GOOD.replace('proof', 'trained')}, scale='large'",
        "scale must .*, got 'large'",
    ),
    "a scale of a proof": (f"{GOOD}, scale='small'", "scale must .* for no other, got 'small'"),
    "sampled without an error probability": (
        f"{GOOD.replace('proof', 'statistical')}",
        "error_probability must be given for grade statistical, and for no other, got None",
    ),
    "an error probability of a proof": (
        f"{GOOD}, error_probability=1e-9",
        "error_probability must .* got 1e-09",
    ),
    "an error probability of 1": (
        f"{GOOD.replace('proof', 'statistical')}, error_probability=1.0",
        r"error_probability must be a number between 0 and 1, got 1\.0",
    ),
    "an unknown reading": (f"{GOOD}, reading='mod'", "reading must be another reading of sum, .*, got 'mod'"),
    "refuting nothing": (
        f"{GOOD}, parts=(), refutes=True",
        r"parts must be named, at least one part of sum, in evidence that refutes, got \(\)",
    ),
    "parts as text": (f"{GOOD}, parts='first'", r"parts must be a tuple of parts of sum"),
    "no slug": ("grade='proof', range='all'", "slug must be given in the claim mark"),
    "no grade": ("slug='sum', range='all'", "grade must be given in the claim mark"),
    "no range": ("slug='sum', grade='proof'", "range must be given in the claim mark"),
    "empty range": ("slug='sum', grade='proof', range=' '", "range must be non-empty text, got ' '"),
    "flag as text": (f"{GOOD}, refutes='yes'", "refutes must be True or False, got 'yes'"),
    "unknown argument": (f"{GOOD}, note='n'", r"must be one of slug, grade, .*, got 'note'"),
    "positional": (f"'sum', {GOOD}", r"every argument of the claim mark must be given by keyword"),
    "computed": ("slug='sum', grade='proof', range=f'{1}'", r"range must be a literal, got f'\{1\}'"),
    "unpacked": ("**MARK", r"must write out its arguments, got \*\*MARK"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_marks_are_refused_by_name(tmp_path, arguments, message):
    index = index_of(tmp_path, marked(arguments))
    assert index.entries == ()
    with pytest.raises(BadEvidence, match=r"^tests/test_claim_sum\.py::test_claim_sum: .*" + message):
        raise index.problems["tests/test_claim_sum.py"]


UNNAMED = {
    "no mark": ("def test_claim_sum():\n    '''One.'''\n", r"must carry @pytest\.mark\.claim"),
    "bare mark": ("@pytest.mark.claim\ndef test_claim_sum():\n    '''One.'''\n", "slug must be given"),
    "wrong name": (
        marked(GOOD, "test_claim_product"),
        "must start with test_claim_sum, got 'test_claim_p",
    ),
    "prefix of a longer word": (marked(GOOD, "test_claim_sums"), "must start with test_claim_sum, got"),
    "plain name": (marked(GOOD, "test_sum"), "must start with test_claim_sum, got 'test_sum'"),
    "no docstring": (marked(GOOD, docstring="pass"), "evidence must have a docstring"),
    "twice the same": (
        f"@pytest.mark.claim({GOOD})\n" + marked(GOOD),
        "slug must differ between",
    ),
    "two levels": (
        "@pytest.mark.claim(slug='sum_of_three', grade='exact', range='n = 3', level='full')\n"
        + marked(GOOD),
        "level must be the same in all claim marks of one test",
    ),
    "class": (f"@pytest.mark.claim({GOOD})\nclass TestSum: pass\n", "must be a decorator of a test function"),
    "module": (f"pytestmark = pytest.mark.claim({GOOD})\n", "must be a decorator of a test function"),
    "parameter": (
        f"@mark.parametrize('x', [pytest.param(1, marks=mark.claim({GOOD}))])\ndef test_x(x): pass\n",
        "must be a decorator of a test function",
    ),
}


@pytest.mark.parametrize(("text", "message"), UNNAMED.values(), ids=UNNAMED)
def test_functions_that_are_no_proper_evidence_are_refused(tmp_path, text, message):
    index = index_of(tmp_path, text)
    assert index.entries == ()
    with pytest.raises(BadEvidence, match=message):
        raise index.problems["tests/test_claim_sum.py"]


def test_one_unreadable_file_does_not_hide_the_others(tmp_path):
    index_of(tmp_path, "def (:\n", "test_broken.py")
    index = index_of(tmp_path, marked(GOOD))
    assert [entry.mark.slug for entry in index.entries] == ["sum"]
    assert isinstance(index.problems["tests/test_broken.py"], SyntaxError)


def test_a_stored_row_is_known_while_its_function_carries_its_claim(tmp_path):
    index_of(tmp_path, "def (:\n", "test_broken.py")
    index = index_of(tmp_path, marked(GOOD))
    (entry,) = index.entries

    def known(nodeid: str, **changes: object) -> bool:
        row: Row = entry.mark.row(nodeid, "One.", "passed")
        return index.knows(row.model_copy(update=changes))

    assert known("tests/test_claim_sum.py::test_claim_sum")
    assert known("tests/test_claim_sum.py::test_claim_sum[a::b]")
    assert not known("tests/test_claim_sum.py::test_claim_sum", slug="sum_of_three")
    assert not known("tests/test_claim_sum.py::test_claim_sum_more")
    assert not known("tests/test_gone.py::test_claim_sum")
    assert known("tests/test_broken.py::test_claim_sum"), "a file that cannot be read now may still hold it"


def test_node_ids_and_summaries():
    assert function_id("tests/test_a[1].py::TestA::test_b[x::y[z]]") == "tests/test_a[1].py::TestA::test_b"
    assert summary_of(None) == ""
    assert summary_of("\n    One\n    line.\n\n    More.\n") == "One line."
