"""Powers of W on the command line, negative ones among what is refused."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from icl_claims.claims.calculators.parameters import ListOf
from icl_claims.claims.calculators.powers import Power, PowersCommand


@click.command(cls=PowersCommand)
@click.argument("powers", type=ListOf(Power()))
@click.option("--size", type=int)
@click.option("-v", "--verbose", is_flag=True)
def command(powers: tuple[int, ...], size: int | None, verbose: bool) -> None:
    """Write what was read."""
    click.echo(f"{powers} {size} {verbose}")


@pytest.mark.parametrize(
    ("line", "read"),
    [("2,0,1", "(2, 0, 1) None False"), ("--size -3 4", "(4,) -3 False"), ("-v 5", "(5,) None True")],
)
def test_what_is_read(line: str, read: str) -> None:
    assert CliRunner().invoke(command, line.split()).output == f"{read}\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-1", "got '-1': W has no negative powers here"),
        ("-12,3 --size 2", "got '-12,3': W has no negative powers here"),
        ("--size 2 -1", "got '-1': W has no negative powers here"),
        ("3,-1", "got '-1': W has no negative powers here"),
        ("3 --sizes 2", "No such option '--sizes'"),
        ("3 -w", "No such option '-w'"),
        ("x", "must be an integer ≥ 0, got 'x'"),
    ],
)
def test_refusals(line: str, message: str) -> None:
    result = CliRunner().invoke(command, line.split())
    assert result.exit_code == 2
    assert message in result.output
