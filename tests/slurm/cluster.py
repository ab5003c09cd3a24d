"""A real Slurm of this machine's own: munged, slurmctld and a slurmd for each node, under one folder, on loopback alone.

The daemons are children of this process, and only they are ever ended. No root is needed: they run as whoever starts them.
"""

import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import debian  # noqa: E402

PROGRAMS = ["munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo"]
PACKAGES = ["munge", "slurmctld", "slurmd", "slurm-client"]
CPUS = 4


def missing():
    """Programs of Slurm that are not installed."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    return [program for program in PROGRAMS if shutil.which(program) is None]


def install():
    """Installs Slurm with apt where it is missing; ends this program with the reason where that cannot be done."""
    debian.install("test-slurm", PACKAGES, missing)


def _dies_with_parent():
    # PR_SET_PDEATHSIG: nothing outlives this program, even if it is killed.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """Starts on entry, stops on exit, whatever happened between."""

    def __init__(self, folder, n_nodes=2):
        self.folder = folder
        self.nodes = ["n%d" % (index + 1) for index in range(n_nodes)]
        self.daemons = {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def _start(self):
        # munged looks at every folder down to its socket.
        os.chmod(self.folder, 0o755)
        for name in ["etc", "run", "log", "state", "spool"]:
            os.makedirs(self.path(name), mode=0o755, exist_ok=True)
        key = self.path("etc", "munge.key")
        subprocess.check_call(["mungekey", "--create", "--keyfile", key])
        os.chmod(key, 0o400)
        self._configure()
        os.environ["SLURM_CONF"] = self.path("etc", "slurm.conf")
        self.start("munged", [
            "munged", "--foreground", "--key-file=" + key, "--socket=" + self.path("run", "munge.socket"),
            "--pid-file=" + self.path("run", "munged.pid"), "--seed-file=" + self.path("state", "seed"),
            "--log-file=" + self.path("log", "munged.log"), "--num-threads=2",
        ])
        self._until(lambda: os.path.exists(self.path("run", "munge.socket")), "munged makes its socket")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        self._until(self._nodes_are_up, "all nodes are up")

    def _configure(self):
        ports = _free_ports(1 + len(self.nodes))
        host = socket.gethostname().split(".")[0]
        user = getpass.getuser()
        nodes = "\n".join(
            "NodeName=%s NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=8192 State=UNKNOWN"
            % (node, host, port, CPUS)
            for node, port in zip(self.nodes, ports[1:])
        )
        text = """
ClusterName=ocstest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MaxArraySize=4
MinJobAge=3600
KillWait=20
OverTimeLimit=0
ReturnToService=0
SlurmdTimeout=120
SlurmctldTimeout=120
MessageTimeout=5
SlurmdParameters=config_overrides
DefMemPerCPU=100
{nodes}
PartitionName=test Nodes=ALL Default=YES MaxTime=1:00:00 DefaultTime=10:00 State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=1:00:00 DefaultTime=1:00 State=UP PriorityTier=9
""".format(host=host, port=ports[0], user=user, folder=self.folder, nodes=nodes)
        with open(self.path("etc", "slurm.conf"), "w") as file:
            file.write(text)
        with open(self.path("etc", "cgroup.conf"), "w") as file:
            file.write("CgroupAutomount=no\n")

    def start(self, name, words):
        log = open(self.path("log", name + ".out"), "ab")
        self.daemons[name] = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_dies_with_parent, start_new_session=True
        )

    def end(self, name, seconds=15):
        daemon = self.daemons.pop(name, None)
        if daemon is None:
            return
        daemon.terminate()
        try:
            daemon.wait(seconds)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def start_controller(self):
        self.start("slurmctld", ["slurmctld", "-D"])
        self._until(lambda: self.ask("scontrol", "ping").find("UP") >= 0, "slurmctld answers")

    def stop_controller(self):
        self.end("slurmctld")

    def start_node(self, node):
        self.start("slurmd-" + node, ["slurmd", "-D", "-N", node])

    def ask(self, *words):
        """What a command says; nothing if it fails or hangs."""
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.decode()

    def _nodes_are_up(self):
        states = self.ask("sinfo", "-h", "-N", "-p", "test", "-o", "%T").split()
        return len(states) == len(self.nodes) and all(state in ("idle", "mixed") for state in states)

    def _until(self, is_so, what, seconds=60):
        deadline = time.time() + seconds
        while not is_so():
            for name, daemon in self.daemons.items():
                if daemon.poll() is not None:
                    self._tell_logs()
                    raise RuntimeError("%s ended by itself, with status %s" % (name, daemon.returncode))
            if time.time() > deadline:
                self._tell_logs()
                raise RuntimeError("not within %d s: %s" % (seconds, what))
            time.sleep(0.1)

    def _tell_logs(self):
        for name in sorted(os.listdir(self.path("log"))):
            with open(self.path("log", name), errors="replace") as file:
                print("--- %s\n%s" % (name, "".join(file.readlines()[-15:])), file=sys.stderr)

    def stop(self):
        """Cancels the jobs, then ends the daemons that this process started."""
        controller = self.daemons.get("slurmctld")
        if controller is not None and controller.poll() is None:
            self.ask("scancel", "--me")
            deadline = time.time() + 15
            while time.time() < deadline and self.ask("squeue", "-h", "-t", "R,CG"):
                time.sleep(0.2)
        for name in sorted(self.daemons, key=lambda name: (name == "munged", name == "slurmctld")):
            self.end(name)
