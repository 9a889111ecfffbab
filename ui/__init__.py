"""The page: layout, transport, visitors and the canvas. Knows engines only through their protocol."""

import os

# Gradio reads these when it is imported. No telemetry; and its statistics, which it recomputes after every event, stay
# small, or each click would cost more than the one before. Whoever sets them otherwise is obeyed.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "50")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100000")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
