"""``python -m claims``: the command line."""

from claims.cli import main

main()
