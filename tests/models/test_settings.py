"""Settings of runs: what is no setting is refused by name, and states are kept where they are wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icl_claims.models.settings import Settings

SHORT = Settings(steps=50)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("layers", 0, "layers must be an integer ≥ 1, got 0"),
        ("steps", -1, "steps must be an integer ≥ 1"),
        ("batch", 0, "batch must be an integer ≥ 1"),
        ("resample_every", 0, "resample_every must be an integer ≥ 1"),
        ("checkpoint_every", 0, "checkpoint_every must be an integer ≥ 1"),
        ("form", "dense", "form must be one of free, sparse, relaxed, got 'dense'"),
        ("learning_rate", 0.0, "learning_rate must be a finite number > 0, got 0.0"),
        ("learning_rate", float("nan"), "learning_rate must be a finite number > 0, got nan"),
        ("start_scale", float("inf"), "start_scale must be a finite number > 0"),
        ("clip_norm", -1.0, "clip_norm must be a finite number > 0"),
        ("start_beta", float("nan"), "start_beta must be a finite number, got nan"),
        ("learning_rate", float("inf"), "learning_rate must be a finite number > 0, got inf"),
        ("start_scale", 0, "start_scale must be a finite number > 0, got 0"),
        ("clip_norm", 0.0, "clip_norm must be a finite number > 0, or None, got 0.0"),
        ("start_beta", float("-inf"), "start_beta must be a finite number, got -inf"),
        ("average_from", -0.1, r"average_from must be in \[0, 1\), got -0.1"),
        ("average_from", float("nan"), r"average_from must be in \[0, 1\), got nan"),
        ("seed", -(2**63) - 1, r"seed must be in \[−2⁶³, 2⁶⁴\), got -9223372036854775809"),
        ("seed", 2**64, r"seed must be in \[−2⁶³, 2⁶⁴\), got 18446744073709551616"),
        ("average_from", 1.0, r"average_from must be in \[0, 1\), got 1.0"),
        ("beta_1", 1, r"beta_1 must be in \[0, 1\), got 1"),
        ("beta_1", -0.5, r"beta_1 must be in \[0, 1\), got -0.5"),
        ("beta_2", 1.0, r"beta_2 must be in \[0, 1\), got 1.0"),
        ("beta_2", float("nan"), r"beta_2 must be in \[0, 1\), got nan"),
        ("optimizer", "sgd", "optimizer must be one of adam, lbfgs, got 'sgd'"),
        ("schedule", "cosine", "schedule must be one of linear, constant, got 'cosine'"),
        ("history", 0, "history must be an integer ≥ 1, got 0"),
        ("iterations", 0, "iterations must be an integer ≥ 1, got 0"),
        ("snapshots", -1, "snapshots must be an integer ≥ 0, got -1"),
        ("snapshots", 2.5, "snapshots must be an integer ≥ 0, got 2.5"),
        ("snapshots", True, "snapshots must be an integer ≥ 0, got True"),
        ("replayed", -1, "replayed must be an integer ≥ 0, got -1"),
        ("replayed", 2.5, "replayed must be an integer ≥ 0, got 2.5"),
        ("replayed", True, "replayed must be an integer ≥ 0, got True"),
    ],
)
def test_bad_settings(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SHORT, **{field: value})  # type: ignore[arg-type]


def test_a_number_of_steps_is_an_integer() -> None:
    with pytest.raises(TypeError, match=r"steps must be an integer ≥ 1, got 1\.5 of type float"):
        replace(SHORT, steps=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tied", "no", "tied must be True or False, got 'no'"),
        ("integrate_query", 1, "integrate_query must be True or False, got 1"),
        ("learning_rate", None, "learning_rate must be a finite number > 0, got None of type NoneType"),
        ("learning_rate", "0.1", "learning_rate must be a finite number > 0, got '0.1' of type str"),
        ("start_scale", True, "start_scale must be a finite number > 0, got True of type bool"),
        ("clip_norm", "1", "clip_norm must be a finite number > 0, or None, got '1' of type str"),
        ("average_from", None, r"average_from must be in \[0, 1\), got None of type NoneType"),
        ("seed", 1.5, "seed must be an integer, got 1.5 of type float"),
        ("seed", True, "seed must be an integer, got True of type bool"),
        ("start_beta", None, "start_beta must be a finite number, got None of type NoneType"),
        ("beta_1", "0.9", r"beta_1 must be in \[0, 1\), got '0.9' of type str"),
        ("beta_2", True, r"beta_2 must be in \[0, 1\), got True of type bool"),
        ("history", 2.0, "history must be an integer ≥ 1, got 2.0 of type float"),
        ("iterations", None, "iterations must be an integer ≥ 1, got None of type NoneType"),
    ],
)
def test_settings_of_the_wrong_type(field: str, value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        replace(SHORT, **{field: value})  # type: ignore[arg-type]


def test_lbfgs_does_not_clip() -> None:
    with pytest.raises(ValueError, match=r"clip_norm must be None for lbfgs, got 1\.0"):
        Settings(optimizer="lbfgs", clip_norm=1.0)
    assert Settings(optimizer="lbfgs").clip_norm is None


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (SHORT, []),
        (replace(SHORT, snapshots=5), [0, 2, 8, 18, 32, 50]),
        (replace(SHORT, replayed=4), [0, 1, 4, 46, 49, 50]),
        (replace(SHORT, replayed=1), [0, 1, 49, 50]),
        (replace(SHORT, replayed=50), [0, 1, 49, 50]),
        (replace(SHORT, replayed=60), [0, 1, 49, 50]),
        (replace(SHORT, steps=1, snapshots=3, replayed=2), [0, 1]),
        (replace(SHORT, snapshots=2, replayed=10), [0, 1, 10, 12, 40, 49, 50]),
    ],
)
def test_states_are_kept_densely_at_first_and_where_a_stretch_is_replayed(
    settings: Settings, kept: list[int]
) -> None:
    assert sorted(settings.kept_steps) == kept
