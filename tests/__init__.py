"""The evidence, one file per claim or family of claims, and the tests of the suite's own parts."""
