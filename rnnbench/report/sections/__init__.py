"""Write the sections of a report."""

import rnnbench.report.figures  # noqa: F401  (it imports matplotlib as the report needs it)
