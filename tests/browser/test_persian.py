"""The admin in a browser whose language is Persian: Persian words, from right to left, on every page and screen."""

import re

import pytest

from tests import demos, visible
from tests.browser import site

pages = pytest.importorskip("tests.browser.test_pages", reason="wants axe-core: make .venv/dev")
pytestmark = pytest.mark.once
FA = {"locale": "fa"}
PAGES = {
    **pages.PAGES,
    "/admin/customer/customer/{}/history/": pages.CUSTOMER,
    "/admin/django_apscheduler/djangojob/{}/change/": pages.SUBSCRIPTION,
    "/admin/customer/customer/?q=zzzz": None,
}
NAMES = {"UTC", "CSV", "API", "en", "fa", "English", "Ctrl", "K", "esc", "argon2", "argon2id", "O", "V", "SSO", "LDAP"}
WRITTEN = """
    SELECT username || ' ' || first_name || ' ' || last_name || ' ' || email FROM customer_customer
    UNION SELECT name FROM subscription_subscription UNION SELECT reason FROM customer_ledgerentry
    UNION SELECT change_message FROM django_admin_log UNION SELECT host FROM operators_schedulerprocess
"""
MASKED = re.compile(r"\b[0-9a-f]{32}\b|[\w/+]*\*{4,}|\[[a-z_]+\]")
RIGHT_OF = "(element) => element.getBoundingClientRect().right"
SPILLS = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
def names(find) -> set[str]:
    """What people have written: customers, subscriptions, reasons."""
    return NAMES | {word for (text,) in find(WRITTEN) for word in visible.LATIN.findall(text or "")}


def is_persian(page, names) -> None:
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["fa", "rtl"]
    assert visible.latin(MASKED.sub("", page.content()), but=names) == set()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_persian_and_sound(visit, find, names, path):
    operator = visit("operator", **FA)
    which = find(PAGES[path])[0] if PAGES[path] else ()
    operator.open(path.format(*which))
    is_persian(operator.page, names)
    pages.is_sound(operator.page, dark=path not in pages.PAGES)  # those are looked at in English, of the same colours


def test_an_operator_logs_in_in_persian_and_may_read_english_instead(server, browser):
    with site.Watched(browser, server.url, **FA) as stranger:
        stranger.open("/admin/")
        is_persian(stranger.page, NAMES)
        pages.is_sound(stranger.page)
        stranger.page.set_viewport_size({"width": site.WIDE, "height": site.HEIGHT})
        stranger.page.reload()
        stranger.page.get_by_label("نام کاربری").fill("operator")
        stranger.page.get_by_label("گذرواژه").fill(demos.PASSWORD)
        stranger.page.get_by_role("button", name="ورود").click()
        stranger.page.wait_for_url(f"{server.url}/admin/")
        assert stranger.page.get_by_role("heading", name="درآمد امروز").is_visible()
        stranger.page.locator("#nav-sidebar").get_by_text("operator", exact=True).click()
        stranger.page.locator("#nav-sidebar").get_by_role("button", name="English").click()
        stranger.page.get_by_role("heading", name="Income today").wait_for()
        assert stranger.page.evaluate("document.documentElement.dir") == "ltr"
        kept = [each for each in stranger.context.cookies() if each["name"] == "admin_language"]
        assert [(each["value"], each["path"]) for each in kept] == [("en", "/admin/")]
        assert stranger.faults == []


def test_a_top_up_is_read_back_in_persian_before_it_is_done(visit, find, names):
    page = (operator := visit("operator", **FA)).page
    ((customer_id,),) = find(pages.CUSTOMER)
    deposited = f"SELECT deposited FROM customer_account WHERE customer_id = {customer_id}"
    ((before,),) = find(deposited)
    operator.open(f"/admin/customer/customer/{customer_id}/top-up/")
    page.get_by_label("مبلغ").fill("۲۵۰٬۰۰۰")
    page.get_by_label("دلیل").fill("واریز امروز")
    page.get_by_role("button", name="ادامه").click()
    page.get_by_role("button", name="تأیید: افزایش اعتبار").wait_for()
    assert "۲۵۰٬۰۰۰" in page.locator("#content-main").inner_text()
    is_persian(page, names)
    pages.is_sound(page)
    page.get_by_role("button", name="تأیید").click()
    page.wait_for_url("**/change/**")
    assert find(deposited) == [(before + 250_000,)]
    line = page.locator("#statement").get_by_role("row").filter(has_text="واریز امروز")
    assert "+۲۵۰٬۰۰۰" in line.inner_text().replace("\u200e", "")


def test_the_sidebar_stands_to_the_right_with_a_gap_between_icon_and_word(visit):
    page = (viewer := visit("viewer", **FA)).page
    viewer.open("/admin/")
    entry = page.locator("#nav-sidebar ol a").first
    icon, word = entry.locator("span").nth(0), entry.locator("span").nth(1)
    assert icon.evaluate(RIGHT_OF) > word.evaluate(RIGHT_OF)
    assert icon.bounding_box()["x"] - word.evaluate(RIGHT_OF) >= 8
    assert page.locator("#nav-sidebar").bounding_box()["x"] > site.WIDE / 2


def test_time_runs_from_left_to_right_in_plots_and_its_words_in_their_own_order(visit):
    page = (viewer := visit("viewer", **FA)).page
    viewer.open("/admin/")
    first, last = page.locator(".ops-axis").nth(2).locator("bdi").all()
    assert first.bounding_box()["x"] < last.bounding_box()["x"]
    left, right = first.evaluate(
        """element => {
            const text = element.firstChild, range = document.createRange();
            return [/[۰-۹]/, /[آ-ی]/].map(sign => {
                const at = text.data.search(sign);
                range.setStart(text, at); range.setEnd(text, at + 1);
                return range.getBoundingClientRect().x;
            });
        }"""
    )
    assert left > right  # the day is read first, so it stands to the right of the month


def test_what_is_chosen_in_a_list_is_counted_beside_the_list(visit, find, names):
    page = (operator := visit("operator", **FA)).page
    operator.open("/admin/subscription/subscription/")
    page.locator("input.action-select").first.check()
    counter = page.locator(".action-counter")
    counter.wait_for()
    ((count,),) = find("SELECT COUNT(*) FROM subscription_subscription")
    shown = counter.inner_text().translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789"))
    assert (re.findall(r"\d+", shown), re.search("[0-9]", counter.inner_text())) == (["1", str(count)], None)
    bar = page.locator("#changelist-actions").bounding_box()
    assert bar["x"] + bar["width"] <= page.locator("#nav-sidebar").bounding_box()["x"]
    is_persian(page, names)


def test_an_error_page_fits_a_telephone(server, browser):
    with site.Watched(browser, server.url, viewport={"width": site.NARROW, "height": site.HEIGHT}, **FA) as stranger:
        stranger.open("/admin/nope/")
        assert stranger.page.get_by_role("heading", name="چنین صفحه‌ای وجود ندارد").is_visible()
        assert not stranger.page.evaluate(SPILLS)
        is_persian(stranger.page, NAMES)
