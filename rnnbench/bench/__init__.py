"""Time the engines against torch.nn on the same machine; this needs only torch."""
