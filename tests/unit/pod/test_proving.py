import pytest

from modelstream.pod import proving
from modelstream.pod.__main__ import main
from modelstream_crds import manifest

MODEL = {"name": "fraud", "uri": "pvc://models/fraud", "imports": ["no_such_package"]}


def test_what_models_import_is_proven_first_and_told_as_the_container_s_last_words(pod):
    pod.manifest(models=[MODEL])

    assert main(["proof"], pod.paths) == 1
    assert pod.termination_message.startswith("ModelLoad")
    assert "'no_such_package'" in pod.termination_message


@pytest.mark.parametrize(("count", "modules"), [(0, ["no_such_package"]), (1, [])])
def test_what_may_need_a_gpu_is_not_imported_without_one(pod, count, modules):
    pod.manifest(models=[MODEL], **({"gpu": {"count": count}} if count else {}))

    assert proving.imported(manifest.load(pod.paths.manifest)) == modules


def test_options_are_spelt_as_flink_reads_them():
    assert [proving.text(each) for each in (True, 4, "5 s")] == ["true", "4", "5 s"]
