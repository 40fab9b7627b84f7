"""Many contracts judged by several processes: the same answers, in the same order."""

from __future__ import annotations

from pathlib import Path

from runbooks.rules.change_check import check_changes
from runbooks.rules.spread import FEWEST, spread
from tests.rules.test_change_check import NO_FAILED, ONE_MORE, written


def test_answers_come_in_the_order_of_the_jobs() -> None:
    jobs = list(range(-4 * FEWEST, 0))

    assert spread(abs, jobs) == [abs(one) for one in jobs]
    assert spread(abs, jobs[:3]) == [96, 95, 94]
    assert spread(abs, []) == []


def test_check_by_processes_tells_what_a_check_by_one_does(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for number in range(FEWEST + 2):
        name = f"billing.refund.made{number}"
        written(old, "1.2.0", name=name)
        written(new, "1.2.0", name=name)
        written(new, "1.3.0", *(NO_FAILED if number % 5 == 0 else ONE_MORE), name=name)
    (old / "billing" / "billing.refund.made3" / "1.1.0.yaml").write_text(
        "meshline: contract/v1\nname: billing.refund.made3\nx: [\n"
    )

    one, many = (check_changes(old, [new], processes=several) for several in (False, True))

    assert many.as_json() == one.as_json()
    assert (many.exit_code, len(many.entries), len(many.unreadable)) == (2, FEWEST + 1, 1)
