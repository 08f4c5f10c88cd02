"""Settings of regression prompts: a task, and whether data and model obey the assumptions that claims make of them.

One object says under which law prompts are drawn and how the model reads them, so that an instance with one
assumption dropped is the same object with another value. The loss of any attention layers in any setting is a
polynomial that is averaged monomial by monomial (:mod:`tests.shared.coordinates`): a second route to every closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from sympy import QQ

from icl_claims.claims.registry import get
from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import definiteness, exact
from icl_claims.theory.task import RegressionTask
from tests.shared.coordinates import Law, Prompt, Variables, gaussian, inner, rademacher
from tests.shared.strategies import (
    definite_matrices,
    diagonal_matrices,
    ill_conditioned_matrices,
    keys_of,
    positive_rationals,
    semidefinite_matrices,
)


def skewed(k: int) -> fmpq:
    """Moments of 2 with probability 1/5 and −1/2 otherwise: mean 0, variance 1, third moment 3/2."""
    return (fmpq(2) ** k + 4 * fmpq(-1, 2) ** k) / 5


@dataclass(frozen=True)
class Setting:
    """The law of a prompt and the model's reading of it.

    Attributes:
        task: Σ, Ω, σ² and n.
        covariates: law of the independent coordinates of x, before Σ: ``gaussian``, or ``signs`` for ±1, or
            ``half_signs`` where only the first one is Gaussian.
        weights: law of w: ``gaussian``; ``skewed`` (Ω = I); ``first_example`` for w = x_1 (Σ = Ω);
            ``first_coordinate`` where only the first coordinates of w and x_1 agree (Σ = Ω = I).
        masked: whether the query column is left out of the attention.
        slot: the number in the query's label slot.
    """

    task: RegressionTask
    covariates: str = "gaussian"
    weights: str = "gaussian"
    masked: bool = True
    slot: fmpq = field(default_factory=lambda: fmpq(0))

    def __str__(self) -> str:
        task = self.task
        words = [f"d = {task.dim}", f"n = {task.context_length}"]
        for name, matrix in (("Σ", task.covariance), ("Ω", task.task_covariance)):
            words.append(f"{name} = {shown(matrix)}")
        words += [f"σ² = {task.noise_variance}"] if task.noise_variance else []
        laws = {
            "signs": ["covariates ±1 before Σ"],
            "half_signs": ["covariates ±1 before Σ but for the first coordinate"],
            "skewed": ["w_j skewed"],
            "first_example": ["w = x_1"],
            "first_coordinate": ["w_1 the first entry of x_1"],
        }
        words += laws.get(self.covariates, []) + laws.get(self.weights, [])
        words += [] if self.masked else ["no mask"]
        words += [f"label slot {self.slot}"] if self.slot else []
        return ", ".join(words)

    def prompt(self) -> tuple[Variables, Prompt]:
        """Independent variables with their laws, and the prompt as polynomials in them."""
        task, d, n = self.task, self.task.dim, self.task.context_length
        left, variances = factored(task.covariance)
        signs = {"gaussian": range(0), "half_signs": range(1, d), "signs": range(d)}[self.covariates]
        of_x = [scaled(rademacher if a in signs else gaussian, variances[a]) for a in range(d)]
        laws: dict[str, Law] = {f"x{a}_{i}": of_x[a] for a in range(d) for i in range(n)}
        laws |= {f"q{a}": of_x[a] for a in range(d)}
        if self.weights != "first_example":
            task_left, task_variances = factored(task.task_covariance)
            of_w = skewed if self.weights == "skewed" else gaussian
            laws |= {f"w{a}": scaled(of_w, task_variances[a]) for a in range(d)}
        if task.noise_variance:
            laws |= {f"e{i}": scaled(gaussian, task.noise_variance) for i in range(n)}
        v = Variables(**laws)
        columns = [mixed(left, [v.of[f"x{a}_{i}"] for a in range(d)]) for i in range(n)]
        x_query = mixed(left, [v.of[f"q{a}"] for a in range(d)])
        w = columns[0]
        if self.weights != "first_example":
            w = mixed(task_left, [v.of[f"w{a}"] for a in range(d)])
        if self.weights == "first_coordinate":
            w = [columns[0][0], *w[1:]]
        y = [inner(w, x) + v.of.get(f"e{i}", 0) for i, x in enumerate(columns)]
        return v, Prompt(list(zip(*columns, strict=True)), x_query, y, inner(w, x_query), _q(self.slot), w)


def shown(matrix: fmpq_mat) -> str:
    """A matrix in a line of text."""
    d = matrix.nrows()
    if matrix == exact.identity(d):
        return "I"
    if exact.is_diagonal(matrix):
        return f"diag({', '.join(str(matrix[i, i]) for i in range(d))})"
    return "[" + "; ".join(" ".join(str(matrix[i, j]) for j in range(d)) for i in range(d)) + "]"


def factored(matrix: fmpq_mat) -> tuple[list[list[fmpq]], list[fmpq]]:
    """L, unit lower triangular, and D ≥ 0, with M = L diag(D) Lᵀ, for a positive semidefinite M."""
    d = matrix.nrows()
    rest = fmpq_mat(matrix)
    left = [[fmpq(int(i == j)) for j in range(d)] for i in range(d)]
    pivots = []
    for k in range(d):
        pivot = rest[k, k]
        pivots.append(pivot)
        for i in range(k + 1, d):
            left[i][k] = rest[i, k] / pivot if pivot else fmpq(0)
        for i in range(k + 1, d):
            for j in range(k + 1, d):
                rest[i, j] -= left[i][k] * pivot * left[j][k]
    return left, pivots


def scaled(law: Law, variance: fmpq) -> Law:
    """The moments of √variance · z, z of this law: rational where the odd ones vanish, or the variance is 0 or 1."""
    if variance == 1:
        return law

    def moment(k: int) -> fmpq:
        if k % 2:
            if law(k) and variance:
                raise ValueError(f"a skewed law must have variance 1, got {variance}")
            return fmpq(0)
        return variance ** (k // 2) * law(k)

    return moment


def mixed(left: Sequence[Sequence[fmpq]], z: Sequence[Any]) -> list[Any]:
    """L z."""
    return [sum(_q(c) * x for c, x in zip(row, z, strict=True)) for row in left]


Layer = tuple[Sequence[Sequence[Any]], Sequence[Sequence[Any]]]
"""P and Q, (d + 1) × (d + 1), exact numbers."""


def loss(setting: Setting, *layers: Layer) -> fmpq:
    """E[(TF_L + ⟨w, x_q⟩)²] of linear attention Z ← Z + (1/n) P Z M (Zᵀ Q Z), multiplied out entry by entry.

    Good for small sizes: one layer with d, n ≤ 2 or 3, two layers with d, n ≤ 2 or d = 1.
    """
    v, prompt = setting.prompt()
    return v.mean(error(v, prompt, layers, setting.masked) ** 2)


def error(v: Variables, prompt: Prompt, layers: Sequence[Layer], masked: bool = True) -> Any:
    """The query entry after these layers, plus the target: a polynomial in the variables of the prompt."""
    d, n = len(prompt.X), len(prompt.y)
    Z = [[*prompt.X[a], prompt.x_query[a]] for a in range(d)] + [[*prompt.y, prompt.slot]]
    Z = [[v.ring(z) for z in row] for row in Z]
    rows, tokens = range(d + 1), range(n if masked else n + 1)
    for P, Q in layers:
        p, q = ([[_q(fmpq(x)) for x in row] for row in m] for m in (P, Q))
        values = [[sum(p[r][a] * Z[a][i] for a in rows if p[r][a]) for i in tokens] for r in rows]
        keys = [[sum(Z[a][i] * q[a][b] for a in rows if q[a][b]) for b in rows] for i in tokens]
        score = [[sum(keys[i][b] * Z[b][j] for b in rows) for j in range(n + 1)] for i in tokens]
        Z = [
            [
                Z[r][j] + sum((values[r][i] * score[i][j] for i in tokens), v.ring(0)) * QQ(1, n)
                for j in range(n + 1)
            ]
            for r in rows
        ]
    return Z[d][n] + prompt.target


def _q(x: Any) -> Any:
    """A rational of python-flint as one of SymPy's ring."""
    return QQ(int(x.p), int(x.q)) if isinstance(x, fmpq) else x


