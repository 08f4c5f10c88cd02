"""Several layers: losses, minimisers, landscapes."""
