"""What operators do, in a real browser: find somebody, act after a confirmation, see what it came to; or be refused."""

import re

import pytest

pytestmark = pytest.mark.once
NAME = "نسرین"
OF_NAME = f"FROM customer_account JOIN customer_customer ON id = customer_id WHERE username = '{NAME}'"
RUNNING = """
    SELECT subscription.id FROM subscription_subscription subscription
    JOIN django_apscheduler_djangojob job ON job.id = CAST(subscription.id AS varchar)
    JOIN customer_customer customer ON customer.id = customer_id
    WHERE next_run_time IS NOT NULL AND period = 3600
    AND username NOT IN ('harbour-clinic', 'free-rider', 'marlow-films')
    ORDER BY subscription.id DESC LIMIT 3
"""
LAST_ACT = "SELECT change_message FROM django_admin_log ORDER BY id DESC LIMIT 1"
ADDRESS = r" \[from 127\.0\.0\.1, request \w+\]"


def confirm(page) -> None:
    page.get_by_role("button", name="Confirm").click()


def test_an_operator_finds_a_customer_and_tops_up_with_a_reason(visit, find):
    page = (operator := visit("operator")).page
    ((customer_id, credit),) = find(f"SELECT id, credit {OF_NAME}")
    operator.open("/admin/customer/customer/")
    search = page.locator("#searchbar")
    search.fill(NAME)
    search.press("Enter")
    page.wait_for_url("**q=*")
    page.locator("#result_list").get_by_role("link", name=NAME).first.click()
    page.wait_for_url(f"**/customer/customer/{customer_id}/change/**")
    assert page.get_by_text(f"{credit:,}", exact=True).count() > 0

    page.get_by_role("link", name="Top up").first.click()
    page.get_by_label("Amount").fill("250000")
    page.get_by_label("Reason").fill("Bank transfer of today")
    page.get_by_role("button", name="Go on").click()
    confirmation = page.locator("#content-main").inner_text()
    assert "250000" in confirmation.replace(",", "")
    assert "Bank transfer of today" in confirmation
    assert find(f"SELECT credit {OF_NAME}") == [(credit,)], "nothing happens before it is confirmed"
    confirm(page)
    page.wait_for_url(f"**/customer/customer/{customer_id}/change/**")

    ((new,),) = find(f"SELECT credit {OF_NAME}")
    assert credit + 200_000 < new <= credit + 250_000  # less what was billed meanwhile
    page.get_by_text(f"{new:,}", exact=True).first.wait_for()
    statement = page.locator("#statement").get_by_role("row").filter(has_text="Bank transfer of today")
    assert "+250,000" in statement.inner_text()
    assert "operator" in statement.inner_text()
    operator.open("/admin/admin/logentry/")
    line = page.get_by_role("row").filter(has_text="Bank transfer of today")
    assert NAME in line.inner_text()
    assert "127.0.0.1" in line.inner_text()
    ((said,),) = find(LAST_ACT)
    assert re.fullmatch(rf"Topped up by 250000; the credit is \d+\. Reason: Bank transfer of today{ADDRESS}", said)


def test_a_top_up_of_nothing_is_refused_on_the_form(visit, find):
    page = (operator := visit("operator")).page
    ((customer_id, credit),) = find(f"SELECT id, credit {OF_NAME}")
    operator.open(f"/admin/customer/customer/{customer_id}/top-up/")
    page.get_by_label("Amount").fill("0")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("Nothing has been changed.").wait_for()
    assert find(f"SELECT credit {OF_NAME}") == [(credit,)]


