"""The density of the eigenvalues of W, and the differential equation behind the five-term recurrence.

W = XXᵀ with X d × n of standard normal entries. For even d and n > d the mean density of the eigenvalues is
((d − 1)!/(n − 2)!) ρ₀ with, for w(x) = x^{(n−d−1)/2} e^{−x/2}, P and Q the Laguerre polynomials L_{d−1}^{(n−d)} and
L_{d−2}^{(n−d)}, and Ψ(x) = ∫ sgn(y − x) Q(y) w(y) dy,

    ρ₀ = w² [(d − 1) P² − (d + n − 2 − x) P Q + (n − 1) Q²] + ¼ w P Ψ                    (:data:`DENSITY`).

θ = x d/dx acts on polynomials in x, w, P, Q, Ψ as a derivation over ℚ(d, n):

    θx = x,   θw = ½(n − d − 1 − x) w,   θΨ = −2x w Q,
    θP = (d − 1) P − (n − 1) Q,   θQ = (d − 1) P − (n − 1 − x) Q.

How the density is derived, and the recurrence from it: :mod:`icl_claims.theory.derivations.wishart_trace_recurrence`.
The same form of the density is in [4]; the fifth-order equation is in [5].

References:
    [1] R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory, Wiley.
    [2] N. G. de Bruijn (1955), On some multiple integrals involving determinants, J. Indian Math. Soc. 19,
        133–151.
    [3] G. Szegő (1975), Orthogonal Polynomials, 4th ed., Amer. Math. Soc.
    [4] M. Adler, P. J. Forrester, T. Nagao, P. van Moerbeke (2000), Classical skew orthogonal polynomials
        and random matrices, J. Stat. Phys. 99, 141–170.
    [5] A. A. Rahman, P. J. Forrester (2021), Linear differential equations for the resolvents of the
        classical matrix ensembles, Random Matrices Theory Appl. 10, 2250003.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import comb, factorial
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpq_poly

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import natural, positive_integer
from icl_claims.theory.wishart.partitions import by_parts
from icl_claims.theory.wishart.zonal import trace_moment_zonal

ALGEBRA = fmpq_mpoly_ctx.get(("d", "n", "x", "w", "P", "Q", "Psi", "k"), Ordering.degrevlex)
"""ℚ[d, n, x, w, P, Q, Ψ, k]: w, P, Q and Ψ stand for functions of x; k is the index of a recurrence."""

_d, _n, _x, _w, _P, _Q, _Psi, _k = ALGEBRA.gens()

DENSITY = _w**2 * ((_d - 1) * _P**2 - (_d + _n - 2 - _x) * _P * _Q + (_n - 1) * _Q**2) + _w * _P * _Psi / 4
"""ρ₀, a multiple of the density of the eigenvalues of W for even d and n > d."""

LARGEST_POWER = 100
"""The largest power, dimension and context length of :func:`trace_moment_density`."""


def theta(f: Any) -> Any:
    """x df/dx of an element of :data:`ALGEBRA`."""
    images = {
        "x": _x,
        "w": (_n - _d - 1 - _x) * _w / 2,
        "P": (_d - 1) * _P - (_n - 1) * _Q,
        "Q": (_d - 1) * _P - (_n - 1 - _x) * _Q,
        "Psi": -2 * _x * _w * _Q,
    }
    return sum((f.derivative(name) * image for name, image in images.items()), start=0 * f)


def residual(coefficients: Sequence[Any], density: Any = DENSITY) -> Any:
    """Σ_j c_j(r − 1 − θ) (x^{r−j} ρ₀) for a recurrence of r + 1 terms: zero if it holds for k ≥ r.

    Args:
        coefficients: (c_0, …, c_r), elements of :data:`ALGEBRA` in d, n and k.
        density: ρ₀.
    """
    r = len(coefficients) - 1
    total = ALGEBRA.constant(0)
    for j, c in enumerate(coefficients):
        power = _x ** (r - j) * density
        for of_k in _in_powers_of_k(c):
            total += of_k * power
            power = (r - 1) * power - theta(power)
    return total


def prove_equation(coefficients: Sequence[Any], density: Any = DENSITY) -> None:
    """Σ_j c_j(r − 1 − θ) (x^{r−j} ρ₀) = 0, as polynomials in d, n, x, w, P, Q and Ψ.

    Arguments: as for :func:`residual`.

    Raises:
        Refuted: it is not zero.

    >>> from icl_claims.theory.wishart.recurrence import recurrence
    >>> prove_equation(recurrence(_d + _n, _d * _n)(_k))
    """
    left = residual(coefficients, density)
    if left != 0:
        raise Refuted(f"the density does not satisfy the recurrence's equation: {len(left)} terms remain")


def prove_start(moments: Sequence[Any]) -> None:
    """The three are m_1, m_2 and m_3, by integration by parts, for all d and n.

    Raises:
        Refuted: one of them is another moment.

    >>> from icl_claims.theory.wishart.recurrence import start
    >>> prove_start(start(_d * _n, _d + _n, _d * _n))
    """
    s, p = _d + _n, _d * _n
    parts = by_parts([(2,), (3,)], s, p, ALGEBRA.constant(1))
    if tuple(moments) != (p, parts[(2,)], parts[(3,)]):
        raise Refuted(f"the recurrence starts with {', '.join(map(str, moments))}, which are not the moments")


def prove_density(sizes: Iterable[tuple[int, int]], order: int, density: Any = DENSITY) -> None:
    """The density integrates to the moments E tr W^k, k ≤ ``order``, of the zonal sum, at even d < n with n − d odd.

    Raises:
        Refuted: at one of the sizes it does not.

    >>> prove_density([(2, 3)], 3)
    """
    for d, n in sizes:
        for k in range(order + 1):
            if trace_moment_density(k, d, n, density) != trace_moment_zonal(k, d, n):
                raise Refuted(f"the density does not integrate to the moment at d = {d}, n = {n}, k = {k}")


def prove_skew_orthogonal(
    degrees: Iterable[int],
    exponents: Iterable[int],
    polynomial: Callable[[int, int], fmpq_poly] | None = None,
) -> None:
    """For even j: ⟨q, L_j⟩ = 0 for all q of degree ≤ j, and ⟨L_{j+1}, L_j⟩ = 4h_j/(j + 1), L_j = L_j^{(a)}.

    ⟨f, g⟩ = ∫∫ sgn(y − x) f(x) g(y) w(x) w(y) dx dy with w = x^{(a−1)/2} e^{−x/2}, and h_j = (j + a)!/j!.

    Args:
        degrees: the j, even.
        exponents: the a, odd, so that w is e^{−x/2} times a power of x.
        polynomial: (j, a) ↦ another polynomial in the place of L_j^{(a)}, to see it refused.

    Raises:
        Refuted: for one j and a it is not so.

    >>> prove_skew_orthogonal([0, 2], [1, 3])
    """
    of_degree = polynomial or laguerre
    x = fmpq_poly([0, 1])
    for j, a in product(degrees, exponents):
        root = x ** ((a - 1) // 2)
        right = of_degree(j, a) * root
        if any(_skew_product(x**i * root, right) for i in range(j + 1)):
            raise Refuted(f"L_j is not skew-orthogonal to what has no higher degree, at j = {j}, a = {a}")
        norm = fmpq(4 * factorial(j + a), factorial(j + 1))
        if _skew_product(of_degree(j + 1, a) * root, right) != norm:
            raise Refuted(f"⟨L_(j+1), L_j⟩ is not 4h_j/(j + 1) at j = {j}, a = {a}")


def trace_moment_density(k: int, dim: int, context_length: int, density: Any = DENSITY) -> fmpq:
    """E tr W^k = ∫ x^k ρ(x) dx, integrated term by term: a route through the density alone.

    Args:
        k: from 0 to :data:`LARGEST_POWER`.
        dim: d, even, up to the same.
        context_length: n > d, with n − d odd, up to the same: then w is e^{−x/2} times a power of x.
        density: ρ₀.

    Raises:
        TypeError, ValueError: an argument is no integer of its range, d is odd, or n − d is not odd and > 0.

    >>> trace_moment_density(2, dim=2, context_length=3)
    36
    """
    k, d, n = (
        natural("k", k, LARGEST_POWER),
        positive_integer("dim", dim),
        positive_integer("context_length", context_length),
    )
    if d % 2 or d > LARGEST_POWER:
        raise ValueError(f"dim must be even and at most {LARGEST_POWER} for the density, got {d}")
    if n <= d or (n - d) % 2 == 0 or n > LARGEST_POWER:
        raise ValueError(
            f"context_length must exceed dim by an odd number and be at most {LARGEST_POWER}, got {n} beside {d}"
        )
    a = n - d
    x = fmpq_poly([0, 1])
    p, q = laguerre(d - 1, a), laguerre(d - 2, a)
    total = fmpq(0)
    for (i_d, i_n, i_x, _, i_p, i_q, i_psi, _), c in density.terms():
        polynomial = c * d**i_d * n**i_n * x ** (i_x + k) * p**i_p * q**i_q
        if i_psi:
            root = x ** ((a - 1) // 2)
            total += _skew_product(polynomial * root, q * root)
        else:
            total += _gamma_integral(polynomial * x ** (a - 1))
    return total * fmpq(factorial(d - 1), factorial(n - 2))


def laguerre(j: int, a: int) -> fmpq_poly:
    """L_j^{(a)}(x) = Σ_i (−1)^i C(j + a, j − i) x^i/i!."""
    return fmpq_poly([fmpq((-1) ** i * comb(j + a, j - i), factorial(i)) for i in range(j + 1)])


def _gamma_integral(f: fmpq_poly) -> fmpq:
    """∫_0^∞ f(x) e^{−x} dx."""
    return sum((c * factorial(i) for i, c in enumerate(f.coeffs())), start=fmpq(0))


def _skew_product(f: fmpq_poly, g: fmpq_poly) -> fmpq:
    """∫∫ sgn(y − x) f(x) g(y) e^{−(x + y)/2} dx dy over x, y > 0.

    For f = x^i and g = y^j it is i! j! 2^{i+j+2} (2 Pr(X < Y) − 1), where X and Y are the times of the
    (i+1)-th and (j+1)-th event of two Poisson processes of one rate. X < Y says that at most j events of
    the second come before the (i+1)-th of the first: Pr(X < Y) = Σ_{l≤j} C(i + l, l)/2^{i+l+1}.
    """
    total = fmpq(0)
    for i, b in enumerate(f.coeffs()):
        earlier = fmpq(0)
        for j, c in enumerate(g.coeffs()):
            earlier += fmpq(comb(i + j, j), 2 ** (i + j + 1))
            total += b * c * factorial(i) * factorial(j) * 2 ** (i + j + 2) * (2 * earlier - 1)
    return total


def _in_powers_of_k(c: Any) -> list[Any]:
    """The coefficients in powers of k, lowest first, of an element of :data:`ALGEBRA` or a number."""
    by_power: dict[int, dict[tuple[int, ...], fmpq]] = {}
    for (*others, power), value in (c + 0 * _k).to_dict().items():
        by_power.setdefault(power, {})[(*others, 0)] = value
    return [ALGEBRA.from_dict(by_power.get(i, {})) for i in range(max(by_power, default=-1) + 1)]
