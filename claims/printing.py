"""What the commands about claims print: lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icl_claims.claims import table
from icl_claims.claims.results import Results
from icl_claims.claims.verdicts import Judgement


def table_of(judgements: Sequence[Judgement], color: bool) -> list[str]:
    """The table of these verdicts, how many they are, and how many of them want a new run."""
    stale = sum(judgement.stale for judgement in judgements)
    note = f"; evidence of {stale} is stale, icl-claims verify renews it" if stale else ""
    return [*table.verdict_lines(judgements, color), f"{len(judgements)} claims{note}"]


def verified(judgements: Sequence[Judgement], results: Results, color: bool) -> list[str]:
    """The table, then loudly what is unverified: claim by claim where evidence ran, a count elsewhere."""
    unverified = [judgement for judgement in judgements if judgement.verdict == "unverified"]
    incomplete = [judgement for judgement in unverified if results.of(judgement.slug) or len(judgements) == 1]
    decided = [judgement for judgement in judgements if judgement not in unverified]
    lines = table.verdict_lines(decided, color) if decided else []
    if unverified:
        lines.append(
            f"UNVERIFIED: {len(unverified)} of {len(judgements)} claims, "
            f"{len(unverified) - len(incomplete)} of them without evidence at this level"
        )
    return lines + [f"  {judgement.slug}: {'; '.join(judgement.gaps)}" for judgement in incomplete]


def dossier_lines(known: dict[str, Any]) -> list[str]:
    """What :func:`icl_claims.claims.dossier.dossier` knows, in words."""
    lines = [f"{known['slug']}: {known['verdict'].upper()}", f"{known['paper']}, {known['location']}", ""]
    lines += [known["statement"], ""]
    for key in ("reading", "reason", "corrects"):
        if known[key]:
            lines += [f"{key}: {known[key]}"]
    figures = {key: known[key] for key in ("grade", "range", "tightness") if known[key]}
    lines += [f"{key}: {value}" for key, value in figures.items()]
    lines += [f"mutants killed: {known['mutants_killed']} of {known['mutants']}"]
    for gap in known["gaps"]:
        lines += [f"owed: {gap}"]
    lines += _assumption_lines(known)
    lines += ["", "evidence:"] if known["evidence"] else []
    for row in known["evidence"]:
        lines += _row_lines(row)
    if known["corrected"]:
        corrected = known["corrected"]
        lines += ["", f"corrected by {corrected['slug']} ({corrected['verdict']}):", corrected["statement"]]
    return lines


def _assumption_lines(known: dict[str, Any]) -> list[str]:
    """Each assumption with what the evidence says about dropping it, or why nothing shows it necessary."""
    lines = ["", "assumptions:"] if known["assumptions"] else []
    for assumption in known["assumptions"]:
        lines += [f"  {assumption['key']}: {assumption['text']}"]
        said = [n for n in known["necessity"] if n["assumption"] == assumption["key"]]
        for necessity in said:
            word = "necessary" if necessity["necessary"] else "dispensable"
            lines += [f"    {word}: {necessity['instance']}"]
        if not said and assumption["not_shown"]:
            lines += [f"    not shown necessary: {assumption['not_shown']}"]
    return lines


def _row_lines(row: dict[str, Any]) -> list[str]:
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
