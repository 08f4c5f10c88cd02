"""Stored weights of training runs have the properties that theory gives to all weights, in ℚ and in float64.

Every run of Ahn et al. in :data:`icl_claims.models.reproduce.RUNS`, and one of the loops, of ten
coordinates. Float64 entries count as the rationals they are, so that predictions and losses are exact; those of the
model in float64 are within the radius that :mod:`icl_claims.models.rounding` derives. Each property comes with
something that violates it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
import torch
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_claims.models.attention import LinearTransformer
from icl_claims.models.parametrizations import Form
from icl_claims.models.prompts import sample_axis_prompts, to_tensor
from icl_claims.models.rounding import prediction, rational_layers
from icl_claims.models.settings import Settings
from icl_claims.numerics.rounding import root_above
from icl_claims.theory.algebra import exact, validation
from icl_claims.theory.many_layers.matrix_layers import MOST_LAYERS, layered_loss
from icl_claims.theory.one_layer import single_layer
from icl_claims.theory.task import RegressionTask
from tests.shared import trained_runs
from tests.shared.few_directions import FewDirections
from tests.shared.forward import Pair, block_diagonal, states
from tests.shared.strategies import matrices

Layers = tuple[Pair, ...]
Move = Callable[[Layers, fmpq_mat], Layers]


def named(*forms: Form) -> list[str]:
    """The runs of these forms; of all of them where none is named."""
    return [run for run in SOME if not forms or settings_of(run).form in forms]


def settings_of(run: str) -> Settings:
    return trained_runs.recipe(run).settings


SOME = (*trained_runs.names(""), "gatmiry2024/looped/context_40_loops_2_seed_0")


ALL = named()
LINEAR_IN_THE_LABELS = named("sparse", "relaxed")
WITH_A_LOSS = [
    run
    for run in named("sparse", "free")
    if settings_of(run).layers <= (1 if settings_of(run).form == "free" else MOST_LAYERS)
]
"""Theory has the loss of any weights of one layer, and of several sparse layers."""

every_run = pytest.mark.parametrize("run", ALL)
any_run = st.sampled_from(ALL)


@cache
def layers_of(run: str) -> Layers:
    return tuple(rational_layers(trained_runs.weights_of(run)))


def model_of(layers: Layers, dtype: torch.dtype = torch.float64) -> LinearTransformer:
    """The model with the float64 numbers nearest to these weights, or with the nearest of another type to those."""
    P, Q = (torch.stack([to_tensor(pair[i]) for pair in layers]).to(dtype) for i in range(2))
    return LinearTransformer.from_matrices(P, Q)


def computed(model: LinearTransformer, prompt: fmpq_mat, dtype: torch.dtype = torch.float64) -> fmpq:
    return validation.rational("prediction", model(to_tensor(prompt).to(dtype)).item())


def predicted(layers: Layers, prompt: fmpq_mat, *, masked: bool = True) -> fmpq:
    """By the literal formula, in ℚ."""
    return -states(prompt, layers, masked)[-1][prompt.nrows() - 1, prompt.ncols() - 1]


def agrees(layers: Layers, prompt: fmpq_mat, value: fmpq, *, rounded: bool = False) -> bool:
    """Whether a prediction computed in float64 is within the radius around the exact one."""
    found = prediction(layers, prompt, rounded=rounded)
    return abs(value - found.exact) <= found.radius


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for one another cost more than products of matrices as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


quarters = st.integers(-8, 8).map(lambda k: fmpq(k, 4))
thirds = st.integers(-6, 6).map(lambda k: fmpq(k, 3))


@st.composite
def prompts(draw: st.DrawFn, run: str, entries: st.SearchStrategy[fmpq] = quarters) -> fmpq_mat:
    """Covariates over labels, 0 in the query's slot; float64 numbers unless other entries are given."""
    d, n = layers_of(run)[0][0].nrows() - 1, draw(st.integers(1, 5))
    rows = [draw(st.lists(entries, min_size=n + 1, max_size=n + 1)) for _ in range(d + 1)]
    rows[d][n] = fmpq(0)
    return fmpq_mat(rows)


def a_prompt(run: str, slot: int = 0) -> fmpq_mat:
    """One of three examples, all entries different, with this number in the query's slot."""
    d = layers_of(run)[0][0].nrows() - 1
    entries = [fmpq((11 * k) % 31 - 15, 16) for k in range(4 * d + 3)]
    return fmpq_mat(d + 1, 4, [*entries, fmpq(slot)])


# The model computes the exact prediction


