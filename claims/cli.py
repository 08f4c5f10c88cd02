"""The command line ``icl-claims``, also ``python -m icl_claims``.

A command's module is imported when the command is used, so that ``--help`` costs no more than click.
Errors of the user are one line on standard error and exit status 2.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("icl_claims.claims.commands:list_", "The claims, their verdicts and what these rest on."),
    "show": ("icl_claims.claims.commands:show", "One claim: record, evidence, corrected form."),
    "verify": ("icl_claims.claims.commands:verify", "Run the evidence, store it, write the report."),
    "optimum": (
        "icl_claims.claims.calculators.commands:optimum",
        "The optimal transformer and its loss for given d, n, L, Σ, Ω.",
    ),
    "loss": ("icl_claims.claims.calculators.commands:loss", "The exact in-context loss of given step sizes."),
    "moment": (
        "icl_claims.claims.calculators.commands:moment",
        "A Wishart moment as a polynomial in d and n.",
    ),
    "compare": ("icl_claims.claims.calculators.commands:compare", "Trained weights against the closed form."),
    "flow": ("icl_claims.claims.calculators.commands:flow", "How long a looped layer's gradient flow takes."),
    "formulas": (
        "icl_claims.claims.formulas:formulas",
        "Formulas in records that no test compares with the theory.",
    ),
    "new": ("icl_claims.claims.commands:new", "Scaffold a proposition of your own."),
}
"""Name → (where the command is, its line in the group's help)."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports each when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} must be a click command, got {type(command).__name__}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown command by naming the known ones."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"command must be one of {', '.join(COMMANDS)}, got {args[0]!r}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="icl-claims")
def group() -> None:
    """Claims of the theory of in-context learning: verdicts, evidence, exact calculators.

    Example: icl-claims show global_minimizer
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status.

    Validation in the project raises ValueError or UnknownClaim with a message that names the argument,
    the value and what is allowed; here it becomes that one line. Other exceptions are defects.
    """
    from icl_claims.claims.registry import UnknownClaim

    try:
        status = group.main(args, prog_name="icl-claims", standalone_mode=False)
    except click.ClickException as error:
        return _refuse(error.format_message(), error.exit_code if error.exit_code != 1 else 2)
    except (ValueError, UnknownClaim) as error:
        return _refuse(str(error), 2)
    except (click.Abort, KeyboardInterrupt):
        return _refuse("interrupted", 130)
    except OSError as error:
        _discard_output()
        # The reader left, as head does: nothing to say, and nowhere to say it. Status 1 is click's choice.
        return 1 if error.errno == errno.EPIPE else _refuse(_said(error), 1)
    return status if isinstance(status, int) else 0


def _discard_output() -> None:
    """Let what is still buffered go nowhere: Python would try to write it at exit, and complain again."""
    if sys.stdout is None:  # The caller has closed it.
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _said(error: OSError) -> str:
    """The error in words: what went wrong and with which file, without the number of the system."""
    if error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def _refuse(message: str, status: int) -> int:
    if sys.stderr is not None:
        print(f"Error: {' '.join(message.split())}", file=sys.stderr)
    return status
