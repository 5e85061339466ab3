"""From the text of a SQL file to the scripts of its directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.migration import Direction, SqlScript
from asyncmig.sources.markers import ForeignMarker, Lookalike, Marker, find_markers
from asyncmig.sources.options import Options, read_options
from asyncmig.sources.quick_look import PLAIN_DOWN, PLAIN_UP, plain_up
from asyncmig.sql import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asyncmig.errors import InvalidMigrationError
    from asyncmig.sources.names import FileName
    from asyncmig.sources.place import Text
    from asyncmig.sql import Dialect


def read_sql(text: Text, name: FileName, dialect: Dialect) -> Mapping[Direction, SqlScript]:
    """Return the script of each direction that a SQL file holds.

    Without a marker the whole file is one script. With markers, what stands in front of the first
    one are comments, and each script is what follows its marker.

    Raises:
        InvalidMigrationError: The markers do not make sense, or an option does not.
    """
    return _read_plainly(text, name) or read_closely(text, name, dialect)


def _read_plainly(text: Text, name: FileName) -> Mapping[Direction, SqlScript] | None:
    """Return the scripts of a file whose markers are plain, without the lexer.

    Nearly every file is like that, and a folder has thousands.

    Returns:
        ``None`` when it takes a closer look.
    """
    both_fit = name.direction is None and not name.is_repeatable
    up = plain_up(text.script) if both_fit else None
    if up is None:
        return None
    if len(up) == len(text.script):
        return {Direction.UP: _plain_script(text, Direction.UP, up, first_line=1)}
    scripts = {Direction.UP: _plain_script(text, Direction.UP, up, first_line=2)}
    end = len(PLAIN_UP) + 1 + len(up)
    if end < len(text.script):
        down = text.script[end + len(PLAIN_DOWN) + 1 :]
        first_line = text.script.count("\n", 0, end) + 2
        scripts[Direction.DOWN] = _plain_script(text, Direction.DOWN, down, first_line=first_line)
    return scripts


def _plain_script(text: Text, direction: Direction, sql: str, *, first_line: int) -> SqlScript:
    """Return a script without options."""
    return SqlScript(sql, text.place.path, first_line, marker=_MARKERS[direction])


_MARKERS = {way: f"`-- migrate:{way} transaction:false`" for way in Direction}


def read_closely(text: Text, name: FileName, dialect: Dialect) -> Mapping[Direction, SqlScript]:
    """Do what :func:`read_sql` does, with the lexer where there is a marker."""
    allowed = _directions(name)
    markers = _markers(find_markers(text.script, dialect), text, allowed)
    if not markers:
        direction, end = allowed[0], len(text.script)
        return {direction: _script(text, direction, 0, end, first_line=1, options=Options())}
    _check_order(markers, text, name)
    _check_head(text, markers[0], dialect)
    ends = [*(marker.offset for marker in markers[1:]), len(text.script)]
    return {
        marker.direction: _script(
            text,
            marker.direction,
            marker.end,
            end,
            first_line=text.line_at(marker.offset) + 1,
            options=_options(marker, text, name),
        )
        for marker, end in zip(markers, ends, strict=True)
    }


def _directions(name: FileName) -> tuple[Direction, ...]:
    """Return the directions that a file of that name may hold."""
    if name.direction is not None:
        return (name.direction,)
    return (Direction.UP,) if name.is_repeatable else (Direction.UP, Direction.DOWN)


def _options(marker: Marker, text: Text, name: FileName) -> Options:
    """Return the options of a marker, and refuse those that a file of that name cannot have."""
    options = read_options(marker.words, text)
    if name.is_repeatable and options.batch is not None:
        raise text.wrong_at(
            marker.offset,
            "a repeatable migration cannot run in batches",
            hint="give what changes data a file with a version: it is to happen once",
        )
    return options


def _script(
    text: Text, direction: Direction, start: int, end: int, *, first_line: int, options: Options
) -> SqlScript:
    """Return one slice of a file as a script."""
    return SqlScript(
        text=text.script[start:end],
        path=text.place.path,
        first_line=first_line,
        transaction=options.transaction,
        foreign_keys=options.foreign_keys,
        limits=options.limits,
        phase=options.phase,
        allow=options.allow,
        batching=options.batching,
        marker=_MARKERS[direction],
    )


def _markers(
    candidates: Iterable[Marker | Lookalike | ForeignMarker],
    text: Text,
    allowed: tuple[Direction, ...],
) -> list[Marker]:
    """Return the markers, and refuse what was meant to be one.

    A file that can hold only one direction loses nothing when a comment names that direction.
    """
    markers: list[Marker] = []
    for candidate in candidates:
        if isinstance(candidate, Marker):
            markers.append(candidate)
        elif isinstance(candidate, Lookalike):
            if candidate.has_options or (candidate.direction,) != allowed:
                raise text.wrong_at(
                    candidate.offset, "this looks like a marker and is none", hint=candidate.hint
                )
        elif not markers and len(allowed) > 1:
            raise text.wrong_at(
                candidate.offset,
                f"here begins the way down as {candidate.tool} writes it",
                hint="write -- migrate:up and -- migrate:down instead, or say "
                f"--format {candidate.tool}",
            )
    return markers


def _check_order(markers: list[Marker], text: Text, name: FileName) -> None:
    """Refuse markers that come twice, in the wrong order, or in the wrong file."""
    seen: dict[Direction, Marker] = {}
    for marker in markers:
        if marker.direction not in _directions(name):
            raise _wrong_file(marker, text, name)
        if marker.direction in seen:
            line = text.line_at(seen[marker.direction].offset)
            raise text.wrong_at(
                marker.offset,
                f"a second migrate:{marker.direction} (the first is on line {line})",
                hint="a file holds one migration: give the second a file of its own",
            )
        seen[marker.direction] = marker
    if markers[0].direction is Direction.DOWN and name.direction is None:
        raise text.wrong_at(
            markers[0].offset,
            "migrate:down comes "
            + ("in front of migrate:up" if Direction.UP in seen else "without migrate:up"),
            hint="begin the file with -- migrate:up, and let -- migrate:down follow",
        )


def _wrong_file(marker: Marker, text: Text, name: FileName) -> InvalidMigrationError:
    """Return the error for a direction that this file cannot hold."""
    if name.is_repeatable:
        return text.wrong_at(
            marker.offset,
            "a repeatable migration has no way down",
            hint="leave the migrate:down out: the next change of the file replaces this one",
        )
    other = f"{name.version}_{name.name}.{marker.direction}.{name.language}"
    return text.wrong_at(
        marker.offset,
        f"migrate:{marker.direction} in the {name.direction} half of a pair",
        hint=f"it belongs into {other}",
    )


def _check_head(text: Text, first: Marker, dialect: Dialect) -> None:
    """Refuse statements in front of the first marker: they would never run."""
    for statement in split(text.script[: first.offset], dialect):
        if not statement.is_empty:
            raise text.wrong_at(
                statement.body,
                f"a statement in front of migrate:{first.direction}",
                hint="only comments may stand there: move it below the marker",
            )
