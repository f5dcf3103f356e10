"""What every test shares: hypothesis without a clock, and repeatable unless asked otherwise."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from klr.tables import store
from tests.replayed import replayed  # noqa: F401 - a fixture that every test uses

settings.register_profile(
    "suite", derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck)
)
# Other examples than the suite's, and more, but the same each time: a red build is somebody's change, and not luck.
settings.register_profile(
    "fuzz", derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck)
)
settings.register_profile("long", deadline=None, max_examples=5000, suppress_health_check=list(HealthCheck))
store()  # a test that starts klapp anew should not wait for Lark, where the grammar has just been changed
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