@every_run
@settings(max_examples=10)
@given(st.data())
def test_the_model_computes_the_exact_prediction(run: str, data: st.DataObject) -> None:
    layers, prompt = layers_of(run), data.draw(prompts(run))
    assert prediction(layers, prompt).exact == predicted(layers, prompt)
    assert agrees(layers, prompt, computed(model_of(layers), prompt))


@every_run
def test_predictions_of_other_weights_and_of_fewer_digits_are_outside_the_radius(run: str) -> None:
    layers, prompt = layers_of(run), a_prompt(run)
    (P, Q), *rest = layers
    nearby = ((P, Q * (1 + fmpq(1, 2**24))), *rest)
    assert not agrees(layers, prompt, computed(model_of(nearby), prompt))
    assert not agrees(layers, prompt, computed(model_of(layers, torch.float32), prompt, torch.float32))


# The order of the examples


def permuted(prompt: fmpq_mat, order: list[int], rows: slice = slice(None)) -> fmpq_mat:
    """The columns, or some rows of them, in another order."""
    found = prompt.tolist()
    found[rows] = [[row[j] for j in order] for row in found[rows]]
    return fmpq_mat(found)


@given(st.data(), any_run)
def test_the_order_of_the_examples_does_not_matter(data: st.DataObject, run: str) -> None:
    layers, prompt = layers_of(run), data.draw(prompts(run))
    n = prompt.ncols() - 1
    other = permuted(prompt, [*data.draw(st.permutations(range(n))), n])
    assert predicted(layers, other) == predicted(layers, prompt)
    assert agrees(layers, prompt, computed(model_of(layers), other))


@every_run
def test_the_order_matters_for_labels_alone_and_the_query(run: str) -> None:
    layers, prompt = layers_of(run), a_prompt(run)
    labels, query = permuted(prompt, [1, 2, 0, 3], slice(-1, None)), permuted(prompt, [3, 1, 2, 0], slice(-1))
    for other in (labels, query):
        assert predicted(layers, other) != predicted(layers, prompt)
        assert not agrees(layers, prompt, computed(model_of(layers), other))


@every_run
def test_without_the_mask_the_order_does_not_matter_but_the_prediction_is_another(run: str) -> None:
    layers, prompt = layers_of(run), a_prompt(run, slot=1)
    unmasked = predicted(layers, prompt, masked=False)
    assert predicted(layers, permuted(prompt, [1, 2, 0, 3]), masked=False) == unmasked
    assert unmasked != predicted(layers, prompt)


# The scale of the labels


def with_labels_times(c: fmpq, prompt: fmpq_mat) -> fmpq_mat:
    *covariates, labels = prompt.tolist()
    return fmpq_mat([*covariates, [c * y for y in labels]])


@given(st.data(), st.sampled_from(LINEAR_IN_THE_LABELS), st.integers(-30, 30), thirds)
def test_predictions_scale_with_the_labels(data: st.DataObject, run: str, power: int, c: fmpq) -> None:
    """Of sparse and relaxed layers; with powers of two to the last bit, for then no product rounds differently."""
    layers, prompt = layers_of(run), data.draw(prompts(run))
    assert predicted(layers, with_labels_times(c, prompt)) == c * predicted(layers, prompt)
    scale, model = fmpq(2) ** power, model_of(layers)
    assert computed(model, with_labels_times(scale, prompt)) == scale * computed(model, prompt)


@every_run
def test_weights_with_a_covariate_in_the_values_of_labels_do_not(run: str) -> None:
    """Free ones as they are; the others with an entry of P outside their form."""
    layers, prompt = layers_of(run), a_prompt(run)
    if run in LINEAR_IN_THE_LABELS:
        layers = ((layers[0][0] + corner(prompt.nrows()), layers[0][1]), *layers[1:])
    doubled = with_labels_times(fmpq(2), prompt)
    assert predicted(layers, doubled) != 2 * predicted(layers, prompt)
    assert computed(model_of(layers), doubled) != 2 * computed(model_of(layers), prompt)


def corner(size: int) -> fmpq_mat:
    """1 in the first place of the last row."""
    return fmpq_mat([[int((i, j) == (size - 1, 0)) for j in range(size)] for i in range(size)])


# Changes of variables


def cayley(lower: fmpq_mat) -> fmpq_mat:
    """The orthogonal matrix (I − K)(I + K)⁻¹ for K = lower − lowerᵀ."""
    skew, unit = lower - lower.transpose(), exact.identity(lower.nrows())
    return (unit - skew) * (unit + skew).inv()


