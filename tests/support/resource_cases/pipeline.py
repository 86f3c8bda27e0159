"""What the parts of a pipeline may say."""

from tests.support.resource_cases.case import GONE, PIPELINE, SECRET, Case

_DEAD = {f"{PIPELINE}.deadLetter": {"connector": "print"}}
_IMAGE = f"{PIPELINE}.inference.images.x"

CASES: tuple[Case, ...] = (
    Case(
        "file-name",
        tuple(
            {
                f"{PIPELINE}.inference.method": "Classify",
                f"{PIPELINE}.inference.classify": {"labels": name},
            }
            for name in ("labels.txt", "assets/labels")
        ),
        tuple(
            {
                f"{PIPELINE}.inference.method": "Classify",
                f"{PIPELINE}.inference.classify": {"labels": name},
            }
            for name in ("../labels.txt", "/labels.txt", "a/../b", "")
        ),
        f"{PIPELINE}.inference.classify.labels",
    ),
    Case(
        "data-key",
        ({f"{PIPELINE}.source.secretOptions": {"password": {"name": "k", "key": "a.b_C-1"}}},),
        tuple(
            {f"{PIPELINE}.source.secretOptions": {"password": {"name": "k", "key": key}}}
            for key in ("../x", "..", "a/b", "")
        ),
        f"{PIPELINE}.source.secretOptions[password].key",
    ),
    Case(
        "duration",
        tuple({f"{PIPELINE}.inference.batch": {"maxLatency": d}} for d in ("1ms", "1m30s", "2h")),
        tuple(
            {f"{PIPELINE}.inference.batch": {"maxLatency": d}} for d in ("5", "5 s", "1.5s", "1d")
        ),
        f"{PIPELINE}.inference.batch.maxLatency",
    ),
    Case(
        "duration-positive",
        ({f"{PIPELINE}.inference.batch": {"maxLatency": "0h1ms"}},),
        ({f"{PIPELINE}.inference.batch": {"maxLatency": "0s"}},),
        f"{PIPELINE}.inference.batch.maxLatency",
    ),
    Case(
        "dead-letter-missing",
        (
            {f"{PIPELINE}.inference.onError": "DeadLetter"} | _DEAD,
            {f"{PIPELINE}.inference.onError": "Drop"},
        ),
        ({f"{PIPELINE}.inference.onError": "DeadLetter"},),
        f"{PIPELINE}.deadLetter",
    ),
    Case(
        "dead-letter-unused",
        ({f"{PIPELINE}.inference.onError": "DeadLetter"} | _DEAD,),
        (_DEAD, {f"{PIPELINE}.inference.onError": "Drop"} | _DEAD),
        f"{PIPELINE}.deadLetter",
    ),
    Case(
        "undecodable-format",
        (
            {f"{PIPELINE}.source.format": "avro"},
            {f"{PIPELINE}.source.format": "csv", f"{PIPELINE}.inference.onError": "Drop"},
            {f"{PIPELINE}.source.format": "raw", f"{PIPELINE}.inference.onError": "Drop"},
            {f"{PIPELINE}.source.format": GONE, f"{PIPELINE}.inference.onError": "Drop"},
        ),
        (
            {f"{PIPELINE}.source.format": "avro", f"{PIPELINE}.inference.onError": "Drop"},
            {f"{PIPELINE}.source.format": "avro", f"{PIPELINE}.inference.onError": "DeadLetter"}
            | _DEAD,
        ),
        f"{PIPELINE}.inference.onError",
        says="(the source has format: avro)",
    ),
    Case(
        "undecodable-format",
        ({f"{PIPELINE}.source.format": "json", f"{PIPELINE}.inference.onError": "Drop"},),
        ({f"{PIPELINE}.source.format": "jsn", f"{PIPELINE}.inference.onError": "Drop"},),
        f"{PIPELINE}.inference.onError",
        says="(the source has format: jsn, did you mean json?)",
    ),
    Case(
        "input-columns",
        ({f"{PIPELINE}.inference.inputs": {"x": "id"}}, {f"{PIPELINE}.inference.inputs": GONE}),
        ({f"{PIPELINE}.inference.inputs": {"x": "feature", "z": "id"}},),
        f"{PIPELINE}.inference.inputs",
        says="(missing: feature; there are: id, features)",
    ),
    Case(
        "image-size",
        (
            {_IMAGE: {"height": 224, "width": 224}},
            {_IMAGE: {"fit": "Crop", "mean": [127.5], "std": [127]}},
            {_IMAGE: {}},
        ),
        ({_IMAGE: {"height": 224}}, {_IMAGE: {"width": 224}}),
        _IMAGE,
    ),
    Case(
        "image-std",
        ({_IMAGE: {"std": [255]}}, {_IMAGE: {"mean": [-1], "std": [58.4, 57.1, 57.4]}}),
        ({_IMAGE: {"std": [0]}}, {_IMAGE: {"std": [1, -0.5, 1]}}),
        f"{_IMAGE}.std",
    ),
    Case(
        "image-columns",
        (
            {f"{PIPELINE}.inference.images": {"x": {}, "features": {}}},
            {f"{PIPELINE}.inference.images": {}},
        ),
        ({f"{PIPELINE}.inference.images": {"y": {}}},),
        f"{PIPELINE}.inference.images",
    ),
    Case(
        "keep-columns",
        ({f"{PIPELINE}.inference.keep": ["id"]}, {f"{PIPELINE}.inference.keep": []}),
        ({f"{PIPELINE}.inference.keep": ["id", "ts", "key"]},),
        f"{PIPELINE}.inference.keep",
        says="(missing: ts, key; there are: id, features)",
    ),
    Case(
        "output-columns",
        (
            {
                f"{PIPELINE}.inference.outputs": {"features": "y"},
                f"{PIPELINE}.inference.keep": ["id"],
            },
            {f"{PIPELINE}.inference.outputs": GONE},
        ),
        (
            {f"{PIPELINE}.inference.outputs": {"id": "y", "score": "z"}},
            {f"{PIPELINE}.inference.outputs": {"id": "y"}, f"{PIPELINE}.inference.keep": ["id"]},
        ),
        f"{PIPELINE}.inference.outputs",
        says="(that column: id)",
    ),
    Case(
        "whole-files",
        ({f"{PIPELINE}.source.connector": "filesystem", f"{PIPELINE}.source.format": "file"},),
        ({f"{PIPELINE}.source.format": "file"},),
        f"{PIPELINE}.source.format",
    ),
    Case(
        "no-whole-file-sink",
        ({f"{PIPELINE}.sink.format": "json"},),
        ({f"{PIPELINE}.sink.format": "file"},),
        f"{PIPELINE}.sink.format",
    ),
    Case(
        "option-and-secret",
        ({f"{PIPELINE}.source.secretOptions": {"password": SECRET}},),
        ({f"{PIPELINE}.source.secretOptions": {"topic": SECRET}},),
        f"{PIPELINE}.source.secretOptions",
        server=False,
    ),
    Case(
        "option-is-field",
        ({f"{PIPELINE}.sink.options": {"sink.parallelism": 2}},),
        (
            {f"{PIPELINE}.sink.options": {"connector": "kafka"}},
            {f"{PIPELINE}.sink.options": {"format": "a"}},
        ),
        f"{PIPELINE}.sink.options",
        server=False,
    ),
    Case(
        "allowed-sizes-rise",
        ({f"{PIPELINE}.inference.batch": {"maxSize": 64, "allowedSizes": [1, 8, 64]}},),
        tuple(
            {f"{PIPELINE}.inference.batch": {"maxSize": 8, "allowedSizes": sizes}}
            for sizes in ([8, 1, 8], [1, 8, 8], [64, 8])
        ),
        f"{PIPELINE}.inference.batch.allowedSizes",
    ),
    Case(
        "allowed-sizes-end",
        ({f"{PIPELINE}.inference.batch": {"allowedSizes": [256]}},),
        ({f"{PIPELINE}.inference.batch": {"maxSize": 16, "allowedSizes": [1, 8]}},),
        f"{PIPELINE}.inference.batch.allowedSizes",
    ),
    Case(
        "cut-between",
        tuple(
            {
                f"{PIPELINE}.inference.method": "Classify",
                f"{PIPELINE}.inference.classify": {"cut": cut},
            }
            for cut in (0.5, 0.01)
        ),
        tuple(
            {
                f"{PIPELINE}.inference.method": "Classify",
                f"{PIPELINE}.inference.classify": {"cut": cut},
            }
            for cut in (0, 1)
        ),
        f"{PIPELINE}.inference.classify.cut",
    ),
    Case(
        "constant-twice",
        (
            {f"{PIPELINE}.inference.constants": {"keep": 1.0, "training": False, "by": "a"}},
            {f"{PIPELINE}.inference.constants": {"limits": [0.1, 0.5], "box": [[1, 2], [3, 4]]}},
        ),
        (
            {f"{PIPELINE}.inference.constants": {"x": 1.0}},
            {
                f"{PIPELINE}.inference.images": {"features": {}},
                f"{PIPELINE}.inference.constants": {"features": 1.0},
            },
        ),
        f"{PIPELINE}.inference.constants",
        server=False,
    ),
    Case(
        "classify-method",
        (
            {
                f"{PIPELINE}.inference.method": "Classify",
                f"{PIPELINE}.inference.classify": {"topK": 3},
            },
        ),
        (
            {f"{PIPELINE}.inference.classify": {"topK": 3}},
            {f"{PIPELINE}.inference.method": "Regress", f"{PIPELINE}.inference.classify": {}},
        ),
        f"{PIPELINE}.inference.classify",
    ),
)
