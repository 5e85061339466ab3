"""`init`, `new` and `check`: the commands that need no database."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from asyncmig.cli.commands.init import without_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine


# --- init -----------------------------------------------------------------------------------------


def test_init_new_up_is_all_that_it_takes(bare: CommandLine) -> None:
    """The first three commands of a new project, in an empty folder."""
    codes = [bare(*words).exit_code for words in (["init"], ["new", "users"], ["up", "-q"])]

    assert ([0, 0, 0], True) == (codes, (bare.root / "app.db").exists())


def test_init_appends_and_keeps_what_is_there(bare: CommandLine) -> None:
    """To the byte, with the line ends of the file."""
    file = bare.root / "pyproject.toml"
    before = b'[project]\r\nname = "shop"  # keep\r\n'
    file.write_bytes(before)

    told = bare("init", "--source", "src/shop/migrations")

    expected = (
        b"\r\n[tool.asyncmig]\r\n"
        b"# --database, ASYNCMIG_DATABASE and DATABASE_URL win over what is written here.\r\n"
        b'database = "sqlite:///app.db"\r\nsource = "src/shop/migrations"\r\n'
    )
    assert (0, before + expected, True) == (
        told.exit_code,
        file.read_bytes(),
        (bare.root / "src/shop/migrations").is_dir(),
    )


def test_init_twice_changes_nothing(bare: CommandLine) -> None:
    """A set-up script may call it every time."""
    bare("init")
    before = (bare.root / "pyproject.toml").read_bytes()

    told = bare("init")

    sentence = "pyproject.toml has a section [tool.asyncmig] already; nothing to do\n"
    assert (0, sentence, before) == (
        told.exit_code,
        told.stdout,
        (bare.root / "pyproject.toml").read_bytes(),
    )


def test_init_does_not_write_over_a_section(bare: CommandLine) -> None:
    """Who names a database must not believe that it was written down."""
    bare("init")

    told = bare("init", "--database", "sqlite:///other.db")

    assert (2, True) == (told.exit_code, "has a section [tool.asyncmig] already" in told.stderr)


def test_init_refuses_a_file_that_it_would_break(bare: CommandLine) -> None:
    """An inline table cannot be continued."""
    file = bare.root / "pyproject.toml"
    file.write_text("tool = {ruff = {}}\n")

    told = bare("init")

    assert (2, "tool = {ruff = {}}\n") == (told.exit_code, file.read_text())


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (
            "postgresql://app:s/e:c@ret@db:5432/shop?sslmode=require",
            "postgresql://app@db:5432/shop?sslmode=require",
        ),
        ("postgresql://db/shop?password=secret", "postgresql://db/shop"),
        ("postgresql://db/shop?password=secret&sslmode=off", "postgresql://db/shop?sslmode=off"),
        ("postgresql://app@db:5432/shop", "postgresql://app@db:5432/shop"),
        ("sqlite:////tmp/app.db", "sqlite:////tmp/app.db"),
    ],
)
def test_a_password_is_never_written_down(url: str, kept: str) -> None:
    """The file ends up in git."""
    found, warning = without_password(url)

    assert (kept, url != kept) == (found, bool(warning))


def test_init_warns_of_a_password_that_it_left_out(bare: CommandLine) -> None:
    """And says where it belongs."""
    told = bare("init", "--database", "postgresql://app:hunter2@db/shop")

    content = (bare.root / "pyproject.toml").read_text()
    assert (0, True, False, True) == (
        told.exit_code,
        "warning: the password was left out" in told.stdout,
        "hunter2" in content + told.stdout,
        'database = "postgresql://app@db/shop"' in content,
    )


# --- new ------------------------------------------------------------------------------------------


def test_new_writes_a_file_and_prints_its_path(bare: CommandLine) -> None:
    """The path alone, so that an editor can be given it."""
    told = bare("new", "Create", "users")

    assert re.fullmatch(r"migrations/\d{14}_create_users\.sql\n", told.stdout)
    text = (bare.root / told.stdout.strip()).read_text()
    assert text.startswith("-- migrate:up\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sequential"], "migrations/003_tags.sql"),
        (["--repeatable"], "migrations/R__tags.sql"),
        (["--sequential", "--python"], "migrations/003_tags.py"),
    ],
)
def test_new_writes_every_kind_of_file(cli: CommandLine, words: list[str], expected: str) -> None:
    """A sequence goes on with as many digits as it has."""
    told = cli("new", "tags", *words)

    assert (0, f"{expected}\n", True) == (
        told.exit_code,
        told.stdout,
        (cli.root / expected).exists(),
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("1_a.sql", "-- +goose Up\nSELECT 1;\n", []),
        ("V1__a.sql", "SELECT 1;\n", []),
        ("1_a.sql", "SELECT 1;\n", ["--format", "goose"]),
    ],
)
def test_new_leaves_the_folder_of_another_tool_alone(
    bare: CommandLine, name: str, content: str, words: list[str]
) -> None:
    """A file of ours would not be read there, or everything would be read otherwise."""
    bare.migrations.path.mkdir()
    bare.migrations.write(name, content)

    told = bare("new", "b", *words)

    tool = "flyway" if name.startswith("V") else "goose"
    sentence = f"error: migrations is a folder of {tool}, and `asyncmig new` writes files of"
    assert (2, True, [name]) == (
        told.exit_code,
        told.stderr.startswith(sentence),
        [file.name for file in bare.migrations.path.iterdir()],
    )


@pytest.mark.parametrize(
    ("database", "driver"), [("sqlite:///a.db", "aiosqlite"), ("postgresql://db/shop", "asyncpg")]
)
def test_a_python_migration_is_for_the_driver_of_the_database(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch, database: str, driver: str
) -> None:
    """So that the editor knows what a connection can do."""
    monkeypatch.setenv("DATABASE_URL", database)

    told = bare("new", "tags", "--python")

    assert f"import {driver}\n" in (bare.root / told.stdout.strip()).read_text()


def test_a_python_migration_for_no_known_database_is_a_question(bare: CommandLine) -> None:
    """Nothing is guessed, and nothing is written."""
    told = bare("new", "tags", "--python")

    assert (2, True, False) == (
        told.exit_code,
        "--dialect postgresql" in told.stderr,
        bare.migrations.path.exists(),
    )


def test_new_does_not_write_over_a_file(cli: CommandLine) -> None:
    """Not even over an empty one."""
    told = cli("new", "totals", "--repeatable")

    assert (2, True) == (
        told.exit_code,
        "migrations/R__totals.sql cannot be written: is there already" in told.stderr,
    )


def test_new_needs_words_that_make_a_name(bare: CommandLine) -> None:
    """A file called VERSION_.sql could not be read as a migration."""
    assert 2 == bare("new", "...").exit_code


# --- check ----------------------------------------------------------------------------------------


def test_check_of_sound_files_is_one_line(cli: CommandLine) -> None:
    """And needs no database: none is there."""
    told = cli("check")

    assert (0, "migrations: no mistakes\n", False) == (
        told.exit_code,
        told.stdout,
        (cli.root / "app.db").exists(),
    )


def test_check_finds_every_mistake_at_once(cli: CommandLine) -> None:
    """Each with its place and its remedy; the exit code is 3."""
    cli.migrations.write("002_other.sql", "SELECT 1;\n")
    cli.migrations.write("3-dashed.sql", "SELECT 1;\n")
    cli.migrations.write("004_typo.sql", "-- migrate:up transactoin:false\nSELECT 1;\n")

    told, document = cli("check"), cli.document("check")

    files = [error["file"] for error in document["errors"]]
    assert (3, 3) == (told.exit_code, len(files))
    assert ["migrations/004_typo.sql", 1] == [
        document["errors"][1][key] for key in ("file", "line")
    ]
    assert document["error"] is None
    assert all(error["message"] in told.stdout for error in document["errors"])


def test_check_finds_sql_that_cannot_run_as_it_stands(cli: CommandLine) -> None:
    """In both directions."""
    cli.migrations.write("003_commit.sql", "SELECT 1;\nCOMMIT;\nSELECT 2;\n")
    cli.migrations.write("004_vacuum.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\nVACUUM;\n")

    document = cli.document("check")

    places = [(error["file"], error["line"], error["column"]) for error in document["errors"]]
    assert [("migrations/003_commit.sql", 2, 1), ("migrations/004_vacuum.sql", 4, 1)] == places


def test_check_says_what_it_understood_of_another_tools_folder(bare: CommandLine) -> None:
    """Whose files, in which order, which ways down, and what it will not run."""
    bare.migrations.path.mkdir()
    bare.migrations.write("00002_a.sql", "-- +goose Up\nCREATE TABLE a (n int);\n-- +goose Down\n")
    bare.migrations.write("00010_b.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM;\n")
    bare.migrations.write("00011_c.go", "package migrations\n")

    told = bare("check", "--dialect", "sqlite")
    document = bare.document("check", "--dialect", "sqlite")

    assert [
        "goose: 2 in the order 00002 to 00010, 1 with a way down, 1 that cannot be run",
        "  outside of a transaction: 00010",
        "migrations/00011_c.go: a migration in Go, which cannot be run here",
    ] == told.stdout.splitlines()[:3]
    assert (3, "goose", ["00002", "00010"], ["00010"], ["00002"]) == (
        told.exit_code,
        document["source_format"],
        document["order"],
        document["without_transaction"],
        document["reversible"],
    )


@pytest.mark.parametrize("command", ["check", "lint"])
def test_a_branch_is_compared_by_the_names_of_our_own_format(
    bare: CommandLine, command: str
) -> None:
    """In the folder of another tool nothing would be found, which is not the same as nothing."""
    bare.migrations.path.mkdir()
    bare.migrations.write("1_a.sql", "-- +goose Up\nSELECT 1;\n")

    told = bare(command, "--dialect", "sqlite", "--against", "main")

    assert (2, True) == (
        told.exit_code,
        "a folder of goose, and --against goes by the names of asyncmig's format" in told.stderr,
    )


def test_check_of_a_folder_that_is_said_to_be_another_tools(cli: CommandLine) -> None:
    """What a person says wins over what the files say."""
    told = cli("check", "--format", "goose")

    assert (3, True) == (told.exit_code, "there is no -- +goose Up" in told.stdout)


def test_check_finds_what_builds_on_a_later_phase(cli: CommandLine) -> None:
    """With both files, the place, and the way out; --lint does not say it again."""
    cli.migrations.write(
        "003_rename.sql", "-- migrate:up phase:post\nALTER TABLE users RENAME TO people;\n"
    )
    cli.migrations.write("004_use.sql", "SELECT 1;\n  UPDATE people SET id = 2 WHERE id = 1;\n")
    sentence = (
        "migrations/004_use.sql:2:3: table people comes with migrations/003_rename.sql, which "
        "waits for the new code and may be pending"
    )
    hint = (
        "write `phase:post` on this file's marker too; or take it out of "
        "migrations/003_rename.sql, if that may run before the new code, or has run everywhere"
    )

    told, document = cli("check"), cli.document("check", "--lint")

    assert (3, f"{sentence}\n  hint: {hint}\n") == (told.exit_code, told.stdout)
    assert [
        {
            "type": "PostponedDependencyError",
            "message": sentence,
            "hint": hint,
            "version": "004",
            "file": "migrations/004_use.sql",
            "line": 2,
            "column": 3,
        }
    ] == [
        {key: error[key] for key in error if error[key] is not None} for error in document["errors"]
    ]
    assert document["findings"] == []


def test_check_hears_the_comment_that_allows_to_build_on_a_later_phase(cli: CommandLine) -> None:
    """And says nothing of a second phase that nobody builds on, nor of rules of the linter."""
    cli.migrations.write("003_drop.sql", "-- migrate:up phase:post\nDROP TABLE posts;\n")
    cli.migrations.write(
        "004_again.sql",
        "-- asyncmig:allow builds-on-postponed because the first one is gone everywhere\n"
        "CREATE TABLE posts (id INTEGER);\nINSERT INTO users SELECT * FROM posts;\n",
    )

    assert 0 == cli("check").exit_code
    cli.migrations.write("004_again.sql", "CREATE TABLE posts (id INTEGER);\n")
    assert 3 == cli("check").exit_code


def test_check_of_a_missing_folder_is_a_wrong_setting(bare: CommandLine) -> None:
    """No file has a mistake, because there is none."""
    told = bare("check", "--dialect", "sqlite")

    assert (2, True) == (told.exit_code, "there is no folder migrations" in told.stderr)


def test_check_asks_for_the_dialect_where_no_database_is_named(bare: CommandLine) -> None:
    """The same text can be sound in one and wrong in the other."""
    bare.migrations.path.mkdir()

    told = bare("check")

    assert (2, True) == (told.exit_code, "--dialect postgresql or --dialect sqlite" in told.stderr)


def git(folder: Path, *words: str) -> None:
    """Run git, as somebody with a name."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)  # noqa: S607


