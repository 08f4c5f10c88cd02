"""The records: one module per paper, and one for the propositions of the suite."""