@st.composite
def transforms(draw: st.DrawFn, d: int) -> fmpq_mat:
    """Orthogonal or any invertible ones."""
    drawn = draw(matrices(d, d))
    if draw(st.booleans()):
        return cayley(drawn)
    return drawn if drawn.det() != 0 else drawn + exact.identity(d) * 64


def moved(layers: Layers, T: fmpq_mat) -> Layers:
    """E P E⁻¹ and E⁻ᵀ Q E⁻¹ for E = diag(T, 1): what the layers are on x ↦ T x."""
    E, inverse = block_diagonal(T, 1), block_diagonal(T.inv(), 1)
    return tuple((E * P * inverse, inverse.transpose() * Q * inverse) for P, Q in layers)


def turned_only(layers: Layers, T: fmpq_mat) -> Layers:
    """E P Eᵀ and E Q Eᵀ, which is the same for orthogonal T alone."""
    E = block_diagonal(T, 1)
    return tuple((E * P * E.transpose(), E * Q * E.transpose()) for P, Q in layers)


def transposed(layers: Layers, T: fmpq_mat) -> Layers:
    """With Tᵀ in the place of T."""
    return moved(layers, T.transpose())


@given(st.data(), any_run)
def test_moved_weights_predict_the_same_on_moved_prompts(data: st.DataObject, run: str) -> None:
    layers, prompt = layers_of(run), data.draw(prompts(run, thirds))
    T = data.draw(transforms(prompt.nrows() - 1))
    new_layers, new_prompt = moved(layers, T), block_diagonal(T, 1) * prompt
    assert predicted(new_layers, new_prompt) == predicted(layers, prompt)
    value = computed(model_of(new_layers), new_prompt)
    assert agrees(new_layers, new_prompt, value, rounded=True)


@given(st.data(), st.sampled_from(WITH_A_LOSS))
def test_moved_weights_have_the_same_loss_on_the_moved_task(data: st.DataObject, run: str) -> None:
    task = trained_runs.task_of(run)
    T = data.draw(transforms(task.dim))
    assert loss(task.change_of_variables(T), moved(layers_of(run), T)) == loss(task, layers_of(run))


@given(st.data(), any_run)
def test_moved_weights_have_the_same_loss_on_each_moved_prompt(data: st.DataObject, run: str) -> None:
    """As polynomials in the coordinates of a prompt, of relaxed layers too."""
    at, layers = another_task(run), layers_of(run)
    T = data.draw(transforms(at.V.nrows()))
    assert at.moved(T).loss_of_a_prompt(moved(layers, T)) == at.loss_of_a_prompt(layers)


def shear(d: int) -> fmpq_mat:
    """1 on the diagonal and 1/2 above it."""
    return fmpq_mat([[fmpq(int(j == i)) + fmpq(int(j == i + 1), 2) for j in range(d)] for i in range(d)])


@every_run
@pytest.mark.parametrize("wrongly", [turned_only, transposed])
def test_weights_moved_wrongly_predict_something_else(run: str, wrongly: Move) -> None:
    """The moved ones, but by a rule that holds for orthogonal T, or by Tᵀ."""
    layers, prompt = layers_of(run), a_prompt(run)
    T = shear(prompt.nrows() - 1)
    new_prompt, wrong = block_diagonal(T, 1) * prompt, wrongly(layers, T)
    assert predicted(wrong, new_prompt) != predicted(layers, prompt)
    assert not agrees(moved(layers, T), new_prompt, computed(model_of(wrong), new_prompt), rounded=True)


@every_run
@pytest.mark.parametrize("wrongly", [turned_only, transposed])
def test_weights_moved_wrongly_have_another_loss(run: str, wrongly: Move) -> None:
    at, layers, task = another_task(run), layers_of(run), trained_runs.task_of(run)
    T = shear(task.dim)
    assert at.moved(T).loss_of_a_prompt(wrongly(layers, T)) != at.loss_of_a_prompt(layers)
    if run in WITH_A_LOSS:
        assert loss(task.change_of_variables(T), wrongly(layers, T)) != loss(task, layers)


# The loss on other tasks


def loss(task: RegressionTask, layers: Layers) -> fmpq:
    """What theory gives: for one layer of any weights, or for sparse layers."""
    d = task.dim
    columns = [fmpq_mat([row[:d] for row in Q.tolist()]) for _, Q in layers]
    if len(layers) == 1:
        return single_layer.loss(task, layers[0][0].tolist()[d], columns[0])
    return layered_loss(task, [-fmpq_mat(A.tolist()[:d]) for A in columns])