def test_check_against_a_branch_finds_what_a_merge_would_put_out_of_order(
    cli: CommandLine,
) -> None:
    """Late versions, and versions that are taken; what is newer is fine."""
    git(cli.root, "init")
    cli.migrations.write("010_theirs.sql", "SELECT 1;\n")
    git(cli.root, "add", ".")
    git(cli.root, "commit", "-m", "first")
    cli.migrations.remove("010_theirs.sql")
    cli.migrations.write("005_late.sql", "SELECT 1;\n")
    cli.migrations.write("010_taken.sql", "SELECT 1;\n")
    cli.migrations.write("011_fine.sql", "SELECT 1;\n")

    told, document = cli("check", "--against", "main"), cli.document("check", "--against", "main")

    assert (3, cli("check").exit_code) == (told.exit_code, 0)
    assert [
        (
            "LateVersionError",
            (
                "migrations/005_late.sql comes before 010, the newest version of main, so it "
                "would be out of order after a merge"
            ),
        ),
        (
            "DuplicateVersionError",
            "version 010 is claimed by 2 files: main:010_theirs.sql, migrations/010_taken.sql",
        ),
    ] == [(error["type"], error["message"]) for error in document["errors"]]


def test_check_against_a_commit_without_the_folder_finds_nothing(cli: CommandLine) -> None:
    """The first migrations of a project are not late."""
    git(cli.root, "init")
    git(cli.root, "commit", "--allow-empty", "-m", "first")

    assert 0 == cli("check", "--against", "HEAD").exit_code


@pytest.mark.parametrize("reference", ["nowhere", "--help", "-x", "main..other"])
def test_check_against_what_is_no_commit_is_a_sentence(cli: CommandLine, reference: str) -> None:
    """Whatever the name looks like."""
    git(cli.root, "init")
    git(cli.root, "commit", "--allow-empty", "-m", "first")

    told = cli("check", f"--against={reference}")

    expected = f"error: git knows no commit {reference!r} in migrations"
    assert (2, expected) == (told.exit_code, told.stderr.splitlines()[0])


def test_check_against_outside_a_repository_is_a_sentence(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback of a subprocess."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(cli.root.parent))

    told = cli("check", "--against", "main")

    assert (2, True) == (
        told.exit_code,
        told.stderr.startswith("error: git cannot look into migrations: not a git repository"),
    )


def test_check_against_without_git_is_a_sentence(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slim container has none."""
    monkeypatch.setenv("PATH", str(cli.root))

    told = cli("check", "--against", "main")

    assert (2, "error: --against needs git, and there is none on PATH\n") == (
        told.exit_code,
        told.stderr,
    )
