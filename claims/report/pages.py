"""The reports: ``paper_claims.md``, checked in, and ``build/report/index.html``, one page for reading.

Both say the same about every registered claim, from the same results. The Markdown report is the
same on every machine: it takes the evidence of level quick only, of its figures the exact ones, and
no chart. The page takes all of them; it opens offline, its formulas are MathML, its charts SVG.

Text of a record (statement, assumption, reading, reason) is Markdown with TeX between dollar signs.
Text of a row (range, summary, figure, message …) is plain, with TeX between dollar signs and code
between backticks: a computed ``3*d*n`` must not turn into emphasis.
"""

from __future__ import annotations

import html as _html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from icl_claims.claims.claim import PAPERS, Assumption, Claim
from icl_claims.claims.results import Chart, Grade, Mutant, Necessity, Results, Row, Tightness, write_text
from icl_claims.claims.verdicts import VERDICTS, Judgement, Verdict, judge_all

if TYPE_CHECKING:
    from jinja2 import Environment
    from markdown_it import MarkdownIt

TEMPLATES = Path(__file__).parent / "templates"

VERDICT_MEANING: dict[Verdict, str] = {
    "holds": "every part of the statement is established over its whole range",
    "holds-corrected": "false as written; the corrected statement is linked and holds",
    "refuted": "a counterexample is stored",
    "supported": "only statistical or trained evidence, or a bounded range for an unbounded statement",
    "open": "checked, undecided: a check failed",
    "unverified": "no evidence counts: none ran, it was skipped, it is stale, or the claim is incomplete",
}

GRADE_MEANING: dict[Grade, str] = {
    "proof": "exact, all parameters symbolic",
    "exact": "exact arithmetic at the listed parameters",
    "certified": "an interval or rational enclosure over a box",
    "float": "floating point with a derived error bound",
    "statistical": "sampled, with a stated error probability",
    "trained": "observed on a trained model",
}

Standing = Literal["necessary", "dispensable", "disputed", "not shown necessary", "not addressed"]


@dataclass(frozen=True)
class Hypothesis:
    """An assumption of a claim with what the evidence says about dropping it."""

    assumption: Assumption
    standing: Standing
    findings: tuple[Necessity, ...]


@dataclass(frozen=True)
class Section:
    """Everything the reports say about one claim; rows in the order of their node ids."""

    claim: Claim
    judgement: Judgement
    rows: tuple[Row, ...]
    corrected_by: tuple[str, ...]

    @property
    def counted(self) -> tuple[Row, ...]:
        """The rows that the verdict rests on: neither stale nor skipped."""
        return tuple(row for row in self.rows if not row.stale and row.outcome != "skipped")

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """The distinct mutants of the counted rows."""
        return tuple(dict.fromkeys(mutant for row in self.counted for mutant in row.mutants))

    @property
    def tightness(self) -> tuple[Tightness, ...]:
        """How tight the counted rows found the inequality."""
        return tuple(row.tightness for row in self.counted if row.tightness is not None)

    @property
    def hypotheses(self) -> Iterator[Hypothesis]:
        """The assumptions in the order of the record."""
        for assumption in self.claim.assumptions:
            findings = tuple(
                necessity
                for row in self.counted
                for necessity in row.necessity
                if necessity.assumption == assumption.key
            )
            yield Hypothesis(assumption, _standing(assumption, findings), findings)

    @property
    def charts(self) -> Iterator[tuple[str, Chart]]:
        """The charts with the prefix of their ids; no slug holds a hyphen, so no two share one."""
        charts = (chart for row in self.rows for chart in row.charts)
        for number, chart in enumerate(charts):
            yield f"{self.claim.slug}-chart-{number}-", chart


def _standing(assumption: Assumption, findings: tuple[Necessity, ...]) -> Standing:
    said = {finding.necessary for finding in findings}
    if said == {True, False}:
        return "disputed"
    if said:
        return "necessary" if said == {True} else "dispensable"
    return "not addressed" if assumption.not_shown is None else "not shown necessary"


