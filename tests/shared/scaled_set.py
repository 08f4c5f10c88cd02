r"""Sparse layers A_l = a_l D, D = Σ⁻¹ on the set 𝒮, in any setting: their loss from its values, and what follows.

Label rows of such layers are multiplied by I − a_l K with one K, so that the loss is a quadratic polynomial in the
elementary symmetric e_1, …, e_L of the steps, whatever the law of the prompt. It is found here from values of the loss,
each of them multiplied out; no orthogonal polynomial and no spectral measure enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import sympy
from flint import arb_poly, fmpq, fmpq_mat, fmpq_poly
from hypothesis import strategies as st

from icl_claims.claims.statement import ANYWHERE, Corner
from icl_claims.theory.algebra import exact
from icl_claims.theory.many_layers.critical_points import assignments, enclosed_optimal_steps
from icl_claims.theory.many_layers.elimination import index_of, multiple_points
from icl_claims.theory.many_layers.matrix_layers import layered_gradient, layered_loss
from icl_claims.theory.task import isotropic
from icl_claims.theory.wishart import trace_moments
from tests.shared import settings as regression
from tests.shared.settings import Layer, Setting, keys_of, settings

NO_INVERSE = r"without it there is no $\Sigma^{-1}$, and neither $\mathcal S$ nor the task is defined"


@dataclass(frozen=True)
class OnScaledSet:
    """A setting, and the number of layers L on 𝒮: the steps are free."""

    setting: Setting
    layers: int

    def __str__(self) -> str:
        return f"{self.setting}, L = {self.layers}"


@st.composite
def on_scaled_set(
    draw: st.DrawFn,
    slug: str,
    corner: Corner = ANYWHERE,
    without: str | None = None,
    most_layers: int = 2,
) -> OnScaledSet:
    """Settings under the assumptions of a claim, one of them dropped or none, and at most so many layers."""
    setting = draw(settings(keys_of(slug), corner, without=without))
    layers = corner.layers if corner.layers is not None else draw(st.integers(1, most_layers))
    return OnScaledSet(setting, layers)


def sparse(matrix: fmpq_mat) -> Layer:
    """P = diag(0, 1) and Q = −diag(A, 0)."""
    d = matrix.nrows()
    P = [[0] * (d + 1) for _ in range(d)] + [[0] * d + [1]]
    return P, [[*(-matrix[i, j] for j in range(d)), fmpq(0)] for i in range(d)] + [[fmpq(0)] * (d + 1)]


def is_plain(setting: Setting) -> bool:
    """Whether all is Gaussian and independent, and the model masks the query and has 0 in its slot."""
    laws = setting.covariates == setting.weights == "gaussian"
    return laws and setting.masked and setting.slot == 0


def loss(setting: Setting, matrices: Sequence[fmpq_mat]) -> fmpq:
    """Of layers with these matrices: by words of Gaussian matrices where all is Gaussian, else in coordinates."""
    if is_plain(setting):
        return layered_loss(setting.task, matrices)
    return regression.loss(setting, *map(sparse, matrices))


def slope(setting: Setting, matrices: Sequence[fmpq_mat], place: int, direction: fmpq_mat) -> fmpq:
    """The derivative in this direction of one matrix, in which the loss is quadratic: half a difference."""
    ahead, behind = (
        [m + direction * sign if k == place else m for k, m in enumerate(matrices)] for sign in (1, -1)
    )
    return (loss(setting, ahead) - loss(setting, behind)) / 2


def gradient(setting: Setting, matrices: Sequence[fmpq_mat]) -> list[fmpq_mat]:
    """In all entries of all matrices."""
    if is_plain(setting):
        return layered_gradient(setting.task, matrices)
    d = setting.task.dim
    return [
        fmpq_mat([[slope(setting, matrices, k, unit(d, i, j)) for j in range(d)] for i in range(d)])
        for k in range(len(matrices))
    ]


def unit(d: int, i: int, j: int) -> fmpq_mat:
    """E_ij."""
    return fmpq_mat(d, d, [int((r, c) == (i, j)) for r in range(d) for c in range(d)])


class Quadratic(NamedTuple):
    """f = constant + ⟨slope, e⟩ + ⟨e, curvature e⟩/2 in e = (e_1, …, e_L)."""

    constant: fmpq
    slope: fmpq_mat
    curvature: fmpq_mat

    def at(self, e: Sequence[fmpq]) -> fmpq:
        """The value."""
        column = fmpq_mat([[x] for x in e])
        return self.constant + ((self.slope + self.curvature * column / 2).transpose() * column)[0, 0]

    def vertex(self) -> list[fmpq] | None:
        """The critical point, None where there is none or more than one."""
        return None if self.curvature.det() == 0 else (self.curvature.inv() * self.slope * -1).entries()


def loss_in_sums(setting: Setting, layers: int, direction: fmpq_mat | None = None) -> Quadratic:
    """The loss at A_l = a_l D as a polynomial in the elementary symmetric of the steps, checked at one more point."""
    D = setting.task.covariance.inv() if direction is None else direction
    places = _places(layers)
    values = [loss(setting, [D * a for a in place]) for place in places]
    system = fmpq_mat([_monomials(place) for place in places[:-1]])
    c = system.solve(fmpq_mat([[value] for value in values[:-1]])).entries()
    slopes, rest, curvature = c[1 : layers + 1], iter(c[layers + 1 :]), fmpq_mat(layers, layers)
    for i in range(layers):
        for j in range(i, layers):
            x = next(rest)
            curvature[i, j] = curvature[j, i] = 2 * x if i == j else x
    found = Quadratic(c[0], fmpq_mat([[x] for x in slopes]), curvature)
    if found.at(sums(places[-1])) != values[-1]:
        raise ArithmeticError("the loss must be quadratic in the elementary symmetric of the steps")
    return found


def sums(steps: Sequence[fmpq | int]) -> list[fmpq]:
    """e_1, …, e_L."""
    e = [fmpq(1)]
    for a in steps:
        e = [x + (a * e[k - 1] if k else 0) for k, x in enumerate([*e, fmpq(0)])]
    return e[1:]


def _monomials(steps: Sequence[fmpq | int]) -> list[fmpq]:
    e = sums(steps)
    return [fmpq(1), *e, *(e[i] * e[j] for i in range(len(e)) for j in range(i, len(e)))]


@lru_cache
def _places(layers: int) -> tuple[tuple[int, ...], ...]:
    """As many integer steps as there are monomials, at which these are independent; and one more."""
    chosen: list[tuple[int, ...]] = []
    size = len(_monomials([0] * layers))
    for place in product(range(-2, 3), repeat=layers):
        full = len(chosen) == size
        if place == tuple(sorted(place)) and (
            full or fmpq_mat([_monomials(p) for p in [*chosen, place]]).rank() > len(chosen)
        ):
            chosen.append(place)
            if full:
                break
    return tuple(chosen)


def loss_of_equal_steps(at: OnScaledSet) -> fmpq_poly:
    """f as the polynomial of degree 2L through its values at 0, …, 2L, each of them multiplied out."""
    inverse, size = at.setting.task.covariance.inv(), 2 * at.layers + 1
    values = fmpq_mat([[loss(at.setting, [inverse * a] * at.layers)] for a in range(size)])
    powers = fmpq_mat([[fmpq(a) ** k for k in range(size)] for a in range(size)])
    return fmpq_poly(powers.solve(values).entries())


def whitened_moments(setting: Setting, count: int, context_length: int | None = None) -> list[int]:
    """E tr Wᵏ, k ≤ count, W = n S in whitened coordinates, for the law of the covariates and any context length."""
    d, n = setting.task.dim, setting.task.context_length if context_length is None else context_length
    if setting.covariates == "gaussian":
        return [int(m) for m in trace_moments(count, d, n)]
    v, prompt = Setting(isotropic(d, n), covariates=setting.covariates).prompt()
    power = [[v.ring(int(i == j)) for j in range(d)] for i in range(d)]
    W = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in prompt.X] for a in prompt.X]
    moments = []
    for _ in range(count + 1):
        moments.append(int(v.mean(sum(power[i][i] for i in range(d))).p))
        power = [[sum(power[i][k] * W[k][j] for k in range(d)) for j in range(d)] for i in range(d)]
    return moments


# ---------------------------------------------------------------------- critical points


def critical_points(instance: OnScaledSet, direction: fmpq_mat | None = None) -> Counter[int]:
    """{index along the set: how many critical points of f in all matrix entries lie on it}, L ≤ 3.

    For three layers by elimination, in plain settings; else from the loss in e and from the gradient in all entries.
    """
    setting, layers = instance.setting, instance.layers
    D = setting.task.covariance.inv() if direction is None else direction
    if layers == 3:
        if direction is not None and direction != setting.task.covariance.inv():
            raise ValueError("critical points of three layers are counted on 𝒮 only")
        return _by_elimination(setting)
    slopes = _gradients(setting, layers, D)
    if layers == 1:
        return Counter({0: 1} if _common_zero(*slopes) else {})
    if not _along_one_matrix(slopes):
        if _have_common_zeros(slopes):
            raise ArithmeticError("critical points that are not counted")
        return Counter()
    return _of_two_steps(loss_in_sums(setting, 2, D))


def infimum_of_one_layer(setting: Setting, direction: fmpq_mat) -> fmpq:
    """inf_a ‖∇f(aD)‖_F², for one layer: the gradient is α + aβ, so that it is ‖α‖² − ⟨α, β⟩²/‖β‖²."""
    (at_0,), (at_1,) = _gradients(setting, 1, direction)
    beta = at_1 - at_0
    return exact.inner(at_0, at_0) - exact.inner(at_0, beta) ** 2 / exact.inner(beta, beta)


def _gradients(setting: Setting, layers: int, D: fmpq_mat) -> list[list[fmpq_mat]]:
    """At steps 0 and 1 of one layer, or at nine pairs of steps, which determine it."""
    places = [(0,), (1,)] if layers == 1 else list(product((-1, 0, 1), repeat=2))
    return [gradient(setting, [D * a for a in place]) for place in places]


def _common_zero(at_0: list[fmpq_mat], at_1: list[fmpq_mat]) -> bool:
    alphas = at_0[0].entries()
    betas = (at_1[0] - at_0[0]).entries()
    a = next((-x / y for x, y in zip(alphas, betas, strict=True) if y), fmpq(0))
    return all(x + a * y == 0 for x, y in zip(alphas, betas, strict=True))


def _along_one_matrix(slopes: list[list[fmpq_mat]]) -> bool:
    """Whether all gradients are multiples of one matrix, so that they vanish where one derivative does."""
    return fmpq_mat([m.entries() for point in slopes for m in point]).rank() <= 1


def _have_common_zeros(slopes: list[list[fmpq_mat]]) -> bool:
    """Whether the entries of both gradients, as polynomials in the two steps, have a common zero over ℂ."""
    a, b = sympy.symbols("a b")
    places = list(product((-1, 0, 1), repeat=2))
    monomials = [a**i * b**j for i, j in product(range(3), repeat=2)]
    system = fmpq_mat(
        [[fmpq(x) ** i * fmpq(y) ** j for i, j in product(range(3), repeat=2)] for x, y in places]
    )
    values = fmpq_mat([[x for m in point for x in m.entries()] for point in slopes])
    solved = system.solve(values)
    polynomials = [
        sum(sympy.Rational(int(solved[i, k].p), int(solved[i, k].q)) * monomials[i] for i in range(9))
        for k in range(solved.ncols())
    ]
    return sympy.groebner([p for p in polynomials if p != 0], a, b, domain="QQ").exprs != [1]


def _of_two_steps(f: Quadratic) -> Counter[int]:
    """Different steps at the vertex in (e, p) where e² > 4p; equal ones where f(2c, c²) is critical in c.

    At equal steps the Hessian has the eigenvectors (1, 1), along which f is f(2c, c²), and (1, −1), along which it is
    f(2c, c² − t²), of curvature −2 ∂f/∂p.
    """
    vertex = f.vertex()
    if vertex is None:
        raise ArithmeticError("the loss must have one critical point in e and p")
    found: Counter[int] = Counter()
    if vertex[0] ** 2 > 4 * vertex[1]:
        negative = [minor < 0 for minor in (f.curvature[0, 0], f.curvature.det())]
        found[2 if negative == [True, False] else int(negative[1])] += 2
    c, c2 = fmpq_poly([0, 1]), fmpq_poly([0, 0, 1])
    along_p = f.slope[1, 0] + c * 2 * f.curvature[0, 1] + c2 * f.curvature[1, 1]
    along_e = f.slope[0, 0] + c * 2 * f.curvature[0, 0] + c2 * f.curvature[0, 1]
    derivative = along_e * 2 + along_p * c * 2
    for root, multiplicity in derivative.complex_roots():
        if root.imag != 0:
            continue
        rises, bends = (arb_poly(q)(root.real) for q in (derivative.derivative(), along_p))
        if multiplicity > 1 or not (rises > 0 or rises < 0) or not (bends > 0 or bends < 0):
            raise ArithmeticError("the sign of a curvature is not certain")
        found[int(rises < 0) + int(bends > 0)] += 1
    return found


def _by_elimination(setting: Setting) -> Counter[int]:
    task = setting.task.in_whitened_coordinates()
    if not is_plain(setting) or task.noise_variance:
        raise ValueError(f"critical points of three layers are counted in plain settings only, got {setting}")
    found: Counter[int] = Counter()
    points = [enclosed_optimal_steps(task, 3), *multiple_points(task, 2, 1), *multiple_points(task, 3, 0)]
    for M, steps in zip((1, 2, 2, 3), points, strict=True):
        found[index_of(task, steps)] += assignments([M] + [1] * (3 - M))
    return found
