"""The reports: complete, safe, the same on every machine, and needing nothing from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from icl_claims.claims.claim import Assumption, Claim, Departure, OtherReading
from icl_claims.claims.registry import registry
from icl_claims.claims.report import charts, pages
from icl_claims.claims.report.sections import sections
from icl_claims.claims.results import (
    GRADE_MEANING,
    GRADES,
    Chart,
    Counterexample,
    Figure,
    Mutant,
    Necessity,
    Results,
    Row,
    Series,
    Tightness,
)
from icl_claims.claims.training_runs import ABOUT, SEEDED
from icl_claims.claims.verdicts import VERDICT_MEANING, VERDICTS
from icl_claims.criteria import Criterion
from tests.shared.rows import LEMMA, passed

EVIL = "<script>alert('x')</script>"

REGISTRY = {
    claim.slug: claim
    for claim in (
        Claim(
            slug="minimizer",
            paper="ahn2023",
            location="Theorem 1, Eq. (6)",
            statement=r"The minimizer of $f$ is $A_{*} = \frac{n}{n+d+1} \Sigma^{-1}$ if $|a_*| < 1$. "
            + EVIL,
            assumptions=(
                Assumption("gaussian", r"$x_i \sim \mathcal{N}(0, \Sigma)$"),
                Assumption("definite", r"$\Sigma \succ 0$"),
                Assumption("large", r"$n > d$", not_shown="no instance is known"),
                Assumption("noiseless", r"$\sigma^2 = 0$"),
            ),
            parts=("point", "uniqueness"),
            reading="*unique* up to scale",
        ),
        Claim(
            slug="wrong", paper="ahn2023", location="Theorem 5", statement="$$f = 2 d$$", severity="constant"
        ),
        Claim(slug="failing", paper="gatmiry2024", location="§3", statement="x", provenance="secondary"),
        Claim(slug="outdated", paper="fu2024", location="§4", statement="x"),
        Claim(slug="skipped", paper="fu2024", location="§5", statement="x", kind="experiment"),
        Claim(slug="unstarted", paper="fu2024", location="§6", statement="x", reason="Waits for $S^{-1}$."),
        Claim(slug="full_only", paper="fu2024", location="§7", statement="x"),
        Claim(slug="repaired", paper="suite", location="here", statement="$f = 3d$", corrects="wrong"),
    )
}

CHART = Chart(
    title="Loss $f$",
    caption=r"Against $n$, with $\frac{1}{n}$ dashed.",
    x_label="context $n$",
    y_label="loss",
    x_scale="log",
    y_scale="log",
    series=(
        Series(label="theory <b>", x=(1, 10, 100), y=(1, 0.1, 0.01), style="dashed"),
        Series(label="trained", x=(1, 10, 100), y=(1.1, 0.11, 0), style="points"),
    ),
)

KILLED = tuple(Mutant(name=name, killed=True) for name in ("n→n−1", "drop $1/n$", f"sign {EVIL}"))


def row(slug: str, test: str = "", **changes: object) -> Row:
    fields: dict[str, object] = {
        "nodeid": f"tests/test_{slug}.py::test_claim_{slug}{test}",
        "slug": slug,
        "parts": REGISTRY[slug].parts,
        "grade": "proof",
        "range": "all $d$, $n$",
        "complete": True,
        "refutes": False,
        "level": "quick",
        "outcome": "passed",
        "summary": "The gradient vanishes.",
        "mutants": KILLED,
        "lemmas": (LEMMA,),
    }
    return Row.model_validate(fields | changes)


ROWS = (
    row(
        "minimizer",
        "_point",
        parts=("point",),
        figures=(
            Figure(name="loss at $d = 2$", value="3*d*n + 2*d"),
            Figure(name="from prompts", value="0.123456", exact=False),
        ),
        necessity=(
            Necessity(assumption="gaussian", necessary=True, instance="at $d = 1$ the minimizer is $2/3$"),
            Necessity(assumption="definite", necessary=False, instance="null directions drop out"),
            Necessity(assumption="noiseless", necessary=True, instance="noise moves it"),
        ),
        tightness=Tightness(ratio="6/5", vacuous_until="$n = 9$"),
        charts=(CHART, CHART),
    ),
    row("minimizer", "_unique[2-3]", parts=("uniqueness",), grade="exact"),
    row(
        "wrong",
        refutes=True,
        range="$d = 1$",
        figures=(Figure(name="gap", value="1"),),
        counterexamples=(Counterexample(part="statement", instance=f"$d = 1$ {EVIL}", margin="-1/3"),),
    ),
    row("failing", outcome="failed", message=f"assert 1 == 2 {EVIL}"),
    row("outdated", stale=True),
    row("skipped", outcome="skipped", message="needs a GPU"),
    row("full_only", grade="trained", level="full", summary="Five seeds."),
    row("repaired"),
)
RESULTS = Results(rows=ROWS)


class Page(HTMLParser):
    """What a browser would make of the page: elements with attributes, text by section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._section = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "article":
            self._section = dict(attrs)["id"] or ""

    def handle_data(self, data: str) -> None:
        self.text[self._section] = self.text.get(self._section, "") + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.text[self._section] = " ".join(self.text[self._section].split())
            self._section = ""

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module")
def text() -> str:
    return pages.html(RESULTS, REGISTRY)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def markdown() -> str:
    return pages.markdown(RESULTS, REGISTRY)