@st.composite
def few_directions(draw: st.DrawFn, run: str) -> FewDirections:
    """Two directions and any n; or as many as there are coordinates, and n = 1. And any w, up to its length."""
    d = trained_runs.task_of(run).dim
    n = draw(st.integers(1, 40))
    rank = d if n == 1 else 2
    return FewDirections(draw(matrices(d, rank)), n, draw(matrices(d, 1)))


@given(st.data(), st.sampled_from(WITH_A_LOSS))
def test_the_loss_on_other_tasks_is_that_of_the_forward_pass(data: st.DataObject, run: str) -> None:
    """Exactly, by Bartlett's decomposition of XXᵀ: Σ of rank 2, or n = 1; Ω of rank 1."""
    at, layers = data.draw(few_directions(run)), layers_of(run)
    assert loss(at.task, layers) == at.mean(at.loss_of_a_prompt(layers))


@pytest.mark.parametrize("run", WITH_A_LOSS)
def test_other_weights_and_other_tasks_have_another_loss(run: str) -> None:
    """Weights of the other runs in as many coordinates, and one example more."""
    at = another_task(run)
    found = at.mean(at.loss_of_a_prompt(layers_of(run)))
    assert found not in [loss(at.task, layers_of(other)) for other in others(run)]
    assert found != loss(replace(at, context_length=at.context_length + 1).task, layers_of(run))


def others(run: str) -> list[str]:
    d = trained_runs.task_of(run).dim
    return [x for x in WITH_A_LOSS if x != run and trained_runs.task_of(x).dim == d]


def another_task(run: str) -> FewDirections:
    """V the first two columns of the run's Σ (one for relaxed layers, whose polynomials are long), and η = (1, …, 1).

    Twice the context of the run and 20 more: at short ones the second moments of deep models are huge.
    """
    task, rank = trained_runs.task_of(run), 1 if settings_of(run).form == "relaxed" else 2
    V = fmpq_mat([row[:rank] for row in task.covariance.tolist()])
    return FewDirections(V, 2 * task.context_length + 20, fmpq_mat([[1]] * task.dim))


GROUPS, MISS = 41, fmpq(1, 10)
ERROR_PROBABILITY = 1e-9
"""Of one run: that the median of so many means misses the loss by more than h.

A mean of m prompts does with a probability of at most p = Var v/(m h²), here 1/10 (Chebyshev; nothing is assumed of
the tail), and the median of k only if half of them do: at most (4p(1 − p))^{k/2} (Chernoff).
"""


def test_the_error_probabilities_add_up_to_less_than_one_in_ten_millions() -> None:
    assert float(4 * MISS * (1 - MISS)) ** (GROUPS / 2) <= ERROR_PROBABILITY
    assert len(ALL) * ERROR_PROBABILITY <= 1e-7


@every_run
def test_prompts_of_another_task_average_to_the_exact_loss(run: str) -> None:
    """The model in float64 on sampled prompts, whose loss has the exact variance Var v: within h ≤ f/4.

    Power: any other loss that differs from f by more than 2h is refused but with :data:`ERROR_PROBABILITY`; so are
    those of the weights without their last layer and of other runs, where they differ so much. Rounding, some 10⁻¹²,
    is far below h.
    """
    at, layers = another_task(run), layers_of(run)
    v = at.loss_of_a_prompt(layers)
    mean, second = at.mean(v), at.mean(v * v)
    variance = second - mean**2
    stated = loss(at.task, layers) if run in WITH_A_LOSS else mean
    size = int((16 * variance / (MISS * mean**2)).ceil())
    width = validation.rational("width", root_above(variance / (MISS * size)))
    found = median_of_means(at.task, layers, size)
    assert abs(found - stated) <= width

    shorter = at.mean(at.loss_of_a_prompt(layers[:-1]))
    wrong = [shorter, *(at.mean(at.loss_of_a_prompt(layers_of(other))) for other in others(run))]
    told_apart = [x for x in wrong if abs(x - mean) > 2 * width]
    assert told_apart
    assert all(abs(found - x) > width for x in told_apart)


@torch.no_grad()
def median_of_means(task: RegressionTask, layers: Layers, size: int) -> fmpq:
    """Over :data:`GROUPS` groups of so many prompts each, the query averaged out."""
    model, generator = model_of(layers), torch.Generator().manual_seed(2306_00297)
    means = []
    for _ in range(GROUPS):
        prompts, targets = sample_axis_prompts(task, size, generator)
        errors = model.predict(prompts, task.dim) - targets
        means.append(errors.square().sum().item() / size)
    return validation.rational("median", sorted(means)[GROUPS // 2])
