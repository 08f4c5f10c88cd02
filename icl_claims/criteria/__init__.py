r"""Criteria of experiments, each older than its data.

A criterion says in numbers what a trained model, or a sample, must show. Its digest seeds the runs and the samples that
it judges, so that data older than the text cannot be shown for it: whoever changes a threshold has to train again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Criterion:
    r"""A text, and the numbers in it by name: each ``{name}`` of the template stands for one of them.

    Evidence takes its thresholds from here, so that the text and the check cannot differ.

    Args:
        template: prose with TeX between dollar signs.
        numbers: integers and fractions, as text.

    >>> near = Criterion("The distance is at most {near}.", {"near": "1/50"})
    >>> near.text
    'The distance is at most 1/50.'
    >>> near["near"]
    Fraction(1, 50)
    """

    template: str
    numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The template with its numbers."""
        found = self.template
        for name, value in self.numbers.items():
            found = found.replace("{" + name + "}", value)
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of the text in UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __getitem__(self, name: str) -> Fraction:
        return Fraction(self.numbers[name])

    def count(self, name: str) -> int:
        """A number that is an integer.

        Raises:
            ValueError: it is none.
        """
        return int(self.numbers[name])


def seed(criteria: Sequence[Criterion], name: str) -> int:
    """The seed of a run, or of a sample, that these criteria judge: an integer in [0, 2⁶³).

    SHA-256 of the ASCII text ``<digest>+…+<digest>:<name>``; its first eight bytes, big-endian, without the last bit.

    >>> seed([Criterion("Some text.")], "batch 0")
    8409934609142156043
    """
    text = "+".join(criterion.digest for criterion in criteria) + ":" + name
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:8], "big") >> 1
