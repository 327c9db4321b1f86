"""The dashboard in a real browser: it says what the database says, and says it anew."""

import re

import pytest

from tests import servers

pytestmark = pytest.mark.once
TALLIES = """
    SELECT strftime('%H:%M', minute), SUM(amount), SUM(invoices) FROM invoice_tally
    WHERE minute > datetime('now', '-59 minutes') AND minute < datetime('now', '-2 minutes') GROUP BY minute
"""
BARS = """
    [...document.querySelectorAll("svg[aria-label^='Income per minute'] g")].map(bar => [
        bar.querySelector("title").textContent, bar.querySelector(".ops-bar").getBBox().height
    ])
"""
FLAPS = "سرور بازی"
LEFT_OF = """
    (element, words) => words.map(word => {
        const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), range = document.createRange();
        let text;
        do text = texts.nextNode(); while (!text.data.includes(word));
        range.setStart(text, text.data.indexOf(word));
        range.setEnd(text, text.data.indexOf(word) + word.length);
        return range.getBoundingClientRect().x;
    })
"""
SHOWN_AT = "document.querySelector('#figures time').dateTime"


def test_its_bars_are_what_was_charged_in_each_minute(visit, find):
    page = (viewer := visit("viewer")).page
    viewer.open("/admin/")
    bars = {}
    for title, height in page.evaluate(BARS):
        at, amount, invoices = re.fullmatch(r"(\S+): ([\d,]+) from ([\d,]+) invoices?", title).groups()
        bars[at] = int(amount.replace(",", "")), int(invoices.replace(",", "")), height
    assert len(bars) == 60
    tallies = {at: (int(amount), invoices) for at, amount, invoices in find(TALLIES)}
    assert len(tallies) > 20
    assert {at: bars[at][:2] for at in tallies} == tallies
    (dearest, _, highest) = max(bars.values())
    assert all(abs(height / highest - amount / dearest) < 0.01 for amount, _, height in bars.values())


def test_it_says_how_many_run_who_runs_dry_and_what_to_look_after(visit, find):
    page = (viewer := visit("viewer")).page
    viewer.open("/admin/")
    figures = page.locator("#figures").inner_text()
    for said in ("1 account is set aside", "leila", "marlow-films", "harbour-clinic", FLAPS, "all is well"):
        assert said in figures
    states = "SELECT running, insufficient_credit, deactivated FROM operators_sample ORDER BY at"
    shown = tuple(int(each.replace(",", "")) for each in page.locator(".ops-states dd").all_inner_texts())
    assert shown in find(states)


def test_it_renews_itself_and_shows_what_was_billed_meanwhile(visit, find):
    page = (viewer := visit("viewer")).page
    viewer.open("/admin/")
    before = page.evaluate(SHOWN_AT)
    page.evaluate("document.querySelector('#figures').dataset.ours = 'the first'")
    page.wait_for_function(f"{SHOWN_AT} != '{before}'", timeout=servers.PATIENCE * 1000)
    assert page.locator("#figures").get_attribute("data-ours") is None
    assert page.locator("#figures").count() == 1


def test_a_name_written_from_right_to_left_leaves_what_follows_in_its_order(visit):
    page = (viewer := visit("viewer")).page
    viewer.open("/admin/")
    line = page.locator("#figures li").filter(has_text=FLAPS)
    number = re.search(r"\((\d+)\)", line.inner_text())[1]
    name, in_brackets, times = line.evaluate(LEFT_OF, [FLAPS, number, "7 times"])
    assert name < in_brackets < times


def test_a_page_from_right_to_left_is_mirrored(visit):
    page = (viewer := visit("viewer")).page
    viewer.open("/admin/customer/customer/?q=نسرین")
    name, joined = (
        page.get_by_role("columnheader", name="Username"),
        page.get_by_role("columnheader", name="Date joined"),
    )
    assert name.bounding_box()["x"] < joined.bounding_box()["x"]
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert name.bounding_box()["x"] > joined.bounding_box()["x"]
