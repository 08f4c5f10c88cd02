"""Configuration of the test suite: Hypothesis profiles, and pytest's fixture for testing plugins.

The profile is ``ci`` unless the environment variable ``HYPOTHESIS_PROFILE`` names another:
``ci`` is derandomized, so that every run of one version tries the same examples; ``dev`` tries few
random ones, ``deep`` many.
"""

import os

import pytest
from hypothesis import settings

from tests.shared.refusals import Refusals

pytest_plugins = "pytester"

# One failing example a run: a check that raises on several gives one AssertionError, not a group.
_COMMON = settings(deadline=None, print_blob=True, report_multiple_bugs=False)
settings.register_profile("ci", _COMMON, derandomize=True, database=None)
settings.register_profile("dev", _COMMON, max_examples=25)
settings.register_profile("deep", _COMMON, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config) -> None:
    """Note every place that refuses a statement; a run of everything demands that each was reached."""
    config.pluginmanager.register(Refusals(config), "refusals")
