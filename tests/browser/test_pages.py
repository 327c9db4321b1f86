"""Every page of the admin: nothing fails, nobody is shut out, nothing comes from elsewhere, and it fits the screen."""

import pytest

from tests.browser.site import HEIGHT, NARROW, WIDE, Watched

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="wants axe-core: make .venv/dev")
pytestmark = pytest.mark.once
CUSTOMER = "SELECT id FROM customer_customer WHERE username = 'نسرین'"
SUBSCRIPTION = "SELECT MIN(id) FROM subscription_subscription WHERE isactive"
SET_ASIDE = "SELECT account_id FROM customer_setaside"
PAGES = {
    "/admin/": None,
    "/admin/customer/customer/": None,
    "/admin/customer/customer/add/": None,
    "/admin/customer/customer/{}/change/": CUSTOMER,
    "/admin/customer/customer/{}/top-up/": CUSTOMER,
    "/admin/customer/ledgerentry/": None,
    "/admin/customer/setaside/": None,
    "/admin/customer/setaside/{}/change/": SET_ASIDE,
    "/admin/customer/setaside/{}/repair/": SET_ASIDE,
    "/admin/subscription/subscription/": None,
    "/admin/subscription/subscription/add/": None,
    "/admin/subscription/subscription/{}/change/": SUBSCRIPTION,
    "/admin/subscription/pause/": None,
    "/admin/subscription/pricechange/": None,
    "/admin/invoice/invoice/": None,
    "/admin/django_apscheduler/djangojob/": None,
    "/admin/admin/logentry/": None,
    "/admin/password_change/": None,
}
WIDTH = "document.documentElement.scrollWidth"
DARK = "Alpine.$data(document.documentElement).switchTheme('dark')"
AT_ONCE = "* { transition: none !important }"
"""Else colours are looked at that are on their way."""


def grave(page, **options) -> list[str]:
    """The serious and critical faults that axe-core finds."""
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        f"{page.url} {fault['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]


def is_sound(page, *, dark: bool = True) -> None:
    """Accessible in light and `dark`; as wide as the screen, on a desk and in a hand, left to right and back."""
    page.add_style_tag(content=AT_ONCE)
    found = grave(page)
    if dark:
        page.evaluate(DARK)
        page.wait_for_function("document.documentElement.classList.contains('dark')")
        found += [f"dark: {fault}" for fault in grave(page, runOnly=["color-contrast"])]  # all else is as it was
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        for direction in ("ltr", "rtl"):
            page.evaluate(f"document.documentElement.dir = '{direction}'")
            if (wide := page.evaluate(WIDTH)) > width:
                found.append(f"{page.url} is {wide} wide in {width}, {direction}")
    assert found == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(visit, find, path):
    operator = visit("operator")
    which = find(PAGES[path])[0] if PAGES[path] else ()
    operator.open(path.format(*which))
    is_sound(operator.page)


def test_the_login_page_is_sound(server, browser):
    with Watched(browser, server.url) as stranger:
        stranger.open("/admin/")
        is_sound(stranger.page)
        assert stranger.faults == []


def test_the_page_that_says_what_an_act_will_do_is_sound(visit, find):
    operator = visit("operator")
    ((customer_id,),) = find(CUSTOMER)
    operator.open(f"/admin/customer/customer/{customer_id}/top-up/")
    operator.page.get_by_label("Amount").fill("250000")
    operator.page.get_by_role("button", name="Go on").click()
    operator.page.get_by_role("button", name="Confirm").wait_for()
    is_sound(operator.page)
