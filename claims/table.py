"""The table of verdicts that a terminal shows, at most 100 columns wide."""

from __future__ import annotations

import io
from collections.abc import Iterable
from textwrap import shorten

from icl_claims.claims.verdicts import Judgement

WIDTH = 100
RANGE = 48
"""How much of a range is shown; the report and ``icl-claims show`` have all of it."""

STYLES = {
    "holds": "green",
    "holds-corrected": "cyan",
    "refuted": "magenta",
    "supported": "blue",
    "doubted": "yellow",
    "open": "bold red",
    "unverified": "yellow",
}


def verdict_lines(judgements: Iterable[Judgement], color: bool = False) -> list[str]:
    """The lines of the table: verdict, grade (with severity or scale), mutants, range, slug of each claim."""
    # Imported here: rich takes a tenth of a second, and most commands print no table.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), width=WIDTH)
    for name in ("verdict", "grade", "mutants"):
        table.add_column(name, no_wrap=True)
    table.add_column("range", ratio=1, overflow="fold")
    table.add_column("slug", no_wrap=True)
    for judgement in judgements:
        mutants = f"{judgement.mutants_killed}/{judgement.mutants}" if judgement.mutants else "-"
        covered = shorten(judgement.range or "-", RANGE, placeholder=" …")
        grade = str(judgement.grade or "-")
        if more := judgement.severity or judgement.scale:
            grade += f", {more}"
        cells = (judgement.verdict, grade, mutants, covered, judgement.slug)
        table.add_row(*(Text(cell) for cell in cells), style=STYLES[judgement.verdict])
    screen = io.StringIO()
    Console(file=screen, width=WIDTH, force_terminal=color, highlight=False).print(table)
    return [line.rstrip() for line in screen.getvalue().splitlines() if line.strip()]
