"""Text of records and rows in the reports: Markdown or plain text with TeX, as HTML or as GitHub's Markdown.

Text of a record (statement, assumption, reading, reason) is Markdown with TeX between dollar signs: *prose*.
Text of a row (range, summary, figure, message …) is *plain*, with TeX between dollar signs and code between
backticks: a computed ``3*d*n`` must not turn into emphasis.

>>> plain_html("from `d*n`, a < b")
'from <code>d*n</code>, a &lt; b'
>>> plain_github("$d_1$ and 3*d")
'$`d_1`$ and 3\\\\*d'
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

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
            return f"<code>{html.escape(found['verbatim'].strip())}</code>"
        if found["escaped"]:
            return html.escape(found["escaped"][1])
        return _mathml(found["display"] or found["inline"], display=False)

    return _between(text, convert, html.escape)


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


def cell_github(text: str) -> str:
    """Plain text for a cell of a table, where a bar would end the cell, within a formula too."""

    def convert(found: re.Match[str]) -> str:
        return found[0] if found["code"] else found[0].replace(r"\|", r"\Vert{}").replace("|", r"\vert{}")

    return plain_github(_between(text, convert, lambda between: between)).replace("|", r"\|")


def value_github(text: str) -> str:
    """The value of a figure: as code, unless it holds a formula or code of its own."""
    text = " ".join(text.split())
    return plain_github(text) if _SPANS.search(text) or "`" in text else f"`{text}`"


def _mathml(tex: str, *, display: bool) -> str:
    """The formula as MathML; its source, marked, where it is no TeX that the page can show."""
    return _converted(tex, display) or f'<code class="no-tex">{html.escape(tex)}</code>'


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
