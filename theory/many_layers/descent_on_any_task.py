r"""The loss of given steps on any task: layers A_l = a_l Σ⁻¹, or plain gradient descent A_l = a_l I.

With q(s) = ∏_l (1 − a_l s) and r(s) = (1 − q(s))²/s, a polynomial because q(0) = 1, the loss

    f = E tr(Σ G Ω Gᵀ) + (σ²/n) E tr(Σ H S Hᵀ),     H S = I − G,

of :mod:`icl_claims.theory.many_layers.matrix_layers` is for both kinds a sum over the coefficients of q and r.

**A_l = a_l I.** Then G = q(S) and H S Hᵀ = r(S), so with S = W/n

    f = Σ_{i,j} q_i q_j n^{−i−j} tr(Σ E[Wⁱ Ω Wʲ]) + (σ²/n) Σ_k r_k n^{−k} tr(Σ E[Wᵏ]).

E[Wⁱ Ω Wʲ] is a sum of terms c Σᵃ Ω Σᵇ and c Σᵇ (:mod:`icl_claims.theory.wishart.covariance`), the
c polynomials in p_r = tr Σ^r and τ_r = tr ΩΣ^r: times Σ their traces are c τ_{a+b+1} and c p_{b+1}. So the loss
depends on Σ and Ω through p_1, …, p_{2L+1} and τ_1, …, τ_{2L+1} alone, commuting or not.

**A_l = a_l Σ⁻¹.** With S = Σ^{1/2} Z Σ^{1/2}, Z that of standard normal covariates, G = Σ^{−1/2} q(Z) Σ^{1/2} and
H S Hᵀ = Σ^{−1/2} r(Z) Σ^{−1/2}. The law of Z does not change under rotations, so E q(Z)² is a multiple of I, and

    f = (tr ΣΩ/d) ∫ q² dμ + (σ²/n) ∫ r dμ,     ∫ p dμ = E tr p(Z):

Ω enters through tr ΣΩ alone. Where Σ = cI the first kind is the second with steps c a_l.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from operator import mul
from typing import Any, NamedTuple

from flint import fmpq, fmpq_poly, fmpz

from icl_claims.theory.algebra.exact import integer_inner
from icl_claims.theory.many_layers.spectral_loss import integral
from icl_claims.theory.many_layers.step_sizes import loss_of_steps, rational_steps, residual
from icl_claims.theory.task import RegressionTask
from icl_claims.theory.wishart import near_hooks
from icl_claims.theory.wishart.covariance import integral_powers
from icl_claims.theory.wishart.two_sided import LARGEST_TWO_SIDED_ORDER, two_sided_table

MOST_PLAIN_STEPS = LARGEST_TWO_SIDED_ORDER
"""The largest L of plain gradient descent where Σ is no multiple of I: 2 s, 10 s for dense Σ with d = 200."""

LARGEST_WORK = 5 * 10**7
"""The largest L⁴ · (bits of tr Σ and tr ΣΩ over their common denominators) there: up to 10 s."""


def preconditioned_loss(task: RegressionTask, steps: Sequence[Any]) -> fmpq:
    """f at A_l = a_l Σ⁻¹, exactly, for any Σ ≻ 0, Ω and σ².

    Args:
        task: the distribution of prompts; d and n may be large.
        steps: a_1, …, a_L, see :func:`icl_claims.theory.many_layers.step_sizes.residual`.

    Raises:
        TypeError: ``steps`` is no sequence of numbers.
        ValueError: Σ is singular, or there are too many steps.

    >>> preconditioned_loss(RegressionTask.isotropic(2, 5), ["5/8"])
    3/4
    """
    if not task.has_definite_covariance:
        raise ValueError(f"task must have a positive definite Σ where A_l = a_l Σ⁻¹, got {task!r}")
    d, n, noise = task.dim, task.context_length, task.noise_variance
    signal = loss_of_steps(RegressionTask.isotropic(d, n), steps) * task.signal / d
    return signal if noise == 0 else signal + noise / n * integral(noise_polynomial(steps), d, n)


def plain_loss(task: RegressionTask, steps: Sequence[Any]) -> fmpq:
    """f at A_l = a_l I, exactly, for any Σ, Ω and σ².

    Args:
        task: the distribution of prompts; d may be large where Σ and Ω are diagonal.
        steps: a_1, …, a_L; at most :data:`MOST_PLAIN_STEPS` where Σ is no multiple of I.

    Raises:
        TypeError: ``steps`` is no sequence of numbers.
        ValueError: there are too many steps, or too many for numbers of so many digits.

    >>> task = RegressionTask.diagonal([1, 2], 3)
    >>> plain_loss(task, []), plain_loss(task, ["1/4"])
    (3, 25/16)
    """
    chosen, scale, n = rational_steps(steps), task.covariance_scalar, task.context_length
    if scale is not None and scale > 0:
        return preconditioned_loss(task, [scale * step for step in chosen])
    sums, q, r = _affordable_sums(task, len(chosen)), residual(chosen), noise_polynomial(chosen)
    loss = fmpq(0)
    for (i, j), moment in _moments(len(chosen), n, sums).items():
        loss += (1 if i == j else 2) * q[i] * q[j] * moment / n ** (i + j)
    if task.noise_variance == 0 or not r:
        return loss
    noise = (r[k] * moment / n**k for k, moment in enumerate(_one_sided_moments(r.degree(), n, sums)))
    return loss + task.noise_variance / n * sum(noise, fmpq(0))


def _affordable_sums(task: RegressionTask, layers: int) -> PowerSums:
    """The power sums that L steps need, where the loss at them takes seconds."""
    if layers > MOST_PLAIN_STEPS:
        raise ValueError(
            f"steps must be at most {MOST_PLAIN_STEPS} numbers where A_l = a_l I and Σ is no multiple of I, "
            f"got {layers}"
        )
    sums, most = power_sums(task, max(2 * layers, 1) + 1), LARGEST_WORK // max(1, layers) ** 4
    if sums.bits > most:
        raise ValueError(
            f"steps must be fewer where Σ and Ω have so many digits: {layers} allow tr Σ and tr ΣΩ "
            f"{most} bits over common denominators, got {sums.bits}"
        )
    return sums


def _moments(order: int, n: int, sums: PowerSums) -> dict[tuple[int, int], fmpq]:
    """tr(Σ E[Wⁱ Ω Wʲ]) for i ≤ j ≤ order."""
    arguments = (*sums.p[1:-1], *sums.tau[1:-1])
    found = {}
    for (i, j), moment in two_sided_table(order, n, True).items():
        direct = sum((c(*arguments) * sums.tau[a + b + 1] for (a, b), c in moment.direct.items()), fmpz(0))
        scalar = sum((c(*arguments) * sums.p[b + 1] for b, c in moment.scalar.items()), fmpz(0))
        found[i, j] = fmpq(direct + scalar, sums.omega_unit * sums.unit ** (i + j + 1))
    return found


def _one_sided_moments(order: int, n: int, sums: PowerSums) -> list[fmpq]:
    """tr(Σ E[Wᵏ]) for k ≤ order."""
    _, rows, denominators = near_hooks.at_power_sums(order, n, sums.p[1:])
    return [
        fmpq(sum(map(mul, row, sums.p[1:]), fmpz(0)), denominator * sums.unit ** (k + 1))
        for k, (row, denominator) in enumerate(zip(rows, denominators, strict=True))
    ]


def noise_polynomial(steps: Sequence[Any]) -> fmpq_poly:
    """r(s) = (1 − q(s))²/s.

    >>> noise_polynomial(["1/2"])
    1/4*x
    """
    gone = 1 - residual(steps)
    return fmpq_poly((gone * gone).coeffs()[1:])


class PowerSums(NamedTuple):
    """p_r = tr Σ^r = p[r]/u^r and τ_r = tr ΩΣ^r = tau[r]/(w u^r), in integers.

    Attributes:
        p, tau: from r = 0 on.
        unit, omega_unit: u and w, common denominators of Σ and of Ω.
    """

    p: list[fmpz]
    tau: list[fmpz]
    unit: fmpz
    omega_unit: fmpz

    @property
    def bits(self) -> int:
        """Of the longest of p_1, τ_1, u and w."""
        return max(int(x.bit_length()) for x in (self.p[1], self.tau[1], self.unit, self.omega_unit))


def power_sums(task: RegressionTask, top: int) -> PowerSums:
    """Those up to r = ``top``; from eigenvalues where Σ and Ω are diagonal.

    >>> power_sums(RegressionTask.diagonal([1, "1/2"], 3), 2)
    PowerSums(p=[2, 3, 5], tau=[2, 3, 5], unit=2, omega_unit=1)
    """
    levels = task.levels()
    if levels is None:
        sums, unit, powers = integral_powers(top, task.covariance)
        omega, omega_unit = task.task_covariance.numer_denom()
        tau = [integer_inner(omega, m) for m in powers]
        return PowerSums([fmpz(task.dim), *sums], tau, unit, omega_unit)
    unit = fmpz(lcm(*(int(x.covariance.q) for x in levels)))
    omega_unit = fmpz(lcm(*(int(x.task_covariance.q) for x in levels)))
    scaled = [((x.covariance * unit).p, (x.task_covariance * omega_unit).p, x.multiplicity) for x in levels]
    return PowerSums(
        [sum((m * x**r for x, _, m in scaled), fmpz(0)) for r in range(top + 1)],
        [sum((m * y * x**r for x, y, m in scaled), fmpz(0)) for r in range(top + 1)],
        unit,
        omega_unit,
    )
