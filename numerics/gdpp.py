r"""Minimizers of the exact loss on 𝒮′ (:mod:`icl_claims.theory.many_layers.gdpp`): proposed in float64,
certified in balls.

On a Gauss rule of N ≥ (3ᴸ + 1)/2 nodes the loss is a sum of squares, Σ_i (√w_i r_L(x_i))², exact but for
rounding, so Levenberg and Marquardt's method proposes critical points from many starts. What is returned is
proved, by the interval Newton theorem [1]: with x̂ a rational point, X a box around it, ∇f(x̂) exact up to
the ball radius, and H an enclosure of the Hessian over X, if x̂ − H⁻¹∇f(x̂) lies inside X then X holds exactly
one critical point, and it lies in that smaller box. If moreover the symmetric H is positive definite over X
(its leading minors are positive), this point is a strict local minimum of f on 𝒮′.

References:
    [1] R. Krawczyk (1969), Computing 4, 187–201; A. Neumaier (1990), Interval Methods, Theorem 5.1.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from flint import arb, arb_mat, arb_poly, ctx, fmpq
from scipy.optimize import least_squares

from icl_claims.numerics.balls import Floats
from icl_claims.numerics.gauss_nodes import spectral_rule
from icl_claims.numerics.rounding import nearest
from icl_claims.theory.algebra.definiteness import certain_definiteness
from icl_claims.theory.algebra.real_roots import dyadic
from icl_claims.theory.algebra.validation import positive_integer
from icl_claims.theory.many_layers import gdpp, spectral_loss
from icl_claims.theory.task import RegressionTask, whitened_sizes
from icl_claims.theory.transformer.recursion import recursion
from icl_claims.theory.wishart import spectral_moments

_RADIUS_BITS = 96
"""The box that is tested has this radius, 2⁻⁹⁶, around the point that Newton's method found."""

_PRECISION = 640
_SAME = 1e-6


@dataclass(frozen=True)
class Interval:
    """lower ≤ number ≤ upper, rational ends."""

    lower: fmpq
    upper: fmpq

    @property
    def middle(self) -> float:
        """The float64 nearest to the midpoint."""
        return nearest((self.lower + self.upper) / 2)


@dataclass(frozen=True)
class CriticalPoint:
    """One critical point of f on 𝒮′, proved to exist and to be the only one in a box.

    Attributes:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        a, b: a_0, …, a_{L−1} and b_0, …, b_{L−2}, each enclosed.
        loss: f there, enclosed.
        minimum: whether the Hessian is positive definite in the whole box: a strict local minimum on 𝒮′.
    """

    task: RegressionTask
    a: tuple[Interval, ...]
    b: tuple[Interval, ...]
    loss: Interval
    minimum: bool

    @property
    def rational(self) -> tuple[list[fmpq], list[fmpq]]:
        """Rational (a, b) at the lower ends: within the enclosures' width of the critical point."""
        return [x.lower for x in self.a], [x.lower for x in self.b]


