"""All that can happen to one stream, as rules of a state machine, and what must hold."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.support.atrest import AtRest
from tests.support.streamworld import STATE

WRITES = st.none() | st.integers(0, 6)
"""After how many writes the operator dies in a pass; None of one that lives."""

FIELDS = (
    *("run", "revision", "step", "job", "ended", "restoredFrom", "ask", "prepared", "used"),
    *("lastReadyRevision", "conditions", "phase"),
)
"""Of status, which somebody may take out of it."""


class Courses(AtRest):
    """A user, a cluster and Flink around one stream; each rule is one thing that happens."""

    @initialize()
    def created(self) -> None:
        self.operator.step(self.spec, None)

    # The operator and time

    @rule(writes=WRITES, seconds=st.sampled_from([0, 1, 5, 11, 31, 400]))
    def operator_looks(self, writes: int | None, seconds: float) -> None:
        self.clock.pass_by(seconds)
        self._look(writes)

    @rule()
    def cluster_goes_on(self) -> None:
        self.world.tick()

    @rule()
    def all_goes_on(self) -> None:
        for _ in range(3):
            self.world.tick()
            self.clock.pass_by(5)
            self._look()

    @rule()
    def status_is_lost(self) -> None:
        self._look()
        self.operator.lose_status()
        self._look()

    @rule(field=st.sampled_from(FIELDS))
    def part_of_status_is_lost(self, field: str) -> None:
        self._look()
        self.operator.lose_of_status(field)

    @rule(which=st.integers(0, 99))
    def older_status_is_restored(self, which: int) -> None:
        self._look()
        self.operator.restore_status(which)

    @rule()
    def object_changes_meanwhile(self) -> None:
        self.operator.outpaced()

    @rule()
    def operator_is_upgraded(self) -> None:
        self.operator.upgraded()

    # The user

    @rule(bad=st.booleans())
    def edited(self, bad: bool = False) -> None:
        """Also with what cannot run, which a proof finds out."""
        self.spec.nonce = self.highest = self.highest + 1
        self.world.touches += 1
        if bad:
            self.world.bad.add(self.spec.nonce)

    @rule(bad=st.booleans())
    def edited_once_all_has_gone_on(self, bad: bool) -> None:
        """Most often while a job runs."""
        self.all_goes_on()
        self.all_goes_on()
        self.edited(bad)
        self.all_goes_on()

    @rule(wish=st.booleans())
    def less_is_enough(self, wish: bool) -> None:
        self.spec.takes_less = wish
        self.world.touches += wish  # it tries a start again that failed

    @rule()
    def edited_with_what_does_not_fit(self) -> None:
        """It has no operator for a part of the state."""
        self.edited_once_all_has_gone_on(False)
        self.world.unfit.add(self.spec.nonce)

    @rule(known=st.booleans())
    def edited_with_what_fails(self, known: bool) -> None:
        """Its proof succeeds, and its job fails; most often where something was Ready before."""
        self.all_goes_on()
        self.all_goes_on()
        if known and self._running and self._noticed and not self._job.stop:
            self.checkpoint_completes()
            self.all_goes_on()
        self.edited()
        self.world.failing.add(self.spec.nonce)
        self.all_goes_on()

    @rule(wish=st.booleans())
    def rollback_wished(self, wish: bool) -> None:
        self.spec.rolls_back = wish

    @rule(bad=st.booleans())
    def edited_while_it_stops(self, bad: bool) -> None:
        """What was asked for before is proven, and the job stops for it."""
        self.edited_once_all_has_gone_on(False)
        self.operator_looks(None, 1)
        if self._live and self._job.stop:
            self.stop_ends(succeeds=True, forgotten=False)
        self.operator_looks(None, 1)
        self.edited(bad)
        self.operator_looks(None, 1)

    @precondition(lambda self: self.spec.nonce)
    @rule()
    def edit_taken_back(self) -> None:
        self.spec.nonce -= 1
        self.world.touches += 1

    @rule(wish=st.booleans())
    def suspended(self, wish: bool) -> None:
        self.spec.suspend = wish
        self.world.touches += 1

    @rule(replicas=st.integers(0, 3))
    def scaled(self, replicas: int) -> None:
        self.spec.replicas = replicas
        self.world.touches += 1

    @rule(mode=st.sampled_from(["Savepoint", "LastState", "Stateless"]))
    def mode_chosen(self, mode: str) -> None:
        self.spec.stateless, self.spec.last_state = mode == "Stateless", mode == "LastState"
        self.world.touches += 1

    @rule(wish=st.booleans())
    def refused(self, wish: bool) -> None:
        self.spec.refused = wish

    @rule(wish=st.booleans())
    def state_moved(self, wish: bool) -> None:
        self.spec.moved = wish
        self.world.touches += 1

    @precondition(lambda self: self.operator.children)
    @rule(which=st.integers(0, 20), deleted=st.booleans())
    def somebody_meddles(self, which: int, deleted: bool) -> None:
        found = self.operator.children
        self.operator.meddled(found[which % len(found)], deleted=deleted)

    @rule(what=st.sampled_from(["newest", "nothing", "oldest"]), greater=st.booleans())
    def another_origin(self, what: str, greater: bool) -> None:
        """What the job is to begin with; with a nonce that was used already it changes nothing."""
        path = next(iter(self.world.files), None)
        if what == "oldest" and path is None:
            return
        self.spec.restore = str(path) if what == "oldest" else what
        if what == "oldest":
            self.world.named.add(str(path))
        if greater:
            self.spec.restore_nonce += 1
            self.world.touches += 1

    @rule(wish=st.booleans())
    def savepoint_at_deletion(self, wish: bool) -> None:
        self.spec.saves_at_deletion = wish

    @rule()
    def savepoint_asked_for(self) -> None:
        self.spec.savepoint_nonce += 1

    @rule(keep=st.none() | st.integers(1, 3))
    def savepoints_kept(self, keep: int | None) -> None:
        self.spec.keep = keep

    # Pods, nodes, and the way to Flink

    @rule(way=st.sampled_from(["open", "silent", "refused", "read-only", "lost", "late"]))
    def way_to_flink(self, way: str) -> None:
        self.world.way = way

    @rule(wish=st.booleans())
    def node_cut_off(self, wish: bool) -> None:
        self.world.stuck = wish

    @rule(wish=st.booleans())
    def proofs_are_slow(self, wish: bool) -> None:
        self.world.slow = wish

    @rule()
    def proof_is_lost(self) -> None:
        """Its node is gone, or somebody deletes the pod."""
        self.world.proofs.clear()

    @rule(wish=st.booleans())
    def program_broken(self, wish: bool) -> None:
        self.world.broken = wish

    @precondition(lambda self: self._live)
    @rule(evicted=st.booleans())
    def jobmanager_killed(self, evicted: bool) -> None:
        (self.world.evict if evicted else self.world.kill)(self._job)

    # Flink

    @precondition(lambda self: self._running)
    @rule()
    def works(self) -> None:
        self._job.value += 1

    @precondition(lambda self: self._running and self._noticed)
    @rule()
    def checkpoint_completes(self) -> None:
        self._job.checkpoint = self.world.save(self._job, f"{STATE}/checkpoints")

    @precondition(lambda self: self._running and not self._job.stop)
    @rule()
    def high_availability_is_deleted(self) -> None:
        """Somebody deletes what Flink keeps: only the store knows what the job has completed."""
        self._job.planned, self._job.checkpoint = False, None

    @precondition(lambda self: self._live and not self._job.stop)
    @rule(state=st.sampled_from(["FAILED", "CANCELED", "FINISHED"]))
    def job_ends(self, state: str) -> None:
        self.world.end(self._job, state)

    @precondition(lambda self: self._running and not self._job.stop)
    @rule()
    def somebody_stops(self) -> None:
        job = self._job
        job.stopped_with = self.world.save(job, f"{STATE}/elsewhere")
        self.world.end(job, "FINISHED")

    @precondition(lambda self: self._live)
    @rule()
    def job_restarts(self) -> None:
        if self._job.nonce not in self.world.failing:
            self._job.job = "RESTARTING" if self._job.job == "RUNNING" else "RUNNING"

    @precondition(lambda self: self._live and self._job.stop)
    @rule(succeeds=st.booleans(), forgotten=st.booleans())
    def stop_ends(self, succeeds: bool, forgotten: bool) -> None:
        job = self._job
        if succeeds:
            self.world.stop_succeeds(job)
        else:
            self.world.stop_fails(job)
        if forgotten:
            job.answers.clear()

    @precondition(lambda self: self._live and self._job.saving)
    @rule(succeeds=st.booleans(), forgotten=st.booleans())
    def save_ends(self, succeeds: bool, forgotten: bool = False) -> None:
        job = self._job
        self.world.save_ends(job, succeeds=succeeds)
        if forgotten:
            job.answers.clear()

    # What must hold

    @invariant()
    def one_live_job(self) -> None:
        assert len(self._live) <= 1
