r"""How expectations of words W M_1 W M_2 W … are computed: the recursion, laid out once as a plan.

W = XXᵀ, X d × n with i.i.d. N(0, Σ) columns. Write

    V(M_1, …, M_r; c_1, …, c_s) = E[ W M_1 W M_2 ⋯ M_r W · ∏_i tr(c_i) ],   d × d,

a cycle c = (N_1, …, N_m) standing for the word N_1 W N_2 W ⋯ N_m W. Integration by parts removes the
first W: its first X is paired with each other X or Xᵀ in turn, which leaves one W fewer, Σ times one
matrix in front, and no product of two matrices anywhere else:

    V(M_1, …, M_r; 𝒞) = n Σ M_1 V(M_2, …, M_r; 𝒞)
        + Σ_{j=1..r}  Σ M_jᵀ V(M_{j−1}ᵀ, …, M_1ᵀ, M_{j+1}, …, M_r; 𝒞)
        + Σ_{j=1..r}  Σ M_{j+1} V(M_{j+2}, …, M_r; 𝒞 ∪ (M_1, …, M_j))       (j = r: Σ E[tr ⋯])
        + Σ_{c ∈ 𝒞}   Σ N_1 V(N_2, …, N_m, M_1, …, M_r; 𝒞 ∖ c)   for (N_1, …, N_m) over the rotations of c
                      and the rotations of its transpose (N_mᵀ, …, N_1ᵀ).

So a value depends on which matrices are left and in what order, not on the product of those used up: the
states are few where pairings are (2k − 1)!!. Cycles are taken up to rotation and transposition, and
V(M_1, …, M_r; 𝒞)ᵀ = V(M_rᵀ, …, M_1ᵀ; 𝒞). For k words in different matrices there are about 3.5^k
states: 563 for k = 7, where (2k − 1)!! is 135 135.

The recursion is laid out once as a :class:`Plan`, in order of the number of W, and then carried out in
whatever numbers; run backwards it gives the derivatives in all letters.

References:
    [1] L. Isserlis (1918), Biometrika 12, 134–139. [2] P. Graczyk, G. Letac, H. Massam (2005),
        J. Theoret. Probab. 18, 1–42.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpz, fmpz_mat

from icl_claims.theory.algebra.exact import divided, integer_inner

MOST_STATES = 50_000
"""The most states of one plan: some seconds and 200 MB. Enough for words with 10 different matrices, with
18 equal ones, and with 30 equal symmetric ones."""

Letters = tuple[int, ...]
"""A word or a cycle, as indices of matrices."""

State = tuple[Letters | None, tuple[Letters, ...]]
"""(M_1, …, M_r) and the cycles: a matrix. None for the word: E ∏ tr, a number."""

NO_LETTER = -1
"""In the place of a letter: the contraction leaves Σ alone."""


@dataclass(frozen=True)
class Contraction:
    """One letter's part of a value: Σ M_letter times the sum of count · (n if ``free``) · V(child)."""

    letter: int
    children: tuple[tuple[int, bool, int, bool], ...]
    """(index of the child's state, transposed, count, free)."""


