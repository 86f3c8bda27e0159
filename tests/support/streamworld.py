"""What the operator steers, in memory: the pods of each run, and what Flink does in them.

It follows what a real Flink was seen to do with the operator's options: results of jobs are kept,
so that a JobManager which is replaced knows no job that has ended; one whose job runs recovers it
from its newest checkpoint; a trigger id that was asked for twice begins once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.proofpods import ProofPod, SweepPod

from modelstream_crds.restore import Lookup

STATE = "s3://state"


@dataclass(frozen=True)
class Restore:
    """What a JobManager is told to go on from."""

    path: str | None = None
    newest: str | None = None
    """A ``Lookup``: the path is the directory in which it looks for the newest."""
    otherwise: str | None = None
    less: str | None = None
    """true where a part of it is enough."""


@dataclass
class Run:
    """One start: what its Deployments ask for, its JobManager's pod, and Flink in it."""

    number: int
    job_id: str
    restore: "Restore"
    nonce: int = 0
    """Of the spec that it is made of."""
    asked: bool = True
    pod: str = ""
    """"" (none), Starting, Ready, Ended (says how its job has ended), or Leaving, which works."""
    job: str | None = None
    """State of the job in the JobManager's memory; None of one that knows no job."""
    value: int = 0
    """How much the job has processed: what its state is worth."""
    failures: int = 0
    """How often its job has failed since its JobManager started."""
    planned: bool = False
    result: str = ""
    checkpoint: str | None = None
    stop: str | None = None
    """Trigger of the stop that is under way."""
    directory: str = ""
    """Where its savepoint is to be."""
    saving: tuple[str, str] | None = None
    """Trigger and place of the savepoint that is under way while the job goes on."""
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    stopped_with: str | None = None
    bound: int = 2
    root: str = ""
    """Where its pods can put savepoints."""
    kept: bool = False
    """Whether high availability still has ConfigMaps of it."""
    by_itself: bool = False
    """Whether its job has ended without being asked to by the operator."""
    touches: int = 0
    """Of the user, when it was made."""
    origin: str | None = None
    """What its job has gone on from."""
    told: str | None = None
    """What its JobManager has found of the run before."""
    keeps_results: bool = True
    """Whether Flink's options keep what a replaced JobManager knows of the end of a job by."""

    @property
    def record(self) -> str:
        """The last words of its JobManager's container."""
        if self.pod != "Ended":
            return ""
        status = "SUCCEEDED" if self.result == "FINISHED" else self.result
        ours = None if self.by_itself else self.stopped_with
        kept = ours or (self.checkpoint if status != "SUCCEEDED" else None)
        return f"JobEnded: {status} {kept}" if kept else f"JobEnded: {status}"

    @property
    def alive(self) -> bool:
        """Whether its job may process and publish."""
        return self.pod in {"Ready", "Leaving"} and self.job in {"RUNNING", "RESTARTING"}


