"""What the commands about claims print: lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icl_claims.claims import table
from icl_claims.claims.results import STEP_MEANING, Results
from icl_claims.claims.training_runs import SEEDED
from icl_claims.claims.verdicts import Judgement

DIGITS = 16
"""How much of the digest of a criterion is shown."""


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
    verdict = known["verdict"].upper()
    said = [known[key] for key in ("grade", "severity") if known[key]]
    said += [f"{known['scale']} scale"] if known["scale"] else []
    verdict += f" ({', '.join(said)})" if said else ""
    lines = [f"{known['slug']}: {verdict}", f"{known['paper']}, {known['location']}", ""]
    lines += ["A draft: unverified until its author has finished it.", ""] if known["draft"] else []
    if known["provenance"] == "secondary":
        lines += ["As recorded from a secondary source: nobody here has read what is printed.", ""]
    lines += [known["statement"], ""]
    lines += [f"reading: {known['reading_text'] or known['reading']}"]
    for other in known["other_readings"]:
        lines += [f"read otherwise: {other['text']} {other['verdict'].upper()}"]
    for key in ("reason", "corrects"):
        if known[key]:
            lines += [f"{key}: {known[key]}"]
    figures = {key: known[key] for key in ("range", "tightness") if known[key]}
    lines += [f"{key}: {value}" for key, value in figures.items()]
    if len(known["parts"]) > 1:
        lines += [f"part {part}: {state}" for part, state in known["part_verdicts"].items()]
    lines += [f"mutants killed: {known['mutants_killed']} of {known['mutants']}"]
    for found in known["counterexamples"]:
        lines += [f"counterexample to {found['part']}: {found['instance']}; margin {found['margin']}"]
    for below in known["rests_on"]:
        lines += [f"rests on {below['slug']}: {below['state']}"]
    lines += [f"cites {cited}" for cited in known["cites"]]
    for gap in known["gaps"]:
        lines += [f"owed: {gap}"]
    lines += _experiment_lines(known)
    lines += _lemma_lines(known["derivation"])
    lines += _assumption_lines(known)
    lines += ["", "evidence:"] if known["evidence"] else []
    for row in known["evidence"]:
        lines += _row_lines(row)
    if known["corrected"]:
        corrected = known["corrected"]
        lines += ["", f"corrected by {corrected['slug']} ({corrected['verdict']}):", corrected["statement"]]
    return lines


def _experiment_lines(known: dict[str, Any]) -> list[str]:
    """The criterion of an experiment, in what it departs from the paper's, and the stored runs that it reads."""
    lines: list[str] = []
    if known["criterion"]:
        criterion = known["criterion"]
        lines += [
            "",
            f"criterion, SHA-256 {criterion['digest'][:DIGITS]}…: {criterion['text']}",
            f"  {SEEDED}",
        ]
    lines += ["", "departures: setting | in the paper | here"] if known["departures"] else []
    for departure in known["departures"]:
        read_in = f" (read in {departure['read_in']})" if departure["read_in"] else ""
        lines += [f"  {departure['setting']} | {departure['there']}{read_in} | {departure['here']}"]
    lines += ["", "training runs, with SHA-256 of their manifests:"] if known["training_runs"] else []
    return lines + [f"  {run['run']}: {run['digest']}" for run in known["training_runs"]]


def _lemma_lines(derivation: dict[str, Any]) -> list[str]:
    """Where the derivation stands, and its numbered lemmas, each with what checks it."""
    if not derivation["module"]:
        return []
    lines = ["", f"derivation: {derivation['module']}"]
    for lemma in derivation["lemmas"]:
        lines += [f"  Lemma {lemma['number']}. {lemma['statement']}", f"    {lemma['proof']}"]
        if lemma["checked_by"]:
            lines += [f"    checked by {lemma['checked_by']}: {lemma['reach']}"]
        if lemma["step"]:
            lines += [
                f"    prose: {STEP_MEANING[lemma['step']]}{': ' + lemma['claim'] if lemma['claim'] else ''}"
            ]
        lines += [f"    cites {cited}" for cited in lemma["cites"]]
    return lines


def _assumption_lines(known: dict[str, Any]) -> list[str]:
    """Each assumption with what the evidence says about dropping it, or why nothing shows it necessary."""
    if not known["assumptions"]:
        return []
    decided, stated = known["necessity_decided"], known["assumptions_stated"]
    lines = ["", "assumptions:" if known["severity"] else f"assumptions ({decided} of {stated} decided):"]
    for assumption in known["assumptions"]:
        lines += [f"  {assumption['key']}: {assumption['text']}"]
        for said in known["necessity"]:
            if said["assumption"] == assumption["key"]:
                part = f" for {said['part']}" if said["part"] else ""
                lines += [f"    {said['standing']}{part}: {said['instance'] or 'no evidence'}"]
    return lines


def _row_lines(row: dict[str, Any]) -> list[str]:
    state = "stale" if row["stale"] else row["outcome"]
    role = "refutes" if row["refutes"] else "establishes" if row["complete"] else "supports"
    decides = f"{role} {', '.join(row['parts'])}" if row["parts"] else "decides no part by itself"
    if row["reading"]:
        decides = f"{role} the reading {row['reading']}"
    scope = f"{decides}; {row['grade']}; {row['range']}; level {row['level']}"
    lines = [f"  {state}: {row['summary']}", f"    {row['nodeid']}", f"    {scope}"]
    lines += [f"    {row['message']}"] if row["message"] else []
    for figure in row["figures"]:
        measured = "" if figure["exact"] else " (measured)"
        lines += [f"    {figure['name']} = {figure['value']}{measured}"]
    return lines
