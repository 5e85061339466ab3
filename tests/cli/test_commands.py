"""Every command, on a real SQLite database: what people see, and what it exits with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("_quiet_logs")


@pytest.fixture
def _quiet_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCMIG_LOG_FORMAT", "none")


def timeless(text: str) -> str:
    """Return the text with every duration and every time the same."""
    text = re.sub(r"\d+ ms|\d+\.\d s", "T", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", text)


def test_up_prints_a_line_for_each_migration_and_a_summary(cli: CommandLine) -> None:
    """Versioned ones first, then repeatables; nothing on stderr."""
    told = cli("up")

    expected = (
        "applied  001 users (T)\napplied  002 posts (T)\napplied  R__totals (T)\n"
        "3 applied in T: app.db is at 002\n"
    )
    assert (0, expected, "") == (told.exit_code, timeless(told.stdout), told.stderr)


def test_up_with_nothing_to_do_says_so(cli: CommandLine) -> None:
    """The second of two runs succeeds as the first did."""
    cli("up")

    told = cli("up")

    assert (0, "nothing to do: app.db is at 002\n") == (told.exit_code, told.stdout)


@pytest.mark.parametrize("words", [["--to", "1"], ["--steps", "1"]])
def test_up_stops_where_it_is_told_to(cli: CommandLine, words: list[str]) -> None:
    """What is left is counted."""
    told = cli("up", *words)

    assert "1 applied in T: app.db is at 001; 2 pending" == timeless(told.stdout).splitlines()[-1]


def test_up_quietly_says_nothing_at_all(cli: CommandLine) -> None:
    """The exit code is the answer."""
    told = cli("up", "-q")

    assert (0, "", "") == (told.exit_code, told.stdout, told.stderr)


def test_a_failing_migration_is_shown_with_its_line_and_a_caret(cli: CommandLine) -> None:
    """What, where, the line, and where the database stands now."""
    cli.migrations.write("003_bad.sql", "SELECT 1;\n\nSELECT 'é', nope FROM users;\n")

    told = cli("up")

    expected = (
        "error: migration 003 failed at migrations/003_bad.sql:3:13: no such column: nope\n"
        "    3 | SELECT 'é', nope FROM users;\n"
        "      |             ^\n"
        "applied before that, and staying so: 001, 002\n"
        "the database is at 002; 2 pending\n"
    )
    assert (1, expected) == (told.exit_code, told.stderr)


def test_down_reverts_the_newest_one_without_asking(cli: CommandLine) -> None:
    """One step is what people do while they write it. What a view needs is pending again, too."""
    cli("up")

    told = cli("down")

    expected = "reverted 002 posts (T)\n1 reverted in T: app.db is at 001; 2 pending\n"
    assert (0, expected, "") == (told.exit_code, timeless(told.stdout), told.stderr)


def test_down_of_several_needs_yes_where_nobody_can_be_asked(cli: CommandLine) -> None:
    """It shows what it would do, and does nothing."""
    cli("up")

    told = cli("down", "--steps", "2")

    expected = (
        "      VERSION  NAME   FILE\n"
        "down  002      posts  migrations/002_posts.sql\n"
        "down  001      users  migrations/001_users.sql\n"
        "error: Revert 2 migrations in app.db? Nobody can be asked here, so nothing was done\n"
        "hint: confirm with --yes\n"
    )
    assert (2, "", expected) == (told.exit_code, told.stdout, told.stderr)
    assert "002" == cli.document("status")["current"]


def test_down_to_nothing_with_yes_reverts_everything(cli: CommandLine) -> None:
    """`--to 0` is below every version."""
    cli.migrations.remove("R__totals.sql")
    cli("up")

    told = cli("down", "--to", "0", "--yes")

    last = timeless(told.stdout).splitlines()[-1]
    assert (0, "2 reverted in T: app.db has no migration applied; 2 pending") == (
        told.exit_code,
        last,
    )


def test_down_from_history_shows_the_stored_sql_and_asks(cli: CommandLine) -> None:
    """What is stored in a table is not run unasked."""
    cli("up")
    cli.migrations.remove("002_posts.sql")

    refused = cli("down", "--from-history")
    done = cli("down", "--from-history", "--yes")

    shown = (
        "-- 002 posts, as stored in the history:\nDROP TABLE posts;\n\n"
        "      VERSION  NAME   FILE\ndown  002      posts  history of 002\n"
        "error: Revert migration 002 in app.db?"
    )
    assert (2, True, 0) == (refused.exit_code, refused.stderr.startswith(shown), done.exit_code)


def test_redo_reverts_and_applies_the_newest_one(cli: CommandLine) -> None:
    """One step, so it does not ask."""
    cli("up")

    told = cli("redo")

    expected = (
        "reverted 002 posts (T)\napplied  002 posts (T)\napplied  R__totals (T)\n"
        "2 applied, 1 reverted in T: app.db is at 002\n"
    )
    assert (0, expected) == (told.exit_code, timeless(told.stdout))


def test_reset_asks_and_then_begins_again(cli: CommandLine) -> None:
    """Everything down, everything up."""
    cli.migrations.remove("R__totals.sql")
    cli("up")

    refused, done = cli("reset"), cli("reset", "-y")

    last = timeless(done.stdout).splitlines()[-1]
    assert (2, 0, "2 applied, 2 reverted in T: app.db is at 002") == (
        refused.exit_code,
        done.exit_code,
        last,
    )


def test_reset_of_an_empty_database_just_applies(cli: CommandLine) -> None:
    """Nothing is destroyed, so nothing is asked."""
    assert 0 == cli("reset").exit_code


def test_status_is_a_table_with_a_sentence_below(cli: CommandLine) -> None:
    """Columns that are empty everywhere are left out."""
    cli("up", "--steps", "1")

    told = cli("status")

    expected = (
        "VERSION  NAME    STATE    APPLIED (UTC)        TIME\n"
        "001      users   applied  WHEN  T\n"
        "002      posts   pending\n"
        "R__      totals  pending\n"
        "\n"
        "app.db: at 001, 2 pending\n"
    )
    assert (0, expected, "") == (told.exit_code, timeless(told.stdout), told.stderr)


def test_status_creates_nothing(cli: CommandLine) -> None:
    """Reading never writes, not even a file."""
    told = cli("status")

    assert (0, False) == (told.exit_code, (cli.root / "app.db").exists())


def test_status_check_tells_by_its_exit_code(cli: CommandLine) -> None:
    """3 while something is pending, 0 afterwards."""
    before = cli("status", "--check").exit_code
    cli("up")

    assert (3, 0) == (before, cli("status", "--check").exit_code)


def test_problems_are_explained_below_the_table(cli: CommandLine) -> None:
    """What, and what to do about it; `verify` exits with 3."""
    cli("up")
    cli.migrations.write("001_users.sql", "CREATE TABLE users (id INTEGER, email TEXT);\n")

    told = cli("verify")

    expected = (
        "VERSION  NAME   STATE    APPLIED (UTC)        TIME  PROBLEMS\n"
        "001      users  applied  WHEN  T  changed\n"
        "\n"
        "app.db: 1 of 3 migrations disagree\n"
        "changed: the file was edited after it had been applied: restore it, or "
        "`asyncmig repair --accept VERSION` if the change is harmless\n"
    )
    assert (3, expected) == (told.exit_code, timeless(told.stdout))


def test_verify_of_what_agrees_is_one_line(cli: CommandLine) -> None:
    """Nothing to look at."""
    cli("up")

    told = cli("verify")

    assert (0, "app.db: files and history agree (3 migrations)\n") == (told.exit_code, told.stdout)


def test_history_shows_every_row(cli: CommandLine) -> None:
    """Reverted ones too."""
    cli.migrations.remove("R__totals.sql")
    cli("up")
    cli("down")

    told = cli("history")

    rows = [line.split()[:1] + line.split()[3:7] for line in told.stdout.splitlines()[1:]]
    assert [
        ["1", "up", "001", "users", "applied"],
        ["2", "up", "002", "posts", "reverted"],
        ["3", "down", "002", "posts", "reverted"],
    ] == rows


def test_history_of_an_untouched_database_is_one_line(cli: CommandLine) -> None:
    """No empty table."""
    assert "app.db: nothing was ever applied here\n" == cli("history").stdout


def test_plan_shows_what_up_would_run(cli: CommandLine) -> None:
    """And runs nothing."""
    told = cli("plan", "--steps", "1")

    expected = (
        "    VERSION  NAME   FILE\n"
        "up  001      users  migrations/001_users.sql\n"
        "\n"
        "1 would run: app.db has no migration applied\n"
    )
    assert (0, expected) == (told.exit_code, told.stdout)


def test_plan_down_shows_what_down_would_run(cli: CommandLine) -> None:
    """The newest one, unless told otherwise."""
    cli("up")

    told = cli("plan", "--down")

    assert "down  002      posts  migrations/002_posts.sql" == told.stdout.splitlines()[1]


def test_plan_sql_prints_the_script_and_nothing_else(cli: CommandLine) -> None:
    """It is piped into sqlite3."""
    told = cli("plan", "--sql")

    assert (0, True, True) == (
        told.exit_code,
        ".bail on" in told.stdout,
        "CREATE TABLE users (id INTEGER)" in told.stdout,
    )


def test_wait_ends_when_nothing_is_pending(cli: CommandLine) -> None:
    """With 3 if the time is up before that."""
    before = cli("wait", "--timeout", "10ms")
    cli("up")
    after = cli("wait")

    assert (3, 0, "app.db is at 002, nothing pending\n") == (
        before.exit_code,
        after.exit_code,
        after.stdout,
    )


@pytest.mark.parametrize("name", ["baseline", "stamp"])
def test_baseline_declares_and_runs_nothing(cli: CommandLine, name: str) -> None:
    """What is above it is pending from then on."""
    told = cli(name, "1")

    states = [row["state"] for row in cli.document("status")["migrations"]]
    assert (0, "app.db: everything up to 001 is declared to be in the database\n") == (
        told.exit_code,
        told.stdout,
    )
    assert ["baseline", "pending", "pending"] == states


def test_repair_shows_and_needs_yes(cli: CommandLine) -> None:
    """It writes what a person decided, so a person is asked."""
    cli("up", "--to", "1")

    refused, done = cli("repair", "--mark", "2"), cli("repair", "--mark", "2", "--yes")

    sentence = "app.db: migration 2 counts as applied from now on, without being run\n"
    assert (2, True, 0, sentence) == (
        refused.exit_code,
        refused.stderr.startswith(sentence),
        done.exit_code,
        done.stdout,
    )


def test_repair_dry_run_only_shows(cli: CommandLine) -> None:
    """No --yes is needed for looking."""
    cli("up", "--to", "1")

    told = cli("repair", "--forget", "1", "--dry-run")

    assert (0, "001") == (told.exit_code, cli.document("status")["current"])


def test_repair_without_a_decision_is_wrong_usage(cli: CommandLine) -> None:
    """Nothing is guessed."""
    told = cli("repair")

    assert (2, True) == (told.exit_code, "--accept --forget --mark" in told.stderr)


def test_a_warning_of_a_run_is_told_with_its_summary(cli: CommandLine) -> None:
    """A policy that lets something pass does not hide it."""
    cli("up")
    cli.migrations.write("0001_late.sql", "SELECT 1;\n")
    cli.migrations.remove("001_users.sql")
    cli.migrations.write("0_late.sql", "SELECT 1;\n")
    cli.migrations.remove("0001_late.sql")
    cli.migrations.write("001_users.sql", "-- other\nCREATE TABLE users (id INTEGER);\n")

    told = cli("up", "--out-of-order", "warn", "--changed", "warn")

    warnings = [line for line in told.stdout.splitlines() if line.startswith("warning")]
    assert ["warning: 0 late: out of order", "warning: 001 users: changed"] == warnings


def test_a_command_works_in_a_folder_of_the_project(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paths of the section are those of its file."""
    below = cli.root / "src" / "shop"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    told = cli("up", "-q")

    assert (0, True) == (told.exit_code, (cli.root / "app.db").exists())


