"""The records: one folder per paper, and one for the propositions of the suite; one file a section."""

NOT_STARTED = "Not started: no evidence has been written yet."
"""The reason of a claim that nobody has begun."""
