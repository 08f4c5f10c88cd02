"""The commands about claims: ``list``, ``show``, ``verify`` and ``new``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import get_args

import click

from icl_claims.claims import clone, printing, registry
from icl_claims.claims.claim import Paper
from icl_claims.claims.dossier import dossier, summary
from icl_claims.claims.results import Level
from icl_claims.claims.verdicts import VERDICTS, Verdict, judge_all

_json = click.option("--json", "as_json", is_flag=True, help="Write JSON with stable keys.")


@click.command("list")
@click.option("--paper", type=click.Choice(get_args(Paper)), help="Only the claims of this paper.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only the claims with this verdict.")
@_json
def list_(paper: Paper | None, verdict: Verdict | None, as_json: bool) -> None:
    """The claims, their verdicts and what these rest on.

    Example: icl-claims list --paper ahn2023 --verdict refuted
    """
    claims = registry.registry()
    chosen = [
        judgement
        for slug, judgement in judge_all(clone.stored(), claims).items()
        if paper in (None, claims[slug].paper) and verdict in (None, judgement.verdict)
    ]
    if as_json:
        _write_json([summary(claims[judgement.slug], judgement) for judgement in chosen])
    else:
        _write(printing.table_of(chosen, color=_in_color()))
    _say_if_nothing_is_stored()


@click.command()
@click.argument("slug")
@_json
def show(slug: str, as_json: bool) -> None:
    """One claim: its record, its evidence, its corrected form.

    Example: icl-claims show global_minimizer
    """
    claim = registry.get(slug)
    known = dossier(claim, clone.stored())
    if as_json:
        _write_json(known)
    else:
        _write(printing.dossier_lines(known))
    _say_if_nothing_is_stored()


@click.command()
@click.argument("slugs", metavar="[SLUG]...", nargs=-1)
@click.option(
    "--level", type=click.Choice(get_args(Level)), default="quick", show_default=True, help="Which evidence."
)
@_json
@click.pass_context
def verify(ctx: click.Context, slugs: tuple[str, ...], level: Level, as_json: bool) -> None:
    """Run the evidence for the named claims, or for all; store it; write the report.

    Exit status 0 if all of it passed and no claim that ran is incomplete, else 1; also 1 for a named claim
    that has no evidence at this level.

    Example: icl-claims verify global_minimizer --level full
    """
    from icl_claims.claims.verify import verify as run

    done = run(slugs, level)
    claims = registry.registry()
    if not done.passed:
        click.echo(done.output.rstrip(), err=True)
    if as_json:
        lines = [summary(claims[judgement.slug], judgement) for judgement in done.judgements]
        _write_json({"level": level, "passed": done.passed, "faults": list(done.faults), "claims": lines})
    else:
        _write(printing.verified(done.judgements, clone.stored(), color=_in_color()))
        _write(f"FAULT {fault}" for fault in done.faults)
        click.echo(f"Report: {done.report.as_uri()}")
    ctx.exit(0 if done.passed else 1)


@click.command()
@click.argument("slug")
@_json
def new(slug: str, as_json: bool) -> None:
    """Scaffold a proposition of your own: a record, a derivation, a test.

    Example: icl-claims new descent_of_the_mean
    """
    from icl_claims.claims.scaffold import scaffold

    root = clone.root("new")
    written = [path.relative_to(root).as_posix() for path in scaffold(slug, root)]
    if as_json:
        _write_json({"slug": slug, "written": written})
        return
    click.echo(f"Written: {', '.join(written)}")
    click.echo("Next:")
    click.echo(f"  1. State the proposition and its assumptions in {written[0]}.")
    click.echo(
        f"  2. Derive it in {written[1]}: lemmas, each with a check that raises Refuted where it fails."
    )
    click.echo(f"  3. Bring the evidence in {written[2]}: instances, margin, three mutants, necessity.")
    click.echo(f"  4. pytest -k claim_{slug}       tells what is still owed")
    click.echo(f"     icl-claims verify {slug}    puts it into the report")
    click.echo("  5. Take draft=True away from the record when nothing is owed: until then it fails nothing.")


def _write_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _in_color() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _say_if_nothing_is_stored() -> None:
    """On standard error, after the answer, so that a reader of the JSON on standard output is not disturbed."""
    if (said := clone.nothing_stored()) is not None:
        click.echo(said, err=True)
