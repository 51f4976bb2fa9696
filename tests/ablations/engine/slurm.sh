#!/usr/bin/env bash
# A real Slurm of two nodes on this machine, for `make integration`: slurm.sh start|stop FOLDER
# Needs root. Everything it writes is in FOLDER; it changes no system configuration.
set -euo pipefail
action=$1 folder=$2
export SLURM_CONF=$folder/slurm.conf

start() {
    mkdir -p "$folder"/{state,spool1,spool2,munge}
    head -c 1024 /dev/urandom > "$folder/munge/key"
    chmod 600 "$folder/munge/key" && chmod 700 "$folder/munge" && chown -R root "$folder/munge"
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
        --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
    host=$(hostname -s)
    cat > "$SLURM_CONF" <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16818 CPUs=2
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16819 CPUs=2
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
    mkdir -p "$folder"/spooln1 "$folder"/spooln2
    slurmctld
    slurmd -N n1
    slurmd -N n2
    for _ in $(seq 60); do
        if sinfo -h -o %T | grep -q idle; then return; fi
        sleep 0.5
    done
    tail "$folder"/*.log >&2
    return 1
}

stop() {
    for pid in "$folder"/*.pid "$folder"/munge/pid; do
        [ -f "$pid" ] && kill "$(cat "$pid")" || true
    done
}

"$action"
