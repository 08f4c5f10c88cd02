"""A theory-verification suite for in-context learning.

What a user of the theory needs most stands here, and is imported when it is first used:

| for | names |
|---|---|
| the data | :class:`RegressionTask` |
| what is optimal | :func:`optimal_steps`, :func:`optimal_looped_step`, :func:`loss_of_steps` |
| moments of Wishart matrices | :func:`trace_moment`, :func:`covariance_trace_moment` |
| trained models | :class:`Weights`, :func:`load_weights`, :func:`compare`, :func:`compare_layers` |
| claims of your own | :class:`Claim`, :class:`Assumption`, :class:`Evidence`, :class:`Refuted` |

All else has its place in :mod:`icl_claims.theory` (exact), :mod:`icl_claims.numerics` (floating point),
:mod:`icl_claims.models` (torch) and :mod:`icl_claims.claims` (records, verdicts, reports).

>>> from icl_claims import RegressionTask, optimal_steps
>>> optimal_steps(RegressionTask.isotropic(5, 20), layers=1).loss
15/13
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icl_claims.claims.claim import Assumption, Claim
    from icl_claims.claims.evidence import Evidence
    from icl_claims.models.comparison import compare, compare_layers
    from icl_claims.models.files import load as load_weights
    from icl_claims.models.weights import Weights
    from icl_claims.theory.algebra.exact import Refuted
    from icl_claims.theory.loops.step import optimal_looped_step
    from icl_claims.theory.many_layers.step_sizes import loss_of_steps, optimal_steps
    from icl_claims.theory.task import RegressionTask
    from icl_claims.theory.wishart import covariance_trace_moment, trace_moment

__all__ = [
    "Assumption",
    "Claim",
    "Evidence",
    "Refuted",
    "RegressionTask",
    "Weights",
    "compare",
    "compare_layers",
    "covariance_trace_moment",
    "load_weights",
    "loss_of_steps",
    "optimal_looped_step",
    "optimal_steps",
    "trace_moment",
]

# Where each name is at home. Importing them all at once would load torch for a Wishart moment.
_HOMES = {
    "Assumption": "claims.claim",
    "Claim": "claims.claim",
    "Evidence": "claims.evidence",
    "Refuted": "theory.algebra.exact",
    "RegressionTask": "theory.task",
    "Weights": "models.weights",
    "compare": "models.comparison",
    "compare_layers": "models.comparison",
    "covariance_trace_moment": "theory.wishart",
    "load_weights": "models.files:load",
    "loss_of_steps": "theory.many_layers.step_sizes",
    "optimal_looped_step": "theory.loops.step",
    "optimal_steps": "theory.many_layers.step_sizes",
    "trace_moment": "theory.wishart",
}


def __getattr__(name: str) -> object:
    """Import the module in which ``name`` is at home; the name stays here from then on."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    globals()[name] = value = getattr(import_module(f"{__name__}.{module}"), attribute or name)
    return value


def __dir__() -> list[str]:
    """The names that are offered, imported yet or not, beside those of every module."""
    return sorted({*globals(), *__all__})
