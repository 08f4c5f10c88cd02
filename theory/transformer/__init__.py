"""The layer, its parametrisations and its symmetries, as matrices of symbolic size."""
