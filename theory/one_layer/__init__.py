"""One attention layer: its loss, its global minimizer, how convex the loss is, and other critical points."""
