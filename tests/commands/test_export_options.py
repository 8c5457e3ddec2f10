import click
import pytest
from click.testing import CliRunner

from midlevel.commands import export


@click.command()
@click.option("--format", "names", type=export.Names((*export.FORMATS, "all")))
def show(names):
    click.echo(names)


def run(value):
    return CliRunner().invoke(show, ["--format", value])


@pytest.mark.parametrize(
    "value, names",
    [
        ("onnx", ("onnx",)),
        ("onnx,litert", ("onnx", "litert")),
        (" onnx, all ,", ("onnx", "all")),
    ],
)
def test_names_have_commas_between_them(value, names):
    assert run(value).output.strip() == str(names)


@pytest.mark.parametrize(
    "value, message",
    [
        ("onx,all", "litert; or all. Received: onx,all. Did you mean onnx?"),
        (",", "expected some of keras, savedmodel, onnx, openvino, litert; or all. "),
    ],
)
def test_what_is_no_format_is_refused_with_what_there_is(value, message):
    done = run(value)
    assert done.exit_code == 2 and message in done.output
