"""What a person has chosen to begin with: when it counts, and what it comes to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from modelstream_crds.restore import Lookup
from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.cache import Child
from modelstream_operator.decide.decision import Answer, Restore, Seen
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.prepared import Proof
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.stored import (
    Found,
    Kind,
    Search,
    Stored,
    newest_of_all,
    nothing_yet,
)
from modelstream_operator.evidence import facts_of
from modelstream_operator.observe import now
from modelstream_operator.observed import Observed
from modelstream_operator.planning import decided
from modelstream_operator.reading import Reading
from modelstream_operator.render import Target
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Manifest
from modelstream_operator.restorefrom import restore_of
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish, wish

TargetMaker = Callable[..., Target]
S3, CLAIM = "s3://state/jobs", "pvc://state/jobs"
PATH = "s3://backup/savepoint-1"
NEW, BEGUN = Memory(), Memory(Step.DEPLOYED, revision="r", run=3, job_id="a", restore_nonce=2)
FIRST = nothing_yet(f"{S3}/fraud/scores/checkpoints")
LEFT = Stored(f"{S3}/savepoints/b/savepoint-b", Kind.SAVEPOINT, "b", "theirs")
SEEN = Seen(now(), "f" * 32)


@pytest.fixture
def restored(target: TargetMaker) -> TargetMaker:
    """Makes a Target whose spec says what to begin with."""

    def make(storage: str = S3, /, **restore_from: Any) -> Target:
        return target({"spec/state": {"storage": storage, "restoreFrom": restore_from}})

    return make


def other(storage: str = S3, *, step: str = "Suspended", left: str | None = LEFT.path) -> Manifest:
    """A ModelStream that has run once."""
    ended = {"run": 1, "jobId": "b", "how": "Stopped", "time": "2026-01-01T00:00:00Z"}
    status = {
        "run": 1,
        "revision": "theirs",
        "step": {"name": step},
        "ended": {**ended, "path": left, "kind": "Savepoint"} if left else ended,
    }
    spec = {
        "models": [{"name": "m", "uri": "hf://a/b"}],
        "sql": {"statements": "SELECT 1"},
        "state": {"storage": storage},
    }
    meta = {"name": "other", "namespace": "fraud", "uid": "u"}
    kind = {"apiVersion": "modelstream.dev/v1alpha1", "kind": "ModelStream"}
    return {**kind, "metadata": meta, "spec": spec, "status": status}


def asked(target: Target, memory: Memory, there: Manifest | None = None) -> Wish:
    """What is asked for of a run that was made of the same spec, where there is one."""
    made_of = revision_of(target).id if memory.revision else ""
    reading = Reading(1, target.stream, target.manifest, other=there)
    return wish(reading, target.manifest, replace(memory, revision=made_of), {}, Settings())


# When it counts


@pytest.mark.parametrize(
    ("memory", "nonce", "counts"),
    [
        pytest.param(NEW, 0, True, id="first start"),
        pytest.param(replace(NEW, run=7, step=Step.TEARING_DOWN), 0, True, id="namesake's pods"),
        pytest.param(BEGUN, 3, True, id="greater"),
        pytest.param(BEGUN, 2, False, id="used"),
        pytest.param(BEGUN, 1, False, id="smaller"),
        pytest.param(replace(BEGUN, restore_nonce=0), 0, False, id="added without a nonce"),
        pytest.param(replace(BEGUN, restored_from=FIRST, restore_nonce=0), 0, True, id="waits"),
        pytest.param(
            replace(BEGUN, restored_from=FIRST, restore_nonce=0, started="2026-01-01T00:00:00Z"),
            *(0, False),
            id="has run since",
        ),
    ],
)
def test_it_counts_at_the_first_start_and_once_for_each_greater_nonce(
    restored: TargetMaker, memory: Memory, nonce: int, counts: bool
) -> None:
    found = asked(restored(path=PATH, nonce=nonce), memory).wanted
    assert found.restore == (Restore(nonce, Stored.at(PATH)) if counts else None)
    assert found.restart is (counts and bool(memory.revision))


def test_status_says_that_it_counts_no_more(restored: TargetMaker) -> None:
    target = restored(path=PATH, nonce=2)
    found = asked(target, BEGUN)
    memory = replace(BEGUN, revision=revision_of(target).id)
    decision = decide(memory, found.wanted, SEEN)
    facts = facts_of(found, Observed(now=now()), decision, SEEN, ())
    assert (facts.updated, facts.has_restore_from) == (True, True)
    later = asked(restored(path=PATH, nonce=3), BEGUN)
    assert not facts_of(later, Observed(now=now()), decision, SEEN, ()).updated


def test_state_may_be_left_behind_where_a_person_says_what_else_to_begin_with(
    target: TargetMaker,
) -> None:
    old = target({"spec/state": {"storage": CLAIM}})
    memory = replace(BEGUN, revision=revision_of(old).id, started="2026-01-01T00:00:00Z")
    made = revision_of(old).manifest(old)
    child = Child.of({**made, "metadata": {**made["metadata"], "uid": "u"}}, {})
    assert child is not None
    for nonce, restarts in ((0, False), (3, True)):
        restore_from = {"nothing": True, "nonce": nonce}
        new = target({"spec/state": {"storage": S3, "restoreFrom": restore_from}})
        reading = Reading(1, new.stream, new.manifest)
        found = wish(reading, new.manifest, memory, {child.ref: child}, new.settings)
        assert found.wanted.restart is restarts
        assert (found.refusal is None) is restarts


# What it comes to


def test_each_of_the_four_origins(restored: TargetMaker) -> None:
    def of(**restore_from: Any) -> object:
        return restore_of(restored(**restore_from), other(), NEW)

    assert of(path=f"{PATH}/") == Restore(0, Stored(PATH, Kind.SAVEPOINT))
    assert of(path="s3://b/chk-7") == Restore(0, Stored("s3://b/chk-7", Kind.CHECKPOINT))
    assert of(nothing=True, nonce=4) == Restore(4, None)
    assert of(newest=True) == Restore(0, newest_of_all(f"{S3}/fraud/scores/checkpoints"))
    assert of(modelStream="other") == Restore(0, LEFT)


def test_a_path_on_the_claim_is_where_the_pods_mount_it(restored: TargetMaker) -> None:
    target = restored(CLAIM, path=f"{CLAIM}/fraud/scores/savepoints/savepoint-1")
    found = restore_of(target, None, NEW)
    assert isinstance(found, Restore)
    assert found.state is not None
    where = "/var/lib/modelstream/state/fraud/scores/savepoints/savepoint-1"
    assert found.state.path == f"file://{where}"


@pytest.mark.parametrize(
    ("mine", "name", "there", "says"),
    [
        pytest.param(S3, "other", None, "other does not exist", id="missing"),
        pytest.param(S3, "scores", other(), "is this one: write newest", id="itself"),
        pytest.param(S3, "other", other(step="Deployed"), "spec.suspend", id="it runs"),
        pytest.param(S3, "other", other(left=None), "neither a savepoint nor", id="left nothing"),
        pytest.param(CLAIM, "other", other(), "pods with pvc://state/jobs do not", id="S3, claim"),
        pytest.param(S3, "other", other(CLAIM), "in pvc://state/jobs, which", id="claim, S3"),
        pytest.param(S3, "other", {**other(), "spec": {}}, "cannot be read", id="no spec"),
    ],
)
def test_a_stream_that_has_left_nothing_to_begin_with_is_waited_for(
    restored: TargetMaker, mine: str, name: str, there: Manifest | None, says: str
) -> None:
    target = restored(mine, modelStream=name, nonce=3)
    found = restore_of(target, there, BEGUN)
    assert isinstance(found, Problem)
    assert found.reason is Reason.STATE_NOT_THERE
    assert says in found.message
    waits = asked(target, BEGUN, there)
    assert waits.missing == found
    assert not waits.wanted.restart, "the job goes on meanwhile"


@pytest.mark.parametrize("step", ["Suspended", "Ended"])
def test_what_a_stream_left_that_does_not_run_is_taken(restored: TargetMaker, step: str) -> None:
    found = restore_of(restored(modelStream="other"), other(step=step), NEW)
    assert found == Restore(0, LEFT)


# The run that begins with it


def test_a_run_begins_with_it_and_tells_what_is_left_aside(restored: TargetMaker) -> None:
    ended = Ended(3, "a", How.STOPPED, now(), Stored("s3://mine", Kind.SAVEPOINT, "a"))
    memory = replace(BEGUN, step=Step.TEARING_DOWN, ended=ended)
    wanted = asked(restored(path=PATH, nonce=3), memory).wanted
    decision = decide(memory, wanted, SEEN)
    assert decision.memory.restored_from == Stored.at(PATH)
    assert decision.memory.restore_nonce == 3
    (news,) = decision.news
    assert news.message == (
        f"run 4 begins with {PATH}, as spec.state.restoreFrom asks; what the run before left stays"
        " where it is: s3://mine"
    )
    again = decide(
        replace(decision.memory, step=Step.TEARING_DOWN), replace(wanted, restore=None), SEEN
    )
    assert again.memory.restore_nonce == 3


def test_the_newest_of_all_is_looked_for_by_the_jobmanager_and_told(restored: TargetMaker) -> None:
    target = restored(newest=True)
    decision = decide(NEW, asked(target, NEW).wanted, SEEN)
    rendered = decided(target, decision)
    assert rendered.restore_newest is Lookup.OF_ANY_JOB
    assert rendered.restore_from == f"{S3}/fraud/scores/checkpoints"
    wanted = asked(target, decision.memory).wanted
    for found, kind, reason in (
        (Found("s3://x/chk-9"), Kind.CHECKPOINT, "Restored"),
        (Found(""), Kind.NOTHING, "BegunAnew"),
    ):
        later = decide(decision.memory, wanted, replace(SEEN, found=found))
        assert later.memory.restored_from is not None
        assert later.memory.restored_from.kind is kind
        assert [news.reason for news in later.news] == [reason]
        assert "job ," not in later.news[0].message
        told = decided(target, later)
        same = (told.restore_from, told.restore_newest) == (
            rendered.restore_from,
            rendered.restore_newest,
        )
        assert same, "its pods would be replaced"


def test_a_first_start_passes_nothing_over_until_a_job_of_it_has_run(target: TargetMaker) -> None:
    first = target({"spec/state": {"storage": S3}})
    decision = decide(NEW, asked(first, NEW).wanted, SEEN)
    assert decision.memory.restored_from == FIRST
    rendered = decided(first, decision)
    assert (rendered.restore_from, rendered.restore_newest) == (FIRST.search.directory, "OfNobody")  # type: ignore[union-attr]  # it has one
    memory = replace(decision.memory, since=now().replace(microsecond=0))
    assert Memory.of(ModelStreamStatus.model_validate(memory.written())) == memory
    moved = target({"spec/state": {"storage": "s3://other"}})
    torn = replace(decide(memory, asked(moved, memory).wanted, SEEN).memory, ended=None)
    again = decide(replace(torn, step=Step.TEARING_DOWN), asked(moved, NEW).wanted, SEEN).memory
    assert again.restored_from == nothing_yet("s3://other/fraud/scores/checkpoints")
    ran = replace(memory, started="2026-01-01T00:00:00Z", step=Step.TEARING_DOWN)
    assert decide(ran, asked(moved, NEW).wanted, SEEN).memory.restored_from is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="no state"),
        pytest.param({"spec/flink/runtimeMode": "Batch"}, id="batch"),
        pytest.param({"spec/upgrade": {"mode": "Stateless"}}, id="each start begins anew"),
        pytest.param({"spec/state/restoreFrom": {"nothing": True}}, id="nothing is asked for"),
    ],
)
def test_no_first_start_waits_for_what_it_would_not_take(
    target: TargetMaker, changes: dict[str, Any]
) -> None:
    state = {"spec/state": {"storage": S3}} if changes else {}
    first = target({**state, **changes})
    assert decide(NEW, asked(first, NEW).wanted, SEEN).memory.restored_from is None


def test_what_is_remembered_survives(restored: TargetMaker) -> None:
    origin = replace(newest_of_all(S3), search=Search(S3, of_any_job=True))
    memory = replace(BEGUN, since=now().replace(microsecond=0), restored_from=origin)
    assert Memory.of(ModelStreamStatus.model_validate(memory.written())) == memory


def test_another_path_under_the_same_nonce_is_proven_at_once(restored: TargetMaker) -> None:
    """The first one was wrong, and has been used by nobody."""
    running = replace(BEGUN, started="2026-01-01T00:00:00Z")
    there = replace(SEEN, answer=Answer.JOB, job=Job("RUNNING", running=2, total=2))
    wrong = asked(restored(path=PATH, nonce=3), running).wanted
    memory = decide(running, wrong, there).memory
    assert memory.prepared is not None
    problem = Problem(ConditionType.UPDATED, "StateMissing", "no such file")
    failed = decide(memory, wrong, replace(there, proof=Proof(over=True, problem=problem))).memory
    assert failed.prepared is not None
    assert failed.prepared.error
    assert decide(failed, wrong, there).memory == failed
    right = asked(restored(path=f"{PATH}0", nonce=3), failed).wanted
    again = decide(failed, right, there).memory
    assert again.prepared is not None
    assert (again.prepared.error, again.prepared.run) == ("", failed.prepared.run + 1)
    assert decide(again, right, replace(there, proof=Proof(succeeded=True))).memory.ask is not None


def test_a_start_that_comes_to_nothing_begins_again_with_what_was_chosen(
    restored: TargetMaker,
) -> None:
    """Also where each change begins anew: nobody has asked for another one."""
    wanted = replace(asked(restored(path=PATH), NEW).wanted, keeps_state=False)
    first = decide(NEW, wanted, SEEN).memory
    nothing = Ended(1, first.job_id, How.NOT_STARTED, now(), first.restored_from)
    off = replace(first, step=Step.BACKING_OFF, deadline=SEEN.now, ended=nothing)
    again = decide(off, replace(wanted, restore=None), SEEN).memory
    assert (again.run, again.restored_from) == (2, first.restored_from)
    edited = replace(wanted, restore=None, revision="another")
    assert decide(off, edited, SEEN).memory.restored_from is None


def test_a_suspended_stream_waits_for_the_state_that_it_is_to_resume_with(
    restored: TargetMaker,
) -> None:
    resting = replace(BEGUN, step=Step.SUSPENDED)
    target = restored(modelStream="other", nonce=3)
    waits = asked(target, resting, other(step="Deployed"))
    assert decide(resting, waits.wanted, SEEN).memory.step is Step.SUSPENDED
    there = asked(target, resting, other())
    assert decide(resting, there.wanted, SEEN).memory.restored_from == LEFT
