"""What keeps a ModelStream from being ready, and every reason that a condition can give."""

from dataclasses import dataclass
from enum import StrEnum

from modelstream_crds.v1alpha1 import ConditionType

_ANY = "any"
_ACCEPTED = "Accepted"
_MODELS = "ModelsAvailable"
_GPU = "GpuAvailable"
_JOB = "JobRunning"
_LOADED = "ModelsLoaded"
_CLAIM = f"{_MODELS}, {_JOB}"
_STEP = f"Ready, {_JOB}, Updated"


class Reason(StrEnum):
    """Reasons that the operator gives; containers of ours add reasons of their own.

    Each has the conditions that it is given in, and what a person reads about it.
    """

    conditions: str
    told: str

    def __new__(cls, word: str, conditions: str, told: str) -> "Reason":
        """A word for programs, with what is said of it to people."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.conditions = conditions
        member.told = told
        return member

    # All is well
    READY = "Ready", "Ready", "True: all tasks run and every TaskManager has the models loaded"
    ACCEPTED = "Accepted", _ACCEPTED, "True: the spec can be worked with"
    VERIFIED = "Verified", _MODELS, "True: digests and signatures were read in the pods"
    NO_MODELS = "NoModels", f"{_MODELS}, {_LOADED}", "True: the program brings its models"
    ALLOCATED = "Allocated", _GPU, "True: every TaskManager is on a node with its GPUs"
    NOT_CHECKED = (
        *("NotChecked", _GPU),
        "True: `MODELSTREAM_GPU_CHECK=Off` in the podTemplate: nobody asks whether the GPUs are"
        " visible",
    )
    RUNNING = "Running", _JOB, "True: all tasks run"
    LOADED = "Loaded", _LOADED, "True: every TaskManager has the models loaded and warm"
    UP_TO_DATE = "UpToDate", "Updated", "True: what runs was made from this spec"
    OPERATOR_CHANGED = (
        *("OperatorChanged", "Outdated"),
        "True: this operator renders the pods otherwise than the one that started them; the next"
        " restart takes that, or another `restartNonce` now",
    )
    CHECKPOINTED = (
        *("Checkpointed", "StateSafe"),
        "True: where the newest complete checkpoint is, as of the last five minutes",
    )
    STATE_KEPT = "StateKept", "StateSafe", "True: nothing runs, and where its state is"
    NO_CHECKPOINT = (
        *("NoCheckpoint", "StateSafe"),
        "Unknown: the run has completed none yet; what it began with",
    )
    CHECKPOINTS_FAIL = (
        *("CheckpointsFail", "StateSafe"),
        "checkpoints fail: Flink's cause, and when the last one was complete",
    )
    ROLLED_BACK = (
        *("RolledBack", "RolledBack, Updated"),
        "a new revision has failed: why; the last one that was Ready runs again",
    )
    ROLLING_BACK = (
        *("RollingBack", "RolledBack, Updated"),
        "a new revision has failed: why, and how far the way back to the last one is",
    )
    MODEL_GONE = (
        *("ModelGone", "RolledBack"),
        "the store no longer has the models of the last revision that was Ready: what is there"
        " instead; the failed one goes on trying",
    )
    ROLLBACK_NEEDS_CHOICE = (
        *("RollbackNeedsChoice", f"RolledBack, {_STEP}"),
        "either way back costs something: both paths, and the edit that chooses one",
    )
    SCALED = "Scaled", "Scaled", "True: the job has the parallelism that it should have"

    # The normal course of things
    WAITING = "Waiting", f"{_MODELS}, {_GPU}", "no pod has told yet"
    LOADING = "Loading", f"Ready, {_LOADED}", "how many TaskManagers are ready"
    STARTING = "Starting", f"Ready, {_JOB}, Updated", "the JobManager has no job to show yet"
    WAITING_FOR_RESOURCES = (
        *("WaitingForResources", f"Ready, {_JOB}"),
        "the job waits for TaskManagers, for as long as it takes",
    )
    SAVEPOINTING = "Savepointing", _STEP, "the job stops with a savepoint"
    TEARING_DOWN = "TearingDown", _STEP, "the pods of the run before end"
    SUSPENDED = "Suspended", _STEP, "`spec.suspend` is true; or what keeps the stream from going on"
    SCALED_TO_ZERO = "ScaledToZero", _STEP, "`flink.taskManager.replicas` is 0; more resumes"
    FINISHED = "JobFinished", _STEP, "a bounded job has read all of its input"
    DELETING = "Deleting", _STEP, "the pods are taken away"

    PROVING = (
        *("Proving", "Updated"),
        "a pod of its own proves that what is to come can run; the job goes on meanwhile",
    )
    NOT_PROVEN = (
        *("NotProven", "Updated"),
        "the proof was not done in 30 minutes; it is tried again, and the job goes on",
    )

    # Ends, and what somebody has to look at
    STOPPED = (
        *("JobStopped", _STEP),
        "somebody else stopped the job: an edit, or another `restartNonce`, goes on from its"
        " savepoint",
    )
    CANCELED = (
        *("JobCanceled", _STEP),
        "somebody else cancelled the job: an edit, or another `restartNonce`, goes on from its"
        " newest checkpoint",
    )
    JOB_FAILED = (
        *("JobFailed", _STEP),
        "Flink has given the job up: the root cause, and the exceptions before it. An edit goes on"
        " from the newest savepoint or checkpoint",
    )
    ENDED_UNSEEN = (
        *("JobEndedUnseen", _STEP),
        "the job has ended while nobody looked: where its checkpoints and savepoints are. An edit"
        " goes on from the newest",
    )
    BACKING_OFF = (
        *("BackingOff", _STEP),
        "a start came to nothing: its cause, and when the next one begins",
    )
    UNREACHABLE = (
        *("FlinkUnreachable", f"Ready, {_JOB}"),
        "Unknown: the JobManager is ready and does not answer; what was known last is kept",
    )
    STATE_NOT_THERE = (
        *("StateNotThere", f"Ready, {_JOB}, Updated"),
        "the stream that `state.restoreFrom` names has left no state to begin with, or still runs",
    )
    SAVEPOINT_NOT_POSSIBLE = (
        *("SavepointNotPossible", _STEP),
        "the job does not run: when it ends without a savepoint, and leaves its newest checkpoint",
    )
    SAVEPOINT_FAILED = (
        *("SavepointFailed", _STEP),
        "Flink's cause; it is tried again, and after three done without",
    )
    SAVEPOINT_STUCK = (
        *("SavepointStuck", _STEP),
        "the savepoint is not complete in ten minutes, and what the pods say",
    )
    SCALE_REFUSED = "ScaleRefused", "Scaled", "Flink's words; the job goes on as it is"
    UNKNOWN_STEP = (
        *("UnknownStep", "Ready"),
        "a newer operator, or somebody by hand, has left a word in status that this one does not"
        " know: which, and that it waits",
    )

    # What the spec, the cluster or a container says
    INVALID_SPEC = (
        *("InvalidSpec", f"{_ACCEPTED}, Updated"),
        "each field that cannot be honoured, and what to write instead; what runs goes on",
    )
    CLAIM_NOT_FOUND = "ClaimNotFound", _CLAIM, "the claim, and the field that names it"
    CLAIM_NOT_BOUND = (
        *("ClaimNotBound", _CLAIM),
        "the claim; one that is being bound is given 10 seconds",
    )
    CLAIM_ACCESS_MODE = "ClaimAccessMode", _CLAIM, "the claim, and the mode that it needs"
    MODELS_DIFFER = (
        *("ModelsDiffer", _MODELS),
        "the model, and the digests that pods of one run have: its contents were changed meanwhile",
    )
    IMAGE_VOLUME_UNSUPPORTED = (
        *("ImageVolumeUnsupported", _MODELS),
        "the server left the image volume out: use another scheme or turn the gate on",
    )
    SECRET_NOT_FOUND = "SecretNotFound", _ANY, "its name"
    CONFIG_MAP_NOT_FOUND = (
        *("ConfigMapNotFound", f"{_ANY}, Updated"),
        "its name, or the key that it does not have; what runs goes on",
    )
    NO_MATCHING_NODE = (
        *("NoMatchingNode", _GPU),
        "the label that no node has, and what they have instead",
    )
    INSUFFICIENT_GPU = (
        *("InsufficientGpu", _GPU),
        "how many are asked for, and which node has how many",
    )
    UNSCHEDULABLE = "Unschedulable", f"{_GPU}, {_JOB}", "the scheduler's words"
    IMAGE_PULL = "ImagePullFailed", _ANY, "the image and the registry's answer"
    CRASH = "CrashLoop", f"{_JOB}, {_LOADED}", "the last line of the container's log"
    OUT_OF_MEMORY = (
        *("OutOfMemory", _ANY),
        "the split of the limit, and which field to raise",
    )
    CONTAINER_CONFIG = "ContainerConfigError", _ANY, "the kubelet's words"
    CONTAINER_START = "ContainerStartFailed", _ANY, "the kubelet's words"
    QUOTA = "QuotaExceeded", _JOB, "why the API server refuses the pods"
    POD_SECURITY = "PodSecurity", _JOB, "why the API server refuses the pods"
    PODS_REFUSED = "PodsRefused", _JOB, "why the API server refuses the pods"
    VOLUME = "VolumeNotMounted", _JOB, "the kubelet's words, and a hint about ReadWriteOnce"
    SANDBOX = (
        *("SandboxFailed", _JOB),
        "the node cannot set the pod up: its network, or the RuntimeClass; the kubelet's words",
    )
    EVICTED = "Evicted", _JOB, "the kubelet's words; told while no pod has taken its place"
    POD_FAILED = "PodFailed", _JOB, "the kubelet's words; told while no pod has taken its place"
    POD_NOT_ENDING = (
        *("PodNotEnding", _STEP),
        "pods that should have ended, their nodes, and the command for when they are known to be"
        " gone; or pods that nobody has told to end",
    )
    CHILD_REFUSED = "ChildRefused", _JOB, "the object and the API server's words"
    NAMESPACE_TERMINATING = (
        *("NamespaceTerminating", _JOB),
        "the namespace is being deleted, so that nothing can be made in it",
    )


def table() -> str:
    """Every reason with its conditions and its cause, as Markdown."""
    rows = [f"| `{each}` | {each.conditions} | {each.told} |" for each in Reason]
    head = ["| reason | condition | cause, and what the message holds |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


@dataclass(frozen=True)
class Problem:
    """One cause, the condition that it makes false, and what to do about it."""

    about: ConditionType
    reason: str
    message: str
