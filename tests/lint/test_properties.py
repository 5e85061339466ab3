"""No text is so broken that a rule breaks with it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from asyncmig.lint.allowances import read_allowances
from asyncmig.lint.rules import RULES
from asyncmig.lint.subject import subjects_of
from asyncmig.migration import Migration, SqlScript, Version, checksum
from asyncmig.sql import Dialect
from tests.lint.examples import EXAMPLES

WORDS = sorted(
    {
        word
        for example in EXAMPLES
        for text in (*example.bad.values(), *example.good.values())
        for word in text.split(" ")
    }
)
MARKS = [";", ",", ".", "(", ")", "'", '"', "$$", "`", "[", "\\", "/*", "*/", "\n", "-- asyncmig:"]
SCRIPTS = st.lists(
    st.sampled_from(WORDS) | st.sampled_from(MARKS) | st.text(max_size=3), max_size=25
).map(" ".join)


@given(texts=st.lists(SCRIPTS, min_size=1, max_size=3), dialect=st.sampled_from(Dialect))
def test_every_rule_has_an_answer_to_any_text(texts: list[str], dialect: Dialect) -> None:
    """Broken SQL is for the database to refuse; the linter goes on, with places inside the text."""
    migrations = [
        Migration(Version(str(n)) if n else None, "x", checksum(text), SqlScript(text, "x.sql"))
        for n, text in enumerate(texts)
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
