"""``modelstream init``: a manifest that runs, of a model and some data."""

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from modelstream.cli import draft, guess, sample
from modelstream.cli.draft import Draft, Ends, Field
from modelstream.cli.exits import Exit, UsageError
from modelstream.cli.models import model_at_hand
from modelstream.cli.sample import Form, Sample
from modelstream.convert import Constant, TensorSpec, sql_type
from modelstream.errors import ModelStreamError, SignatureMismatchError
from modelstream.fetch import scheme_of
from modelstream.messages import listed
from modelstream.models import Model, Regress, Signature
from modelstream.models.feeding import Feeding
from modelstream.models.formats import FileModel
from modelstream.models.signature import DEFAULT_SIGNATURE, find_signature
from modelstream_crds import manifest

_LONGEST_NAME = 40
_COMPOSED = re.compile("ROW|MAP")
_KEPT = 12


@dataclass(frozen=True)
class Columns:
    """What a source has.

    Attributes:
        fields: in their order.
        inputs: tensor → the column that feeds it.
        guessed: the tensors whose column has another name.
    """

    fields: tuple[Field, ...]
    inputs: Mapping[str, str]
    guessed: frozenset[str] = frozenset()


def command(arguments: argparse.Namespace) -> Exit:
    """Write the manifest, and say what to do with it."""
    model = model_at_hand(
        arguments.model, tags=arguments.tags, version=arguments.version, imports=arguments.imports
    )
    name = model_name(arguments.model)
    file = Path(arguments.output or f"{name}.yaml")
    if str(file) != "-" and file.exists():
        raise UsageError(f"{file} is there already: give another name, --output FILE")
    source = sample.opened(arguments.data) if arguments.data else nullcontext()
    with source as found:
        text = draft.text(_draft(model, name, found, arguments))
    manifest.load(text)
    if str(file) == "-":
        print(text, end="")
        return Exit.DONE
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    _tell(file, name, arguments)
    return Exit.DONE


def _tell(file: Path, name: str, arguments: argparse.Namespace) -> None:
    more = f" --model {shlex.quote(f'{name}={arguments.model}')}" if arguments.cluster else ""
    if arguments.cluster and arguments.data and not arguments.kafka:
        more += f" --mount {shlex.quote(f'data={Path(arguments.data).parent}')}"
    print(f"{file} is written. To look through it and run it:", file=sys.stderr)
    at = shlex.quote(str(file))
    print(f"  modelstream validate {at}", file=sys.stderr)
    print(f"  modelstream run {at}{more}", file=sys.stderr)


def model_name(address: str) -> str:
    """What a manifest calls the model: the last part of its address, in letters and digits."""
    stem = Path(address.partition("?")[0].rstrip("/")).name.partition(".")[0]
    name = re.sub("[^a-z0-9]", "", stem.lower()).lstrip("0123456789")
    return name[:_LONGEST_NAME] or "model"


def _draft(
    model: FileModel, name: str, found: Sample | None, arguments: argparse.Namespace
) -> Draft:
    wanted = arguments.signature or _default(model)
    constants = dict(arguments.constant)
    signature = _fed(find_signature(model.signatures, wanted, model.name), constants)
    given = dict(arguments.input)
    if found is None:
        columns = _of_signature(signature, given)
        header = False
    else:
        columns, header = _of_sample(found, signature, given, arguments.columns)
    names = {field.name for field in columns.fields}
    method, outputs = answers(model, signature, names, constants)
    return Draft(
        name=name,
        uri=_uri(arguments, name),
        format=model.format,
        signature="" if signature.name == DEFAULT_SIGNATURE else signature.name,
        fields=columns.fields,
        inputs=columns.inputs,
        constants=constants,
        guessed=columns.guessed,
        method=method,
        outputs=outputs,
        keep=_kept(columns, outputs),
        ends=_ends(arguments, found),
        header=header,
        cluster=arguments.cluster,
    )


def _fed(signature: Signature, constants: Mapping[str, object]) -> Signature:
    """The signature without the inputs that are constants.

    Raises:
        SignatureMismatchError: one of them is not there or does not fit, or no column can feed one
            of the others.
    """
    given = {tensor: Constant(value) for tensor, value in constants.items()}
    fed = Feeding.of(signature, given).signature
    for tensor, spec in fed.inputs.items():
        if spec.shape == ():
            raise SignatureMismatchError(
                f"input {tensor!r} ({spec}) is one value for all records, which no column can "
                f"feed: give it, --constant {tensor}=VALUE"
            )
    return fed


def _default(model: Model) -> str:
    names = list(model.signatures)
    return names[0] if len(names) == 1 else DEFAULT_SIGNATURE


def _uri(arguments: argparse.Namespace, name: str) -> str:
    if arguments.cluster:
        return f"pvc://models/{name}"
    if scheme_of(arguments.model):
        return str(arguments.model)
    return f"file://{Path(arguments.model).absolute()}"


