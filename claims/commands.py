"""The commands about claims: ``list``, ``show``, ``verify`` and ``new``."""

from __future__ import annotations

import json
import sys
from typing import Any, get_args

import click

from icl_claims.claims import registry, table
from icl_claims.claims.claim import Claim, Paper
from icl_claims.claims.results import Level, Results, Row
from icl_claims.claims.verdicts import VERDICTS, Judgement, Verdict, judge, judge_all
from icl_claims.claims.verify import root, stored

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
        for slug, judgement in judge_all(stored(), claims).items()
        if paper in (None, claims[slug].paper) and verdict in (None, judgement.verdict)
    ]
    if as_json:
        _write_json([_line(claims[judgement.slug], judgement) for judgement in chosen])
    else:
        _write_table(chosen)
        click.echo(f"{len(chosen)} claims" + _stale_note(chosen))


@click.command()
@click.argument("slug")
@_json
def show(slug: str, as_json: bool) -> None:
    """One claim: its record, its evidence, its corrected form.

    Example: icl-claims show global_minimizer
    """
    claim = registry.get(slug)
    record = _record(claim, stored())
    if as_json:
        _write_json(record)
    else:
        click.echo("\n".join(_prose(record)))


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
        lines = [_line(claims[judgement.slug], judgement) for judgement in done.judgements]
        _write_json({"level": level, "passed": done.passed, "faults": list(done.faults), "claims": lines})
    else:
        _write_verdicts(done.judgements)
        for fault in done.faults:
            click.echo(f"FAULT {fault}")
        click.echo(f"Report: {(root() / 'build' / 'report' / 'index.html').as_uri()}")
    ctx.exit(0 if done.passed else 1)


@click.command()
@click.argument("slug")
@_json
def new(slug: str, as_json: bool) -> None:
    """Scaffold a proposition of your own: a record, a theory module, a test.

    Example: icl-claims new descent_of_the_mean
    """
    from icl_claims.claims.scaffold import scaffold

    written = [path.relative_to(root()).as_posix() for path in scaffold(slug, root())]
    if as_json:
        _write_json({"slug": slug, "written": written})
        return
    click.echo(f"Written: {', '.join(written)}")
    click.echo("Next:")
    click.echo(f"  1. State the proposition and its assumptions in {written[0]}.")
    click.echo(f"  2. Derive it in {written[1]}; let its check raise Refuted on a false variant.")
    click.echo(f"  3. Bring the evidence in {written[2]}: check, three mutants, each assumption's necessity.")
    click.echo(f"  4. pytest -k claim_{slug}       tells what is still owed")
    click.echo(f"     icl-claims verify {slug}    puts it into the report")


def _line(claim: Claim, judgement: Judgement) -> dict[str, Any]:
    return {
        "slug": claim.slug,
        "paper": claim.paper,
        "location": claim.location,
        "verdict": judgement.verdict,
        "grade": judgement.grade,
        "range": judgement.range,
        "mutants_killed": judgement.mutants_killed,
        "mutants": judgement.mutants,
        "tightness": judgement.tightness,
    }


def _record(claim: Claim, results: Results) -> dict[str, Any]:
    """All that is known about one claim, with the evidence that never ran."""
    from icl_claims.claims import evidence_index

    claims = registry.registry()
    judgement = judge(claim, results, claims)
    rows = results.of(claim.slug)
    ran = {evidence_index.function_id(row.nodeid) for row in rows}
    waiting = [e for e in evidence_index.build(root(), claims).of(claim.slug) if e.nodeid not in ran]
    correction = registry.correction_of(claim.slug)
    return {
        **_line(claim, judgement),
        "kind": claim.kind,
        "provenance": claim.provenance,
        "statement": claim.statement,
        "parts": list(claim.parts),
        "reading": claim.reading,
        "reason": claim.reason,
        "corrects": claim.corrects,
        "gaps": list(judgement.gaps),
        "assumptions": [{"key": a.key, "text": a.text, "not_shown": a.not_shown} for a in claim.assumptions],
        "evidence": [_evidence(row) for row in rows]
        + [_evidence(entry.mark.row(entry.nodeid, entry.summary, "skipped"), "not run") for entry in waiting],
        "necessity": [{**said.model_dump(), "nodeid": row.nodeid} for row in rows for said in row.necessity],
        "corrected": None
        if correction is None
        else {
            "slug": correction.slug,
            "statement": correction.statement,
            "verdict": judge(correction, results, claims).verdict,
        },
    }


