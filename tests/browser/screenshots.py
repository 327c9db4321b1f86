"""`python -m tests.browser.screenshots`: the pictures of the admin in docs/figures, made from the demo's data."""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests import demos, servers
from tests.browser.site import HEIGHT, NARROW, WIDE, Watched, chromium, missing, served

FIGURES = servers.ROOT / "docs" / "figures"
COLOURS = 256
"""Of a picture: flat as they are, nobody misses the others."""
CUSTOMER = "SELECT id FROM customer_customer WHERE username = 'نسرین'"
PAGES = {
    "dashboard": "/admin/",
    "customers": "/admin/customer/customer/",
    "customer": "/admin/customer/customer/{id}/change/",
    "top-up": "/admin/customer/customer/{id}/top-up/",
}
OPERATOR = "operator"


def main() -> int:
    if reason := missing():
        print(f"No screenshots: it {reason}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        url = demos.fill(Path(directory, "demo.sqlite3"), whole=True)
        ((customer,),) = servers.rows(url, CUSTOMER)
        with served(url) as server, chromium() as browser:
            passes = "SELECT * FROM operators_schedulerprocess WHERE last_at IS NOT NULL"
            servers.until(lambda: servers.rows(url, passes), "a pass that the dashboard shows")
            for width in (WIDE, NARROW):
                for scheme in ("light", "dark"):
                    size = {"width": width, "height": HEIGHT}
                    with Watched(browser, server.url, viewport=size, color_scheme=scheme) as operator:
                        _photograph(operator, customer, f"{width}-{scheme}")
    return 0


def _photograph(operator: Watched, customer: int, ending: str) -> None:
    """All pages, at one width and in one scheme."""
    operator.log_in(OPERATOR)
    page = operator.page
    for name, path in PAGES.items():
        operator.open(path.format(id=customer))
        if name == "top-up":
            page.get_by_label("Amount").fill("250000")
            page.get_by_label("Reason").fill("Bank transfer of today")
            page.get_by_role("button", name="Go on").click()
            page.get_by_role("button", name="Confirm").wait_for()
        page.evaluate("document.fonts.ready")
        picture = FIGURES / f"admin-{name}-{ending}.png"
        # The dashboard is the one page of which all is worth a look.
        page.screenshot(path=picture, full_page=name == "dashboard", animations="disabled")
        with Image.open(picture) as taken:
            few = taken.convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(picture, optimize=True)
        print(f"{picture.relative_to(servers.ROOT)}: {picture.stat().st_size // 1024} KiB")
    assert operator.faults == []


if __name__ == "__main__":
    sys.exit(main())