def sections(results: Results, registry: Mapping[str, Claim]) -> tuple[Section, ...]:
    """One section per registered claim, in the order of the registry, whatever the order of the rows."""
    ordered = Results(rows=tuple(sorted(results.rows, key=lambda row: (row.slug, row.nodeid))))
    judgements = judge_all(ordered, registry)
    return tuple(
        Section(
            claim=claim,
            judgement=judgements[slug],
            rows=ordered.of(slug),
            corrected_by=tuple(other.slug for other in registry.values() if other.corrects == slug),
        )
        for slug, claim in registry.items()
    )


def markdown(results: Results, registry: Mapping[str, Claim]) -> str:
    """The text of ``paper_claims.md``: every registered claim, the same bytes on every machine."""
    context = _context(results.at("quick"), registry)
    text = _environment().get_template("paper_claims.md.j2").render(context)
    lines = (line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def html(results: Results, registry: Mapping[str, Claim]) -> str:
    """The text of ``build/report/index.html``: one page that needs nothing beside it."""
    text = _environment().get_template("report.html.j2").render(_context(results, registry))
    return "\n".join(line for line in map(str.rstrip, text.splitlines()) if line) + "\n"


def write(results: Results, registry: Mapping[str, Claim], root: Path, *, page_only: bool = False) -> None:
    """Write ``build/report/index.html`` and, unless ``page_only``, ``paper_claims.md`` under ``root``."""
    write_text(root / "build" / "report" / "index.html", html(results, registry))
    if not page_only:
        write_text(root / "paper_claims.md", markdown(results, registry))


def _context(results: Results, registry: Mapping[str, Claim]) -> dict[str, Any]:
    """What the templates draw from: the sections, those of each paper, and counts of verdicts."""
    every = sections(results, registry)
    papers = {
        paper: [section for section in every if section.claim.paper == paper]
        for paper in PAPERS
        if any(section.claim.paper == paper for section in every)
    }

    def counts(of: tuple[Section, ...] | list[Section]) -> Counter[str]:
        return Counter(section.judgement.verdict for section in of)

    return {
        "sections": every,
        "papers": papers,
        "titles": PAPERS,
        "verdicts": VERDICTS,
        "counts": counts(every),
        "paper_counts": {paper: counts(of) for paper, of in papers.items()},
        "verdict_meaning": VERDICT_MEANING,
        "grade_meaning": GRADE_MEANING,
        "notation": (TEMPLATES / "notation.md").read_text(encoding="utf-8"),
    }


@cache
def _environment() -> Environment:
    # Imported here: a command that writes no report must not wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def safe(render: Callable[[str], str]) -> Callable[[str], Markup]:
        return lambda text: Markup(render(text))

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        short=_short,
        breakable=lambda name: Markup(re.sub(r"([_/]|::)", r"\1<wbr>", _html.escape(name))),
        drawn=lambda chart, prefix: Markup(_chart(chart, prefix)),
        missing_points=_missing_points,
        prose=safe(prose_html),
        phrase=safe(lambda text: prose_html(text, inline=True)),
        plain=safe(plain_html),
        md_prose=prose_github,
        md_plain=plain_github,
        md_cell=_cell,
        md_value=_value,
        md_quote=lambda text: "\n".join(f"> {line}" for line in text.strip().splitlines()),
        md_anchor=lambda title: re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"),
    )
    return environment


def _short(paper: str) -> str:
    """The short name of a paper: first author and year."""
    found = re.match(r"(\w+),.*?\((\d{4})\)", PAPERS[paper])
    return f"{found[1]} et al. {found[2]}" if found else "This suite"


# Maths and code in text. Code comes first: a dollar sign within backticks is a dollar sign.
_SPANS = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`)(?P<verbatim>.+?)(?<!`)(?P=ticks)(?!`))"
    r"|(?P<escaped>\\[\\$`])"
    r"|\$\$(?P<display>.+?)\$\$"
    r"|\$(?P<inline>(?!\s)(?:\\.|[^$\\\n]|\n(?!\s*\n))+?(?<!\s))\$(?!\d)",
    re.DOTALL,
)

_PLACEHOLDER = re.compile("\ue000(\\d+)\ue001")


