r"""The families of weights whose loss the theory has, each as a :class:`icl_claims.theory.losses.Loss`.

| family | weights | tasks | part of |
|---|---|---|---|
| :class:`OneLayer` | b, last row of P, and A, first d columns of Q; linear or ReLU attention | any | |
| :class:`Layers` | A_0, …, A_{L−1}; P_l = diag(0, 1), Q_l = −diag(A_l, 0) | any | :class:`OneLayer` for L = 1 |
| :class:`LoopedMatrix` | A in all L layers, or a symmetric A | any | :class:`Layers` |
| :class:`Relaxed` | a, b on 𝒮′: A_l = a_l Σ⁻¹ with its own sign, B_l = b_l I | whitened | |
| :class:`Steps` | a_0, …, a_{L−1} on 𝒮: A_l = a_l Σ⁻¹ | whitened | :class:`Layers`; :class:`Relaxed` at (−a, 0) |
| :class:`LoopedStep` | a, all steps equal | whitened | :class:`Steps`, :class:`LoopedMatrix` |
"""

from icl_claims.theory.families.matrices import Layers, LoopedMatrix, OneLayer
from icl_claims.theory.families.scalars import LoopedStep, Relaxed, Steps

__all__ = ["Layers", "LoopedMatrix", "LoopedStep", "OneLayer", "Relaxed", "Steps"]
