"""Replayed runs: genuine ones come out again, and forgeries whose digests all agree are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from icl_claims.models import replay as module
from icl_claims.models import states
from icl_claims.models.forged import Forged
from icl_claims.models.replay import replay, retrain
from icl_claims.models.settings import Settings
from icl_claims.models.weights import Weights
from tests.shared.stored_runs import (
    ADAM,
    LBFGS,
    NAME,
    VARIANTS,
    elsewhere,
    losses_with,
    nudged,
    run_of,
    state_after,
    store,
    trained,
    trained_elsewhere,
    with_state,
)

LAST_BIT = 2.0**-52


def moved_weights(settings: Settings, share: float) -> Weights:
    """The genuine ones, but for one entry."""
    weights = trained(settings).weights
    return Weights(nudged(weights.P, share), weights.Q, weights.metadata)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_a_genuine_run_comes_out_again(variant: str, tmp_path: Path) -> None:
    run = store(tmp_path / "run", VARIANTS[variant])
    assert replay(tmp_path / "run", NAME, run) == "bit for bit"
    retrain(tmp_path / "run", NAME, run)


def test_a_run_that_is_one_stretch(tmp_path: Path) -> None:
    """Fewer steps than the stretches have together, and only one."""
    for steps in (1, 3):
        run = store(tmp_path / str(steps), replace(ADAM, steps=steps, snapshots=0))
        assert replay(tmp_path / str(steps), NAME, run) == "bit for bit"


def test_a_run_that_keeps_no_stretch_is_not_replayed(tmp_path: Path) -> None:
    run = store(tmp_path / "run", replace(ADAM, replayed=0))
    with pytest.raises(ValueError, match="replayed must be an integer ≥ 1 for a run to be replayed, got 0"):
        replay(tmp_path / "run", NAME, run)
    retrain(tmp_path / "run", NAME, run)


def test_digests_are_checked_first(tmp_path: Path) -> None:
    run = store(tmp_path / "run", ADAM)
    (tmp_path / "run" / "log.json").write_text("{}", encoding="utf-8")
    for check in (replay, retrain):
        with pytest.raises(Forged, match=r"log\.json has another digest"):
            check(tmp_path / "run", NAME, run)


@pytest.mark.parametrize("settings", [ADAM, LBFGS])
@pytest.mark.parametrize("step", [0, 1, 2, 7, 8, 9])
@pytest.mark.parametrize("name", ["Q", "mean_P"])
def test_a_forged_state_of_a_stretch(settings: Settings, step: int, name: str, tmp_path: Path) -> None:
    """One entry, by a last bit; of 0 by the sign."""
    found = trained(settings)
    tensor = state_after(found, step)[name]
    forged = nudged(tensor, LAST_BIT) if float(tensor.abs().max()) else -tensor
    run = store(tmp_path / "run", settings, kept=with_state(found, step, **{name: forged}))
    with pytest.raises(Forged, match="run: the run does not give the stored states again"):
        replay(tmp_path / "run", NAME, run)


@pytest.mark.parametrize("step", [0, 1, 7, 8])
def test_a_forged_loss_of_a_stretch(step: int, tmp_path: Path) -> None:
    run = store(tmp_path / "run", ADAM, losses=losses_with(trained(ADAM), step, LAST_BIT))
    with pytest.raises(Forged, match="run: the run does not give the stored states again"):
        replay(tmp_path / "run", NAME, run)


@pytest.mark.parametrize("share", [LAST_BIT, 0.5])
def test_forged_weights_at_the_end(share: float, tmp_path: Path) -> None:
    """Alone, or with the last state's mean beside them."""
    weights = moved_weights(ADAM, share)
    for name, kept, reason in (
        ("alone", None, r"weights\.safetensors does not hold the end of the run"),
        ("with", with_state(trained(ADAM), 9, mean_P=weights.P), "does not give the stored states again"),
    ):
        run = store(tmp_path / name, ADAM, kept=kept, weights=weights)
        with pytest.raises(Forged, match=reason):
            replay(tmp_path / name, NAME, run)


def test_a_run_of_another_seed_is_not_this_one(tmp_path: Path) -> None:
    """A whole run is stored under the settings of another: its start already differs."""
    run = store(tmp_path / "run", ADAM, trained(replace(ADAM, seed=6)), weights=trained(ADAM).weights)
    with pytest.raises(Forged, match="does not give the stored states again"):
        replay(tmp_path / "run", NAME, run)


