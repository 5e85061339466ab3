"""Squawk's findings, in the place and in the words of ours."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import SettingsError
from asyncmig.lint import squawk, squawk_rules
from asyncmig.lint.selection import Selection
from asyncmig.lint.squawk import Text, ask_squawk, find_squawk, read_answer
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.lint.conftest import Linted

BOTH = Selection()


@dataclass(frozen=True, slots=True)
class Program:
    """Something in the place of squawk."""

    path: Path

    def __call__(self, script: str) -> Path:
        """Write a shell script, and return it."""
        self.path.write_text(f"#!/bin/sh\n{script}\n")
        self.path.chmod(0o755)
        return self.path


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the file of a program to be written."""
    return Program(tmp_path / "not-squawk")


def of_squawk(lint: Linted, text: str, selection: Selection = BOTH) -> list[str]:
    """Return what squawk finds in a second migration."""
    found = lint.rules(text, selection=selection)
    return [place.replace("squawk/", "") for place in found if "squawk/" in place]


def test_a_finding_has_the_place_in_the_file(lint: Linted) -> None:
    """Squawk counts lines from 0 in the part that it gets, and columns in bytes."""
    text = (
        "-- one\n-- migrate:up\nSELECT 'é€😀'; DROP INDEX i;\nINSERT INTO users VALUES ('é');"
        "  DROP INDEX j;\n-- migrate:down\nDROP INDEX k;\n"
    )

    assert [
        "3:15 require-concurrent-index-deletion",
        "4:34 require-concurrent-index-deletion",
    ] == of_squawk(lint, text)


def test_a_finding_reads_like_ours(lint: Linted) -> None:
    """With the marker in its advice where asyncmig needs one."""
    report = lint({"0002_b.sql": "CREATE INDEX i ON users (name);\n"}, selection=BOTH)

    (finding,) = report.findings
    assert (
        "squawk/require-concurrent-index-creation",
        "warning",
        (
            "write CREATE INDEX CONCURRENTLY, in a file of its own with "
            "`-- migrate:up transaction:false`"
        ),
        (),
    ) == (finding.rule, finding.severity, finding.hint, report.notes)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE users ADD COLUMN age bigint;\n",
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON users (name);\n",
        "BEGIN;\nALTER TABLE users ADD COLUMN age bigint;\nCOMMIT;\n",
        (
            "CREATE TABLE pets (name text);\nCREATE INDEX i ON pets (name);\nDROP TABLE pets;\n"
            "CREATE TABLE toys (a bigint);\nALTER TABLE toys ADD COLUMN b bigint NOT NULL;\n"
            "ALTER TABLE toys ALTER COLUMN a TYPE text;\n"
        ),
        "DROP VIEW v;\nCREATE VIEW v AS SELECT 1 AS n;\n",
        "-- migrate:up phase:post\nDROP VIEW v;\nALTER TABLE users DROP COLUMN name;\n",
        (
            "ALTER TABLE orders DROP CONSTRAINT c;\n"
            "ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID;\n"
        ),
        "CREATE TABLE pets (id int PRIMARY KEY, name varchar(20), born timestamp);\n",
    ],
    ids=[
        "timeouts",
        "robust",
        "nesting",
        "new-table",
        "view-again",
        "second-phase",
        "constraint-again",
        "style",
    ],
)
def test_what_does_not_hold_here_is_left_out(lint: Linted, text: str) -> None:
    """What the runner does, what nobody uses yet, what comes back, what is a matter of taste."""
    assert of_squawk(lint, text) == []


def test_a_rule_of_taste_can_be_enabled(lint: Linted) -> None:
    """It is a notice, and holds for new tables too."""
    enabled = Selection(enable=frozenset({"squawk/prefer-text-field"}))
    report = lint({"0002_b.sql": "CREATE TABLE pets (name varchar(20));\n"}, selection=enabled)

    assert [("squawk/prefer-text-field", "notice")] == [
        (one.rule, one.severity) for one in report.findings
    ]


def test_a_rule_can_be_disabled_and_allowed(lint: Linted) -> None:
    """By the name that the finding has."""
    text = (
        "-- asyncmig:allow squawk/require-concurrent-index-deletion\nDROP INDEX i;\nDROP INDEX j;\n"
    )
    without = Selection(disable=frozenset({"squawk/require-concurrent-index-deletion"}))

    assert ["3:1 require-concurrent-index-deletion"] == of_squawk(lint, text)
    assert of_squawk(lint, "DROP INDEX i;\n", without) == []


def test_an_allowance_that_squawk_does_not_need_is_found(lint: Linted) -> None:
    """As for a rule of ours."""
    text = "-- asyncmig:allow squawk/require-concurrent-index-deletion\nSELECT 1;\n"

    assert ["1:1 unused-allow"] == lint.rules(text, selection=BOTH)


def test_what_both_find_is_said_once(lint: Linted) -> None:
    """The rule of ours knows that the next migration is another transaction."""
    text = (
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT c;\n"
    )

    assert ["2:1 validate-in-same-transaction"] == lint.rules(text, selection=BOTH)


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE users", "ALTER TABLE users DROP name", "ALTER TABLE users RENAME name TO title"],
)
def test_of_what_the_old_code_needs_ours_says_when_it_may_go(lint: Linted, statement: str) -> None:
    """Squawk finds the same, and knows no phases."""
    assert ["1:1 breaks-running-code"] == lint.rules(f"{statement};\n", selection=BOTH)


