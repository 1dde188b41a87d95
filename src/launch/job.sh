#!/bin/bash
# A job of Slurm's array, which trains tasks of an experiment:
#     sbatch --array=0-… SCRIPT FIRST_TASK TASKS_PER_JOB END
# Written by `bnes run --launcher slurm`, which also writes the options that are not here.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@60

# The time is nearly up, or the job is cancelled or pre-empted: the training saves its state and ends.
task=
signal=
pass_on() {
    signal=$1
    if [ -n "$task" ]; then kill -"$signal" "$task" 2>/dev/null; fi
}
trap 'pass_on USR1' USR1
trap 'pass_on TERM' TERM

first=$(($1 + SLURM_ARRAY_TASK_ID * $2))
end=$((first + $2))
if [ "$end" -gt "$3" ]; then end=$3; fi
restarts=${SLURM_RESTART_COUNT:-0}
echo "tasks $first to $((end - 1)) on $(hostname), job $SLURM_JOB_ID, restarts: $restarts" >&2
if [ "$restarts" -gt 100 ]; then
    echo "given up: no job should need so many restarts" >&2
    exit 1
fi

COMMAND &
task=$!
# One that came before there was a task.
if [ -n "$signal" ]; then kill -"$signal" "$task" 2>/dev/null; fi
# A signal ends `wait`, not the task.
while :; do
    wait "$task"
    code=$?
    kill -0 "$task" 2>/dev/null || break
done
wait "$task" 2>/dev/null
last=$?
if [ "$last" -ne 127 ]; then code=$last; fi

# 75: saved, more time is wanted. Whatever else ended it, Slurm requeues by itself what it pre-empted or lost.
if [ "$code" -eq 75 ]; then
    echo "requeued" >&2
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
