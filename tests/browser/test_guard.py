"""The guard notices what it is there for: a browser test that cannot fail would prove nothing."""

from __future__ import annotations

import pytest

from tests.browser.guard import Guard
from tests.browser.visitors import Visitors

WRONG = {
    "console error": "console.error('broken')",
    "page error": "setTimeout(() => { throw new Error('broken') })",
    "another host": "fetch('http://elsewhere.invalid/').catch(() => 0)",
    "CSP report": "document.body.append(Object.assign(document.createElement('script'),"
    " {textContent: 'window.inline = 1'}))",
    "status of 404": "fetch('/no/such/page/').then((answer) => answer.text())",
}


@pytest.mark.parametrize("what", list(WRONG))
def test_whatever_goes_wrong_in_the_browser_fails_the_test(
    visitors: Visitors, guard: Guard, what: str
) -> None:
    page = visitors.stranger()
    if what != "another host":  # which the policy of our own pages would refuse, and report
        page.goto("/signin/")
    page.evaluate(WRONG[what])
    page.wait_for_timeout(300)

    with pytest.raises(AssertionError, match=what):
        guard.verify()

    guard.problems.clear()
