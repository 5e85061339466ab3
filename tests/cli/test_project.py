"""The project's own code is importable while a command runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import CommandLine

SETUP = """\
async def prepare(connection):
    await connection.create_function("answer", 0, lambda: 42)

class Hooks:
    @staticmethod
    async def prepare(connection):
        await prepare(connection)

number = 3
"""


@pytest.fixture(autouse=True)
def _quiet_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCMIG_LOG_FORMAT", "none")


@pytest.fixture(autouse=True)
def _forgotten_modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("shop"):
            del sys.modules[name]


@pytest.mark.parametrize("name", ["prepare", "Hooks.prepare"])
def test_the_setup_function_of_the_project_is_called(cli: CommandLine, name: str) -> None:
    """It is found from the project's root on, and sees the connection first."""
    (cli.root / "shop_hooks.py").write_text(SETUP)
    cli.migrations.write("003_answer.sql", "CREATE TABLE answers AS SELECT answer() AS n;\n")

    told = cli("up", "--setup", f"shop_hooks:{name}")

    assert (0, "") == (told.exit_code, told.stderr)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("shop_hooks", "the setup 'shop_hooks' names no function"),
        ("shop_hooks:", "the setup 'shop_hooks:' names no function"),
        ("shop_hooks:missing", "the setup 'shop_hooks:missing': missing does not exist"),
        ("shop_hooks:number", "the setup 'shop_hooks:number': number is not a function"),
        (
            "shop_none:prepare",
            (
                "the setup 'shop_none:prepare' cannot be imported: "
                "ModuleNotFoundError: No module named 'shop_none'"
            ),
        ),
        (
            "shop_bad:prepare",
            "the setup 'shop_bad:prepare' cannot be imported: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_setup_that_cannot_be_had_is_a_sentence(
    cli: CommandLine, reference: str, message: str
) -> None:
    """Exit 2, and nothing was run."""
    (cli.root / "shop_hooks.py").write_text(SETUP)
    (cli.root / "shop_bad.py").write_text("1 / 0\n")

    told = cli("up", "--setup", reference)

    assert (2, f"error: {message}", False) == (
        told.exit_code,
        told.stderr.splitlines()[0],
        (cli.root / "app.db").exists(),
    )


def test_migrations_can_be_in_a_package_of_the_project(cli: CommandLine) -> None:
    """`package:` names are looked up from the project's root on."""
    package = cli.root / "shop_package"
    package.mkdir()
    (package / "__init__.py").touch()
    cli.migrations.path.rename(package / "migrations")

    told = cli("up", "--source", "package:shop_package.migrations")

    assert (0, "") == (told.exit_code, told.stderr)
