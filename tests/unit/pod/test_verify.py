import json

from tests.support.graphs import DENSE
from tests.unit.pod.conftest import saved_model

from modelstream.fetch import digest_of
from modelstream.pod import __main__ as pod_main
from modelstream.pod.verify import Verified, message


def test_a_model_is_told_by_its_digest_and_signatures(pod):
    path = saved_model(pod.paths.models / "fraud", "serving_default", "explain")

    assert pod_main.main(["verify"], pod.paths) == 0
    assert json.loads(pod.termination_message) == {
        "models": [
            {
                "name": "fraud",
                "digest": digest_of(path),
                "signatures": ["serving_default", "explain"],
            }
        ]
    }


def test_other_files_than_the_manifest_names_are_refused_with_both_digests(pod):
    path = saved_model(pod.paths.models / "fraud")
    wanted = "sha256:" + "0" * 64
    pod.manifest(models=[{"name": "fraud", "uri": "pvc://models/fraud", "digest": wanted}])

    assert pod_main.main(["verify"], pod.paths) == 1
    said = pod.termination_message
    assert said.startswith("DigestMismatch: model fraud")
    assert f"expected {wanted}, got {digest_of(path)}" in said


def test_a_model_in_the_image_is_read_where_it_is(pod, tmp_path):
    path = saved_model(tmp_path / "baked")
    pod.manifest(models=[{"name": "fraud", "uri": f"file://{path}"}])

    assert pod_main.main(["verify"], pod.paths) == 0
    assert digest_of(path) in pod.termination_message


def test_a_frozen_graph_has_the_signatures_that_the_manifest_gives_it(pod):
    graph = pod.paths.models / "fraud" / "graph.pb"
    graph.parent.mkdir(parents=True)
    graph.write_bytes(DENSE)
    tensors = {
        "inputs": [{"name": "x", "tensor": "x"}],
        "outputs": [{"name": "y", "tensor": "sum:0"}],
    }
    spec = {"name": "fraud", "uri": "pvc://models/fraud/graph.pb", "format": "GraphDef"}
    pod.manifest(models=[{**spec, "signatures": [{"name": "score", **tensors}]}])
    assert pod_main.main(["verify"], pod.paths) == 0
    (told,) = json.loads(pod.termination_message)["models"]
    assert told["signatures"] == ["score"]
    assert told["digest"] == digest_of(graph), "a directory with one file is that file"

    tensors["outputs"][0]["tensor"] = "probability"
    pod.manifest(models=[{**spec, "signatures": [tensors]}])
    assert pod_main.main(["verify"], pod.paths) == 1
    assert "did you mean 'probabilities'" in pod.termination_message


def test_a_model_of_another_format_is_told(pod):
    saved_model(pod.paths.models / "fraud")
    spec = {"name": "fraud", "uri": "pvc://models/fraud", "format": "Keras"}
    pod.manifest(models=[spec])
    assert pod_main.main(["verify"], pod.paths) == 1
    assert "no Keras model (.keras, .h5, .hdf5)" in pod.termination_message


def test_a_model_that_is_not_there_is_told(pod):
    assert pod_main.main(["verify"], pod.paths) == 1
    assert pod.termination_message.startswith("ModelNotFound: ")


def test_the_message_stays_within_what_kubernetes_keeps():
    signatures = tuple(f"signature_{number:04}" for number in range(500))
    models = [Verified(f"model{n}", "sha256:" + "0" * 64, signatures) for n in range(16)]
    text = message(models)

    assert len(text.encode()) <= 4096
    assert [each["name"] for each in json.loads(text)["models"]] == [each.name for each in models]


def test_the_default_signature_is_kept_when_room_is_short():
    signatures = (*(f"a{number:04}" for number in range(900)), "serving_default")
    text = message([Verified("fraud", "sha256:0", signatures)])

    assert json.loads(text)["models"][0]["signatures"][0] == "serving_default"


def test_a_model_whose_contents_changed_since_the_first_pods_is_refused_with_both_digests(pod):
    path = saved_model(pod.paths.models / "fraud")
    pod.paths.digests.mkdir()
    known = pod.paths.digests / "fraud"
    known.write_text(digest_of(path))
    assert pod_main.main(["verify"], pod.paths) == 0

    known.write_text("sha256:" + "0" * 64)
    assert pod_main.main(["verify"], pod.paths) == 1
    said = pod.termination_message
    assert said.startswith("ModelsDiffer: model fraud is " + digest_of(path))
    assert "0" * 64 in said
    assert "restartNonce" in said
