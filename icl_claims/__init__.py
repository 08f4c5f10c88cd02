"""A theory-verification suite for in-context learning."""
