"""A request to stop that comes in the middle of a training."""


class StopAt:
    """A stop request that comes after so many looks."""

    def __init__(self, looks):
        self.looks = looks

    def is_set(self):
        self.looks -= 1
        return self.looks < 0
