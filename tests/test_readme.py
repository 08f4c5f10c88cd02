"""The README shows real output: every calculator command and every Python line in it is run and compared."""

import doctest
import re
import shlex

import pytest
from click.testing import CliRunner

from icl_claims.claims.cli import group
from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```console\n\$ icl-claims (.*?)\n(.*?)\n```", README, flags=re.DOTALL)
DETERMINISTIC = ("optimum", "loss", "moment", "compare", "flow")


def test_there_are_examples() -> None:
    assert {command.split()[0] for command, _ in EXAMPLES} >= {"optimum", "compare", "new"}


@pytest.mark.parametrize(
    ("command", "shown"), [example for example in EXAMPLES if example[0].split()[0] in DETERMINISTIC]
)
def test_shown_output_is_real(command: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(group, shlex.split(command))
    assert result.exit_code == 0
    assert result.output.rstrip() == shown


def test_python_lines_are_real() -> None:
    blocks = re.findall(r"```pycon\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        examples = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
        said: list[str] = []
        failed, tried = doctest.DocTestRunner().run(examples, out=said.append)
        assert (failed, tried > 0) == (0, True), "".join(said)


def test_every_locked_direct_dependency_is_explained() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    direct = set(re.findall(r'"([a-z][a-z0-9-]*)(?:>=|==)', project)) - {"setuptools"}
    table = README[README.index("## Dependencies") :]
    explained = {
        name.strip()
        for row in re.findall(r"^\| ([a-z][^|]*) \|", table, re.MULTILINE)
        for name in row.split(",")
    }
    assert direct <= explained
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower().replace("_", "-")
    assert all(re.search(rf"^{name}==", locked, re.MULTILINE) for name in direct)
