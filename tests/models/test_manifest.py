"""Manifests: a genuine folder is accepted, and whatever differs in it alone is refused with its reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.criteria import Criterion
from icl_claims.models import files, logs, manifest, states
from icl_claims.models.forged import Forged
from icl_claims.models.manifest import FILES, MANIFEST, check
from icl_claims.models.runs.run import Run
from icl_claims.models.training import LOG, STATES, WEIGHTS
from icl_claims.models.weights import Weights
from icl_claims.theory.task import RegressionTask
from tests.shared.stored_runs import ADAM, NAME, nudged, run_of, store, trained, with_state

RUN = run_of(ADAM)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("genuine") / "run"
    store(folder, ADAM)
    return folder


@pytest.fixture
def folder(genuine: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(genuine, tmp_path / "run"))


def test_a_genuine_folder_is_accepted(genuine: Path) -> None:
    check(genuine, NAME, RUN)
    found = json.loads((genuine / MANIFEST).read_text(encoding="utf-8"))
    assert list(found) == [
        "run", "criteria", "seed", "task", "settings", "code", "versions", "processor", "threads", "chain", "files",
    ]  # fmt: skip
    assert found["criteria"] == [criterion.digest for criterion in RUN.criteria]
    assert (found["run"], found["seed"], found["threads"]) == (NAME, 5, 1)
    assert found["code"] == logs.code_digest()
    assert set(found["files"]) == {"log.json", "states.safetensors", "weights.safetensors"}


@pytest.mark.parametrize("file", [*FILES, MANIFEST])
def test_any_byte_counts(file: str, genuine: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(genuine, folder)
    content = (folder / file).read_bytes()

    @settings(max_examples=25)
    @given(st.integers(0, len(content) - 1), st.integers(1, 255))
    def tampered(place: int, bits: int) -> None:
        changed = bytearray(content)
        changed[place] ^= bits
        (folder / file).write_bytes(changed)
        with pytest.raises(Forged):
            check(folder, NAME, RUN)

    tampered()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("change", [lambda x: x[:-1], lambda x: x + b"\n", lambda _: b""])
def test_a_file_that_changed_is_named(folder: Path, file: str, change: Callable[[bytes], bytes]) -> None:
    (folder / file).write_bytes(change((folder / file).read_bytes()))
    with pytest.raises(Forged, match=f"run: {file} has another digest than {MANIFEST} says"):
        check(folder, NAME, RUN)


def test_the_digest_stands_for_all(folder: Path) -> None:
    before = manifest.digest(folder)
    (folder / WEIGHTS).write_bytes(b"")
    assert manifest.digest(folder) == before
    manifest.write(folder, NAME, RUN)
    assert manifest.digest(folder) != before


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(
        Forged, match=r"run: holds .* in the place of log\.json, states\.safetensors, weights\.saf"
    ):
        check(folder, NAME, RUN)


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "trajectory.safetensors"])
def test_another_file(folder: Path, name: str) -> None:
    (folder / name).touch()
    with pytest.raises(Forged, match=f"run: holds .*{name}.* in the place of"):
        check(folder, NAME, RUN)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: .*No such file"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[]\n", "holds no object"),
        (b"{ }\n", "is not laid out as it is written"),
        (b"{}\n", "has other entries"),
    ],
)
def test_no_manifest(folder: Path, content: bytes | None, reason: str) -> None:
    if content is None:
        (folder / MANIFEST).unlink()
    else:
        (folder / MANIFEST).write_bytes(content)
    with pytest.raises(Forged, match=f"run: manifest.json {reason}"):
        check(folder, NAME, RUN)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, in its own layout."""
    found = manifest.read(folder)
    change(found)
    (folder / MANIFEST).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.pop("threads"), "manifest.json has other entries"),
        (lambda m: m.update(more=1), "manifest.json has other entries"),
        (lambda m: m.update(run="paper/other"), "has another run than the run of this name"),
        (lambda m: m.update(seed=6), "has another seed"),
        (lambda m: m.update(seed=5.0), "has another seed"),
        (lambda m: m.update(criteria=[]), "has another criteria"),
        (lambda m: m["criteria"].append("0" * 64), "has another criteria"),
        (lambda m: m["task"].update(context_length=4), "has another task"),
        (lambda m: m["settings"].update(batch=7), "has another settings"),
        (lambda m: m["settings"].update(tied=0), "has another settings"),
        (lambda m: m.update(code="0" * 64), "log.json and manifest.json differ in code"),
        (lambda m: m["versions"].update(torch="1.0"), "log.json and manifest.json differ in versions"),
        (lambda m: m["processor"].update(model="x"), "log.json and manifest.json differ in processor"),
        (lambda m: m.update(threads=2), "log.json and manifest.json differ in threads"),
        (lambda m: m["chain"].pop(), "log.json and manifest.json differ in chain"),
        (lambda m: m["files"].update({LOG: "0" * 64}), "log.json has another digest"),
        (lambda m: m["files"].update(other="0" * 64), "other has another digest"),
        (lambda m: m["files"].pop(STATES), "states.safetensors has another digest"),
        (lambda m: m.update(files=[]), "has another digest than manifest.json says"),
    ],
)
def test_a_manifest_that_says_something_else(
    folder: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(Forged, match=reason):
        check(folder, NAME, RUN)


OTHER = Criterion("The loss is at most 2.")


@pytest.mark.parametrize(
    ("name", "run", "key"),
    [
        ("paper/other", RUN, "run"),
        (NAME, Run(RUN.task, replace(ADAM, seed=6), RUN.criteria), "seed"),
        (NAME, Run(RUN.task, ADAM, (OTHER,)), "criteria"),
        (NAME, Run(RUN.task, ADAM, (*RUN.criteria, OTHER)), "criteria"),
        (NAME, Run(RUN.task, ADAM), "criteria"),
        (NAME, Run(RUN.task, replace(ADAM, beta_2=0.5), RUN.criteria), "settings"),
        (NAME, Run(RegressionTask(RUN.task.covariance, 3), ADAM, RUN.criteria), "task"),
    ],
)
def test_a_folder_of_another_run(genuine: Path, name: str, run: Run, key: str) -> None:
    with pytest.raises(Forged, match=f"manifest.json has another {key} than the run of this name"):
        check(genuine, name, run)


def tampered_log(key: str, value: object) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        log = json.loads((folder / LOG).read_text(encoding="utf-8"))
        (folder / LOG).write_text(json.dumps({**log, key: value}), encoding="utf-8")

    return tamper


def without_curve(folder: Path) -> None:
    log = json.loads((folder / LOG).read_text(encoding="utf-8"))
    del log["curve"]
    (folder / LOG).write_text(json.dumps(log), encoding="utf-8")


GENUINE = trained(ADAM)
WRONG_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "task in the log": (tampered_log("task", {}), "log.json and manifest.json differ in task"),
    "settings in the log": (tampered_log("settings", {}), "log.json and manifest.json differ in settings"),
    "curve": (tampered_log("curve", [[1, 0.5]]), "log.json has another curve than the losses in states.saf"),
    "no curve": (without_curve, "a file does not hold what its name says: KeyError"),
    "no JSON": (
        lambda f: (f / LOG).write_text("{"),
        "a file does not hold what its name says: JSONDecodeError",
    ),
    "a list": (lambda f: (f / LOG).write_text("[]"), "a file does not hold what its name says: TypeError"),
    "no states": (
        lambda f: (f / STATES).write_bytes(b""),
        "does not hold what its name says: SafetensorError",
    ),
    "no step": (
        lambda f: states.save(f / STATES, [{"P": torch.zeros(1)}], GENUINE.losses, {}),
        "a file does not hold what its name says: KeyError",
    ),
    "no weights": (
        lambda f: (f / WEIGHTS).write_bytes(b""),
        "does not hold what its name says: WeightsError",
    ),
    "other metadata": (
        lambda f: files.save(f / WEIGHTS, Weights(GENUINE.weights.P, GENUINE.weights.Q, {"run": "x"})),
        "weights.safetensors names another run",
    ),
    "another state": (
        lambda f: states.save(
            f / STATES, with_state(GENUINE, 4, P=nudged(GENUINE.states[3]["P"])), GENUINE.losses, {}
        ),
        "states.safetensors has another chain than manifest.json",
    ),
}


