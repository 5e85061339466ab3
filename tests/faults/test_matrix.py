"""The matrix as values: which points are tried, and the table."""

from __future__ import annotations

from tests.faults.matrix import Fault, Trial, Verdict, chosen, shared_out, table

SAID = ("BEGIN", "INSERT", "COMMIT;", "SELECT", "SELECT", "SELECT", "DROP INDEX CONCURRENTLY i")


def test_every_point_is_chosen() -> None:
    """With 1, all of them are tried."""
    assert tuple(range(7)) == chosen(SAID, 1)


def test_a_choice_has_each_nth_point_and_those_around_which_a_fault_decides() -> None:
    """A COMMIT, what cannot run in a transaction, and their neighbours are never left out."""
    assert (0, 1, 2, 3, 5, 6) == chosen(SAID, 10)
    assert (0, 1, 2, 3, 4, 5, 6) == chosen(SAID, 4)


def test_points_share_the_faults_out() -> None:
    """A bounded run gives each point one fault, the same one each time."""
    faults = (Fault.KILL, Fault.CANCEL)

    assert ((0, Fault.KILL), (3, Fault.CANCEL), (4, Fault.KILL)) == shared_out((0, 3, 4), faults)


def test_the_table_has_a_line_for_each_fault_and_each_question() -> None:
    """Points, recovered, asked; below it at which points, and what was said there."""
    trials = [
        Trial(1, "BEGIN", Fault.KILL, Verdict.RECOVERED),
        Trial(7, "DROP\n  TABLE t", Fault.KILL, Verdict.ASKED),
        Trial(4, "DROP TABLE t", Fault.CANCEL, Verdict.ASKED),
    ]

    expected = """\
fault                           points  recovered      asked
runner killed                        2          1          1
task cancelled                       1          0          1
all                                  3          1          2
asked at 4, 7: DROP TABLE t"""
    assert expected == table(trials)
