"""The tasks of the suite, one per file: what is shown, what is asked, what chance gets."""