@pytest.mark.parametrize("case", list(WRONG_FILES))
def test_files_that_do_not_fit_their_manifest(folder: Path, case: str) -> None:
    """All digests are made to agree; the chain, the curve and the settings then do not."""
    tamper, reason = WRONG_FILES[case]
    tamper(folder)
    rewrite(folder, lambda m: m["files"].update({f: manifest._digest(folder / f) for f in FILES}))
    with pytest.raises(Forged, match=reason):
        check(folder, NAME, RUN)


def test_other_kept_steps(tmp_path: Path) -> None:
    """Fewer, more, another, and in another order; chain and digests fit."""
    kept = GENUINE.states
    another = [*kept[:3], {**kept[3], "step": torch.tensor(5)}, *kept[4:]]
    cases = [
        kept[:-1],
        [*kept, {name: x.clone() for name, x in kept[-1].items()}],
        another,
        [kept[1], kept[0], *kept[2:]],
        [],
    ]
    for index, case in enumerate(cases):
        store(tmp_path / str(index), ADAM, kept=case)
        with pytest.raises(Forged, match=r"states\.safetensors keeps other steps than the settings say"):
            check(tmp_path / str(index), NAME, RUN)


@pytest.mark.parametrize("losses", [GENUINE.losses[:-1], GENUINE.losses.repeat(2), GENUINE.losses[:, None]])
def test_one_loss_for_each_step(tmp_path: Path, losses: torch.Tensor) -> None:
    folder = tmp_path / "run"
    store(folder, ADAM)
    states.save(folder / STATES, GENUINE.states, losses, {})
    manifest.write(folder, NAME, RUN)
    with pytest.raises(Forged, match=r"states\.safetensors does not hold one loss for each step"):
        check(folder, NAME, RUN)
