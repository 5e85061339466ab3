"""The options that several commands share."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING

from asyncmig.cli.parser import WIDTH

if TYPE_CHECKING:
    from asyncmig.cli.parser import Parser


def add_source_option(parser: Parser) -> None:
    """Add what says where the files are."""
    group = parser.add_argument_group("files")
    group.add_argument(
        "--source",
        metavar="DIR",
        help="where the migrations are: a folder, or package:shop.migrations (default: migrations)",
    )
    group.add_argument(
        "--format",
        metavar="TOOL",
        help="whose files they are: goose, flyway, prisma … (default: auto, the files tell)",
    )
    group.add_argument(
        "--placeholders",
        metavar="NAME=VALUE,…",
        help="what placeholders in such files stand for",
    )


def add_database_options(parser: Parser) -> None:
    """Add what every command takes that talks to a database."""
    add_source_option(parser)
    group = parser.add_argument_group(
        "database",
        textwrap.fill(
            "Each of these can also be set in the environment (ASYNCMIG_DATABASE, then "
            "DATABASE_URL; ASYNCMIG_SCHEMA and so on) or in [tool.asyncmig] of pyproject.toml.",
            WIDTH,
        ),
    )
    for flag, metavar, text in (
        ("--database", "URL", "postgresql://user@host/name or sqlite:///file.db"),
        ("--direct-url", "URL", "the server's own address, when --database is a pooler's"),
        ("--schema", "NAME", "the schema of the history table (PostgreSQL; default: public)"),
        ("--table", "NAME", "the history table (default: asyncmig_history)"),
        ("--search-path", "NAMES", "the search_path of every migration (PostgreSQL)"),
        ("--setup", "MODULE:FUNC", "an async function that prepares each connection"),
        ("--connect-timeout", "TIME", "how long to try to connect (default: 30s)"),
        ("--busy-timeout", "TIME", "how long to wait for a busy application (SQLite; 30s)"),
        ("--wait-timeout", "TIME", "how long to wait for another runner (default: forever)"),
        ("--lock-timeout", "TIME", "how long a statement may wait for a lock (PostgreSQL; 2s)"),
        ("--statement-timeout", "TIME", "how long a statement may take (PostgreSQL; no limit)"),
        ("--retries", "N", "how often to try again when a lock was in the way (PostgreSQL; 9)"),
        ("--budget", "TIME", "how long a CREATE INDEX CONCURRENTLY may take (PostgreSQL; 6h)"),
        ("--out-of-order", "POLICY", "error, apply or warn: pending below the newest applied one"),
        ("--changed", "POLICY", "error or warn: files that were edited after they were applied"),
        (
            "--durability",
            "WHEN",
            "migration or run: after which the disk must have it all",
        ),
        ("--fail-on", "WHAT", "roll back what does rewrite,scan,blocks_writes,blocks_reads"),
        ("--fail-over", "SIZE", "from which size on a table counts for that (0; 10MB)"),
    ):
        group.add_argument(flag, metavar=metavar, help=text)
    group.add_argument(
        "--lock-report",
        action="store_true",
        default=None,
        help="report what each migration locks, rewrites and scans (PostgreSQL; -v shows it)",
    )


def add_output_options(parser: Parser) -> None:
    """Add what every command takes."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument(
        "--log-format", metavar="FORMAT", help="auto, console, json or none; logs go to stderr"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more; -vv: all")
    group.add_argument("-h", "--help", action="store_true", help="show this help")


def add_target_options(parser: Parser, *, to: str, steps: str) -> None:
    """Add how far to go."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--to", metavar="VERSION", help=to)
    group.add_argument("--steps", metavar="N", type=_steps, help=steps)


def add_phase_option(parser: Parser) -> None:
    """Add which migrations the way up is about."""
    parser.add_argument(
        "--phase",
        metavar="PHASE",
        choices=("pre", "post", "all"),
        default="pre",
        help="pre (default), or what waits until the new code is everywhere: post; all: both",
    )


def add_baseline_option(parser: Parser) -> None:
    """Add what to make of tables without a history."""
    parser.add_argument(
        "--baseline",
        metavar="VERSION",
        help="where there are tables and no history: none, latest, or the last one that is there",
    )


def add_yes_option(parser: Parser) -> None:
    """Add the answer to the question that would be asked."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _steps(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        message = f"{word!r} is not a whole number of at least 1"
        raise argparse.ArgumentTypeError(message)
    return int(word)
