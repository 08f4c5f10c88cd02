"""``python -m icl_claims``: the command line."""

from icl_claims.claims.cli import main

main()
