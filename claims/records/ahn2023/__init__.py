"""Ahn et al. (2023), section by section."""

SECTIONS = ("one_layer", "several_layers", "covariate_updates", "relu_attention", "experiments")
"""The modules in the order of the paper."""
