"""Charts of the report: a :class:`icl_claims.claims.results.Chart` drawn as an SVG element for a web page.

Two runs give the same bytes: the hash salt is fixed, the metadata is dropped, the user's matplotlib
settings are ignored. The element holds no resource from elsewhere. Its colours are CSS variables of
the page (``--series-0`` …, ``--rule``, ``--card``) and ``currentColor``, so it follows a light or a
dark scheme; text is drawn as paths, so it looks the same with every font.
"""

from __future__ import annotations

import html
import io
import math
import re
from collections.abc import Iterator
from typing import Any

from matplotlib import mathtext, style
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from icl_claims.claims.results import Chart, Series

SERIES_COLOURS = 8
"""How many colours the page defines before they repeat; markers change from series to series too."""

_MARKERS = "osD^vP*X"

# Colours that stand for a CSS value until the drawing is done: no chart uses them for themselves.
_INK, _RULE, _CARD = "#010203", "#010204", "#010205"
_SERIES = [f"#0102{16 + i:02x}" for i in range(SERIES_COLOURS)]
_CSS = {_INK: "currentColor", _RULE: "var(--rule)", _CARD: "var(--card)"} | {
    colour: f"var(--series-{i})" for i, colour in enumerate(_SERIES)
}

_LEGEND_INSIDE = 4
"""A longer legend, or one of a crowded chart, stands below the axes, in columns, where it covers no curve."""

_FEW_DECADES = 10**2.6
"""A log axis with a smaller ratio of its ends has plain numbers at its ticks."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "path",
    "font.size": 10,
    "figure.figsize": (5.4, 3.4),
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.facecolor": _CARD,
    "legend.edgecolor": _RULE,
    "legend.framealpha": 0.85,
    "legend.fontsize": 9,
}


def svg(chart: Chart, prefix: str) -> str:
    """The chart as an ``<svg>`` element to be placed in a page.

    ``prefix`` starts every id in the element and salts the hashed ones: distinct prefixes keep the
    ids of several charts on one page apart.
    """
    with style.context(["default", {**_STYLE, "svg.hashsalt": prefix}]):
        figure = _figure(chart)
        buffer = io.StringIO()
        empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=empty)
    return _for_page(buffer.getvalue(), prefix, _spoken(chart))


def missing_points(chart: Chart) -> Iterator[str]:
    """For each series with points that its axes cannot show, one line that says how many."""
    for series in chart.series:
        hidden = len(series.x) - len(_drawable(chart, series)[0])
        if hidden:
            yield f"{series.label}: {hidden} of {len(series.x)} points lie outside the axes"


def _spoken(chart: Chart) -> str:
    """What a screen reader says in the place of the chart."""
    curves = ", ".join(series.label for series in chart.series)
    return f"{chart.title}. Chart of {chart.y_label} against {chart.x_label}: {curves}.".replace("$", "")


def _figure(chart: Chart) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    curves = [_drawable(chart, series) for series in chart.series]
    colours = _colours(chart)
    for index, (series, (x, y)) in enumerate(zip(chart.series, curves, strict=True)):
        axes.plot(
            x,
            y,
            color=colours[index],
            label=_label(series.label),
            linestyle={"line": "-", "points": "", "dashed": "--"}[series.style],
            marker=_MARKERS[_SERIES.index(colours[index]) % len(_MARKERS)]
            if series.style == "points"
            else "",
        )
    axes.set_xlabel(_label(chart.x_label))
    axes.set_ylabel(_label(chart.y_label))
    if any(x for x, _ in curves):  # A log axis needs a point.
        axes.set_xscale(chart.x_scale)
        axes.set_yscale(chart.y_scale)
        for axis, scale, ends in (
            (axes.xaxis, chart.x_scale, axes.get_xlim()),
            (axes.yaxis, chart.y_scale, axes.get_ylim()),
        ):
            if scale == "log":
                _log_ticks(axis, *ends)
    if chart.x_scale == "linear" and all(value.is_integer() for x, _ in curves for value in x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    labelled = sum(bool(series.label) for series in chart.series)
    if labelled > _LEGEND_INSIDE or len(chart.series) > 2 * _LEGEND_INSIDE:
        figure.set_size_inches(_STYLE["figure.figsize"][0], _STYLE["figure.figsize"][1] + 0.2 * labelled / 3)
        figure.legend(loc="outside lower center", ncols=3, fontsize=8, handlelength=1.6, columnspacing=1.2)
    elif labelled:
        axes.legend()
    return figure


def _colours(chart: Chart) -> list[str]:
    """A colour for each series: one for each group, and one for each series without a group."""
    groups = [series.group or f"series {i}" for i, series in enumerate(chart.series)]
    order = list(dict.fromkeys(groups))
    return [_SERIES[order.index(group) % SERIES_COLOURS] for group in groups]


def _log_ticks(axis: Axis, low: float, high: float) -> None:
    """Ticks that neither crowd nor vanish, in plain numbers over few decades."""
    axis.set_minor_formatter(NullFormatter())
    if high / low < _FEW_DECADES:
        axis.set_major_locator(MaxNLocator(5) if high / low < 5 else LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _drawable(chart: Chart, series: Series) -> tuple[list[float], list[float]]:
    """The points of the series that its axes can show: finite, and positive on a log axis."""

    def shows(value: float, scale: str) -> bool:
        return math.isfinite(value) and (scale == "linear" or value > 0)

    points = [
        (x, y)
        for x, y in zip(series.x, series.y, strict=True)
        if shows(x, chart.x_scale) and shows(y, chart.y_scale)
    ]
    return [x for x, _ in points], [y for _, y in points]


def _label(text: str) -> str:
    """The text with its TeX where matplotlib can draw it, else with its dollar signs as they are."""
    try:
        mathtext.MathTextParser("path").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def _for_page(document: str, prefix: str, label: str) -> str:
    """The SVG document as an element that can stand beside others in one HTML page."""
    element = document[document.index("<svg") :].rstrip()
    element = re.sub(r"<!--.*?-->\s*", "", element, flags=re.DOTALL)
    # A style sheet inside an inline SVG would apply to the whole page.
    element = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", element, flags=re.DOTALL)
    element = element.replace("xlink:href=", "href=")
    element = _prefixed(element, prefix)
    for colour, css in _CSS.items():
        element = element.replace(colour, css)
    element = re.sub(r"\n\s*", " ", element)
    box = re.search(r'viewBox="[^"]*"', element)
    if box is None:
        raise ValueError("matplotlib must write a viewBox, found none")
    return f'<svg {box[0]} role="img" aria-label="{html.escape(label)}">' + element[element.index(">") + 1 :]


def _prefixed(element: str, prefix: str) -> str:
    """The element with the ids that it refers to prefixed, and the others left out."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', element))

    def identify(found: re.Match[str]) -> str:
        return f' id="{prefix}{found[1]}"' if found[1] in used else ""

    element = re.sub(r' id="([^"]+)"', identify, element)
    return re.sub(r'(href="|url\()#', rf"\g<1>#{prefix}", element)