def test_tensors_of_another_kind(tmp_path: Path) -> None:
    for index, changed in enumerate(({"P": torch.zeros(1)}, {"more": torch.zeros(1)})):
        kept = with_state(trained(ADAM), 4, **changed)
        run = store(tmp_path / str(index), ADAM, kept=kept)
        with pytest.raises(
            Forged, match="the state after 4 steps holds other tensors than those of this run"
        ):
            replay(tmp_path / str(index), NAME, run)


def test_the_middle_of_a_run_is_seen_when_it_is_trained_anew(tmp_path: Path) -> None:
    """The stretches do not reach a state, or a loss, between them; training does."""
    found = trained(ADAM)
    kept = with_state(found, 4, P=nudged(state_after(found, 4)["P"], LAST_BIT))
    for name, run, reason in (
        ("state", store(tmp_path / "state", ADAM, kept=kept), "training anew gives other states"),
        (
            "loss",
            store(tmp_path / "loss", ADAM, losses=losses_with(found, 5, LAST_BIT)),
            "training anew gives other losses",
        ),
    ):
        assert replay(tmp_path / name, NAME, run) == "bit for bit"
        with pytest.raises(Forged, match=f"{name}: {reason}"):
            retrain(tmp_path / name, NAME, run)


def test_other_weights_are_seen_when_a_run_is_trained_anew(tmp_path: Path) -> None:
    run = store(tmp_path / "run", ADAM, weights=moved_weights(ADAM, LAST_BIT))
    with pytest.raises(Forged, match=r"weights\.safetensors does not hold the end of the run"):
        retrain(tmp_path / "run", NAME, run)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_on_another_processor_single_steps_are_compared(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored run adds up in another order, so that its bits differ, and it was made elsewhere."""
    settings = VARIANTS[variant]
    found = trained_elsewhere(settings)
    assert states.chain(found.states) != states.chain(trained(settings).states)
    with monkeypatch.context() as patch:
        elsewhere(patch)
        run = store(tmp_path / "run", settings, found)
    assert replay(tmp_path / "run", NAME, run) == "single steps"


def test_other_bits_from_this_processor_are_refused(tmp_path: Path) -> None:
    run = store(tmp_path / "run", ADAM, trained_elsewhere(ADAM))
    with pytest.raises(Forged, match="the run does not give the stored states again"):
        replay(tmp_path / "run", NAME, run)


def test_the_same_bits_from_another_processor_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        elsewhere(patch)
        run = store(tmp_path / "run", ADAM)
    assert replay(tmp_path / "run", NAME, run) == "bit for bit"


@pytest.mark.parametrize("settings", [ADAM, LBFGS])
@pytest.mark.parametrize(
    ("step", "name", "reason"),
    [
        (0, "P", "P at the start is not what the seed gives"),
        (1, "mean_P", "the mean of P is not that of the iterates"),
        (9, "mean_Q", "the mean of Q is not that of the iterates"),
        (9, "weights", "the stored P is not the mean of the iterates"),
        (1, "loss", "step 2: the loss is not that of the batch"),
        (8, "loss", "step 9: the loss is not that of the batch"),
    ],
)
def test_on_another_processor_what_moves_by_more_than_rounding_is_refused(
    settings: Settings, step: int, name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a millionth; a mean that is 0 by another number."""
    found = trained_elsewhere(settings)
    with monkeypatch.context() as patch:
        elsewhere(patch)
        if name == "weights":
            run = store(tmp_path / "run", settings, found, weights=moved_weights(settings, 2.0**-20))
        elif name == "loss":
            run = store(tmp_path / "run", settings, found, losses=losses_with(found, step))
        else:
            tensor = state_after(found, step)[name]
            forged = nudged(tensor) if float(tensor.abs().max()) else tensor + 2.0**-20
            run = store(tmp_path / "run", settings, found, kept=with_state(found, step, **{name: forged}))
    with pytest.raises(Forged, match=reason):
        replay(tmp_path / "run", NAME, run)


def test_stretches_begin_and_end_the_run() -> None:
    run = run_of(replace(ADAM, snapshots=9, replayed=3))
    assert module._stretches(run) == ((0, 1, 2, 3), (6, 7, 8, 9))
    assert module._stretches(run_of(replace(ADAM, steps=2, replayed=5))) == ((0, 1, 2), (0, 1, 2))
