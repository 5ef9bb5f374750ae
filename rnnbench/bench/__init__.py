"""How fast the engines train, against torch.nn on the same machine; needs only torch."""
