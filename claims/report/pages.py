"""The reports: ``paper_claims.md``, checked in, and ``build/report/index.html``, one page for reading.

Both say the same about every registered claim, from the same results. The Markdown report is the
same on every machine: it takes the evidence of level quick only, of its figures the exact ones, and
no chart. The page takes all of them; it opens offline, its formulas are MathML, its charts SVG.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icl_claims.claims.claim import PAPERS, SEVERITY_MEANING, Claim
from icl_claims.claims.report import prose
from icl_claims.claims.report.sections import Section, sections
from icl_claims.claims.results import GRADE_MEANING, STEP_MEANING, Chart, Results, write_text
from icl_claims.claims.training_runs import ABOUT, SEEDED, runs_of
from icl_claims.claims.verdicts import VERDICT_MEANING, VERDICTS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def markdown(results: Results, registry: Mapping[str, Claim], root: Path | None = None) -> str:
    """The text of ``paper_claims.md``: every registered claim, the same bytes on every machine.

    ``root`` is the clone, whose stored training runs are quoted; without it none are.
    """
    context = _context(results.at("quick"), registry, root)
    text = _environment().get_template("paper_claims.md.j2").render(context)
    lines = (line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def html(results: Results, registry: Mapping[str, Claim], root: Path | None = None) -> str:
    """The text of ``build/report/index.html``: one page that needs nothing beside it. For ``root`` see above."""
    text = _environment().get_template("report.html.j2").render(_context(results, registry, root))
    return "\n".join(line for line in map(str.rstrip, text.splitlines()) if line) + "\n"


def write(results: Results, registry: Mapping[str, Claim], root: Path, *, page_only: bool = False) -> Path:
    """Write the page and, unless ``page_only``, ``paper_claims.md`` under ``root``; where the page is."""
    page = root / "build" / "report" / "index.html"
    write_text(page, html(results, registry, root))
    if not page_only:
        write_text(root / "paper_claims.md", markdown(results, registry, root))
    return page


def _context(results: Results, registry: Mapping[str, Claim], root: Path | None) -> dict[str, Any]:
    """What the templates draw from: the sections, those of each paper, counts of verdicts, stored runs."""
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
        "training_runs": runs_of((row for section in every for row in section.rows), root),
        "about_training_runs": ABOUT,
        "seeded": SEEDED,
        "verdict_meaning": VERDICT_MEANING,
        "grade_meaning": GRADE_MEANING,
        "severity_meaning": SEVERITY_MEANING,
        "step_meaning": STEP_MEANING,
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
        breakable=lambda name: Markup(re.sub(r"([_/]|::)", r"\1<wbr>", escape(name))),
        drawn=lambda chart, prefix: Markup(_chart(chart, prefix)),
        missing_points=_missing_points,
        prose=safe(prose.prose_html),
        phrase=safe(lambda text: prose.prose_html(text, inline=True)),
        plain=safe(prose.plain_html),
        md_prose=prose.prose_github,
        md_plain=prose.plain_github,
        md_cell=prose.cell_github,
        md_value=prose.value_github,
        md_quote=lambda text: "\n".join(f"> {line}" for line in text.strip().splitlines()),
        md_anchor=lambda title: re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"),
    )
    return environment


def _short(paper: str) -> str:
    """The short name of a paper: first author and year."""
    found = re.match(r"(\w+),.*?\((\d{4})\)", PAPERS[paper])
    return f"{found[1]} et al. {found[2]}" if found else "This suite"


def _chart(chart: Chart, prefix: str) -> str:
    # Imported here: matplotlib takes half a second, and many reports have no chart.
    from icl_claims.claims.report import charts

    return charts.svg(chart, prefix)


def _missing_points(chart: Chart) -> tuple[str, ...]:
    from icl_claims.claims.report import charts

    return tuple(charts.missing_points(chart))