# ---------------------------------------------------------------------- assumptions, in code

CONDITIONS: dict[str, Callable[[Setting], bool]] = {
    "gaussian_covariates": lambda s: s.covariates == "gaussian",
    "independent_task": lambda s: s.weights not in ("first_example", "first_coordinate"),
    "gaussian_task": lambda s: s.weights != "skewed",
    "identity_task": lambda s: s.weights != "skewed" and s.task.task_covariance == exact.identity(s.task.dim),
    "whitened_task": lambda s: (
        s.weights != "skewed" and s.task.covariance * s.task.task_covariance == exact.identity(s.task.dim)
    ),
    "isotropic_covariates": lambda s: s.task.covariance == exact.identity(s.task.dim),
    "diagonal_covariance": lambda s: exact.is_diagonal(s.task.covariance),
    "positive_definite_covariance": lambda s: definiteness.is_positive_definite(s.task.covariance),
    "ill_conditioned": lambda s: max(s.task.covariance.entries()) == 16 * s.task.covariance[1, 1],
    "noiseless_labels": lambda s: s.task.noise_variance == 0,
    "masked_query": lambda s: s.masked,
    "zero_query_label": lambda s: s.slot == 0,
}
"""What an assumption of this key says of a setting."""


def conditions(slug: str, **own: Callable[[Any], bool]) -> dict[str, Callable[[Any], bool]]:
    """The assumptions of a claim as conditions on an instance with a field ``setting``; ``own`` for all others.

    Raises:
        LookupError: an assumption is neither about settings nor among ``own``.
    """

    def of_setting(key: str) -> Callable[[Any], bool]:
        return lambda instance: CONDITIONS[key](getattr(instance, "setting", instance))

    keys = [assumption.key for assumption in get(slug).assumptions]
    if missing := [key for key in keys if key not in CONDITIONS and key not in own]:
        raise LookupError(f"conditions of {slug} must say what {', '.join(missing)} means")
    return {key: own[key] if key in own else of_setting(key) for key in keys}


