"""The layer, its parametrizations and its symmetries, as matrices of symbolic size."""
