"""One layer looped: a shared step size, a shared matrix."""
