"""The density of the eigenvalues of W, and from it the proof of the five-term recurrence.

Theorem. The moments m_k = E tr W^k, W = XXᵀ with X d × n of standard normal entries, satisfy the recurrence
of :mod:`icl_claims.theory.wishart.recurrence` for every k ≥ 4 and all d, n ≥ 1.

**Cited.** (A) For n ≥ d the eigenvalues of W have a joint density on (0, ∞)^d that is proportional to
∏ w(x_i) ∏_{i<j} |x_i − x_j|, with w(x) = x^{(a−1)/2} e^{−x/2} and a = n − d: [1], Theorem 3.2.18 at Σ = I.
(B) For even d and any basis p_0, …, p_{d−1} of the polynomials of degree below d, the integral of
∏ g(x_i) w(x_i) ∏_{i<j} |x_i − x_j| is a constant times the Pfaffian of the matrix with the entries
∫∫ sgn(y − x) p_j(x) p_k(y) g(x) g(y) w(x) w(y) dx dy: [2]. (C) The Laguerre polynomials L_j = L_j^{(a)} are
orthogonal for the weight x^a e^{−x} = x w², with norms h_j = Γ(j + a + 1)/j!, and

    x L_j′ = j L_j − (j + a) L_{j−1},   (j + 1) L_{j+1} = (2j + a + 1 − x) L_j − (j + a) L_{j−1},
    Σ_{j≤m} L_j²/h_j = ((m + 1)/h_m) (L_m′ L_{m+1} − L_{m+1}′ L_m):                      [3], 5.1 and 3.2.

**The density for even d, n > d.** Write 𝒫_m for the polynomials of degree ≤ m and

    (f, g) = ∫ f g x w² dx,   (εf)(x) = ∫ sgn(y − x) f(y) w(y) dy,   ⟨f, g⟩ = ∫ f w εg dx = −⟨g, f⟩.

Put g = 1 + tf in (B) and differentiate at t = 0. With M_{jk} = ⟨p_j, p_k⟩, invertible because Pf M is the
norming constant of (A) up to a factor, the logarithmic derivative is E Σ_i f(x_i) = ∫ f ρ dx, where
ρ(x) = w(x) G(x, x) and G(x, y) = Σ_{jk} (M⁻¹)_{kj} p_j(x) (εp_k)(y). This G is the one element of
𝒫_{d−1} ⊗ ε𝒫_{d−1} that reproduces: ∫ G(x, y) w(y) p(y) dy = p(x) for all p in 𝒫_{d−1}. Claim:

    G(x, y) = y w(y) Σ_{j≤d−2} L_j(x) L_j(y)/h_j + ((d − 1)/(4h_{d−2})) L_{d−1}(x) (εL_{d−2})(y).

Let N q = x q′ + ((a + 1 − x)/2) q, so that (x w q)′ = w N q and ε(N q) = −2 x w q. It follows that
⟨f, N q⟩ = −2 (f, q), and from (C) that N L_j = ((j + 1)/2) L_{j+1} − ((j + a)/2) L_{j−1}.

1. For even j, ⟨q, L_j⟩ = 0 for all q in 𝒫_j. The dimension of 𝒫_j is odd, so that the antisymmetric form
   has a u ≠ 0 in its radical there. For q in 𝒫_{j−1}, N q is in 𝒫_j and 0 = ⟨u, N q⟩ = −2 (u, q): so u is a
   multiple of L_j.
2. For even j, −2h_j = ⟨L_j, N L_j⟩ = ((j + 1)/2) ⟨L_j, L_{j+1}⟩ − 0 by 1, so ⟨L_{j+1}, L_j⟩ = 4h_j/(j + 1).
3. The first part of G reproduces 𝒫_{d−2}, annihilates L_{d−1}, and lies in 𝒫_{d−1} ⊗ ε𝒫_{d−1}, because
   y w L_j = −½ ε(N L_j). The second part annihilates 𝒫_{d−2} by 1 and reproduces L_{d−1} by 2; j = d − 2.

With P = L_{d−1}, Q = L_{d−2}, Ψ = εQ and (C) for x (Q′P − P′Q), this is ρ = ((d − 1)!/(n − 2)!) ρ₀,

    ρ₀ = w² [(d − 1) P² − (d + n − 2 − x) P Q + (n − 1) Q²] + ¼ w P Ψ                    (:data:`DENSITY`).

The same form of the density is in [4]; the fifth-order equation is in [5].

**The recurrence.** θ = x d/dx acts on polynomials in x, w, P, Q, Ψ as a derivation over ℚ(d, n), by (C):

    θx = x,   θw = ½(n − d − 1 − x) w,   θΨ = −2x w Q,
    θP = (d − 1) P − (n − 1) Q,   θQ = (d − 1) P − (n − 1 − x) Q.

Let c_j(k) be the coefficients of the recurrence. :func:`prove_recurrence` verifies, as an identity of
polynomials in d, n, x, w, P, Q and Ψ, that

    Σ_j c_j(3 − θ) (x^{4−j} ρ₀) = 0.                                                      (*)

For k ≥ 4 multiply by x^{k−4} and integrate. By parts, ∫ x^{k−4} θf dx = −(k − 3) ∫ x^{k−4} f dx, with no
boundary terms: each f is made of w² and wΨ with polynomials, Ψ is bounded and n > d, so that x^{k−3} f
vanishes at 0 and at ∞. So ∫ x^{k−4} c_j(3 − θ)(x^{4−j} ρ₀) dx = c_j(k) ∫ x^{k−j} ρ₀ dx, and the recurrence
holds for every even d and every n > d. For fixed k its left-hand side is a polynomial in d and n
(:mod:`icl_claims.theory.wishart.partitions`) that vanishes for infinitely many d with infinitely many n each: it is
zero. ∎

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

from collections.abc import Callable
from math import comb, factorial
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpq_poly, fmpz

from icl_claims.theory.algebra.exact import Refuted
from icl_claims.theory.algebra.validation import natural, positive_integer
from icl_claims.theory.wishart.partitions import by_parts
from icl_claims.theory.wishart.recurrence import recurrence, start
from icl_claims.theory.wishart.sizes import RING

ALGEBRA = fmpq_mpoly_ctx.get(("d", "n", "x", "w", "P", "Q", "Psi", "k"), Ordering.degrevlex)
"""ℚ[d, n, x, w, P, Q, Ψ, k]: w, P, Q and Ψ stand for functions of x; k is the index of a recurrence."""

_d, _n, _x, _w, _P, _Q, _Psi, _k = ALGEBRA.gens()

DENSITY = _w**2 * ((_d - 1) * _P**2 - (_d + _n - 2 - _x) * _P * _Q + (_n - 1) * _Q**2) + _w * _P * _Psi / 4
"""ρ₀, a multiple of the density of the eigenvalues of W for even d and n > d."""

Coefficients = Callable[[Any], tuple[Any, ...]]
"""k ↦ (c_0, …, c_r) of a recurrence Σ_j c_j m_{k−j} = 0."""

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


def residual(coefficients: Coefficients, density: Any = DENSITY) -> Any:
    """Σ_j c_j(r − 1 − θ) (x^{r−j} ρ₀) for a recurrence of r + 1 terms: zero if it holds for k ≥ r."""
    cs = coefficients(_k)
    r = len(cs) - 1
    total = ALGEBRA.constant(0)
    for j, c in enumerate(cs):
        power = _x ** (r - j) * density
        for of_k in _in_powers_of_k(c):
            total += of_k * power
            power = (r - 1) * power - theta(power)
    return total


def prove_recurrence(coefficients: Coefficients | None = None, density: Any = DENSITY) -> None:
    """Verify (*) and the start of the recurrence; with the module's docstring this proves the theorem.

    Args:
        coefficients: those of another recurrence, to see it refused.
        density: another element of :data:`ALGEBRA`, likewise.

    Raises:
        Refuted: the left-hand side of (*) is not zero, or m_1, m_2, m_3 are not the moments.
    """
    left = residual(coefficients or recurrence(_d + _n, _d * _n), density)
    if left != 0:
        raise Refuted(f"the density does not satisfy the recurrence's equation: {len(left)} terms remain")
    d, n = RING.gens()
    s, p = d + n, d * n
    parts = by_parts([(2,), (3,)], s, p, s**0)
    if start(p, s, p) != (p, parts[(2,)], parts[(3,)]):
        raise Refuted(f"the recurrence starts with {start(p, s, p)}, the moments are {(p, *parts.values())}")


def trace_moment_density(k: int, dim: int, context_length: int) -> fmpz:
    """E tr W^k = ∫ x^k ρ(x) dx, integrated term by term: a route through the density alone.

    Args:
        k: from 0 to :data:`LARGEST_POWER`.
        dim: d, even, up to the same.
        context_length: n > d, with n − d odd, up to the same: then w is e^{−x/2} times a power of x.

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
    for (i_d, i_n, i_x, _, i_p, i_q, i_psi, _), c in DENSITY.terms():
        polynomial = c * d**i_d * n**i_n * x ** (i_x + k) * p**i_p * q**i_q
        if i_psi:
            root = x ** ((a - 1) // 2)
            total += _skew_product(polynomial * root, q * root)
        else:
            total += _gamma_integral(polynomial * x ** (a - 1))
    moment = total * fmpq(factorial(d - 1), factorial(n - 2))
    return moment.p


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
