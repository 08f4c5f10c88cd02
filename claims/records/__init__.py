"""The records: one folder per paper, and one for the propositions of the suite; one file a section."""
