"""The refusal of stored runs, in a module that imports nothing, so that it can be watched at no cost."""


class Forged(AssertionError):
    """A stored run is not what its name, its criteria or its manifest say."""
