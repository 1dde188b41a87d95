"""Runs each line of a file as a task of HyperQueue, with a server and a worker of its own, as
`hq submit --each-line FILE bash -c 'eval "$HQ_ENTRY"'` does; prints how many failed."""

import sys

from hyperqueue import Job
from hyperqueue.cluster import LocalCluster, WorkerConfig

with LocalCluster() as cluster, open(sys.argv[1]) as lines:
    cluster.start_worker(WorkerConfig(cores=2))
    client = cluster.client()
    job = Job(default_env={"BNES_THREADS": "1"})
    for line in lines:
        job.program(["bash", "-c", 'eval "$HQ_ENTRY"'], env={"HQ_ENTRY": line.rstrip("\n")})
    submitted = client.submit(job)
    all_succeeded = client.wait_for_jobs([submitted], raise_on_error=False)
    print(0 if all_succeeded else len(client.get_failed_tasks(submitted)))
