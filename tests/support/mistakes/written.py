"""How a manifest is written: fields, YAML, files that are not manifests."""

from tests.support.mistakes.case import INFERENCE, MANIFEST, Mistake

from modelstream.cli.exits import Exit

MISTAKES = (
    Mistake(
        "1",
        ("  pipeline", "  pipline"),
        ":9: spec.pipline:",
        "unknown field",
        "did you mean pipeline?",
    ),
    Mistake(
        "2",
        ("keep:", "kept:"),
        ":20: spec.pipeline.inference.kept:",
        "unknown field",
        "did you mean keep?",
    ),
    Mistake(
        "3",
        ("onError", "onerror"),
        ":21: spec.pipeline.inference.onerror:",
        "unknown field",
        "did you mean onError?",
    ),
    Mistake(
        "4",
        ("onError: DeadLetter", "onError: Deadletter"),
        ":21: spec.pipeline.inference.onError:",
        "must be one of",
        "did you mean DeadLetter?",
    ),
    Mistake(
        "5",
        ("keep: [id]", "batch: {maxSize: many}"),
        ":20: spec.pipeline.inference.batch.maxSize:",
        'not "many"',
        "must be a whole number such as 8",
    ),
    Mistake(
        "6",
        ("keep: [id]", "keep: id"),
        ":20: spec.pipeline.inference.keep:",
        'not "id"',
        "must be a list such as [a, b]",
    ),
    Mistake(
        "7",
        ("inputs: {x: x}", "inputs: x"),
        ":19: spec.pipeline.inference.inputs:",
        'not "x"',
        "must be a mapping such as {a: b}",
    ),
    Mistake(
        "8",
        ("    sink:", "   sink:"),
        "job.yaml:22:",
        "this line is indented by 3",
        "those from line 6 on are by 2",
    ),
    Mistake(
        "9",
        (
            INFERENCE,
            INFERENCE.replace("\n  ", "\n    ")
            .replace("    inference", "      inference", 1)
            .removesuffix("  "),
        ),
        ":17: spec.pipeline.source.inference:",
        "is not a field of this",
        "farther to the left, beside source",
    ),
    Mistake(
        "10",
        ("      model: double", "\tmodel: double"),
        "job.yaml:18:",
        "a tab",
        "indent with blanks",
    ),
    Mistake(
        "11",
        ("name: fraud", 'name: "fraud'),
        "job.yaml:4:",
        "the quote that opens in column 9",
        "does not end",
    ),
    Mistake(
        "11b",
        ("{path: out}", '{path: "out}'),
        "job.yaml:25:",
        "the quote that opens in column 23",
        "does not end",
    ),
    Mistake(
        "12",
        ("{path: out}", "{path: out: x}"),
        "job.yaml:25:",
        "a value has a colon",
        "write it in quotes",
    ),
    Mistake(
        "12b",
        ("name: fraud", "name: fraud: x"),
        "job.yaml:4:",
        "a value has a colon",
        "write it in quotes",
    ),
    Mistake(
        "13",
        ("model: double", "model:double"),
        "job.yaml:18:",
        "is not YAML",
        "write a blank after the colon: model: double",
    ),
    Mistake(
        "13b",
        ("{path: out}", "{path:out}"),
        ":25: spec.pipeline.sink.options[path:out]:",
        "not nothing",
        "with a blank after the colon",
    ),
    Mistake(
        "14",
        ("keep: [id]", "keep: [id]\n      keep: []"),
        "job.yaml:21:",
        "'keep' is there twice",
        "remove one",
    ),
    Mistake(
        "15",
        ("kind: ModelStream", "kind: Modelstream"),
        ":2: kind:",
        'not "Modelstream"',
        "must be 'ModelStream'",
    ),
    Mistake(
        "16",
        ("v1alpha1", "v1"),
        ":1: apiVersion:",
        'not "modelstream.dev/v1"',
        "must be 'modelstream.dev/v1alpha1'",
    ),
    Mistake(
        "17", ("kind: ModelStream\n", ""), ":1: kind:", "is missing", "write kind: ModelStream"
    ),
    Mistake("18", "", "job.yaml:", "holds no ModelStream", "`modelstream init MODEL`"),
    Mistake(
        "19",
        "import modelstream as ms\n\nmodel = 1\n",
        "job.yaml:1:",
        "is not a manifest",
        "`modelstream init MODEL`",
    ),
    Mistake(
        "19b", "def f(x):\n    return x\n", "job.yaml:1:", "is not a manifest", "write apiVersion: "
    ),
    Mistake("20", MANIFEST.replace("\n", "\r\n"), "job.yaml:", "is valid", "", code=Exit.DONE),
    Mistake("21", "\ufeff" + MANIFEST, "job.yaml:", "is valid", "", code=Exit.DONE),
    Mistake(
        "22",
        MANIFEST.replace("fraud", "fräud").encode("latin-1"),
        "job.yaml:",
        "is not text in UTF-8",
        "save it as UTF-8",
    ),
    Mistake(
        "23",
        ("name: fraud", "name: Fraud_1"),
        ":4: metadata.name:",
        "is the beginning of other names",
        "lower-case letters",
    ),
)
