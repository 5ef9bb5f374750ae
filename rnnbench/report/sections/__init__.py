"""Write the sections of a report."""

import rnnbench.plot  # noqa: F401  (it imports matplotlib as the report needs it)
