r"""The forward recursion of layers with scalar weights, in any commutative ring, with its derivatives.

With P = diag(b I, 1) and Q = diag(a I, 0), on covariates of second moment I, a layer multiplies the covariates by p and
leaves of the task vector w the residual r, both polynomials in s, an eigenvalue of S = XXᵀ/n:

    r_{l+1} = r_l (1 + a_l s p_l²),     p_{l+1} = p_l (1 + b_l a_l s p_l²),     p_0 = r_0 = 1.

Without covariate updates (all b_l = 0, or b = ()) the p_l are 1 and r_L = ∏_l (1 + a_l s): gradient descent with steps
−a_l. The ring is the caller's: polynomials in s over ℚ, balls of them, float64 arrays over the nodes of a quadrature
rule with or without error bounds, or symbols.

**Derivatives.** One layer maps (p, r) to (p⁺, r⁺) and has four arguments p, r, a, b; :class:`Jet` carries its first
and second derivatives in these. Let G(p⁺, r⁺) be r_L as a function of what enters the next layer. The chain rule,

    ∂_x r_L = Σ_u G_u ∂_x u,     ∂_x∂_y r_L = Σ_u G_u ∂_x∂_y u + Σ_{u,v} G_{uv} ∂_x u ∂_y v,     u, v ∈ {p⁺, r⁺},

taken from the last layer to the first gives all first derivatives and, within one layer, the second ones. A parameter
x of layer i moves (p, r) behind it by a tangent, which is carried forward; at each later layer j the mixed
derivatives ∂_y∂_u r_L times the tangent are ∂_x∂_y r_L. So L layers take O(L) products for the first derivatives and
O(L²) for the second ones.

Source: Ahn et al. (2023), Eq. (11) and Appendix B.3; the recursion and its derivatives are derived here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

Pair = tuple[str, str]
"""Two arguments of a layer, in alphabetical order."""

ONE: Any = object()
"""The derivative of an argument in itself: a factor that costs no product, and no rounding where products round."""


def recursion(a: Sequence[Any], b: Sequence[Any], s: Any, unit: Any) -> tuple[list[Any], Any]:
    """([p_0, …, p_K], r_L) for K = len(b), in any commutative ring.

    Args:
        a: L elements.
        b: at most L elements; the covariates stay as they are in the layers after these.
        s, unit: the variable and 1.

    >>> from flint import fmpq, fmpq_poly
    >>> recursion([fmpq(-1, 2), fmpq(-1)], [fmpq(1)], fmpq_poly([0, 1]), fmpq_poly([1]))[0]
    [1, (-1/2)*x + 1]
    """
    covariates, residual, gram = [unit], unit, s
    for index, factor in enumerate(a):
        update = b[index] if index < len(b) else None
        moved, residual = layer(covariates[-1], residual, gram, factor, update, unit)
        if update is not None:
            covariates.append(moved)
            gram = s * moved * moved
    return covariates, residual


def layer(p: Any, r: Any, gram: Any, a: Any, b: Any, unit: Any) -> tuple[Any, Any]:
    """(p (1 + b a g), r (1 + a g)) with g = ``gram`` = s p²; p itself where b is None."""
    change = a * gram
    return (p if b is None else p * (unit + b * change)), r * (unit + change)


@dataclass(frozen=True)
class Jet:
    """An element of a commutative ring with its first and second derivatives in named arguments.

    Args:
        value: the element.
        slopes: the first derivatives that are not identically 0; :data:`ONE` may stand for 1.
        curvatures: the second derivatives that are not identically 0; None where they are not wanted.
    """

    value: Any
    slopes: Mapping[str, Any]
    curvatures: Mapping[Pair, Any] | None

    def __add__(self, other: Jet) -> Jet:
        return Jet(
            self.value + other.value,
            _merged([*self.slopes.items(), *other.slopes.items()]),
            None
            if self.curvatures is None or other.curvatures is None
            else _merged([*self.curvatures.items(), *other.curvatures.items()]),
        )

    def __mul__(self, other: Jet) -> Jet:
        f, g = self, other
        slopes = [(x, _times(slope, g.value)) for x, slope in f.slopes.items()]
        slopes += [(y, _times(f.value, slope)) for y, slope in g.slopes.items()]
        curvatures = None
        if f.curvatures is not None and g.curvatures is not None:
            parts = [(pair, c * g.value) for pair, c in f.curvatures.items()]
            parts += [(pair, f.value * c) for pair, c in g.curvatures.items()]
            for x, left in f.slopes.items():
                for y, right in g.slopes.items():
                    product = _times(left, right)
                    parts.append((_pair(x, y), product + product if x == y else product))
            curvatures = _merged(parts)
        return Jet(f.value * g.value, _merged(slopes), curvatures)


@dataclass(frozen=True)
class ResidualJet:
    """r_L with its derivatives in the parameters (a_0, …, a_{L−1}, b_0, b_1, …), counted in this order from 0.

    Args:
        value: r_L.
        slopes: its first derivatives.
        curvatures: its second derivatives that are not identically 0, at (i, j) with i ≤ j.
    """

    value: Any
    slopes: tuple[Any, ...]
    curvatures: Mapping[tuple[int, int], Any]

    def curvature(self, i: int, j: int) -> Any:
        """The second derivative in parameters i and j; None where it is identically 0."""
        return self.curvatures.get((min(i, j), max(i, j)))


def residual_jet(
    a: Sequence[Any], b: Sequence[Any], s: Any, unit: Any, *, second: bool = True
) -> ResidualJet:
    """r_L with its first and second derivatives in (a_0, …, a_{L−1}, b_0, b_1, …), in any commutative ring.

    Args:
        a, b: L and at most L − 1 elements that multiply ``unit``; b_{L−1} would not occur.
        s, unit: the variable and 1.
        second: whether second derivatives are wanted.

    Raises:
        ValueError: there are L or more elements of b.

    >>> from flint import fmpq, fmpq_poly
    >>> r = residual_jet([fmpq(0), fmpq(1)], [], fmpq_poly([0, 1]), fmpq_poly([1]))
    >>> r.value, r.slopes, r.curvature(0, 1), r.curvature(1, 1)
    (x + 1, (x^2 + x, x), x^2, None)
    """
    if len(b) >= max(len(a), 1):
        raise ValueError(
            f"b must hold at most {max(len(a) - 1, 0)} elements for {len(a)} layers, got {len(b)}"
        )
    value, layers = _layers(a, b, s, unit, second)
    wholes = [Jet(value, {"r": ONE}, {} if second else None)]
    for inner in reversed(layers):
        wholes.append(_composed(wholes[-1], inner))
    wholes = wholes[:0:-1]
    places = [{"a": index, "b": len(a) + index} for index in range(len(a))]
    slopes = {
        place[x]: slope
        for place, whole in zip(places, wholes, strict=True)
        for x, slope in whole.slopes.items()
        if x in place
    }
    curvatures = {
        (place[x], place[y]): c
        for place, whole in zip(places, wholes, strict=True)
        for (x, y), c in (whole.curvatures or {}).items()
        if x in place and y in place
    }
    if second:
        curvatures |= _between_layers(layers, wholes, places)
    return ResidualJet(value, tuple(slopes[i] for i in sorted(slopes)), curvatures)


Local = Mapping[str, Jet]
"""What leaves a layer, p⁺ and r⁺, each as a jet in p, r, a and b."""


def _layers(a: Sequence[Any], b: Sequence[Any], s: Any, unit: Any, second: bool) -> tuple[Any, list[Local]]:
    """(r_L, the layers one by one). Without covariate updates p is no argument: it is 1."""

    def constant(value: Any) -> Jet:
        return Jet(value, {}, {} if second else None)

    def argument(name: str, value: Any) -> Jet:
        return Jet(value, {name: ONE}, {} if second else None)

    p, r, gram = unit, unit, s
    found: list[Local] = []
    for index, factor in enumerate(a):
        here = argument("p", p) if b else constant(p)
        square = constant(s) * here * here if b else constant(gram)
        update = argument("b", b[index]) if index < len(b) else None
        moved, residual = layer(here, argument("r", r), square, argument("a", factor), update, constant(unit))
        found.append({"p": moved, "r": residual} if b else {"r": residual})
        p, r = moved.value, residual.value
    return r, found


def _composed(outer: Jet, inner: Local) -> Jet:
    """G(p⁺, r⁺) as a jet in the arguments of the layer, from G as a jet in p and r."""
    slopes = [
        (x, _times(g, slope))
        for u, g in outer.slopes.items()
        if u in inner
        for x, slope in inner[u].slopes.items()
    ]
    if outer.curvatures is None:
        return Jet(outer.value, _merged(slopes), None)
    parts = [
        (pair, _times(g, c))
        for u, g in outer.slopes.items()
        if u in inner
        for pair, c in (inner[u].curvatures or {}).items()
    ]
    for (u, v), g in outer.curvatures.items():
        if u not in inner or v not in inner:
            continue
        for left, right in ((u, v), (v, u))[: 1 if u == v else 2]:
            for x, slope in inner[left].slopes.items():
                by = _times(g, slope)
                parts += [((x, y), _times(by, other)) for y, other in inner[right].slopes.items() if x <= y]
    return Jet(outer.value, _merged(slopes), _merged(parts))


def _between_layers(
    layers: Sequence[Local], wholes: Sequence[Jet], places: Sequence[Mapping[str, int]]
) -> dict[tuple[int, int], Any]:
    """Second derivatives in parameters of two different layers, from r_L as a jet in each layer's arguments."""
    found = {}
    for index, here in enumerate(layers):
        for x in places[index]:
            tangent = {u: jet.slopes[x] for u, jet in here.items() if x in jet.slopes}
            for later in range(index + 1, len(layers)):
                if not tangent:
                    break
                place = places[later]
                parts = [
                    (y, _times(c, tangent[u]))
                    for pair, c in (wholes[later].curvatures or {}).items()
                    for y, u in (pair, pair[::-1])
                    if y in place and u in tangent
                ]
                for y, c in _merged(parts).items():
                    i, j = sorted((places[index][x], place[y]))
                    found[i, j] = c
                tangent = _merged(
                    (u, _times(jet.slopes[v], t))
                    for u, jet in layers[later].items()
                    for v, t in tangent.items()
                    if v in jet.slopes
                )
    return found


def _merged(parts: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """The sum of the parts of each key."""
    lists: dict[Any, list[Any]] = {}
    for key, part in parts:
        lists.setdefault(key, []).append(part)
    return {key: reduce(add, found) for key, found in lists.items()}


def _times(x: Any, y: Any) -> Any:
    return y if x is ONE else x if y is ONE else x * y


def _pair(x: str, y: str) -> Pair:
    return (x, y) if x <= y else (y, x)