@dataclass
class World:
    """The runs of one stream, the store, and the way to Flink."""

    runs: dict[int, Run] = field(default_factory=dict)
    proofs: dict[int, ProofPod] = field(default_factory=dict)
    bad: set[int] = field(default_factory=set)
    """Specs, by their nonce, whose proof fails."""
    failing: set[int] = field(default_factory=set)
    """Specs, by their nonce, whose job fails: odd ones for good, even ones again and again."""
    unfit: set[int] = field(default_factory=set)
    """Specs, by their nonce, that have no operator for a part of what others left."""
    slow: bool = False
    """Whether proofs take longer than anybody looks."""
    files: dict[str, int] = field(default_factory=dict)
    """What each savepoint and checkpoint is worth."""
    kept: dict[str, list[str]] = field(default_factory=dict)
    """Those of each job, in their order."""
    way: str = "open"
    """Or silent (no answer in time), refused (503 of a proxy), read-only (403 of a mesh to all that
    asks for something), lost (done, and no answer), or late (done, and 504 of a proxy)."""
    stuck: bool = False
    """Whether pods that leave do not end: their node is cut off."""
    broken: bool = False
    """Whether the program submits nothing."""
    owed: int | None = 0
    """What the next job has to start from at least; None: from nothing."""
    forgiving: bool = False
    """Whether the user has allowed the next job to begin without state."""
    chosen: dict[int, str] = field(default_factory=dict)
    """By run: what a user wants it to begin with: newest, nothing, or a path."""
    touches: int = 0
    """How often a user has asked for something else."""
    last: Run | None = None
    """Whose job was the last to be submitted."""
    sweeps: dict[int, SweepPod] = field(default_factory=dict)
    """Pods that remove what ended runs left, by the run that they belong to."""
    named: set[str] = field(default_factory=set)
    """Savepoints and checkpoints that somebody has said to begin with."""
    disposals: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What Flink says of requests to delete savepoints, by their ids."""
    removed: list[str] = field(default_factory=list)
    """Checkpoints that pods have removed."""
    disposed: list[str] = field(default_factory=list)
    """Savepoints that Flink was asked to delete."""
    dead: list[int] = field(default_factory=list)
    """Runs of the pods that have failed and whose objects stay."""

    # What the operator does

    def ask(
        self,
        number: int,
        job_id: str,
        restore: Restore,
        root: str = STATE,
        *,
        nonce: int = 0,
        keeps_results: bool = True,
    ) -> None:
        """There are Deployments of this run, which ask for pods."""
        new = Run(number, job_id, restore, nonce=nonce, root=root, touches=self.touches)
        new.keeps_results = keeps_results
        run = self.runs.setdefault(number, new)
        assert (run.job_id, run.restore) == (job_id, restore), "a run is made from one thing"
        run.asked = True

    def ask_nothing(self, number: int) -> None:
        """Its Deployments ask for no pod, or are gone."""
        if number in self.runs:
            self.runs[number].asked = False

    def prove(self, number: int, nonce: int) -> None:
        """A pod is to prove what this run is to be made of."""
        self.proofs.setdefault(number, ProofPod(number, nonce))
        assert len(self.proofs) == 1, "two proofs at a time"

    def sweep(self, number: int, jobs: Iterable[str]) -> None:
        """A pod is to remove the directories of these jobs."""
        self.sweeps.setdefault(number, SweepPod(number, frozenset(jobs)))

    # What the cluster and Flink do

    def tick(self) -> None:
        """The controllers and the kubelet go on by one step."""
        for proof in self.proofs.values():
            if proof.state == "Proving" and not self.slow:
                proof.state = "Failed" if proof.nonce in self.bad else "Succeeded"
        for sweep in self.sweeps.values():
            self._remove(sweep)
        for run in self.runs.values():
            match run.pod:
                case "" if run.asked:
                    run.pod = "Starting"
                case "Starting" if run.asked:
                    run.pod = "Ready"
                    self._boot(run)
                case "Starting":
                    run.pod = ""
                case "Ready" | "Ended" if not run.asked:
                    run.pod = "Leaving"
                case "Leaving" if not self.stuck:
                    self._gone(run)
        assert sum(run.alive for run in self.runs.values()) <= 1, "two live jobs of one stream"

    def _remove(self, sweep: SweepPod) -> None:
        """Once; what lies there is gone."""
        if sweep.done:
            return
        sweep.done = True
        live = [run for run in self.runs.values() if run.alive]
        assert not any(run.job_id in sweep.jobs for run in live), "files of a live job are removed"
        for job in sweep.jobs:
            for path in [each for each in self.kept.get(job, ()) if "/checkpoints/" in each]:
                if path in self.named:  # its stream names a directory of it
                    continue
                assert not any(run.origin == path and not run.checkpoint for run in live), path
                del self.files[path]
                self.kept[job].remove(path)
                self.removed.append(path)

    def kill(self, run: Run) -> None:
        """The JobManager dies; what is in its memory is lost."""
        self._gone(run)

    def evict(self, run: Run) -> None:
        """Its node has no room for the JobManager: it ends, and another takes its place."""
        self._gone(run)
        self.dead.append(run.number)

    def _gone(self, run: Run) -> None:
        run.pod, run.job, run.stop, run.saving, run.answers = "", None, None, None, {}

    def _boot(self, run: Run) -> None:
        if run.result and run.keeps_results:
            run.pod = "Ended"
            # Nobody can tell any more that somebody else's stop was none of its own.
            self.forgiving |= run.by_itself and run.stopped_with is not None
            return
        if run.planned:
            run.job = "RUNNING"
            origin = run.checkpoint or run.origin
            run.value = self.files[origin] if origin else 0
            self._fails(run)
            return
        if run.restore.newest == Lookup.OF_NOBODY and self.kept.keys() - {run.job_id}:
            run.pod = "Starting"  # it fails, and is started again
        elif not self.broken:
            self._submit(run)

    def _submit(self, run: Run) -> None:
        own, run.told = self.kept.get(run.job_id), self._found(run.restore)
        run.origin = own[-1] if own else run.told
        run.value = self.files[run.origin] if run.origin else 0
        if (chosen := self.chosen.get(run.number)) is not None:
            assert _asked(chosen, run.restore), f"{chosen} was chosen, not {run.restore}"
        elif self.forgiving:
            pass
        elif self.owed is None:
            assert run.origin is None, "what has read all of its input begins anew"
        else:
            assert run.value >= self.owed, f"{self.owed} was kept, {run.origin} is older"
        again = self.last and self.last.by_itself and self.last.touches == run.touches
        same = self.last is not None and self.last.nonce == run.nonce
        less = self.last and run.restore.less and not self.last.restore.less
        assert less or not (again and same), "an ended job runs again"
        run.job, run.planned, run.kept, self.last = "RUNNING", True, True, run
        self.owed, self.forgiving = run.value, False
        self._fails(run)

    def _fails(self, run: Run) -> None:
        if run.nonce in self.unfit and run.origin and not run.restore.less:
            self.end(run, "FAILED")
            return
        if run.nonce not in self.failing:
            return
        run.failures = 5
        if run.nonce % 2:
            self.end(run, "FAILED")
        else:
            run.job = "RESTARTING"

    def _found(self, restore: Restore) -> str | None:
        """As the entry point looks for it."""
        if not restore.newest:
            return restore.path
        if restore.newest == Lookup.OF_NOBODY:
            return None
        if restore.newest == Lookup.OF_ANY_JOB:
            return max(self.files, key=list(self.files).index, default=None)
        kept = self.kept.get(str(restore.path).rpartition("/")[2], [])
        assert kept or restore.newest != Lookup.NEEDED, "what is needed is not there"
        return kept[-1] if kept else restore.otherwise

    def save(self, run: Run, kind: str) -> str:
        """A checkpoint or savepoint is complete."""
        path = f"{kind}/{len(self.files) + len(self.disposed) + len(self.removed)}"
        self.files[path] = run.value
        self.kept.setdefault(run.job_id, []).append(path)
        self.owed = run.value
        return path

    def end(self, run: Run, state: str, *, by_itself: bool = True) -> None:
        """The job is over, and its result is kept."""
        run.job = run.result = state
        run.planned, run.by_itself = False, by_itself
        if state == "FINISHED" and run.stopped_with is None and run.asked:
            self.owed = None  # what comes next begins anew; of pods that leave nobody hears it

    def save_ends(self, run: Run, *, succeeds: bool) -> None:
        """The savepoint that was asked for ends; the job goes on."""
        assert run.saving is not None
        (trigger, directory), run.saving = run.saving, None
        cause = {"stack-trace": "java.io.IOException: no space"}
        answer = {"location": self.save(run, directory)} if succeeds else {"failure-cause": cause}
        run.answers[trigger] = _completed(**answer)

    def dispose(self, path: str) -> Mapping[str, Any]:
        """Flink deletes a savepoint; what it says of that."""
        self.disposed.append(path)
        if path not in self.files:
            gone = f"java.io.FileNotFoundException: Cannot find checkpoint or savepoint {path}"
            return _completed(**{"failure-cause": {"stack-trace": gone}})
        assert path not in self.named, "a person wants to begin with it"
        live = [run for run in self.runs.values() if run.alive]
        assert not any(run.origin == path and not run.checkpoint for run in live), path
        del self.files[path]
        for kept in self.kept.values():
            if path in kept:
                kept.remove(path)
        return _completed()

    def stop_succeeds(self, run: Run) -> None:
        """The stop that was asked for ends with a savepoint."""
        assert run.stop is not None
        run.stopped_with = self.save(run, run.directory)
        run.answers[run.stop] = _completed(location=run.stopped_with)
        run.stop = None
        self.end(run, "FINISHED", by_itself=False)

    def stop_fails(self, run: Run) -> None:
        """The stop that was asked for fails; the job goes on."""
        assert run.stop is not None
        cause = {"stack-trace": "java.io.IOException: no space"}
        run.answers[run.stop] = _completed(**{"failure-cause": cause})
        run.stop = None


def _asked(chosen: str, told: Restore) -> bool:
    if chosen == "newest":
        return told.newest == Lookup.OF_ANY_JOB
    path = None if chosen == "nothing" else chosen
    return (told.path, told.newest) == (path, None)


def _completed(**operation: Any) -> Mapping[str, Any]:
    return {"status": {"id": "COMPLETED"}, "operation": operation}
