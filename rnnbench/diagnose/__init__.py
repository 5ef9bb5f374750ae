"""Why a network forgets: what its gradients, states and gates do over the gap."""