def test_a_statement_that_squawk_cannot_read_hides_no_other(lint: Linted) -> None:
    """It is named, and the rest of the file is looked at without it."""
    text = "DROP INDEX i;\nSELEC 1 FRM 2;\nDROP INDEX j;\n"

    found = of_squawk(lint, text)

    assert ["1:1 require-concurrent-index-deletion", "3:1 require-concurrent-index-deletion"] == [
        place for place in found if "syntax-error" not in place
    ]
    assert any(place.startswith("2:") and "syntax-error" in place for place in found)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM users WHERE id IN (SELECT id FROM users LIMIT :batch_size);",
        "INSERT INTO users (id) SELECT id FROM orders LIMIT :batch_size;",
    ],
)
def test_the_size_of_a_batch_is_shown_to_it_as_a_number(lint: Linted, statement: str) -> None:
    """The placeholder is asyncmig's own, and what stands behind it is where it was."""
    text = f"-- migrate:up batch:1000\n{statement} DROP INDEX i;\n"

    assert [f"2:{len(statement) + 2} require-concurrent-index-deletion"] == of_squawk(lint, text)


def test_sqlite_is_none_of_its_business(lint: Linted) -> None:
    """Nor is it missed there."""
    report = lint({"0002_b.sql": "DROP INDEX i;\n"}, Dialect.SQLITE, BOTH)

    assert ((), ()) == (report.findings, report.notes)


def test_without_squawk_the_report_says_how_to_get_it(
    lint: Linted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own rules are applied none the less."""
    monkeypatch.setattr(squawk, "find_squawk", lambda: None)

    report = lint({"0002_b.sql": "DELETE FROM users;\n"}, selection=BOTH)

    assert (["write-without-where"], (squawk.MISSING,)) == (
        [one.rule for one in report.findings],
        report.notes,
    )


def test_squawk_is_found_on_the_path(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment of Python has none of its own."""
    path = program("exit 0").rename(program.path.parent / "squawk")
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(path.parent / "nowhere"))
    monkeypatch.setenv("PATH", str(path.parent))

    assert path == find_squawk()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo thread panicked >&2; exit 101", "squawk exited with 101: thread panicked"),
        ("exit 2", "squawk exited with 2: "),
        ("echo hello", "squawk prints what is not JSON: 'hello\\n'"),
        ("exec sleep 60", "squawk did not finish within 0.2 s"),
    ],
    ids=["panic", "usage", "no-json", "hangs"],
)
def test_a_squawk_that_does_not_work_is_an_error(
    program: Program, script: str, message: str
) -> None:
    """A check that was not done must not look like one that found nothing."""
    with pytest.raises(SettingsError) as caught:
        ask_squawk(program(script), [Text("SELECT 1", transaction=True)], seconds=0.2)

    assert (message, "--no-squawk leaves its rules out") == (
        caught.value.message,
        caught.value.hint,
    )


def test_a_squawk_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    """Such as one for another kind of machine."""
    with pytest.raises(SettingsError, match="squawk cannot be started: No such file"):
        ask_squawk(tmp_path / "gone", [Text("SELECT 1", transaction=True)])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('[{"rule_name": "a"}, "b", 7]', [{"rule_name": "a"}]),
        ('{"version": 3, "findings": [{"rule_name": "a"}]}', [{"rule_name": "a"}]),
        ('{"version": 3}', []),
        ("null", []),
    ],
    ids=["list", "object", "no-list", "null"],
)
def test_an_answer_is_taken_as_far_as_it_is_understood(
    answer: str, expected: list[Mapping[str, object]]
) -> None:
    """A newer squawk may wrap its list, or put something else into it."""
    assert expected == list(read_answer(answer))


def test_what_an_answer_leaves_out_is_filled_in(program: Program) -> None:
    """A place at the beginning, a rule without a name; what is about another file is dropped."""
    script = """shift 3; echo '[{"file": "'"$1"'", "line": null}, {"file": "x"}, {}]'; exit 1"""

    (found,) = ask_squawk(program(script), [Text("SELECT 1", transaction=True)])

    assert [squawk.Remark("unknown", "warning", "squawk gives no reason", "", 0, 0)] == found


def test_scripts_with_and_without_a_transaction_are_asked_apart(program: Program) -> None:
    """In few calls, and the answers come back in the order of the scripts."""
    script = (
        'mode=$3; shift 3; for file in "$@"; do '
        """list="$list"'{"file": "'"$file"'", "rule_name": "'"$mode"'"},'; done; """
        'echo "[${list%,}]"'
    )
    texts = [Text("a", transaction=True), Text("b", transaction=False), Text("c", transaction=True)]

    found = ask_squawk(program(script), texts)

    inside, outside = "--assume-in-transaction", "--no-assume-in-transaction"
    assert [[inside], [outside], [inside]] == [[one.rule for one in part] for part in found]


def test_the_rules_that_are_named_here_are_squawks() -> None:
    """A slip in one of our tables would leave its rule as it is."""
    program = find_squawk()
    assert program is not None, "pip install -e '.[test]' brings it"
    names = {
        *squawk_rules.DONE_BY_THE_RUNNER,
        *squawk_rules.SAID_ALREADY,
        *squawk_rules.ABOUT_NEW_TABLES_TOO,
        *squawk_rules.HARMLESS,
    }
    done = subprocess.run(
        [str(program), "--exclude", ",".join(sorted(names)), "--help"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=30,
    )

    unknown = [name for name in names if name in done.stderr]
    assert (0, []) == (done.returncode, unknown)
