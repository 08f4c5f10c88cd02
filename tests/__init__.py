"""The tests of the suite, one to one with its modules, and the evidence for its claims."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the clone."""
