"""Ahn et al. (2023), section by section."""
