"""The drawings of the report: where a legend stands, and what the axes have at their ticks."""

from __future__ import annotations

import re

import pytest
from matplotlib.figure import Figure

from icl_claims.claims.report import charts
from icl_claims.claims.results import Chart, Series


def drawn(*series: Series) -> str:
    return charts.svg(Chart(title="t", caption="", x_label="n", y_label="loss", series=series), "a-")


def ticks(x: tuple[float, ...], scale: str = "linear") -> list[str]:
    """The labels of the ticks between these ends."""
    series = (Series(label="s", x=x, y=x),)
    chart = Chart(title="t", caption="", x_label="n", y_label="loss", x_scale=scale, series=series)
    figure = charts._figure(chart)
    figure.canvas.draw()
    shown = figure.axes[0].get_xticklabels()
    return [text.get_text() for text in shown if min(x) <= text.get_position()[0] <= max(x)]


def height(drawing: str) -> float:
    found = re.match(r'<svg viewBox="0 0 \S+ (\S+)"', drawing)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "below"), [(4, 0, False), (5, 0, True), (1, 7, False), (1, 8, True)]
)
def test_the_legend_of_a_crowded_chart_stands_below(labelled: int, unlabelled: int, below: bool) -> None:
    labels = [f"s{k}" for k in range(labelled)] + [""] * unlabelled
    drawing = drawn(*(Series(label=label, x=(0, 1), y=(0, 1)) for label in labels))
    assert (height(drawing) > height(drawn(Series(label="s", x=(0, 1), y=(0, 1))))) == below


def test_a_legend_below_has_three_columns_and_a_fifth_of_an_inch_for_each_row() -> None:
    def figure(labelled: int) -> Figure:
        series = tuple(Series(label=f"s{k}", x=(0, 1), y=(0, 1)) for k in range(labelled))
        return charts._figure(Chart(title="t", caption="", x_label="n", y_label="loss", series=series))

    height = figure(6).get_figheight()
    assert [round((figure(k).get_figheight() - height) * 5, 9) for k in (6, 9, 12)] == [0, 1, 2]
    (legend,) = figure(9).legends
    assert legend._ncols == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("x", "scale", "labels"),
    [
        ((1, 2, 3), "linear", ["1", "2", "3"]),
        ((1, 2, 3.5), "linear", ["1.0", "1.5", "2.0", "2.5", "3.0", "3.5"]),
        ((1, 50), "log", ["1", "2", "5", "10", "20", "50"]),
        ((1, 4), "log", ["1.6", "2.4", "3.2", "4"]),
    ],
)
def test_ticks_are_plain_numbers(x: tuple[float, ...], scale: str, labels: list[str]) -> None:
    assert ticks(x, scale) == labels
