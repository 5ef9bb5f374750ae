"""Find out why a network forgets, from its gradients, states and gates over the gap."""
