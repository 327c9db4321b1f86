"""The documents and the first page in a browser: from this host alone, as wide as the screen, light and dark."""

import json

import pytest

from tests.browser.site import HEIGHT, NARROW, WIDE, Watched
from tests.browser.test_pages import WIDTH, grave

pytestmark = pytest.mark.once
PAGES = {
    # path: what is there once the page is
    "/": "li a[href='/api/docs/']",
    "/api/docs/": "#operations-Customers-registerCustomer",
    "/api/redoc/": "[id='tag/Customers/operation/registerCustomer']",
}
SIZES = [WIDE, NARROW]
SCHEMES = ["light", "dark"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_documents_is_whole(server, browser, path, width, scheme):
    size = {"width": width, "height": HEIGHT}
    with Watched(browser, server.url, viewport=size, color_scheme=scheme) as reader:
        reader.open(path)
        reader.page.locator(PAGES[path]).wait_for(state="attached")
        if path == "/api/docs/":
            reader.page.locator(f"{PAGES[path]} .opblock-summary-control").click()
            reader.page.locator(f"{PAGES[path]} .responses-table").first.wait_for()
        assert reader.page.evaluate(WIDTH) <= width
        ground = reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground.strip("rgb()").split(", "))) < 200) == (scheme == "dark"), ground
        assert reader.faults == []


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_is_shut_out_of_the_first_page(server, browser, scheme, language):
    with Watched(browser, server.url, color_scheme=scheme, locale=language) as reader:
        for width in SIZES:
            reader.page.set_viewport_size({"width": width, "height": HEIGHT})
            reader.open("/")
            assert grave(reader.page) == []
            assert reader.page.evaluate("document.documentElement.dir") == ("rtl" if language == "fa" else "ltr")
            assert reader.page.evaluate(WIDTH) <= width
        reader.page.locator(PAGES["/"]).click()
        reader.page.locator(PAGES["/api/docs/"]).wait_for()
        assert reader.faults == []


class SwaggerUI:
    """Somebody who tries operations out."""

    def __init__(self, page):
        self.page = page

    def execute(self, operation):
        """Sends an operation with its first example, and returns the status and the JSON of the answer."""
        block = self.page.locator(f"#operations-{operation}")
        block.locator(".opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        answer = block.locator(".live-responses-table")
        answer.wait_for()
        status = answer.locator(".response-col_status").nth(1).inner_text().split()[0]
        return int(status), json.loads(answer.locator(".highlight-code code").first.inner_text())

    def authorize(self, token):
        self.page.get_by_role("button", name="Authorize").first.click()
        dialog = self.page.locator(".dialog-ux")
        dialog.locator("input").fill(token)
        dialog.get_by_role("button", name="Apply credentials").click()
        dialog.get_by_role("button", name="Close").first.click()


def test_somebody_registers_logs_in_and_adds_a_subscription_in_swagger_ui(server, browser):
    with Watched(browser, server.url) as reader:
        reader.open("/api/docs/")
        there = SwaggerUI(reader.page)
        assert there.execute("Customers-registerCustomer")[0] == 201
        status, tokens = there.execute("Customers-logIn")
        assert status == 200
        there.authorize(tokens["access"])
        status, profile = there.execute("Customers-getProfile")
        assert (status, profile["username"], profile["credit"]) == (200, "Alifa", 350000)
        status, subscription = there.execute("Subscriptions-createSubscription")
        assert (status, subscription["name"], subscription["isactive"]) == (201, "VM", True)
        assert reader.faults == []
