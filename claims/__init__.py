"""The registry of claims, their verdicts, the pytest plugin, the report and the command line.

A *claim* is one falsifiable statement of a paper, a *proposition* one of ours. *Evidence* is a
pytest test that bears on a claim. A verdict is computed from evidence, never typed.
"""
