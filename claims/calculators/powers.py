"""Powers of W on the command line, where a minus sign begins an option."""

from __future__ import annotations

import re
from typing import Any

import click

from icl_claims.claims.calculators.parameters import Integer, shortened


class Power(Integer):
    """A power of W: an integer ≥ 0."""

    def __init__(self) -> None:
        super().__init__(least=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The integer; of a negative one it is said that W has no such power here."""
        if str(value).strip().startswith("-"):
            self.fail(_negative_power(str(value)), param, ctx)
        return super().convert(value, param, ctx)


class PowersCommand(click.Command):
    """A command whose argument may begin with a minus sign, which click takes for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse a negative power as a power."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if not re.match(r"-\d", error.option_name):
                raise
            value = next(x for x in given if x.startswith(error.option_name))
            raise click.BadParameter(_negative_power(value), ctx, param_hint="'K1,K2,…'") from None


def _negative_power(value: str) -> str:
    return f"must be integers ≥ 0 such as 2,1, got {shortened(value)!r}: W has no negative powers here"
