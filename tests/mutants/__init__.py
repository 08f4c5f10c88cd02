"""Mutation of the sources: small faults, planted one at a time in memory, that the tests must notice.

:mod:`tests.mutants.operators` plants them, :mod:`tests.mutants.sample` draws them, :mod:`tests.mutants.reach` knows
which tests reach which function, :mod:`tests.mutants.workers` forks the processes that run them,
:mod:`tests.mutants.run` decides, :mod:`tests.mutants.results` stores and counts.
"""
