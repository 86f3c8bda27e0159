"""Every example on the cluster, as its README's last part says: its manifest, its model, its input.

Only the requests of CPU are lowered, and the image of the pod that fills the claims is this tree's.
"""

import json
import re
import shlex
import shutil
import sys

import pytest
import yaml
from tests.e2e import workloads
from tests.e2e.cluster import ROOT, Namespace, eventually, run

EXAMPLES = ROOT / "examples"
MADE = {
    "half-plus-two": "demo.export(demo.WORK / 'model'); demo.write(demo.WORK / 'numbers')",
    "sql-scores": "demo.train(demo.WORK / 'model'); demo.write(demo.WORK / 'payments')",
    "audio-notes": "demo.basic_pitch(); demo.write(demo.played(), demo.WORK / 'sound')",
    "source-languages": "demo.guesslang(); demo.stage(demo.REPOSITORY / 'crds')",
    "image-labels": "train.main(demo.MODEL); demo.stage(demo.np.random.default_rng(2017))",
    "johnny": "demo.train(demo.WORK / 'model'); demo.write(demo.WORK / 'pictures')",
    "online-learning": "train.main('out/online-learning/model')",
}
"""What the scripts of an example do before they run the job."""


@pytest.fixture(scope="module")
def claims(system, images):
    """A namespace with the claims and the pod of source-languages/claims.yaml."""
    namespace = Namespace("modelstream-e2e-examples")
    namespace.delete()
    namespace.create()
    manifest = (EXAMPLES / "source-languages" / "claims.yaml").read_text()
    ours = re.sub(r"image: \S+", f"image: {images.runtime}", manifest)
    namespace.kubectl("apply", "-f", "-", stdin=ours.encode())
    namespace.kubectl("wait", "pod/fill", "--for=condition=Ready", "--timeout=300s")
    yield namespace
    namespace.delete()


@pytest.fixture(scope="module")
def side_by_side(claims, timed):
    """Run some examples at once; gives what the last commands of each README print."""

    def ended(*names):
        for name in names:
            make(name)
            begin(claims, name)
        return {
            name: timed(f"{name}: wait → Finished", lambda n=name: end(claims, n)) for name in names
        }

    return ended


def make(name):
    for directory in (".build", "out"):
        shutil.rmtree(ROOT / directory / name, ignore_errors=True)
    script(name, MADE[name])


def script(name, code):
    """What code prints that uses the scripts of an example."""
    modules = sorted(set(re.findall(r"\b(demo|train)\.", code)))
    path = f"import sys; sys.path.insert(0, {str(EXAMPLES / name)!r})"
    return run(sys.executable, "-c", f"{path}; import {', '.join(modules)}; {code}")


def steps(name):
    """The commands of the README before and after the manifest is applied."""
    part = (EXAMPLES / name / "README.md").read_text().partition("\n## On a cluster\n")[2]
    commands = [shlex.split(line[2:]) for line in part.splitlines() if line.startswith("$ ")]
    at = commands.index(["kubectl", "apply", "-f", f"examples/{name}/modelstream.yaml"])
    return commands[:at], commands[at + 1 :]


def done(namespace, program, *arguments):
    if program == "kubectl":
        return namespace.kubectl(*arguments)
    assert program == "python"
    return run(sys.executable, *arguments)


def begin(namespace, name):
    for command in steps(name)[0]:
        done(namespace, *command)
    manifest = yaml.safe_load((EXAMPLES / name / "modelstream.yaml").read_text())
    little = {"resources": {"requests": {"cpu": "50m"}}}
    roles = {"jobManager": little, "taskManager": little}
    namespace.apply(workloads.merged(manifest, {"spec": {"flink": roles}}))


def end(namespace, name):
    eventually(
        lambda: namespace.status(name).get("phase") == "Finished",
        480,
        f"{name} is finished",
        lambda: namespace.story(name),
    )
    said = [done(namespace, *command) for command in steps(name)[1]]
    namespace.remove(name)
    return "".join(said)


def records(said):
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def numbers(side_by_side):
    return side_by_side("half-plus-two", "sql-scores", "audio-notes")


@pytest.fixture(scope="module")
def files(side_by_side):
    return side_by_side("source-languages", "image-labels")


@pytest.fixture(scope="module")
def programs(side_by_side):
    return side_by_side("johnny", "online-learning")


def test_half_plus_two_is_a_line(numbers):
    found = {record["x"]: record["y"] for record in records(numbers["half-plus-two"])}

    assert found == {float(x): 0.5 * x + 2 for x in range(-4, 9)}


def test_sql_scores_finds_the_stolen_cards(numbers):
    read = records(numbers["sql-scores"])
    suspicious = [record for record in read if "card" in record]
    hours = [record for record in read if "begins" in record]

    stolen = [payment for payment in suspicious if payment["card"].startswith("stolen")]
    assert len(stolen) > max(50, 0.9 * len(suspicious))
    assert sum(hour["payments"] for hour in hours) == 2000
    assert sum(hour["suspicious"] for hour in hours) == len(suspicious)


@pytest.mark.usefixtures("numbers")
def test_audio_notes_hears_what_was_played():
    shown = script("audio-notes", "demo.show(demo.heard())")

    assert "14 of 14 notes heard where they were played" in shown


def test_source_languages_tells_python_and_one_file_is_no_text(files):
    read = records(files["source-languages"])
    languages = {record["path"]: record["language"] for record in read if "language" in record}
    (letter,) = [record for record in read if "stage" in record]

    python = [language for path, language in languages.items() if path.endswith(".py")]
    assert len(python) == len(list((ROOT / "crds").rglob("[!_]*.py")))
    assert python.count("py") > 0.8 * len(python)
    assert "not-utf-8.py" in json.dumps(letter)


def test_image_labels_are_right_and_a_picture_that_is_cut_off_is_a_dead_letter(files):
    read = records(files["image-labels"])
    labelled = [record for record in read if "top3" in record]
    (letter,) = [record for record in read if "stage" in record]

    assert len(labelled) == 24
    assert sum(record["name"].startswith(record["label"]) for record in labelled) >= 20
    assert (letter["stage"], letter["error_type"]) == ("encode", "ConversionError")


def test_johnny_opens_the_door_for_the_right_pictures_in_time(programs):
    verdicts = {record["door"]: record["verdict"] for record in records(programs["johnny"])}

    assert verdicts == {
        "cellar": "AccessGranted",
        "front": "AccessGranted",
        "garden": "AccessDenied",
        "side": "AccessDenied",
    }


def test_online_learning_keeps_up(programs):
    said = programs["online-learning"]
    losses = re.findall(r"loss ([\d.]+) in the morning, ([\d.]+) in the evening", said)

    (morning_frozen, evening_frozen), (morning, evening) = [tuple(map(float, x)) for x in losses]
    assert abs(morning_frozen - morning) < 0.1
    assert evening < 0.6 < 1 < evening_frozen
