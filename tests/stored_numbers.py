"""All that must be the same wherever, whenever and however often interrupted a run is trained."""

from rnnbench.store.records import Store

CIRCUMSTANCES = ("seconds", "sequences_per_second", "environment", "command")


def numbers(directory):
    """Return every run's record but for its circumstances, and the bytes of its weights, by id."""
    store = Store(directory)
    return {
        run_id: (
            {key: value for key, value in record.items() if key not in CIRCUMSTANCES},
            store.parameters(run_id).read_bytes(),
        )
        for run_id, record in store.runs().items()
    }
