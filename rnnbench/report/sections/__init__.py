"""Write the sections of a report."""
