"""What a pod with the store's rights removes: directories of jobs that have ended."""

import json
import re
from collections.abc import Mapping

from modelstream.pod import configuration
from modelstream.pod.entrypoint import operator_options, write_configuration
from modelstream.pod.failure import PodError
from modelstream.pod.paths import Paths
from modelstream.pod.statestore import StateStore
from modelstream_crds.restore import REMOVE

_OF_A_JOB = re.compile(r".+/(checkpoints|ha)/[0-9a-f]{32}")


def remove_all(paths: Paths, environment: Mapping[str, str]) -> None:
    """Remove each directory that is named; one that is not there is removed already.

    Raises:
        PodError: it is not that of a job, or the store does not do it.
    """
    places = json.loads(environment.get(REMOVE, "[]"))
    for place in places:
        if not _OF_A_JOB.fullmatch(place):
            raise PodError("NotRemoved", f"{place} is not a directory of a job: it stays")
    address = configuration.jobmanager_address("127.0.0.1", high_availability=False)
    options = write_configuration(paths, operator_options(paths), address, environment)
    for place in places:
        try:
            StateStore.of(place, options, environment).remove(place)
        except OSError as error:
            raise PodError("NotRemoved", f"{place}: {error}") from error
        print(f"removed {place}", flush=True)