def prose_html(text: str, *, inline: bool = False) -> str:
    """Markdown with TeX as HTML; ``inline`` gives no paragraphs. Tags in the text show as text.

    The formulas are taken out before Markdown sees the text, and their MathML put in afterwards, so
    that neither an underscore nor a bar of a formula means anything to Markdown.
    """
    formulas: list[str] = []

    def keep(found: re.Match[str]) -> str:
        if found["display"] is None and found["inline"] is None:
            return found[0]
        formulas.append(_mathml(found["display"] or found["inline"], display=found["display"] is not None))
        return f"\ue000{len(formulas) - 1}\ue001"

    source = _SPANS.sub(keep, re.sub("[\ue000\ue001]", "", text))
    rendered = _markdown_it().renderInline(source) if inline else _markdown_it().render(source)
    return _PLACEHOLDER.sub(lambda found: formulas[int(found[1])], rendered)


def plain_html(text: str) -> str:
    """Plain text with TeX and code spans as HTML."""

    def convert(found: re.Match[str]) -> str:
        if found["code"]:
            return f"<code>{_html.escape(found['verbatim'].strip())}</code>"
        if found["escaped"]:
            return _html.escape(found["escaped"][1])
        return _mathml(found["display"] or found["inline"], display=False)

    return _between(text, convert, _html.escape)


def prose_github(text: str) -> str:
    """Markdown with TeX as GitHub reads it: formulas between backticks too, no tags.

    Between plain dollar signs GitHub's Markdown takes backslashes and asterisks out of a formula;
    between a dollar sign with a backtick it takes the formula as it is.
    """

    def convert(found: re.Match[str]) -> str:
        if found["display"] is not None:
            return f"\n\n```math\n{found['display'].strip()}\n```\n\n"
        return found[0] if found["inline"] is None else _github_formula(found["inline"])

    return _between(text, convert, lambda between: between.replace("<", "&lt;"))


def plain_github(text: str) -> str:
    """Plain text with TeX and code spans on one line of GitHub's Markdown."""

    def convert(found: re.Match[str]) -> str:
        if found["code"] or found["escaped"]:
            return found[0]
        return _github_formula(found["display"] or found["inline"])

    def escape(between: str) -> str:
        between = re.sub(r"([\\`*\[\]~$]|(?<!\w)_|_(?!\w))", r"\\\1", between)
        return between.replace("&", "&amp;").replace("<", "&lt;")

    return _between(" ".join(text.split()), convert, escape)


def _between(text: str, convert: Callable[[re.Match[str]], str], rest: Callable[[str], str]) -> str:
    """The text with its spans converted and what lies between them treated as the rest."""
    pieces: list[str] = []
    end = 0
    for found in _SPANS.finditer(text):
        pieces += [rest(text[end : found.start()]), convert(found)]
        end = found.end()
    return "".join([*pieces, rest(text[end:])])


def _github_formula(tex: str) -> str:
    tex = " ".join(tex.split())
    return f"${tex}$" if "`" in tex else f"$`{tex}`$"


def _cell(text: str) -> str:
    """Plain text for a cell of a table, where a bar would end the cell, within a formula too."""

    def convert(found: re.Match[str]) -> str:
        return found[0] if found["code"] else found[0].replace(r"\|", r"\Vert{}").replace("|", r"\vert{}")

    return plain_github(_between(text, convert, lambda between: between)).replace("|", r"\|")


def _value(text: str) -> str:
    """The value of a figure: as code, unless it holds a formula or code of its own."""
    text = " ".join(text.split())
    return plain_github(text) if _SPANS.search(text) or "`" in text else f"`{text}`"


def _mathml(tex: str, *, display: bool) -> str:
    """The formula as MathML; its source, marked, where it is no TeX that the page can show."""
    return _converted(tex, display) or f'<code class="no-tex">{_html.escape(tex)}</code>'


@cache
def _converted(tex: str, display: bool) -> str | None:
    from math_core import LatexError, LatexToMathML

    converter = LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)
    try:
        return converter.convert_with_local_state(tex, displaystyle=display)
    except LatexError:
        return None


@cache
def _markdown_it() -> MarkdownIt:
    """Markdown without tags, images (they would load) or headings (they would break the outline)."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return parser.disable(["image", "heading", "lheading", "html_block", "html_inline", "reference"])


def _chart(chart: Chart, prefix: str) -> str:
    # Imported here: matplotlib takes half a second, and many reports have no chart.
    from icl_claims.claims import charts

    return charts.svg(chart, prefix)


def _missing_points(chart: Chart) -> tuple[str, ...]:
    from icl_claims.claims import charts

    return tuple(charts.missing_points(chart))