def propose(task: RegressionTask, start_a: Sequence[float], start_b: Sequence[float]) -> tuple[Floats, float]:
    """The point (a, b) at which least squares on the Gauss nodes ends, and the loss there, in float64.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        start_a, start_b: L and L − 1 numbers.
    """
    layers = len(start_a)
    rule = spectral_rule(*whitened_sizes(task), (3**layers + 1) // 2)
    nodes, roots = rule.nodes.value, np.sqrt(rule.weights.value)

    def residuals(point: Floats) -> Floats:
        values = recursion(list(point[:layers]), list(point[layers:]), nodes, np.ones_like(nodes))[1]
        return np.asarray(roots * values)

    found = least_squares(
        residuals, [*start_a, *start_b], method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=4000
    )
    return np.asarray(found.x), float(2 * found.cost)


def certify(task: RegressionTask, a: Sequence[float], b: Sequence[float]) -> CriticalPoint:
    """The critical point that Newton's method reaches from (a, b), proved.

    Args:
        task: whitened, Ω = Σ⁻¹ and σ² = 0.
        a, b: L and L − 1 numbers, near a critical point.

    Raises:
        ArithmeticError: the box around the limit does not pass the interval Newton test, as the Hessian may be
            singular in it or Newton's step leads out of it.

    >>> point = certify(RegressionTask.isotropic(2, 5), [-0.6], [])
    >>> point.minimum, point.a[0].lower <= fmpq(-5, 8) <= point.a[0].upper, point.loss.middle
    (True, True, 0.75)
    """
    d, n = whitened_sizes(task)
    exact_a, exact_b = gdpp.parameters(a, b)
    layers = len(exact_a)
    refused = f"no critical point was certified near a = {list(a)}, b = {list(b)}"
    with ctx.workprec(_PRECISION):
        over = BallMoments([arb(m) for m in spectral_moments(3**layers - 1, d, n)])
        point = [arb(x) for x in [*exact_a, *exact_b]]
        for _ in range(12):
            slopes, curvatures = _derivatives(point, layers, over)
            point = [x.mid() for x in _newton(point, slopes, curvatures, refused)]
        radius = arb(2) ** -_RADIUS_BITS
        slopes = _derivatives(point, layers, over)[0]
        box = [x + arb(0, 1) * radius for x in point]
        curvatures = _derivatives(box, layers, over)[1]
        image = _newton(point, slopes, curvatures, refused)
        if not all(x.contains_interior(y) for x, y in zip(box, image, strict=True)):
            raise ArithmeticError(f"{refused}: Newton's step leads out of the box")
        value = spectral_loss.loss(over, image[:layers], image[layers:])
        intervals = tuple(map(interval, image))
        return CriticalPoint(
            task,
            intervals[:layers],
            intervals[layers:],
            interval(value),
            certain_definiteness(curvatures) is True,
        )


@lru_cache(maxsize=256)
def local_minima(task: RegressionTask, layers: int) -> tuple[CriticalPoint, ...]:
    """The strict local minima on 𝒮′ found from a fixed grid of starts, each certified, the best first.

    That each is a strict local minimum is proved; that there is no other is not.

    >>> [round(point.loss.middle, 6) for point in local_minima(RegressionTask.isotropic(5, 20), 2)][:2]
    [0.057501, 0.086548]
    """
    proposals: list[tuple[float, tuple[float, ...]]] = []
    for start in _starts(positive_integer("layers", layers)):
        point, value = propose(task, start[:layers], start[layers:])
        if np.all(np.isfinite(point)) and np.abs(point).max() < 100:
            proposals.append((value, tuple(point.tolist())))
    found: list[CriticalPoint] = []
    tried: list[Floats] = []
    for _, proposal in sorted(proposals):
        here = np.asarray(proposal)
        if any(np.abs(here - there).max() < _SAME * np.abs(there).max() for there in tried):
            continue
        tried.append(here)
        try:
            candidate = certify(task, proposal[:layers], proposal[layers:])
        except (ArithmeticError, ValueError):
            continue
        if candidate.minimum and not any(_overlap(candidate, other) for other in found):
            found.append(candidate)
    return tuple(sorted(found, key=lambda point: point.loss.middle))


def minimizer(task: RegressionTask, layers: int) -> CriticalPoint:
    """The best of :func:`local_minima`: a proved strict local minimum, the lowest that the search knows.

    >>> best = minimizer(RegressionTask.isotropic(5, 20), 2)
    >>> [round(x.middle, 5) for x in (*best.a, *best.b)]
    [-0.51676, -3.47466, 0.86846]
    """
    return local_minima(task, layers)[0]


def _starts(layers: int) -> Iterator[list[float]]:
    """Steps −0.2, −0.6, −2, −8, in every order, and b from 0.2 to 1."""
    for steps in product((0.2, 0.6, 2.0, 8.0), repeat=layers):
        for share in (0.3, 0.9):
            yield [-x for x in steps] + [share] * (layers - 1)


class BallMoments:
    """∫ p dμ for polynomials p whose coefficients are balls, from balls of the moments of μ.

    Args:
        moments: ∫ sᵏ dμ for k up to the largest degree of a polynomial.

    Raises:
        ValueError: a polynomial is of a higher degree.
    """

    def __init__(self, moments: Sequence[arb]) -> None:
        self.moments = moments

    @property
    def variable(self) -> arb_poly:
        """s."""
        return arb_poly([0, 1])

    @property
    def unit(self) -> arb_poly:
        """1."""
        return arb_poly([1])

    def __call__(self, polynomial: arb_poly) -> arb:
        """∫ p dμ."""
        if len(polynomial) > len(self.moments):
            raise ValueError(
                f"polynomial must be of degree at most {len(self.moments) - 1}, got {polynomial.degree()}"
            )
        total = arb(0)
        for c, m in zip(polynomial.coeffs(), self.moments, strict=False):
            total += c * m
        return total

    def weighted(self, polynomial: arb_poly) -> Callable[[arb_poly], arb]:
        """q ↦ ∫ p q dμ, with the product of polynomials, which is fast in balls."""
        return lambda other: self(polynomial * other)


def _derivatives(point: Sequence[arb], layers: int, over: BallMoments) -> tuple[list[arb], arb_mat]:
    """The gradient and the Hessian of f, enclosed over a box."""
    a, b = point[:layers], point[layers:]
    return spectral_loss.gradient(over, a, b), arb_mat(spectral_loss.hessian(over, a, b))


def _newton(point: Sequence[arb], slopes: Sequence[arb], curvatures: arb_mat, refused: str) -> list[arb]:
    """x − H⁻¹∇f; ``refused`` begins the message where H holds a singular matrix."""
    try:
        step: Any = curvatures.solve(arb_mat([[x] for x in slopes]))
    except ZeroDivisionError:
        raise ArithmeticError(f"{refused}: the Hessian may be singular") from None
    return [x - step[i, 0] for i, x in enumerate(point)]


def interval(ball: arb) -> Interval:
    """A ball as an interval with rational ends."""
    middle, radius = dyadic(ball.mid()), dyadic(ball.rad())
    return Interval(middle - radius, middle + radius)


def _overlap(one: CriticalPoint, other: CriticalPoint) -> bool:
    return all(
        x.lower <= y.upper and y.lower <= x.upper
        for x, y in zip((*one.a, *one.b), (*other.a, *other.b), strict=True)
    )
