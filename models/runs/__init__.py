"""The papers' training runs: one module a paper, each with ``RUNS`` by name.

``artefacts/<name>`` holds what is kept of a run.
"""