def _evidence(row: Row, state: str | None = None) -> dict[str, Any]:
    left_out = {"slug", "digests", "charts", "necessity", "outcome"}
    return {"outcome": state or row.outcome, **row.model_dump(mode="json", exclude=left_out)}


def _prose(record: dict[str, Any]) -> list[str]:
    lines = [f"{record['slug']}: {record['verdict'].upper()}", f"{record['paper']}, {record['location']}", ""]
    lines += [record["statement"], ""]
    for key in ("reading", "reason", "corrects"):
        if record[key]:
            lines += [f"{key}: {record[key]}"]
    figures = {key: record[key] for key in ("grade", "range", "tightness") if record[key]}
    lines += [f"{key}: {value}" for key, value in figures.items()]
    lines += [f"mutants killed: {record['mutants_killed']} of {record['mutants']}"]
    for gap in record["gaps"]:
        lines += [f"owed: {gap}"]
    lines += ["", "assumptions:"] if record["assumptions"] else []
    for assumption in record["assumptions"]:
        lines += [f"  {assumption['key']}: {assumption['text']}"]
        said = [n for n in record["necessity"] if n["assumption"] == assumption["key"]]
        for necessity in said:
            word = "necessary" if necessity["necessary"] else "dispensable"
            lines += [f"    {word}: {necessity['instance']}"]
        if not said and assumption["not_shown"]:
            lines += [f"    not shown necessary: {assumption['not_shown']}"]
    lines += ["", "evidence:"] if record["evidence"] else []
    for row in record["evidence"]:
        lines += _prose_of_row(row)
    if record["corrected"]:
        corrected = record["corrected"]
        lines += ["", f"corrected by {corrected['slug']} ({corrected['verdict']}):", corrected["statement"]]
    return lines


def _prose_of_row(row: dict[str, Any]) -> list[str]:
    state = "stale" if row["stale"] else row["outcome"]
    role = "refutes" if row["refutes"] else "establishes" if row["complete"] else "supports"
    decides = f"{role} {', '.join(row['parts'])}" if row["parts"] else "decides no part by itself"
    scope = f"{decides}; {row['grade']}; {row['range']}; level {row['level']}"
    lines = [f"  {state}: {row['summary']}", f"    {row['nodeid']}", f"    {scope}"]
    lines += [f"    {row['message']}"] if row["message"] else []
    for figure in row["figures"]:
        measured = "" if figure["exact"] else " (measured)"
        lines += [f"    {figure['name']} = {figure['value']}{measured}"]
    return lines


def _write_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _write_table(judgements: list[Judgement]) -> None:
    for line in table.verdict_lines(judgements, color=sys.stdout.isatty()):
        click.echo(line)


def _write_verdicts(judgements: tuple[Judgement, ...]) -> None:
    """The table, then loudly what is unverified: claim by claim where evidence ran, a count elsewhere."""
    results = stored()
    unverified = [judgement for judgement in judgements if judgement.verdict == "unverified"]
    incomplete = [judgement for judgement in unverified if results.of(judgement.slug) or len(judgements) == 1]
    if verified := [judgement for judgement in judgements if judgement not in unverified]:
        _write_table(verified)
    if unverified:
        click.echo(
            f"UNVERIFIED: {len(unverified)} of {len(judgements)} claims, "
            f"{len(unverified) - len(incomplete)} of them without evidence at this level"
        )
    for judgement in incomplete:
        click.echo(f"  {judgement.slug}: {'; '.join(judgement.gaps)}")


def _stale_note(judgements: list[Judgement]) -> str:
    stale = sum(judgement.stale for judgement in judgements)
    return f"; evidence of {stale} is stale, icl-claims verify renews it" if stale else ""
