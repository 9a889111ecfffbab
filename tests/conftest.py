"""Settings that every test needs before torch is imported."""

from __future__ import annotations

import os

# The networks of the tests are so small that a second thread costs more than it gives, most of all on a busy machine,
# where each of the many tiny parallel regions waits for its slower half.
os.environ.setdefault("OMP_NUM_THREADS", "1")
