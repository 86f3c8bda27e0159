"""A run of a new revision that is on trial, or has failed, and what it gives way to."""

from dataclasses import replace
from datetime import timedelta

from tests.support.lifecycle import (
    NEW,
    NOW,
    OLD,
    ORIGIN,
    SAME_KEPT,
    deployed,
    seen,
)

from modelstream_operator.decide.cause import Cause
from modelstream_operator.decide.failed import Rollback
from modelstream_operator.decide.job import Checkpoints, Job
from modelstream_operator.decide.prepared import NO_PROOF
from modelstream_operator.decide.stored import Kind, Stored

LIMIT = timedelta(minutes=10)
WANTED = replace(SAME_KEPT, revision=NEW, rolls_back=True, startable={OLD: 2}, ready_timeout=LIMIT)
TRIAL = replace(deployed, revision=NEW, ready=(OLD,), restored_from=ORIGIN)
RAN = replace(TRIAL, started="2026-01-01T00:00:00Z")
FAILING = Job("RESTARTING", total=2)
STARTS_UP = seen(job=Job("CREATED", total=2), placed=True, said="Loading: 0/1", proof=NO_PROOF)
LATE = replace(STARTS_UP, now=NOW + LIMIT)
FAILED = seen(job=Job("FAILED", total=2), failures=("boom",), checkpoints=Checkpoints())
BACK = Rollback(NEW, OLD, 3, "a", NOW, NOW, Cause("JobFailed", "boom"), previous=ORIGIN)
DONE = replace(deployed, run=5, revision=OLD, ready=(OLD,), rollback=BACK)
CHECKPOINT = Stored("s3://state/checkpoints/a/chk-9", Kind.CHECKPOINT, "a")
