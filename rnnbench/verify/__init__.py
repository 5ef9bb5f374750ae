"""Train stored runs again, and compare them to the last bit."""
