"""What the records say of the experiments here is what their runs are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from icl_claims.claims.claim import Departure
from icl_claims.claims.registry import registry
from icl_claims.models.settings import Settings
from tests.shared import trained_runs

RUNS = {
    "trained_sparse_three_layers": ("sparse_three_layers/",),
    "trained_relaxed_three_layers": ("relaxed_three_layers/",),
    "loss_against_context_length": ("context_length/",),
    "loss_against_depth": ("depth/", "context_length/context_20_"),
}
"""The runs of each claim, by the beginnings of their names."""

QUERIES = "five queries each, which average the query out"
HERE: dict[str, Callable[[Settings], str]] = {
    "minibatch": lambda s: f"{s.batch} contexts, {QUERIES if s.integrate_query else 'one query each'}",
    "the batch": lambda s: f"{s.batch} contexts, {QUERIES if s.integrate_query else 'one query each'}",
    "minibatch drawn": lambda s: "every step" if s.resample_every == 1 else f"every {s.resample_every} steps",
    "steps": lambda s: str(s.steps),
    "iterations, at most": lambda s: str(s.steps * s.iterations),
    "pairs that L-BFGS keeps": lambda s: str(s.history),
    "betas of Adam": lambda s: f"{s.beta_1} and {s.beta_2}",
    "gradient clipped to norm": lambda s: str(s.clip_norm),
    "standard deviation at the start": lambda s: str(s.start_scale),
    "learning rate": lambda s: f"{s.learning_rate}, falling linearly to 0",
    "weights that are judged": lambda s: (
        f"the average over the last {round(10 * (1 - s.average_from))} tenths of the steps"
    ),
}
"""What a record says of a setting, from the settings of a run."""

ALWAYS = {"floating point", "rotation $U$", "standard deviation at the start"}
ONE_OF = ({"minibatch", "the batch"}, {"steps", "iterations, at most"}, {"learning rate", "optimizer"})
"""Settings in which every experiment here differs from the authors'."""


def settings_of(slug: str) -> list[Settings]:
    return [trained_runs.recipe(run).settings for prefix in RUNS[slug] for run in trained_runs.names(prefix)]


def said(departures: Iterable[Departure]) -> dict[str, Departure]:
    return {departure.setting: departure for departure in departures}


@pytest.mark.parametrize("slug", list(RUNS))
def test_departures_are_those_of_the_runs(slug: str) -> None:
    """Each value is that of all runs; where they differ, the record names each."""
    departures = said(registry()[slug].departures)
    compared = [name for name in departures if name in HERE]
    assert len(compared) >= 4
    for name in compared:
        values = {HERE[name](settings) for settings in settings_of(slug)}
        here = departures[name].here
        if len(values) == 1:
            assert values == {here}
        else:
            assert all(value.split(",")[0] in here for value in values)


@pytest.mark.parametrize("slug", list(RUNS))
def test_every_experiment_says_in_what_it_differs(slug: str) -> None:
    names = set(said(registry()[slug].departures))
    assert names >= ALWAYS
    assert all(names & alternatives for alternatives in ONE_OF)


def test_a_departure_departs() -> None:
    for claim in registry().values():
        for departure in claim.departures:
            assert departure.there != departure.here


LOOPED = (
    "trained_looped_converges",
    "trained_preconditioner_is_scaled_identity",
    "looped_matches_unlooped",
    "test_time_loops",
)
"""Experiments whose settings there are not recorded, but for what is trained."""


@pytest.mark.parametrize("slug", LOOPED)
def test_loops_depart_in_the_value_row(slug: str) -> None:
    """A alone is trained, the same for all loops."""
    assert registry()[slug].departures == (Departure("value row $u$", "trained", "0"),)
    runs = trained_runs.names("gatmiry2024/looped/")
    assert {trained_runs.recipe(run).settings.form for run in runs} == {"sparse"}
    assert all(trained_runs.recipe(run).settings.tied for run in runs)
    assert all(trained_runs.weights_of(run).P[:, -1, :-1].abs().max() == 0 for run in runs)
