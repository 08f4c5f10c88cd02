"""Several layers: losses, minimizers, landscapes."""