def section(markdown: str, slug: str) -> str:
    return markdown.partition(f"### `{slug}`\n")[2].partition("\n##")[0]


def test_legends_name_every_verdict_and_grade() -> None:
    assert tuple(VERDICT_MEANING) == VERDICTS
    assert tuple(GRADE_MEANING) == GRADES


def test_both_reports_say_what_each_verdict_and_grade_means(text: str, markdown: str) -> None:
    for meaning in (*VERDICT_MEANING.values(), *GRADE_MEANING.values()):
        assert meaning in markdown
        assert meaning in text


@pytest.mark.parametrize("make", [pages.html, pages.markdown])
def test_same_bytes_whatever_the_order_of_the_rows(make: object) -> None:
    assert callable(make)
    once = make(RESULTS, REGISTRY)
    assert once == make(Results(rows=ROWS[::-1]), REGISTRY)
    assert "\r" not in once
    assert once.endswith("\n")


def test_markdown_has_every_claim_in_the_order_of_the_registry(markdown: str) -> None:
    assert re.findall(r"^### `(\w+)`$", markdown, re.MULTILINE) == list(REGISTRY)
    assert re.findall(r"^\| \[`(\w+)`\]", markdown, re.MULTILINE) == list(REGISTRY)


def test_page_has_every_claim_in_the_order_of_the_registry(page: Page) -> None:
    assert [a["id"] for tag, a in page.elements if tag == "article"] == list(REGISTRY)
    assert [a["data-slug"] for tag, a in page.elements if tag == "tr" and "data-slug" in a] == list(REGISTRY)


@pytest.mark.parametrize(
    ("slug", "verdict", "also_in_markdown"),
    [
        ("minimizer", "holds", True),
        ("wrong", "holds-corrected", True),
        ("failing", "open", True),
        ("outdated", "unverified", True),
        ("skipped", "unverified", True),
        ("unstarted", "unverified", True),
        ("full_only", "supported", False),
        ("repaired", "holds", True),
    ],
)
def test_verdicts_are_shown(
    page: Page, markdown: str, slug: str, verdict: str, also_in_markdown: bool
) -> None:
    shown = [a["data-verdict"] for _, a in page.elements if "data-verdict" in a and a["data-slug"] == slug]
    assert shown == [verdict]
    assert re.match(rf"{slug} \S {verdict} ", page.text[slug])
    assert section(markdown, slug).strip().startswith(f"**{verdict}**") is also_in_markdown


def test_counts_of_verdicts(markdown: str, page: Page) -> None:
    assert "| **All** | **2** | **1** | **·** | **·** | **·** | **1** | **4** | **8** |" in markdown
    assert "8 claims, 7 possible verdicts" in page.text[""]
    assert "8 in all" in markdown


def test_markdown_holds_only_what_every_machine_computes(markdown: str) -> None:
    assert "3*d*n + 2*d" in section(markdown, "minimizer")
    assert "0.123456" not in markdown
    assert "from prompts" not in markdown
    assert "Five seeds" not in markdown
    assert "assert 1 == 2" not in markdown
    assert "svg" not in markdown
    without_full = Results(rows=tuple(row for row in ROWS if row.level == "quick"))
    assert pages.markdown(without_full, REGISTRY) == markdown


def test_page_holds_measured_figures_and_marks_them(page: Page) -> None:
    assert "≈ measured: 0.123456" in page.text["minimizer"]
    assert "3*d*n + 2*d" in page.text["minimizer"]
    assert "level full" in page.text["full_only"]


