"""The least that a record holds."""


def stored_record(**changes):
    """Return a record with everything that one must have; `changes` replace its entries."""
    return {
        **{"format": 1, "run_id": "a" * 16, "condition_id": "c" * 16, "sweep": "trial"},
        **{"task": "recall", "cell": "gru", "gap": 6, "seed": 0, "lr": 1e-3, "version": "0.1.0"},
        **{"hidden_size": 8, "num_parameters": 9, "state_size": 8, "batch_size": 4},
        **{"status": "unsolved", "steps": 6, "steps_to_solve": None, "history": []},
        **{"loss": 2.0, "accuracy": 0.25, "score": 0.1, "chance_accuracy": 0.125},
        **{"chance_loss": 2.0794, "seconds": 0.5, "sequences_per_second": 48.0},
        **{"engine": "reference", "device": "cpu", "dtype": "float32"},
        **changes,
    }