def test_up_says_what_it_leaves_until_the_new_code_is_everywhere(cli: CommandLine) -> None:
    """Until it is asked for; readiness does not wait for it."""
    cli.migrations.write("003_drop.sql", "-- migrate:up phase:post\nDROP TABLE posts;\n")
    note = "003 drop waits for `asyncmig up --phase post`, when the new code is everywhere"

    told = cli("up")

    assert [note] == told.stdout.splitlines()[-1:]
    assert note in cli("status", "--check").stdout
    assert "postponed" in cli("status").stdout
    assert 0 == cli("wait", "--timeout", "1s").exit_code
    assert ["003"] == cli.document("plan")["postponed"]
    assert "003" in cli("plan", "--phase", "post").stdout.splitlines()[1]
    assert "1 applied" in cli("up", "--phase", "post").stdout


def test_what_waits_below_what_is_applied_is_not_out_of_order(cli: CommandLine) -> None:
    """Not to any command, before nor after; the history tells what really came first."""
    cli.migrations.write("003_drop.sql", "-- migrate:up phase:post\nDROP TABLE posts;\n")
    cli.migrations.write("004_pets.sql", "CREATE TABLE pets (id INTEGER);\n")
    cli("up", "-q")
    looks = [["status", "--check"], ["verify"], ["wait", "--timeout", "1s"], ["up", "-q"]]

    before = [cli(*words).exit_code for words in looks]
    waiting = cli.document("status")
    told = cli("up", "--phase", "post", "-q")
    after = [cli(*words).exit_code for words in looks]

    assert ([0, 0, 0, 0], 0, [0, 0, 0, 0]) == (before, told.exit_code, after)
    assert ("004", 0, ["003"], []) == (
        waiting["current"],
        waiting["pending"],
        waiting["postponed"],
        [row["problems"] for row in waiting["migrations"] if row["problems"]],
    )
    rows = [line.split()[4] for line in cli("history").stdout.splitlines()[1:]]
    assert ["001", "002", "004", "R__", "003"] == rows