def test_no_text_becomes_a_tag(text: str, markdown: str, page: Page) -> None:
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert EVIL in page.text["failing"]
    assert EVIL in page.text["minimizer"]
    assert not any(tag == "b" and a for tag, a in page.elements)
    assert "theory <b>" not in text
    assert "<script" not in markdown


def test_page_loads_nothing(text: str, page: Page) -> None:
    assert "://" not in text
    assert not page.values("src")
    assert not page.values("srcset")
    assert all(link.startswith("#") for link in page.values("href"))
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.elements}
    assert "@import" not in text
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)", text))
    policy = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"]


def test_anchors_resolve_and_ids_are_unique(text: str, page: Page) -> None:
    ids = page.values("id")
    assert not [name for name, count in Counter(ids).items() if count > 1]
    targets = {link[1:] for link in page.values("href")} | set(re.findall(r"url\(#([^)]+)", text))
    assert targets <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_markdown_links_resolve(markdown: str) -> None:
    headings = re.findall(r"^##+ (.+)$", markdown, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", markdown)) <= anchors


def test_headings_descend_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert tags.count("caption") == tags.count("table") - 1  # The notation's table has a labelled region.


def test_formulas_are_mathml(text: str, page: Page) -> None:
    formulas = re.findall(r"<math.*?</math>", text, re.DOTALL)
    assert len(formulas) > 40
    for formula in formulas:
        ElementTree.fromstring(formula)
    assert "merror" not in text
    assert 'class="no-tex"' not in text
    assert "$" not in "".join(page.text[slug] for slug in REGISTRY)


def test_every_formula_of_the_records_is_shown() -> None:
    assert 'class="no-tex"' not in pages.html(Results(), registry())


def test_unverified_claims_say_why(page: Page, markdown: str) -> None:
    assert "Still missing" in page.text["unstarted"]
    assert "Waits for" in page.text["unstarted"]
    assert "**Missing**: Waits for $`S^{-1}`$." in section(markdown, "unstarted")
    assert "stale: tests/test_outdated.py" in page.text["outdated"]
    assert "**Stale**" in section(markdown, "outdated")
    assert "needs a GPU" in page.text["skipped"]
    assert "**skipped**" in section(markdown, "skipped")
    assert "no evidence of level quick" in section(markdown, "full_only")


def test_corrections_link_both_ways(text: str, markdown: str) -> None:
    assert re.search(r'Corrected by <a class="slug" href="#repaired">', text)
    assert re.search(r'Corrects <a class="slug" href="#wrong">', text)
    assert "Corrected by [`repaired`](#repaired)" in section(markdown, "wrong")
    assert "Corrects [`wrong`](#wrong)" in section(markdown, "repaired")


def test_necessity_of_each_assumption(page: Page, markdown: str) -> None:
    shown = page.text["minimizer"]
    assert re.search(r"necessary at d=1 the minimizer is 2/3", shown)
    assert "dispensable null directions drop out" in shown
    assert "not tried no instance is known" in shown
    written = section(markdown, "minimizer")
    assert "  - *necessary*: at $`d = 1`$ the minimizer is $`2/3`$" in written
    assert "  - *dispensable*: null directions drop out" in written
    assert "  - *not tried*: no instance is known" in written


@pytest.mark.parametrize(
    ("found", "standing"),
    [((), "not tried"), ((True,), "necessary"), ((False,), "dispensable"), ((True, False), "disputed")],
)
def test_standing_of_an_assumption(found: tuple[bool, ...], standing: str) -> None:
    rows = [
        row(
            "minimizer",
            f"_{number}",
            necessity=(Necessity(assumption="gaussian", necessary=said, instance="x"),),
        )
        for number, said in enumerate(found)
    ]
    every = sections(Results(rows=tuple(rows)), REGISTRY)
    assert next(iter(every[0].hypotheses)).standing == standing


def test_stale_evidence_says_nothing_about_assumptions_or_mutants() -> None:
    every = sections(Results(rows=tuple(r.model_copy(update={"stale": True}) for r in ROWS)), REGISTRY)
    assert all(not s.mutants and not s.tightness for s in every)
    assert next(iter(every[0].hypotheses)).findings == ()


def test_what_a_verdict_rests_on_is_shown(page: Page, markdown: str) -> None:
    """Lemmas with what checks each; parts; the severity and the counterexample of what is false as written."""
    written, shown = section(markdown, "minimizer"), page.text["minimizer"]
    for text in (written.replace("`", "").replace("\n   ", " "), shown):
        assert "By counting." in text
        assert re.search(r"[Cc]hecked by icl_claims\.theory\.sums\.prove_sum: all n", text)
    assert "Assumptions (3 of 4 decided)" in written
    assert "Assumptions, 3 of 4 decided" in shown
    assert "`point` holds, `uniqueness` holds" in written
    assert "point holds, uniqueness holds" in shown
    false, false_shown = section(markdown, "wrong"), page.text["wrong"]
    assert "**holds-corrected** (constant)" in false
    assert "Counterexample to `statement`: $`d = 1`$ &lt;script>" in false
    assert "Severityconstant" in false_shown
    assert "margin -1/3" in false_shown


def test_readings_rests_and_drafts_are_shown() -> None:
    claims = {
        "sum": replace(
            Claim("sum", "suite", "here", "$1+1=2$"),
            other_readings=(OtherReading("mod", "In $F_2$."),),
            rests_on=("below",),
        ),
        "below": Claim("below", "suite", "here", "$1=1$", draft=True, provenance="secondary"),
    }
    other = {"parts": (), "reading": "mod", "refutes": True}
    rows = (
        passed("tests/a.py::test_claim_sum", "sum", mutants=KILLED),
        passed("tests/b.py::test_claim_sum", "sum", **other),
    )
    found = Results(rows=rows)
    written, shown = pages.markdown(found, claims), Page(pages.html(found, claims)).text
    assert "*Read otherwise* (**false**). In $`F_2`$." in section(written, "sum")
    assert "Rests on [`below`](#below) (**no stored result**)" in section(written, "sum")
    assert "Read otherwise false In" in shown["sum"]
    assert "Rests onbelow no stored result" in shown["sum"]
    assert "A draft" in section(written, "below")
    assert "A draft" in shown["below"]
    assert "from a secondary source" in section(written, "below")
    assert "from a secondary source" in shown["below"]


EXPERIMENT = Claim(
    slug="trained",
    paper="ahn2023",
    location="Figure 2",
    statement="$a_* \\to 0$.",
    kind="experiment",
    criterion=Criterion("At most ${near}$.\n\nOn all <runs>.", {"near": "1/50"}),
    departures=(
        Departure("batch | size", "$|B| = 20000$, *fresh*", "4000"),
        Departure("rate", "0.3", "0.1", "the authors' notebook"),
    ),
)


def test_an_experiment_shows_what_judges_it_and_in_what_it_departs() -> None:
    text = pages.html(Results(), {"trained": EXPERIMENT})
    written, shown = pages.markdown(Results(), {"trained": EXPERIMENT}), Page(text).text["trained"]
    criterion = EXPERIMENT.criterion
    assert criterion is not None
    assert (
        f"*Criterion*, SHA-256 `{criterion.digest}`. {SEEDED}\n\n> At most $`1/50`$.\n>\n> On all &lt;runs>."
        in written
    )
    assert f"Criterion At most 1/50. On all <runs>. SHA-256 {criterion.digest[:16]}… {SEEDED}" in shown
    assert f'title="{criterion.digest}"' in text
    assert (
        "| Departure | In the paper | Here |\n|---|---|---|\n"
        "| batch \\| size | $`\\vert{}B\\vert{} = 20000`$, \\*fresh\\* | 4000 |\n"
        "| rate | 0.3 (read in the authors' notebook) | 0.1 |\n"
    ) in written
    assert "Departures from the paper SettingIn the paperHere batch | size|B|=20000, *fresh*4000" in shown
    assert "rate0.3 read in the authors' notebook0.1" in shown


def test_without_criterion_or_departures_neither_is_named(text: str, markdown: str) -> None:
    for report in (text, markdown):
        assert not any(word in report for word in ("Criterion", "In the paper", "Training runs"))


def test_the_runs_that_evidence_rests_on_are_quoted_whole(tmp_path: Path) -> None:
    """And of the runs of the full level the page alone."""
    digests = {}
    for name in ("quick", "full"):
        file = tmp_path / "artefacts" / "paper" / name / "manifest.json"
        file.parent.mkdir(parents=True)
        file.write_text(name)
        digests[name] = sha256(name.encode()).hexdigest()
    rows = tuple(
        row(slug, f"_{level}", level=level, digests={f"artefacts/paper/{level}/manifest.json": "0" * 16})
        for slug, level in (("repaired", "quick"), ("minimizer", "quick"), ("minimizer", "full"))
    )
    written = pages.markdown(Results(rows=rows), REGISTRY, tmp_path)
    page = Page(pages.html(Results(rows=rows), REGISTRY, tmp_path))
    lines = written.partition("\n## Training runs\n")[2].splitlines()
    assert lines[-1] == (
        f"| `paper/quick` | `{digests['quick']}` | [`minimizer`](#minimizer), [`repaired`](#repaired) |"
    )
    assert [line for line in lines if "`paper/" in line] == lines[-1:]
    every = f"paper/full{digests['full']}minimizer paper/quick{digests['quick']}minimizer, repaired"
    assert every in " ".join(page.text[""].split())
    assert "training-runs" in page.values("id")
    assert "#training-runs" in page.values("href")
    for paragraph in ABOUT:
        assert paragraph in written


def test_a_row_that_decides_nothing_adds_no_mutant() -> None:
    beside = row("repaired", "_beside", parts=(), mutants=(Mutant(name="beside the point", killed=True),))
    written = section(pages.markdown(Results(rows=(row("repaired"), beside)), REGISTRY), "repaired")
    assert "3 of 3 mutants rejected: n→n−1; drop" in written
    assert "beside the point" not in written


def test_mutants_are_named_and_survivors_stand_out() -> None:
    rows = (row("repaired", mutants=(*KILLED, Mutant(name="drop $d$", killed=False))),)
    written = section(pages.markdown(Results(rows=rows), REGISTRY), "repaired")
    assert "3 of 4 mutants rejected: n→n−1; drop $`1/n`$; sign &lt;script>" in written
    assert "drop $`d`$ (**survives**)" in written
    shown = Page(pages.html(Results(rows=rows), REGISTRY)).text["repaired"]
    assert "Mutants that survive drop d" in shown
    assert "3 of 4 mutants rejected" in shown


def test_charts_are_described_and_follow_the_scheme(text: str, page: Page) -> None:
    drawings = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert [attributes["role"] for attributes in drawings] == ["img", "img"]
    assert drawings[0]["aria-label"] == "Loss f. Chart of loss against context n: theory <b>, trained."
    assert "trained: 1 of 3 points lie outside the axes" in page.text["minimizer"]
    drawing = re.findall(r"<svg.*?</svg>", text, re.DOTALL)[0]
    assert "currentColor" in drawing
    assert "var(--series-1)" in drawing
    assert not re.search(r"#[0-9a-f]{6}\b", drawing)
    assert "<style" not in drawing
    assert all(f"--series-{i}:" in text for i in range(charts.SERIES_COLOURS))


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "values", [(), (1.0,), (0.0, -1.0), (3.0, 3.0), (1e-9, 1e9), (10.0, 15.0), (float("inf"), 1.0)]
)
def test_charts_of_any_data_can_be_drawn(scale: str, values: tuple[float, ...]) -> None:
    series = Series(label=r"$\notacommand", x=values, y=values)
    fields = {"x_scale": scale, "y_scale": scale, "x_label": r"$\notacommand{x}$", "series": (series,)}
    drawing = charts.svg(CHART.model_copy(update=fields), "a-")
    ElementTree.fromstring(drawing)


def test_no_bar_of_a_text_ends_a_cell() -> None:
    claim = Claim(slug="barred", paper="suite", location=r"$|x| \le \|y\|$ | here", statement="x")
    line = next(x for x in pages.markdown(Results(), {"barred": claim}).splitlines() if x.startswith("| [`b"))
    assert line.count("|") - line.count(r"\|") == 8
    assert r"$`\vert{}x\vert{} \le \Vert{}y\Vert{}`$ \| here" in line


def test_write_puts_both_reports_in_place(tmp_path: Path) -> None:
    pages.write(RESULTS, REGISTRY, tmp_path, page_only=True)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["index.html"]
    pages.write(RESULTS, REGISTRY, tmp_path)
    written = (tmp_path / "paper_claims.md").read_bytes()
    assert written.decode() == pages.markdown(RESULTS, REGISTRY)
    page = (tmp_path / "build" / "report" / "index.html").read_bytes()
    assert page.decode() == pages.html(RESULTS, REGISTRY)
    assert not list(tmp_path.rglob(".*"))