def _ends(arguments: argparse.Namespace, found: Sample | None) -> Ends:
    format = "csv" if found is not None and found.form is Form.CSV else "json"
    options = {}
    if format == "csv" and found is not None and found.dialect.delimiter != ",":
        options["csv.field-delimiter"] = found.dialect.delimiter
    if arguments.kafka:
        return Ends(format, options, topic=arguments.kafka, servers=arguments.bootstrap_servers)
    return Ends(format, options, path=arguments.data or "records")


def _of_signature(signature: Signature, given: Mapping[str, str]) -> Columns:
    """Columns that the tensors could have, where nobody has shown one."""
    inputs = {tensor: given.get(tensor, tensor) for tensor in signature.inputs}
    fields = [
        Field(inputs[tensor], sql_type(spec), _feeds(tensor, spec))
        for tensor, spec in signature.inputs.items()
    ]
    return Columns(tuple(fields), inputs)


def _of_sample(
    found: Sample, signature: Signature, given: Mapping[str, str], named: Sequence[str]
) -> tuple[Columns, bool]:
    """Columns as the data has them, and whether the data begins with their names.

    Raises:
        UsageError: no job reads records that are written so.
        SignatureMismatchError: it cannot be told which column feeds a tensor.
    """
    if found.form in (Form.ARRAY, Form.DOCUMENT):
        raise UsageError(
            f"the data is {found.form}, and a job reads an object a line: write it so, as "
            f"`jq -c '.[]?' FILE > records.jsonl` does; `modelstream predict` reads it as it is"
        )
    text = found.form is Form.CSV
    if text and not named:
        found = sample.with_header(found, [*signature.inputs, *given.values()])
    values = found.columns(sample.csv_names(found, named, list(signature.inputs)))
    values.pop("", None)  # a field without a name, which no column can have
    inputs, guessed = bound(signature, list(values), given)
    tensors = {column: tensor for tensor, column in inputs.items()}
    fields = []
    for name, each in values.items():
        spec = signature.inputs[tensors[name]] if name in tensors else None
        kind = guess.column_type(spec, each, text=text)
        fields.append(Field(name, kind, _feeds(tensors[name], spec) if spec else ""))
    return Columns(tuple(fields), inputs, guessed), found.header is not None


def bound(
    signature: Signature, columns: Sequence[str], given: Mapping[str, str]
) -> tuple[dict[str, str], frozenset[str]]:
    """Which column feeds which tensor: what is said, the same name, nearly the same, the only one.

    Returns:
        Tensor → column, and the tensors whose column was guessed.

    Raises:
        SignatureMismatchError: a tensor finds none.
    """
    near = {_letters(name): name for name in reversed(columns)}
    inputs: dict[str, str] = {}
    for tensor in signature.inputs:
        column = given.get(tensor, tensor)
        found = column if column in columns else near.get(_letters(column))
        if found is None and len(columns) == len(signature.inputs) == 1 and tensor not in given:
            found = columns[0]
        if found is not None:
            inputs[tensor] = found
    if missing := [tensor for tensor in signature.inputs if tensor not in inputs]:
        tensors = ", ".join(f"{each} ({signature.inputs[each]})" for each in missing)
        raise SignatureMismatchError(
            f"no column of the data has the name of {tensors}; it has {listed(columns)}: say "
            f"which one feeds it, --input {missing[0]}=COLUMN"
        )
    guessed = {t for t, column in inputs.items() if column not in (t, given.get(t))}
    return inputs, frozenset(guessed)


def answers(
    model: Model, signature: Signature, columns: set[str], constants: Mapping[str, object]
) -> tuple[str, dict[str, str]]:
    """The method, where the exporter has not said it, and the columns that come of it."""
    given = {tensor: Constant(value) for tensor, value in constants.items()}
    if not signature.method_name.endswith("predict"):
        return "", {}
    try:
        Regress(signature.name, inputs=given).bind(model)
    except ModelStreamError:
        outputs = {
            _free(name, columns): name for name in signature.outputs if _has_type(signature, name)
        }
        return "Predict", outputs
    return "Regress", {_free("score", columns): "value"}


def _has_type(signature: Signature, output: str) -> bool:
    spec = signature.outputs[output]
    try:
        return spec.shape != () and bool(sql_type(spec))
    except ModelStreamError:
        return False


def _kept(columns: Columns, outputs: Mapping[str, str]) -> tuple[str, ...]:
    """What goes on beside the results: columns of one value, first those that feed nothing."""
    fit = [f for f in columns.fields if "ARRAY" not in f.type and not _COMPOSED.search(f.type)]
    names = [f.name for f in fit if not f.feeds] or [f.name for f in fit]
    return tuple(name for name in names if name not in outputs)[:_KEPT]


def _feeds(tensor: str, spec: TensorSpec) -> str:
    return f"feeds {tensor}, {spec}"


def _free(name: str, taken: set[str]) -> str:
    return f"{name}_of_model" if name in taken else name


def _letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
