"""Exact numbers, matrices and polynomials: what every closed form is computed with."""
