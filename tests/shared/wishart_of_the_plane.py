r"""A second route for d = 2: moments of W of any order and any Σ from t = tr W and δ = det W alone.

By Cayley and Hamilton W² = tW − δI, so that W^k = u_{k−1} W − δ u_{k−2} I with u_k = Σ_i (−1)^i C(k−i, i) t^{k−2i} δ^i.
A factor δ^b changes n into n + 2b, as δ^{(n−3)/2} is the power in the density:

    E_n[δ^b G(W)] = (det Σ)^b ∏_{i<b} (n + 2i)(n − 1 + 2i) · E_{n+2b}[G(W)]

(both sides are polynomials in n, so n = 1 is no exception), and a factor e^{θt} changes Σ into Σ_θ = (Σ⁻¹ − 2θI)⁻¹ =
(Σ − 2θΔI)/D, with D = det(I − 2θΣ) = 1 − 2τθ + 4Δθ², τ = tr Σ, Δ = det Σ. The power t^a is a! times the coefficient
of θ^a:

    E e^{θt} = D^{−n/2},    E e^{θt} W = n (Σ − 2θΔI) D^{−n/2−1},
    E e^{θt} W C W = (n² NCN + n NCᵀN + n tr(CN) N) D^{−n/2−2},    N = Σ − 2θΔI.

No recurrence in the order, no partition and no word: nothing of what the engine does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb, factorial, prod

from flint import fmpq, fmpq_mat, fmpq_poly

from icl_claims.theory.algebra import exact


@cache
def _power_of_d(size: int, trace: fmpq, det: fmpq, order: int) -> fmpq_poly:
    """D^{−size/2} to the order given, from D f′ = (size/2)(2τ − 8Δθ) f."""
    f = [fmpq(1), size * trace]
    for a in range(1, order):
        f.append(((2 * trace * a + size * trace) * f[a] - 4 * det * (a - 1 + size) * f[a - 1]) / (a + 1))
    return fmpq_poly(f[: order + 1])


class Plane:
    """W for a 2 × 2 covariance Σ and n columns."""

    def __init__(self, sigma: fmpq_mat, n: int) -> None:
        self.sigma, self.n = sigma, n
        self.trace, self.det = exact.trace(sigma), sigma.det()

    def shifted(self, b: int) -> tuple[fmpq, int]:
        """The factor of E_{n+2b} for δ^b, and n + 2b."""
        return self.det**b * prod((self.n + 2 * i) * (self.n - 1 + 2 * i) for i in range(b)), self.n + 2 * b

    def scalar(self, a: int, b: int) -> fmpq:
        """E t^a δ^b."""
        factor, n = self.shifted(b)
        return factor * factorial(a) * _power_of_d(n, self.trace, self.det, a)[a]

    def linear(self, a: int, b: int) -> fmpq_mat:
        """E t^a δ^b W."""
        factor, n = self.shifted(b)
        f = _power_of_d(n + 2, self.trace, self.det, a)
        before = f[a - 1] if a else fmpq(0)
        return (self.sigma * f[a] - exact.identity(2) * (2 * self.det * before)) * (factor * n * factorial(a))

    def between(self, a: int, b: int, c: fmpq_mat) -> fmpq_mat:
        """E t^a δ^b W C W."""
        factor, n = self.shifted(b)
        f = _power_of_d(n + 4, self.trace, self.det, a)
        one, of_n = exact.identity(2), (self.sigma, exact.identity(2) * (-2 * self.det))
        total = fmpq_mat(2, 2)
        for i, left in enumerate(of_n):
            for j, right in enumerate(of_n):
                if i + j <= a:
                    both = left * c * right * n + left * c.transpose() * right
                    both += right * one * exact.trace(c * left)
                    total += both * f[a - i - j]
        return total * (factor * n * factorial(a))

    def traces(self, powers: Sequence[int]) -> fmpq:
        """E ∏ tr W^k, by Girard's formula tr W^k = u_k − δ u_{k−2}."""
        polynomial = {(0, 0): 1}
        for k in powers:
            girard = {(k, 0): 1} if k else {(0, 0): 2}
            for i in range(1, k // 2 + 1):
                girard[k - 2 * i, i] = (-1) ** i * (comb(k - i, i) + comb(k - i - 1, i - 1))
            polynomial = _times(polynomial, girard)
        return sum((c * self.scalar(a, b) for (a, b), c in polynomial.items()), fmpq(0))

    def power(self, k: int) -> fmpq_mat:
        """E W^k."""
        total = fmpq_mat(2, 2)
        for (a, b), c in _u(k - 1).items():
            total += self.linear(a, b) * c
        for (a, b), c in _u(k - 2).items():
            total -= exact.identity(2) * (self.scalar(a, b + 1) * c)
        return total

    def two_sided(self, i: int, j: int, middle: fmpq_mat) -> fmpq_mat:
        """E W^i C W^j."""
        total = fmpq_mat(2, 2)
        for (a, b), c in _times(_u(i - 1), _u(j - 1)).items():
            total += self.between(a, b, middle) * c
        for (a, b), c in _times(_u(i - 1), _u(j - 2)).items():
            total -= self.linear(a, b + 1) * middle * c
        for (a, b), c in _times(_u(i - 2), _u(j - 1)).items():
            total -= middle * self.linear(a, b + 1) * c
        for (a, b), c in _times(_u(i - 2), _u(j - 2)).items():
            total += middle * (self.scalar(a, b + 2) * c)
        return total


def loss_of_layers(sigma: fmpq_mat, n: int, omega: fmpq_mat, noise: fmpq, steps: Sequence[fmpq]) -> fmpq:
    """The loss at A_l = a_l I, for any 2 × 2 Σ and Ω and any σ².

    The error is −wᵀ q(S) x_q and, of the noise, −(1/n) εᵀ Xᵀ p(S) x_q, q = ∏_l (1 − a_l s) and p = (1 − q)/s:
    f = tr Σ E[q(S) Ω q(S)] + (σ²/n) tr Σ E[S p(S)²].
    """
    plane, q = Plane(sigma, n), fmpq_poly([1])
    for step in steps:
        q *= fmpq_poly([1, -step])
    seen = (1 - q) * (1 - q) // fmpq_poly([0, 1])
    loss = sum(
        (
            q[i] * q[j] / fmpq(n) ** (i + j) * exact.trace(sigma * plane.two_sided(i, j, omega))
            for i in range(q.degree() + 1)
            for j in range(q.degree() + 1)
        ),
        fmpq(0),
    )
    return loss + noise / n * sum(
        (c / fmpq(n) ** k * exact.trace(sigma * plane.power(k)) for k, c in enumerate(seen.coeffs())), fmpq(0)
    )


Polynomial = dict[tuple[int, int], int]
"""{(a, b): the coefficient of t^a δ^b}."""


def _u(k: int) -> Polynomial:
    """u_k; u_{−1} = 0, and −δ u_{−2} = 1, which is to be read as u_{−2} = −δ⁻¹."""
    if k == -2:
        return {(0, -1): -1}
    return {(k - 2 * i, i): (-1) ** i * comb(k - i, i) for i in range(k // 2 + 1)} if k >= 0 else {}


def _times(x: Polynomial, y: Polynomial) -> Polynomial:
    product: Polynomial = {}
    for (a, b), c in x.items():
        for (e, f), g in y.items():
            product[a + e, b + f] = product.get((a + e, b + f), 0) + c * g
    return product
