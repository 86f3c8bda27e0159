"""spec: which models run over which stream, on what; and what of it must go together."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from modelstream_crds.cluster import Flink, Gpu, RuntimeMode
from modelstream_crds.lifecycle import (
    DeletionPolicy,
    NetworkPolicy,
    PodDisruptionBudget,
    State,
    Upgrade,
    UpgradeMode,
)
from modelstream_crds.model import Model
from modelstream_crds.programs import Python, Sql
from modelstream_crds.reserved import RESERVED_BY_BATCH
from modelstream_crds.rules import ListOf, Part, Rule
from modelstream_crds.scalars import Flag
from modelstream_crds.stream import Pipeline, Sink, is_exactly_once


def _jobs(spec: "ModelStreamSpec") -> list[str]:
    given = {"pipeline": spec.pipeline, "sql": spec.sql, "python": spec.python}
    return [kind for kind, job in given.items() if job is not None]


def _slots_fit(spec: "ModelStreamSpec") -> bool:
    slots, gpus = spec.flink.task_manager.slots, spec.gpu.count if spec.gpu else 0
    return slots is None or gpus == 0 or slots <= gpus


def _keeps_what_it_promises(spec: "ModelStreamSpec", field: str) -> bool:
    """Whether a sink that is to be exactly-once has state to go on from."""
    sink: Sink | None = getattr(spec.pipeline, field, None)
    if sink is None or spec.state is not None or spec.flink.runtime_mode is RuntimeMode.BATCH:
        return True
    return not is_exactly_once(sink.options)


def _exactly_once_rule(field: str, place: str) -> Rule:
    # CEL does not see the options of a sink, whose values may be any scalar.
    return Rule(
        name="exactly-once-needs-state",
        message="has sink.delivery-guarantee: exactly-once, and a job without state reads all"
        " again when it restarts: write spec.state.storage, or at-least-once",
        holds=lambda s: _keeps_what_it_promises(s, field),
        at=f".pipeline.{place}.options",
    )


_BATCH_KEYS_CEL: Final = " && ".join(
    f"!has(self.flink.configuration.{key.replace('-', '__dash__').replace('.', '__dot__')})"
    for key in RESERVED_BY_BATCH
)


class ModelStreamSpec(Part):
    """Which models run over which stream, on what."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="one-job",
            message="must say what to run: write exactly one of pipeline, sql and python",
            cel="[has(self.pipeline), has(self.sql), has(self.python)]"
            ".filter(given, given).size() == 1",
            holds=lambda s: len(_jobs(s)) == 1,
            shows=lambda s: f"there are: {', '.join(_jobs(s)) or 'none'}",
        ),
        Rule(
            name="models-needed",
            message="lists no model: write at least one; only a python job, whose program can bring"
            " its own, needs none",
            cel="has(self.python) || self.models.size() > 0",
            holds=lambda s: s.python is not None or bool(s.models),
            at=".models",
        ),
        Rule(
            name="model-listed",
            message="names no model of spec.models: write the name of one of them, or add it there",
            cel="!has(self.pipeline) || self.models.size() == 0 ||"
            " self.models.exists(m, m.name == self.pipeline.inference.model)",
            holds=lambda s: (
                s.pipeline is None
                or not s.models
                or s.pipeline.inference.model in {m.name for m in s.models}
            ),
            at=".pipeline.inference.model",
        ),
        Rule(
            name="savepoint-needs-state",
            message="needs a place for the state: write spec.state.storage, or leave the mode out",
            cel="!has(self.upgrade.mode) || self.upgrade.mode == 'Stateless' || has(self.state)",
            holds=lambda s: s.upgrade.mode in {None, UpgradeMode.STATELESS} or s.state is not None,
            at=".upgrade.mode",
        ),
        Rule(
            name="savepoint-needs-streaming",
            message="is not for batch jobs, which have no savepoints: leave the mode out, or write"
            " flink.runtimeMode: Streaming",
            cel="!has(self.upgrade.mode) || self.upgrade.mode == 'Stateless' ||"
            " self.flink.runtimeMode == 'Streaming'",
            holds=lambda s: (
                s.upgrade.mode in {None, UpgradeMode.STATELESS}
                or s.flink.runtime_mode is RuntimeMode.STREAMING
            ),
            at=".upgrade.mode",
        ),
        Rule(
            name="restore-needs-streaming",
            message="is not for batch jobs, which keep no state: leave it out, or write"
            " flink.runtimeMode: Streaming",
            cel="!has(self.state) || !has(self.state.restoreFrom) ||"
            " self.flink.runtimeMode == 'Streaming'",
            holds=lambda s: (
                s.state is None
                or s.state.restore_from is None
                or s.flink.runtime_mode is RuntimeMode.STREAMING
            ),
            at=".state.restoreFrom",
        ),
        Rule(
            name="savepoints-need-streaming",
            message="is not for batch jobs, which have no savepoints: leave it out, or write"
            " flink.runtimeMode: Streaming",
            cel="!has(self.state) || !has(self.state.savepoints) ||"
            " self.flink.runtimeMode == 'Streaming'",
            holds=lambda s: (
                s.state is None
                or s.state.savepoints is None
                or s.flink.runtime_mode is RuntimeMode.STREAMING
            ),
            at=".state.savepoints",
        ),
        Rule(
            name="savepoint-nonce-needs-state",
            message="asks for a savepoint, which needs a streaming job and a place: write"
            " spec.state.storage, or leave it out",
            cel="self.savepointNonce == 0 || has(self.state) &&"
            " self.flink.runtimeMode == 'Streaming'",
            holds=lambda s: (
                s.savepoint_nonce == 0
                or (s.state is not None and s.flink.runtime_mode is RuntimeMode.STREAMING)
            ),
            at=".savepointNonce",
        ),
        Rule(
            name="deletion-savepoint-needs-streaming",
            message="is not for batch jobs, which have no savepoints: leave it out, or write"
            " flink.runtimeMode: Streaming",
            cel="!has(self.state) || self.state.deletionPolicy != 'Savepoint' ||"
            " self.flink.runtimeMode == 'Streaming'",
            holds=lambda s: (
                s.state is None
                or s.state.deletion_policy is not DeletionPolicy.SAVEPOINT
                or s.flink.runtime_mode is RuntimeMode.STREAMING
            ),
            at=".state.deletionPolicy",
        ),
        Rule(
            name="slots-fit-gpus",
            message="is more than spec.gpu.count, and each slot's Python worker takes a GPU of its"
            " own: write at most spec.gpu.count",
            cel="!has(self.gpu) || self.gpu.count == 0 || !has(self.flink.taskManager.slots) ||"
            " self.flink.taskManager.slots <= self.gpu.count",
            holds=_slots_fit,
            at=".flink.taskManager.slots",
        ),
        _exactly_once_rule("sink", "sink"),
        _exactly_once_rule("dead_letter", "deadLetter"),
        Rule(
            name="batch-options",
            message="sets Flink's batch options, which a pipeline sets: write"
            " spec.pipeline.inference.batch",
            cel=f"!has(self.pipeline) || !has(self.flink.configuration) || ({_BATCH_KEYS_CEL})",
            holds=lambda s: (
                s.pipeline is None or not (RESERVED_BY_BATCH.keys() & s.flink.configuration.keys())
            ),
            at=".flink.configuration",
        ),
    )

    models: Annotated[tuple[Model, ...], ListOf("name"), Field(max_length=16)] = ()
    """The models of the job, each mounted read-only at /models/NAME. A python job whose program
    brings its models needs none here."""

    pipeline: Pipeline | None = None
    """Source, model, sink: the whole job without a line of code."""

    sql: Sql | None = None
    """Flink SQL in which each model is a function."""

    python: Python | None = None
    """A PyFlink program on the library."""

    gpu: Gpu | None = None
    """The GPUs of a TaskManager. Default: none."""

    flink: Flink = Flink()
    """The Flink cluster that runs the job."""

    state: State | None = None
    """Where checkpoints, savepoints and the data of high availability are kept. Default:
    nowhere."""

    upgrade: Upgrade = Upgrade()
    """How a change that needs a restart is made."""

    suspend: Flag = False
    """Stop the job and keep its savepoint; it goes on when this is false again."""

    restart_nonce: Annotated[int, Field(strict=True, ge=0)] = 0
    """Any change of this number restarts the job."""

    savepoint_nonce: Annotated[int, Field(strict=True, ge=0)] = 0
    """A savepoint of the job that runs is taken for each number that is greater than all before;
    the job goes on, and status.savepoints lists it."""

    network_policy: NetworkPolicy = NetworkPolicy()
    """Who may talk to the job's pods."""

    pod_disruption_budget: PodDisruptionBudget = PodDisruptionBudget()
    """Whether a node can be drained of the job's pods."""

    @property
    def slots(self) -> int:
        """Slots of each TaskManager: as written, else one for each GPU, at least one."""
        gpus = self.gpu.count if self.gpu else 0
        return self.flink.task_manager.slots or max(1, gpus)

    @property
    def parallelism(self) -> int:
        """The job's parallelism: as written, else every slot there is."""
        return self.flink.parallelism or max(1, self.flink.task_manager.replicas * self.slots)

    @property
    def upgrade_mode(self) -> UpgradeMode:
        """How a restart is made: as written, else with a savepoint where there can be one."""
        streaming = self.flink.runtime_mode is RuntimeMode.STREAMING
        stateful = self.state is not None and streaming
        return self.upgrade.mode or (UpgradeMode.SAVEPOINT if stateful else UpgradeMode.STATELESS)

    @property
    def takes_less(self) -> bool:
        """Whether a job may begin with a part of its state."""
        return self.state is not None and self.state.allow_non_restored_state

    @property
    def rolls_back(self) -> bool:
        """Whether a revision that does not work gives way to the last one that did."""
        streaming = self.flink.runtime_mode is RuntimeMode.STREAMING
        return self.state is not None and streaming and self.upgrade.rollback is not False
