"""A Ray of three nodes, as a process: a head that runs no task, and two that run one each.

It prints the address; a line of input kills one of the two nodes, the end of input all.
"""

import sys

from ray.cluster_utils import Cluster

STORE = {"object_store_memory": 10**8}

if __name__ == "__main__":
    head = {"num_cpus": 0, "include_dashboard": False, **STORE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1, **STORE) for _ in range(2)]
    print(cluster.address, flush=True)
    try:
        for _ in sys.stdin:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print("killed", flush=True)
    finally:
        cluster.shutdown()
