"""Run the evidence from outside pytest: what ``icl-claims verify`` and ``make verify`` do.

The tests run in a process of their own, so that a heavy or crashing check cannot take the command down
and results are stored by one writer, the plugin, at the end of its session: an interrupted run leaves
``build/claims.json`` as it was or merged, never half-written.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from icl_claims.claims import clone, evidence_index, registry
from icl_claims.claims.claim import Claim
from icl_claims.claims.report import pages
from icl_claims.claims.results import Level
from icl_claims.claims.verdicts import Judgement, judge

MOST_PROCESSES = 8
INTERRUPT_SECONDS = 15.0


@dataclass(frozen=True)
class Verification:
    """The outcome of a run: the verdicts asked for, why it did not pass (empty if it did), pytest's words, the page."""

    judgements: tuple[Judgement, ...]
    faults: tuple[str, ...]
    output: str
    report: Path

    @property
    def passed(self) -> bool:
        """Whether all evidence passed and nothing is incomplete."""
        return not self.faults


def verify(slugs: Sequence[str] = (), level: Level = "quick") -> Verification:
    """Run the evidence for these claims, or for all; merge it into the results; write the report.

    ``paper_claims.md`` is written only by a run of the whole set at level quick: it is checked in, and no
    partial or longer run may change it. A claim that is named and has no evidence at this level is a fault.

    Raises:
        UnknownClaim: a slug is not registered.
        NoClone: the package is installed without the tests.
        OSError: the clone cannot be written to.
    """
    for slug in slugs:
        registry.get(slug)
    root = clone.root("verify")
    require_writable(root / "build")
    claims_ = registry.registry()
    index = evidence_index.build(root, claims_)
    asked = tuple(dict.fromkeys(slugs)) or tuple(claims_)
    nodeids = list(dict.fromkeys(entry.nodeid for slug in asked for entry in index.of(slug, level)))
    faults = list(_without_evidence(asked, level, index, claims_, named=bool(slugs)))
    faults += [f"{path}: {problem}" for path, problem in index.problems.items() if not slugs]
    status, output = 0, ""
    if nodeids:
        status, output = _run(root, nodeids if slugs else _files(nodeids), level, parallel=not slugs)
        if status:
            faults.append(_meaning(status))
    elif not slugs:
        faults.append("there is no evidence under tests/")
    merged = clone.stored()
    whole = not slugs and level == "quick" and status in (0, 1)
    page = pages.write(merged, claims_, root, page_only=not whole)
    judgements = tuple(judge(claims_[slug], merged, claims_) for slug in asked)
    return Verification(judgements, tuple(faults), output, page)


def _without_evidence(
    asked: Sequence[str], level: Level, index: evidence_index.Index, claims_: Mapping[str, Claim], named: bool
) -> list[str]:
    """Claims that cannot be verified: named ones without evidence here, any without evidence and reason."""
    faults = []
    for slug in asked:
        reason = claims_[slug].reason
        if not index.of(slug):
            if named or reason is None:
                faults.append(f"{slug}: no evidence, {reason or 'and no reason recorded'}")
        elif named and not index.of(slug, level):
            faults.append(f"{slug}: has evidence of level full only; run with --level full")
    return faults


def _files(nodeids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(nodeid.partition("::")[0] for nodeid in nodeids))


def require_writable(folder: Path) -> None:
    """Make the folder and a file in it, which is removed again: better now than after minutes of checking.

    Raises:
        OSError: the message names the folder.
    """
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-"):
            pass
    except OSError as error:
        raise OSError(f"icl-claims verify must be able to write to {folder}: {error.strerror}") from None


def _run(root: Path, targets: Sequence[str], level: Level, parallel: bool) -> tuple[int, str]:
    """Run pytest on files or node ids; its exit status and what it printed."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "--tb=short",
        "-p",
        "icl_claims.claims.progress",
    ]
    command += [
        "-m",
        "claim",
        f"--claims-level={level}",
        f"--claims-results={root / 'build' / 'claims.json'}",
    ]
    # A cache of pytest's own would be one more folder that must be writable, and nothing here reads it.
    command += ["-p", "no:cacheprovider"]
    if parallel:
        # Neighbouring tests share cached derivations, so each process gets a run of them to begin with.
        command += ["-n", "auto", f"--maxprocesses={MOST_PROCESSES}", "--dist=worksteal"]
    with subprocess.Popen([*command, *targets], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            # The terminal interrupted pytest too: let it store what has finished.
            try:
                process.communicate(timeout=INTERRUPT_SECONDS)
            finally:
                process.terminate()
            raise
    return process.returncode, output


def _meaning(status: int) -> str:
    meanings = {
        1: "some evidence failed or is incomplete",
        2: "the run was interrupted or evidence could not be collected",
        3: "pytest failed internally",
        4: "pytest refused its arguments or a claim mark",
        5: "pytest found no evidence to run",
    }
    return meanings.get(status, f"pytest ended with status {status}")