def test_an_operator_switches_a_subscription_off_and_on(visit, find):
    page = (operator := visit("operator")).page
    ((subscription_id,), *_) = find(RUNNING)
    for act, active in (("Deactivate", 0), ("Activate", 1)):
        operator.open(f"/admin/subscription/subscription/{subscription_id}/change/")
        page.get_by_role("link", name=act, exact=True).first.click()
        page.get_by_label("Reason").fill("The customer asked for it")
        page.get_by_role("button", name="Go on").click()
        confirm(page)
        page.wait_for_url("**/change/**")
        wanted = f"SELECT isactive FROM subscription_subscription WHERE id = {subscription_id}"
        assert find(wanted) == [(active,)]
        assert find(LAST_ACT)[0][0].startswith(f"{act}d. Reason: The customer asked for it")


def test_an_operator_switches_several_chosen_in_the_list(visit, find):
    page = (operator := visit("operator")).page
    chosen = [subscription_id for (subscription_id,) in find(RUNNING)[1:]]
    operator.open("/admin/subscription/subscription/")
    for subscription_id in chosen:
        page.locator(f"input.action-select[value='{subscription_id}']").check()
    page.locator("select[name=action]").select_option("deactivate")
    page.get_by_role("button", name="Run", exact=False).first.click()
    page.get_by_label("Reason").fill("Maintenance")
    listed = page.locator("#content-main").inner_text()
    assert all(f"({subscription_id})" in listed for subscription_id in chosen)
    confirm(page)
    page.get_by_text("2 of the chosen subscriptions changed").wait_for()
    ids = ", ".join(map(str, chosen))
    off = f"SELECT isactive FROM subscription_subscription WHERE id IN ({ids})"
    assert find(off) == [(0,), (0,)]


def test_an_operator_downloads_a_list_as_csv(visit, find):
    page = (operator := visit("operator")).page
    operator.open("/admin/customer/customer/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").first.click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert download.value.suggested_filename.endswith(".csv")
    assert len(lines) == find("SELECT COUNT(*) + 1 FROM customer_customer")[0][0]
    assert any(NAME in line for line in lines)


def test_a_viewer_sees_it_all_and_may_do_nothing(visit, find):
    page = (viewer := visit("viewer")).page
    ((customer_id, credit),) = find(f"SELECT id, credit {OF_NAME}")
    ((subscription_id,), *_) = find(RUNNING)
    for subject, acts in (
        (f"/admin/customer/customer/{customer_id}/", ("top-up", "adjust")),
        (f"/admin/subscription/subscription/{subscription_id}/", ("activate", "deactivate", "price")),
    ):
        viewer.open(f"{subject}change/")
        assert page.locator("#content-main, main").first.is_visible()
        for name in ("Top up", "Adjust credit", "Deactivate", "Change price", "Save", "Delete"):
            assert page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).count() == 0
        (token,) = [each["value"] for each in viewer.context.cookies() if each["name"] == "csrftoken"]
        said = {"csrfmiddlewaretoken": token, "amount": "5", "price": "5", "reason": "x", "_confirmed": "yes"}
        for act in acts:
            answer = page.request.post(f"{viewer.url}{subject}{act}/", form=said)
            assert answer.status == 403
    assert find(f"SELECT credit {OF_NAME}")[0][0] <= credit
    assert find("SELECT COUNT(*) FROM customer_ledgerentry WHERE reason = 'x'") == [(0,)]


def test_repairing_an_account_set_aside_opens_it(visit, find):
    page = (operator := visit("operator")).page
    ((customer_id,),) = find("SELECT account_id FROM customer_setaside")
    operator.open("/admin/")
    page.locator("#figures li").get_by_role("link", name="harbour-clinic").click()
    page.get_by_role("link", name="Repair", exact=True).click()
    page.get_by_role("button", name="Go on").click()
    assert "The account is opened." in page.locator("#content-main").inner_text()
    confirm(page)
    page.get_by_text("Repaired.").first.wait_for()
    assert find("SELECT * FROM customer_setaside") == []
    ((steps,),) = find(LAST_ACT)
    assert steps.startswith("Repaired.")
    assert find(f"SELECT credit >= 0 FROM customer_account WHERE customer_id = {customer_id}") == [(1,)]
