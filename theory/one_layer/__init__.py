"""One attention layer: its loss, its minimisers, its landscape."""
