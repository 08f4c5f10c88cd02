"""The fixture that states a gate, measures it beside its baseline, and the table of ratios at the end.

A gate is on the least of several times, which other work on the machine disturbs least, of the library
call after import. Its figures go into pytest-benchmark's JSON as ``extra_info``. A missed gate is shown, not
asserted: times are no tests.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

ROWS = pytest.StashKey[list[tuple[str, str, str, str, str, str]]]()


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The least time of ``rounds`` calls."""
    times = []
    for _ in range(rounds):
        begin = perf_counter()
        work()
        times.append(perf_counter() - begin)
    return min(times)


@pytest.fixture
def gate(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``gate(work, at_most=…)``, ``gate(work, baseline=…, at_least=…)``: measure, record, check, return."""

    def check(
        work: Callable[[], Any],
        *,
        at_most: float | None = None,
        baseline: Callable[[], Any] | None = None,
        at_least: float | None = None,
        baseline_rounds: int = 1,
    ) -> Any:
        """The work's result, measured.

        Args:
            work: the library call.
            at_most: the most seconds that it may take.
            baseline: what it is compared with.
            at_least: the least ratio of the baseline's time to its own.
            baseline_rounds: how often the baseline is timed.
        """
        result = benchmark(work)
        if not benchmark.stats:
            return result
        own = benchmark.stats.stats.min
        info = {"seconds": own, "gate_seconds": at_most, "gate_ratio": at_least}
        if baseline is not None:
            info["baseline_seconds"] = seconds(baseline, baseline_rounds)
            info["ratio"] = info["baseline_seconds"] / own
        met = (at_most is None or own <= at_most) and (at_least is None or info["ratio"] >= at_least)
        gated = at_most is not None or at_least is not None
        benchmark.extra_info.update({**info, "met": met})
        request.config.stash.setdefault(ROWS, []).append(
            (
                request.node.name.removeprefix("test_").replace("_", " "),
                f"{own * 1e3:.4g} ms",
                "" if at_most is None else f"≤ {at_most * 1e3:g} ms",
                f"{info['ratio']:.4g} ×" if baseline else "",
                "" if at_least is None else f"≥ {at_least:g} ×",
                ("met" if met else "MISSED") if gated else "",
            )
        )
        return result

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the gates of the run: time, gate on the time, ratio to the baseline, gate on the ratio."""
    rows = config.stash.get(ROWS, [])
    if rows:
        rows = [("work", "least time", "gate", "baseline/own", "gate", ""), *rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        terminalreporter.section("gates")
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            terminalreporter.write_line("  ".join(cells).rstrip())
