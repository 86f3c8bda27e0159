"""Every code block of the README and the guides works as it stands."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support import models
from tests.support.jvm import flink_jvm
from tests.support.online import leaky_sum, nondeterministic

from modelstream.cli import main
from modelstream.cli.arguments import parser
from modelstream.cli.local import beside
from modelstream_crds import manifest
from modelstream_crds.v1alpha1 import Model, ModelStreamSpec

ROOT = Path(__file__).parents[3]
GUIDES = [
    "README.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")),
]
FILES = [*GUIDES, *(str(path.relative_to(ROOT)) for path in ROOT.glob("examples/*/README.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLED = re.compile(r"^```\w+ title=.*?^```$", re.MULTILINE | re.DOTALL)
PRINTS = re.compile(r"^ *print\(.*\) +# (.*)$", re.MULTILINE)
RUNS = {"validate", "inspect", "fetch", "verify"}
WALKED = "docs/tutorial.md"
"""Each of its commands builds on those before: test_tutorial.py runs them."""
OTHERS = {".", "make", "kind", "kubectl", "helm", "docker", "pip", "git", "python"}


def blocks(language: str, file: str) -> list[str]:
    text = TITLED.sub("", (ROOT / file).read_text())  # files, that their own page runs
    return [body for kind, body in BLOCK.findall(text) if kind == language]


def _can_run(arguments: list[str]) -> bool:
    """Whether the command works on what the workplace has, in seconds."""
    command, given, *_ = arguments
    if command == "predict":
        return given.startswith("path/to/")
    return command in RUNS and ".whl" not in given


def _below(root: Path, arguments: list[str]) -> list[str]:
    """The examples are where the repository is."""
    return [str(root / each) if each.startswith("examples/") else each for each in arguments]


def in_files(language: str) -> list[Any]:
    return [pytest.param(file, id=file) for file in FILES if blocks(language, file)]


def commands(file: str) -> Iterator[list[str]]:
    for body in blocks("console", file):
        for line in body.splitlines():
            if line.startswith("$ "):
                yield shlex.split(re.sub(r"\s#.*", "", line[2:]))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with what the guides speak of: a model and manifests."""
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "saved_model").symlink_to(models.guesslang())
    (tmp_path / "path" / "to" / "sequence_model").symlink_to(leaky_sum())
    text = (ROOT / "examples" / "source-languages" / "modelstream.yaml").read_text()
    for name in ("job.yaml", "other.yaml"):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", in_files("yaml"))
def test_manifests_are_valid(file: str, tmp_path: Path) -> None:
    for body in blocks("yaml", file):
        value = yaml.safe_load(body)
        if "kind" in value:
            manifest.load(body)
        elif "set" in value:
            (tmp_path / "modelstream.local.yaml").write_text(body)
            assert beside(tmp_path / "job.yaml").set
        else:
            models = value.pop("models", None)
            assert models is None or [Model.model_validate(model) for model in models]
            ModelStreamSpec.model_validate({"sql": {"statements": "SELECT 1"}, **value})


def test_the_manifest_of_the_readme_is_the_example() -> None:
    (shown,) = blocks("yaml", "README.md")
    example = yaml.safe_load((ROOT / "examples/source-languages/modelstream.yaml").read_text())
    for pods in ("jobManager", "taskManager"):  # which a laptop does not need
        del example["spec"]["flink"][pods]
    assert yaml.safe_load(shown) == example


@pytest.mark.parametrize("file", [f for f in in_files("console") if f.id != WALKED])
def test_commands_exist_and_what_can_run_here_runs(
    file: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for program, *arguments in commands(file):
        if program == "modelstream":
            parser().parse_args(arguments)
            if _can_run(arguments):
                assert main(_below(ROOT, arguments)) == 0, capsys.readouterr().err
        elif program == "python" and arguments[0] == "-m":
            assert importlib.util.find_spec(arguments[1]) is not None
        elif program == "python":
            assert (ROOT / arguments[0]).is_file()
        else:
            assert program in OTHERS
        if program == "make":
            makefile = "".join(path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("*.mk")))
            assert re.search(rf"^{arguments[0]}:", makefile, re.MULTILINE)


@pytest.mark.flink
@pytest.mark.parametrize("file", in_files("python"))
def test_programs_run(file: str, workplace: Path) -> None:
    with flink_jvm(), nondeterministic():
        from pyflink.table import EnvironmentSettings, TableEnvironment

        t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
        table = t_env.from_elements([(1, "def f(): return 1")], ["id", "content"])
        names: dict[str, Any] = {"t_env": t_env, "table": table}
        with redirect_stdout(StringIO()) as printed:
            for number, body in enumerate(blocks("python", file)):
                exec(compile(body, f"{file}, block {number}", "exec"), names)
    claims = [claim for body in blocks("python", file) for claim in PRINTS.findall(body)]
    wrong = [claim for claim in claims if not says(printed.getvalue(), claim)]
    assert not wrong, printed.getvalue()


def test_what_guides_need_of_the_library_is_in_one_name() -> None:
    """Programs and models of a user's own; the command line and its modules are another matter."""
    for file in GUIDES:
        for body in blocks("python", file):
            assert not re.findall(r"^.*(?:from|import) modelstream\.[\w.]+.*$", body, re.M), file


def says(printed: str, claim: str) -> bool:
    """Whether one of the lines is what the comment behind a print says; … is any text."""
    pattern = ".*".join(map(re.escape, claim.split("…")))
    return any(re.fullmatch(pattern, line) for line in printed.splitlines())


def test_what_a_guide_claims_to_print_is_held_against_what_it_prints() -> None:
    ((claim,),) = [PRINTS.findall("    print(f(x))   # a: …, b\n")]
    assert claim == "a: …, b"
    assert says("other\na: 1, b\n", claim)
    assert not says("a: 1, b, c\n", claim)
    assert sum(len(PRINTS.findall(body)) for file in FILES for body in blocks("python", file)) >= 7


def test_links_between_documents_lead_somewhere() -> None:
    for file in FILES:
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / file).read_text()):
            if "://" not in target:
                assert ((ROOT / file).parent / target).exists(), f"{file}: {target}"
