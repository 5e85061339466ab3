"""No text is so broken that a rule breaks with it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from asyncmig.checksum import checksum
from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.lint.allowances import read_allowances
from asyncmig.lint.rules import RULES
from asyncmig.lint.subject import subjects_of
from asyncmig.migration import Migration, Phase, SqlScript, Version
from asyncmig.sql import Dialect
from tests.lint.examples import EXAMPLES

LITE = Dialect.SQLITE
REFUSED = {"cannot-run-in-transaction", "transaction-control", "not-sql"}
WORDS = sorted(
    {
        word
        for one in EXAMPLES
        for text in (*one.bad.values(), *one.good.values())
        for word in text.split(" ")
    }
)
MARKS = [";", ",", ".", "(", ")", "'", '"', "$$", "`", "[", "\\", "/*", "*/", "\n", "-- asyncmig:"]
SCRIPTS = st.lists(
    st.sampled_from(WORDS) | st.sampled_from(MARKS) | st.text(max_size=3), max_size=25
).map(" ".join)


def _script(text: str, phase: Phase) -> SqlScript:
    return SqlScript(text, "x.sql", phase=phase)


@given(texts=st.lists(SCRIPTS, min_size=1, max_size=3), dialect=st.sampled_from(Dialect))
def test_every_rule_has_an_answer_to_any_text(texts: list[str], dialect: Dialect) -> None:
    """Broken SQL is for the database to refuse; the linter goes on, with places inside the text."""
    migrations = [
        Migration(Version(str(n)) if n else None, "x", checksum(text), _script(text, phase))
        for n, (text, phase) in enumerate(
            zip(texts, (Phase.POST, Phase.PRE, Phase.PRE), strict=False)
        )
    ]
    now = datetime.now(UTC)

    for subject in subjects_of(migrations, dialect, history_table="h", now=now):
        text = subject.migration.up.text if isinstance(subject.migration.up, SqlScript) else ""
        flaws = [flaw for rule in RULES for flaw in rule.find(subject)]
        places = [flaw.statement.body for flaw in flaws if flaw.statement]
        assert all(0 <= place < len(text) for place in places)


@given(text=SCRIPTS, dialect=st.sampled_from(Dialect))
def test_every_allowance_has_a_place_in_the_text(text: str, dialect: Dialect) -> None:
    """Whatever is around it."""
    lines = text.split("\n")
    for allowance in read_allowances(text, dialect):
        assert lines[allowance.line - 1][allowance.column - 1 :].startswith("-")


@given(text=SCRIPTS, dialect=st.sampled_from(Dialect), transaction=st.booleans())
@example(text="PRAGMA foreign_keys=OFF; BEGIN; SELECT 1; COMMIT", dialect=LITE, transaction=True)
@example(text="BEGIN; SELECT 1; ROLLBACK; COMMIT", dialect=LITE, transaction=False)
def test_the_linter_finds_an_error_where_the_runner_refuses(
    text: str, dialect: Dialect, *, transaction: bool
) -> None:
    """Both look at statements and transactions by the same rules: a clean file can run."""
    script = SqlScript(text, "x.sql", transaction=transaction)
    migration = Migration(Version("1"), "x", checksum(text), script)
    (subject,) = subjects_of([migration], dialect, history_table="h", now=datetime.now(UTC))

    found = [rule.name for rule in RULES if rule.name in REFUSED and any(rule.find(subject))]

    try:
        prepare(script, dialect, "1")
    except InvalidMigrationError:
        assert found != []
    else:
        assert found == []
