"""Gatmiry et al. (2024), section by section."""
