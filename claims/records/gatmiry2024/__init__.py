"""Gatmiry et al. (2024), section by section."""

SECTIONS = ("optimum", "convergence", "distribution_shift", "experiments")
"""The modules in the order of the paper."""
