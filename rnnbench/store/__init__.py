"""What is kept on disk, and how it comes back as data frames: no torch."""
