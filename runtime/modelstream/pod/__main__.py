"""``python -m modelstream.pod ROLE``: what a container of the runtime image does."""

import os
import sys
from collections.abc import Callable

from modelstream.pod import entrypoint, gpu, preload, removing, verify, worker
from modelstream.pod.failure import described, report, write
from modelstream.pod.memory import killed_message, memory
from modelstream.pod.paths import Paths
from modelstream_crds import manifest

Role = Callable[[list[str], Paths], object]


def _jobmanager(_: list[str], paths: Paths) -> None:
    entrypoint.jobmanager(paths, os.environ)


def _taskmanager(_: list[str], paths: Paths) -> None:
    entrypoint.taskmanager(paths, os.environ)


def _proof(_: list[str], paths: Paths) -> object:
    """Flink's classes come with it, which most roles do without."""
    from modelstream.pod.proving import proof

    return proof(paths, os.environ)


def _sweep(_: list[str], paths: Paths) -> None:
    removing.remove_all(paths, os.environ)


def _preload(_: list[str], paths: Paths) -> None:
    def see_gpus() -> None:
        gpu.require(os.environ, preload.tensorflow_devices, "tensorflow")

    done = preload.load_all(manifest.load(paths.manifest), paths.models, paths.ready, see_gpus)
    preload.announce(done)


def _verify(_: list[str], paths: Paths) -> None:
    found = verify.verify(manifest.load(paths.manifest), paths.models)
    verify.compare(found, paths.digests)
    text = verify.message(found)
    print(text, flush=True)
    write(text, paths.termination_log)


def _fetch(arguments: list[str], _: Paths) -> object:
    """The command's own work; its errors are the container's."""
    from modelstream.cli.arguments import parser

    parsed = parser().parse_args(["fetch", *arguments])
    return parsed.command(parsed)


def _killed(_: list[str], paths: Paths) -> None:
    text = killed_message(memory())
    print(text, file=sys.stderr, flush=True)
    preload.write(paths.killed, f"{text}\n")


ROLES: dict[str, Role] = {
    "jobmanager": _jobmanager,
    "taskmanager": _taskmanager,
    "proof": _proof,
    "sweep": _sweep,
    "preload": _preload,
    "verify": _verify,
    "fetch": _fetch,
    "worker": worker.main,
    "killed": _killed,
}


def main(arguments: list[str], paths: Paths | None = None) -> int:
    """Run a role; an error is one line in the log and in the container's status."""
    paths = paths or Paths()
    role = ROLES.get(arguments[0]) if arguments else None
    if role is None:
        print(f"usage: modelstream-pod {'|'.join(ROLES)}|ready", file=sys.stderr)
        return 2
    try:
        code = role(arguments[1:], paths)
    except Exception as error:  # the last place where it can be told
        report(described(error), paths.termination_log)
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
