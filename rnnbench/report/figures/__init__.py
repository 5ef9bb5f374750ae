"""Draw the figures of a report, whatever the user's settings of matplotlib are."""

from rnnbench.console import matplotlib_settings

SETTINGS = matplotlib_settings()  # before any other module imports it
