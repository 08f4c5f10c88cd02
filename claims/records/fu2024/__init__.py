"""Fu et al. (2024), section by section."""

SECTIONS = ("solvers", "construction", "experiments")
"""The modules in the order of the paper."""