@dataclass(frozen=True)
class Plan:
    """States in an order in which each follows those that it is computed from.

    Attributes:
        adjoint: the index of each letter's transpose.
        contractions: for each state what it is the sum of. A state without a word has one contraction,
            with the matrix that its value is the trace of: E[tr(N_1 W ⋯) ⋯] = tr(N_1 V(N_2, …; ⋯)).
        closed: which states are numbers.
        roots: the index of each state asked for, and whether its transpose was.
    """

    adjoint: Letters
    contractions: tuple[tuple[Contraction, ...], ...]
    closed: tuple[bool, ...]
    roots: tuple[tuple[int, bool], ...]

    def values(
        self, letters: Sequence[fmpz_mat], sigma: fmpz_mat, n: int, units: Mapping[int, fmpz] | None = None
    ) -> list[Any]:
        """The value of every state, for integer matrices: ``letters`` (all d × d), Σ and n.

        Args:
            units: for some letters M, a common divisor g of the entries of Σ M. Values are then those for M/g, which
                are integers too: in every value each letter stands behind a Σ of its own. Where M is the
                numerator of Σ⁻¹, g holds all of its thousands of digits.

        Raises:
            ArithmeticError: g is no divisor of Σ M.
        """
        shared = units or {}
        steps = [divided(sigma * m, shared.get(i, fmpz(1))) for i, m in enumerate(letters)]
        found: list[Any] = []
        for closed, parts in zip(self.closed, self.contractions, strict=True):
            if not closed:
                total = fmpz_mat(sigma.nrows(), sigma.nrows())
                for part in parts:
                    factor = sigma if part.letter == NO_LETTER else steps[part.letter]
                    total += factor * _combined(part, found, n)
                found.append(total)
            elif parts:
                index, flipped, _, _ = parts[0].children[0]
                value = found[index].transpose() if flipped else found[index]
                letter = parts[0].letter
                # V ends with a Σ that is not yet M's or any other letter's: it is the one behind which M stands.
                found.append(integer_inner(letters[letter].transpose(), value) // shared.get(letter, fmpz(1)))
            else:
                found.append(fmpz(1))
        return found

    def root_values(self, found: Sequence[Any]) -> list[Any]:
        """The values asked for, in the order of the roots."""
        return [found[i].transpose() if flipped else found[i] for i, flipped in self.roots]

    def pullback(
        self,
        letters: Sequence[fmpz_mat],
        sigma: fmpz_mat,
        n: int,
        found: Sequence[Any],
        weights: Sequence[Any],
    ) -> list[fmpz_mat]:
        """The gradient of Σ_roots ⟨weight, root⟩ in the letters, each taken as independent of its transpose.

        ``found`` are the :meth:`values`; a weight is a matrix, or a number for a root without a word. The
        gradient in M where its transpose is a letter too: that in M plus the transposed one in Mᵀ.
        """
        size = sigma.nrows()
        steps = [(sigma * m).transpose() for m in letters]
        slopes: list[Any] = [fmpz(0) if closed else fmpz_mat(size, size) for closed in self.closed]
        for (index, flipped), weight in zip(self.roots, weights, strict=True):
            slopes[index] += weight.transpose() if flipped else weight
        of_steps = [fmpz_mat(size, size) for _ in letters]
        of_letters = [fmpz_mat(size, size) for _ in letters]
        for at in range(len(slopes) - 1, -1, -1):
            slope = slopes[at]
            if self.closed[at] and self.contractions[at]:
                part = self.contractions[at][0]
                index, flipped, _, _ = part.children[0]
                value = found[index] if flipped else found[index].transpose()
                of_letters[part.letter] += value * slope
                m = letters[part.letter]
                slopes[index] += (m if flipped else m.transpose()) * slope
            elif not self.closed[at]:
                for part in self.contractions[at]:
                    if part.letter == NO_LETTER:
                        through: Any = integer_inner(sigma, slope)
                    else:
                        combined = _combined(part, found, n)
                        of_steps[part.letter] += slope * combined.transpose()
                        through = steps[part.letter] * slope
                    for index, flipped, count, free in part.children:
                        share = through.transpose() if flipped else through
                        slopes[index] += share * (count * n if free else count)
        return [direct + sigma * step for direct, step in zip(of_letters, of_steps, strict=True)]


def _combined(part: Contraction, found: Sequence[Any], n: int) -> Any:
    total: Any = None
    for index, flipped, count, free in part.children:
        value = found[index].transpose() if flipped else found[index]
        factor = count * n if free else count
        term = value if factor == 1 else value * factor
        total = term if total is None else total + term
    return total


def plan(roots: Iterable[State], adjoint: Letters) -> Plan:
    """The plan for these states. ``adjoint`` maps each letter to its transpose.

    Raises:
        ValueError: there are more than :data:`MOST_STATES` states.

    >>> p = plan([((0, 2, 4, 6, 8, 10), ())], adjoint=(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10))
    >>> len(p.closed)
    563
    """
    layout = _Layout(adjoint)
    wanted = [layout.reach(word, cycles) for word, cycles in roots]
    order = layout.explored()
    place = {state: i for i, state in enumerate(order)}
    return Plan(
        adjoint=adjoint,
        contractions=tuple(
            tuple(
                Contraction(
                    letter,
                    tuple((place[child], flipped, count, free) for child, flipped, count, free in children),
                )
                for letter, children in layout.parts[state].items()
            )
            for state in order
        ),
        closed=tuple(state[0] is None for state in order),
        roots=tuple((place[state], flipped) for state, flipped in wanted),
    )


class _Layout:
    """The states reached from the roots, each with its contractions."""

    def __init__(self, adjoint: Letters) -> None:
        self.adjoint = adjoint
        self.parts: dict[State, dict[int, list[tuple[State, bool, int, bool]]]] = {}
        self.waiting: dict[int, list[State]] = {}
        self.least: dict[Letters, Letters] = {}

    def reach(self, word: Letters | None, cycles: tuple[Letters, ...]) -> tuple[State, bool]:
        """The state in normal form, and whether it is the transpose of the one given."""
        cycles = tuple(sorted(map(self.normal, cycles)))
        flipped = False
        if word is not None:
            turned = self.transposed(word)
            flipped = turned < word
            word = min(word, turned)
        state = word, cycles
        if state not in self.parts:
            if len(self.parts) == MOST_STATES:
                raise ValueError(
                    f"words must be short enough for {MOST_STATES} states: 10 different matrices, 18 equal "
                    "ones, or 30 equal symmetric ones"
                )
            self.parts[state] = {}
            degree = sum(map(len, cycles)) + (0 if word is None else len(word) + 1)
            self.waiting.setdefault(degree, []).append(state)
        return state, flipped

    def explored(self) -> list[State]:
        """All states, those with fewer W first, and of equally many those with a word first."""
        order: list[list[State]] = []
        while self.waiting:
            layer = self.waiting.pop(max(self.waiting))
            for word, cycles in layer:
                if word is not None:
                    self.contract(word, cycles)
                elif cycles:
                    first = max(cycles, key=len)
                    child, flipped = self.reach(first[1:], _without(cycles, first))
                    self.parts[word, cycles] = {first[0]: [(child, flipped, 1, False)]}
            order.append(sorted(layer, key=lambda state: state[0] is None))
        return [state for layer in reversed(order) for state in layer]

    def contract(self, word: Letters, cycles: tuple[Letters, ...]) -> None:
        """The right-hand side of the recursion, equal terms counted."""
        terms: Counter[tuple[int, tuple[State, bool], bool]] = Counter()

        def add(left: Letters, around: tuple[Letters, ...], count: int = 1, free: bool = False) -> None:
            if left:
                terms[left[0], self.reach(left[1:], around), free] += count
            else:
                terms[NO_LETTER, self.reach(None, around), free] += count

        add(word, cycles, free=True)
        for j in range(1, len(word) + 1):
            head, tail = word[:j], word[j:]
            add(self.transposed(head) + tail, cycles)
            add(tail, (*cycles, head))
        for cycle, count in Counter(cycles).items():
            rest = _without(cycles, cycle)
            for turned in (cycle, self.transposed(cycle)):
                for i in range(len(cycle)):
                    add(turned[i:] + turned[:i] + word, rest, count)
        grouped = self.parts[word, cycles]
        for (letter, (child, flipped), free), count in terms.items():
            grouped.setdefault(letter, []).append((child, flipped, count, free))

    def transposed(self, word: Letters) -> Letters:
        return tuple(self.adjoint[x] for x in reversed(word))

    def normal(self, cycle: Letters) -> Letters:
        """The least of the rotations of a cycle and of its transpose."""
        if cycle not in self.least:
            turned = self.transposed(cycle)
            self.least[cycle] = min(v[i:] + v[:i] for v in (cycle, turned) for i in range(len(cycle)))
        return self.least[cycle]


def _without(cycles: tuple[Letters, ...], cycle: Letters) -> tuple[Letters, ...]:
    place = cycles.index(cycle)
    return cycles[:place] + cycles[place + 1 :]
