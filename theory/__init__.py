"""Exact theory: losses, optima and constants as formulas, over the rationals. No floats, no numpy."""
