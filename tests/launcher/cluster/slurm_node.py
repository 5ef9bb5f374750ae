"""A real SLURM of one node, on loopback, under one directory, and without accounting."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.waiting import until

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = (*DAEMONS, "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
SLOTS = 4  # tasks at once: each has a core of its own, as SLURM sees it
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=100000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MailProg=/bin/true
MpiDefault=none
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={slots} RealMemory=8000 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP GraceTime=20
PartitionName=cpu Nodes={host} MaxTime=INFINITE State=UP
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=9 PreemptMode=OFF
"""


def missing():
    """Return why SLURM cannot be started here, or None."""
    if os.geteuid() != 0:
        return "SLURM's daemons must be started by root"
    lacking = [name for name in COMMANDS if shutil.which(name) is None]
    packages = "the Debian packages slurmctld, slurmd, slurm-client and munge"
    return f"no {', '.join(lacking)}: install {packages}" if lacking else None


class SlurmNode:
    """Daemons that belong to one test session."""

    def __init__(self, directory):
        self.directory = directory
        self.configuration = directory / "slurm.conf"
        for name in ("state", "spool"):
            (directory / name).mkdir(parents=True)
        key = directory / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        controller_port, node_port = _free_ports(2)
        host = socket.gethostname().split(".")[0]
        values = dict(host=host, directory=directory, slots=SLOTS)
        values |= dict(controller_port=controller_port, node_port=node_port)
        self.configuration.write_text(CONFIGURATION.format(**values))

    @property
    def environment(self):
        return {**os.environ, "SLURM_CONF": str(self.configuration)}

    def __enter__(self):
        try:
            self._start_munge()
            self.run("slurmctld")
            self.start_node()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        for name in reversed(DAEMONS):
            self.end(name)

    def _start_munge(self):
        names = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid"}
        names |= {"log-file": "munged.log", "seed-file": "munge.seed"}
        places = [f"--{option}={self.directory / name}" for option, name in names.items()]
        self.run("munged", "--force", *places)

    def start_node(self):
        self.run("slurmd")
        until(lambda: {"idle", "mixed", "allocated"} & set(self.run("sinfo", "-ho", "%T").split()))

    def end(self, daemon, number=signal.SIGTERM):
        """End a daemon that this object started, and see it gone."""
        try:
            pid = int((self.directory / f"{daemon}.pid").read_text())
            os.kill(pid, number)
        except (OSError, ValueError):
            return
        until(lambda: not Path(f"/proc/{pid}").exists())

    def run(self, *words):
        """Run one of SLURM's commands and return its output."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def queue(self):
        """Return the states of the array tasks that have not ended, by their ids."""
        lines = self.run("squeue", "-hro", "%i %T").splitlines()
        return dict(line.split() for line in lines)


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
