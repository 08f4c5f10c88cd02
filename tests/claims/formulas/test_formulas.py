"""Every formula that a table declares is as the tables say, and no perturbation of it passes."""
