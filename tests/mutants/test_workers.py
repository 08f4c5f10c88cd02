"""Forked runs: what children say, time limits, deaths, imports with changed sources, and what tests enter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.mutants import reach, workers
from tests.mutants.hook import mutant_imports
from tests.mutants.operators import Mutant, mutants_of
from tests.mutants.run import batches, changed_sources, decided, fastest, own_files
from tests.mutants.workers import Job, Report, running

NEGATED = ("numerics/decimals.py", "if exponent < 0:", "if not (exponent < 0):")
Send = Callable[[dict[str, Any]], None]


def mutant(file: str, before: str, after: str) -> Mutant:
    source = (ROOT / file).read_text(encoding="utf-8")
    (found,) = [m for m in mutants_of(file, source) if (m.before, m.after) == (before, after)]
    return found


def reports(*jobs: Job) -> list[Report]:
    return sorted(workers.run_all(jobs, 2), key=lambda report: report.key)


def test_children_report_and_one_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    def loops(send: Send, folder: Path) -> None:
        send({"begins": "endless"})
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        (tmp_path / "pid").write_text(str(child.pid))
        time.sleep(60)

    def dies(send: Send, folder: Path) -> None:
        send({"begins": "deadly"})
        os.kill(os.getpid(), signal.SIGKILL)

    def fails(send: Send, folder: Path) -> None:
        raise SystemExit("no")

    endless, deadly, failing, good = reports(
        Job(0, loops, {"endless": 1.0}), Job(1, dies), Job(2, fails), Job(3, lambda send, folder: None)
    )
    assert (endless.timeout, endless.ended, endless.failed) == ("endless", False, [])
    with pytest.raises(ProcessLookupError):
        _wait_for_the_end_of(int((tmp_path / "pid").read_text()))
    assert (deadly.timeout, deadly.ended, deadly.failed) == ("", False, [])
    assert failing.failed == ["pytest, by SystemExit: no"]
    assert (good.ended, good.failed, good.timeout) == (True, [], "")

    one = mutant(*NEGATED)
    outcomes = [decided(one, report) for report in (endless, deadly, failing, good)]
    assert [result.outcome for result in outcomes] == ["timeout", "killed", "killed", "survived"]
    assert [result.by for result in outcomes] == ["endless", "deadly", "pytest, by SystemExit: no", ""]


def _wait_for_the_end_of(process: int) -> None:
    """Raise ProcessLookupError once the process is gone; a zombie that nobody has waited for is."""
    for _ in range(100):
        os.kill(process, 0)
        status = Path(f"/proc/{process}/stat")
        if status.is_file() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError
        time.sleep(0.05)


def test_a_run_sees_the_mutant_in_its_process_and_in_those_that_it_starts(tmp_path: Path) -> None:
    """And no file changes: the same tests pass beside it."""
    test = tmp_path / "test_it.py"
    code = "from icl_claims.numerics.decimals import _placed; print(_placed('75', -1, 15))"
    test.write_text(
        "import os, subprocess, sys\n"
        "def said(env):\n"
        f"    command = [sys.executable, '-c', {code!r}]\n"
        f"    return subprocess.run(command, cwd={str(ROOT)!r}, env=env, capture_output=True, text=True).stdout\n"
        "def test_with_the_environment():\n"
        "    assert said(None) == '0.75\\n'\n"
        "def test_with_another():\n"
        "    assert said({'PATH': os.environ['PATH']}) == '0.75\\n'\n"
        "def test_in_this_process():\n"
        "    from icl_claims.numerics.decimals import _placed\n"
        "    assert _placed('75', -1, 15) == '0.75'\n",
        encoding="utf-8",
    )
    changed = changed_sources([mutant(*NEGATED)])
    (tmp_path / "none.ini").write_text("[pytest]\n", encoding="utf-8")
    files = [str(test), "--rootdir", str(tmp_path), "-c", str(tmp_path / "none.ini")]
    with_it, without = reports(
        Job(0, running(changed, files, None, stop=False)), Job(1, running({}, files, None, stop=False))
    )
    assert [test.rpartition("::")[2] for test in with_it.failed] == [
        "test_with_the_environment",
        "test_with_another",
        "test_in_this_process",
    ]
    assert (without.failed, without.ended) == ([], True)


def test_a_test_whose_parameters_come_from_the_mutant_runs_too(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import pytest\n"
        "from icl_claims.numerics.decimals import _placed\n"
        "@pytest.mark.parametrize('text', [_placed('75', -1, 15)])\n"
        "def test_a(text):\n    assert text == '0.75'\n"
        "def test_b():\n    raise ValueError\n",
        encoding="utf-8",
    )
    (tmp_path / "none.ini").write_text("[pytest]\n", encoding="utf-8")
    files = [str(test), "--rootdir", str(tmp_path), "-c", str(tmp_path / "none.ini")]
    known = ["test_it.py::test_a[0.75]", "test_it.py::test_b"]
    chosen = known[:1]
    for sources, failed in (({}, 0), (changed_sources([mutant(*NEGATED)]), 1)):
        (report,) = reports(Job(0, running(sources, files, chosen, stop=False, known=known)))
        assert (len(report.failed), report.ended) == (failed, True)


def test_a_named_function_runs_alone_with_all_its_parameters(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_a(n):\n    raise ValueError\n"
        "def test_b():\n    raise ValueError\n",
        encoding="utf-8",
    )
    (tmp_path / "none.ini").write_text("[pytest]\n", encoding="utf-8")
    files = [str(test), "--rootdir", str(tmp_path), "-c", str(tmp_path / "none.ini")]
    (report,) = reports(Job(0, running({}, files, ["test_it.py::test_a"], stop=False)))
    assert report.failed == ["test_it.py::test_a[1]", "test_it.py::test_a[2]"]


def test_recording_tells_what_a_test_enters_itself_and_by_processes(tmp_path: Path) -> None:
    """And a function behind a cache is entered by each test that calls it."""
    test = tmp_path / "test_it.py"
    code = "from icl_claims.numerics.decimals import _placed; print(_placed('75', -1, 15))"
    test.write_text(
        "import subprocess, sys\n"
        "from icl_claims.theory.wishart import trace_moment\n"
        "def test_a():\n    trace_moment([2])\n"
        "def test_b():\n    trace_moment([2])\n"
        f"def test_c():\n    subprocess.run([sys.executable, '-c', {code!r}], cwd={str(ROOT)!r}, check=True)\n",
        encoding="utf-8",
    )
    (tmp_path / "none.ini").write_text("[pytest]\n", encoding="utf-8")
    files = [str(test), "--rootdir", str(tmp_path), "-c", str(tmp_path / "none.ini")]
    # In a process of its own, as the tool does: this one may hold the caches of a thousand tests.
    script = (
        "import json\n"
        "from tests.mutants import reach, workers\n"
        f"(report,) = workers.run_all([workers.Job(0, reach.recording({files!r}))], 1)\n"
        "print(json.dumps([report.messages, report.failed, report.ended]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    messages, failed, ended = json.loads(done.stdout.splitlines()[-1])
    entered = [set(message["functions"]) for message in messages if "test" in message]
    assert entered[0] == entered[1]
    assert any(function.startswith("theory/wishart/") for function in entered[0])
    assert "numerics/decimals.py::_placed" in entered[2]
    assert not any(function.startswith("numerics/") for function in entered[0])
    assert (failed, ended) == ([], True)


def test_an_entry_holds_while_its_test_and_all_that_it_enters_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digests = {"tests/t.py": "1", "theory/a.py": "1"}
    monkeypatch.setattr(reach, "digest", lambda path: digests.get(path, ""))
    stored = {"tests/t.py": {"basis": reach.basis("tests/t.py", ["theory/a.py"])}}
    assert reach.stale(stored, ["tests/t.py", "tests/u.py"]) == ["tests/u.py"]
    digests["theory/b.py"] = "2"
    assert reach.stale(stored, ["tests/t.py"]) == []
    for changed in ("tests/t.py", "theory/a.py"):
        with monkeypatch.context() as context:
            context.setitem(digests, changed, "2")
            assert reach.stale(stored, ["tests/t.py"]) == ["tests/t.py"]


def test_the_fastest_test_comes_first_and_has_at_least_ten_seconds() -> None:
    content = {"tests/t.py::a": (3.0, ["theory/a.py::f"]), "tests/t.py::b": (0.5, ["theory/a.py::f"])}
    reached = reach.Reach({"tests/t.py": {"tests": content}})
    assert reached.tests("theory/a.py::f") == ["tests/t.py::b", "tests/t.py::a"]
    assert reached.tests("theory/a.py::g") == []
    assert reached.limits() == {"tests/t.py::a": 15.0, "tests/t.py::b": 10.0}
    assert reached.time_of("tests/t.py") == 3.5


def test_a_mutant_meets_the_tests_of_a_minute_by_itself_and_one_at_least() -> None:
    seconds = {"a": 61.0, "b": 30.0, "c": 30.0, "d": 1.0}
    reached = reach.Reach({"t.py": {"tests": {test: (time, []) for test, time in seconds.items()}}})
    assert fastest("bcd", reached) == ["b", "c"]
    assert fastest("ab", reached) == ["a"]
    assert fastest("", reached) == []


def test_a_batch_has_one_mutant_of_each_function() -> None:
    f1, f2, g = (Mutant("theory/a.py", name, "", 1, k, k, "", "", str(k)) for k, name in enumerate("ffg"))
    assert batches([f1, f2, g]) == [[f1, g], [f2]]


def test_several_mutants_of_a_file_are_made_together() -> None:
    source = (ROOT / "numerics" / "decimals.py").read_text(encoding="utf-8")
    two = [m for m in mutants_of("numerics/decimals.py", source) if m.operator == "condition negated"][:2]
    (changed,) = changed_sources(two).values()
    assert all(m.text in changed for m in two)
    assert len(changed) - len(source) == sum(len(m.text) - (m.end - m.start) for m in two)


def test_a_module_has_the_tests_beside_it_and_its_doctests() -> None:
    assert own_files("numerics/decimals.py") == {
        "icl_claims/numerics/decimals.py",
        "tests/numerics/test_decimals.py",
    }


def test_what_is_left_out_is_there_and_the_tier_has_all_else() -> None:
    files = workers.test_files()
    assert {"tests/numerics/test_decimals.py", "icl_claims/numerics/decimals.py"} <= set(files)
    assert all((ROOT / path).exists() for path in workers.LEFT_OUT)
    assert not [file for file in files if file.startswith(tuple(workers.LEFT_OUT))]
    assert mutant_imports.FOLDERS == ("theory", "numerics", "models", "claims")