@st.composite
def settings(
    draw: st.DrawFn,
    assumptions: Collection[str],
    corner: Corner = ANYWHERE,
    max_dim: int = 2,
    max_context: int = 3,
    min_dim: int = 1,
    without: str | None = None,
) -> Setting:
    """Settings that satisfy the assumptions of these keys but for ``without``, which they violate.

    What no key restricts is drawn freely among the tasks; mask, label slot and laws of data stay as they are, unless
    they are what is dropped.
    """
    held = frozenset(assumptions) - {without}
    dim, context = draw(_sizes(held, corner, min_dim, max_dim, max_context, without))
    plain = without in ("gaussian_covariates", "independent_task", "gaussian_task")
    sigma = draw(_covariance(held, corner, dim, without, plain))
    omega = draw(_task_covariance(held, sigma, without, plain))
    noisy = without == "noiseless_labels"
    free = "noiseless_labels" not in assumptions and not plain
    noise = draw(
        positive_rationals if noisy else st.just(fmpq(0)) | positive_rationals if free else st.just(fmpq(0))
    )
    setting = Setting(RegressionTask(sigma, context, omega, noise))
    if without == "gaussian_covariates":
        return replace(setting, covariates="signs")
    if without == "independent_task":
        return replace(setting, weights="first_example")
    if without == "gaussian_task":
        return replace(setting, weights="skewed")
    if without == "masked_query":
        return replace(setting, masked=False)
    if without == "zero_query_label":
        return replace(setting, slot=draw(positive_rationals))
    return setting


def settings_of(slug: str, corner: Corner = ANYWHERE, **limits: Any) -> st.SearchStrategy[Setting]:
    """Settings under the assumptions that the claim of this slug records."""
    return settings(keys_of(slug), corner, **limits)


@st.composite
def _sizes(
    draw: st.DrawFn,
    held: frozenset[str],
    corner: Corner,
    min_dim: int,
    max_dim: int,
    max_context: int,
    without: str | None,
) -> tuple[int, int]:
    two = "ill_conditioned" in held or without == "diagonal_covariance"
    least = max(
        min_dim, 2 if two or corner.covariance == "repeated" or corner.context_length == "below_dim" else 1
    )
    dim = corner.dim if corner.dim is not None else draw(st.integers(least, max(least, max_dim)))
    match corner.context_length:
        case "dim":
            context = dim
        case "below_dim":
            context = draw(st.integers(1, dim - 1))
        case None:
            context = draw(st.integers(1, max_context))
        case number:
            context = int(number)
    return dim, context


def _covariance(
    held: frozenset[str], corner: Corner, dim: int, without: str | None, plain: bool
) -> st.SearchStrategy[fmpq_mat]:
    identity = exact.identity(dim)
    if "isotropic_covariates" in held or plain:
        return st.just(identity)
    if "ill_conditioned" in held:
        return ill_conditioned_matrices(dim)
    if without == "positive_definite_covariance":
        return st.just(exact.diagonal([*[1] * (dim - 1), 0]))
    if corner.covariance == "scalar":
        return positive_rationals.map(lambda c: identity * c)
    if corner.covariance == "repeated":
        return st.tuples(positive_rationals, positive_rationals).map(
            lambda pair: exact.diagonal([pair[0]] * 2 + [pair[1]] * (dim - 2))
        )
    if "diagonal_covariance" in held:
        drawn = diagonal_matrices(dim)
    elif {"positive_definite_covariance", "whitened_task"} & held or without in (
        "whitened_task",
        "identity_task",
        "ill_conditioned",
    ):
        drawn = definite_matrices(dim)
    else:
        drawn = semidefinite_matrices(dim)
    if without is not None and without in ("isotropic_covariates", "diagonal_covariance", "ill_conditioned"):
        return drawn.filter(lambda sigma: not CONDITIONS[without](Setting(RegressionTask(sigma, 1))))
    return drawn


def _task_covariance(
    held: frozenset[str], sigma: fmpq_mat, without: str | None, plain: bool
) -> st.SearchStrategy[fmpq_mat]:
    d = sigma.nrows()
    if plain or "identity_task" in held:
        return st.just(exact.identity(d))
    if "whitened_task" in held:
        return st.just(sigma.inv())
    drawn = semidefinite_matrices(d)
    if without in ("identity_task", "whitened_task"):
        return drawn.filter(lambda omega: not CONDITIONS[without](Setting(RegressionTask(sigma, 1, omega))))
    return drawn
