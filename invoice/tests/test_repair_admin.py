"""The repair in the admin: shown before it is done, done by those who may, and logged."""

import pytest
from django.contrib.admin.models import LogEntry
from django_apscheduler.models import DjangoJob

from customer.models import Account, SetAside
from customer.tests.operators import act, last_log, logged_in, operator, page, superuser
from invoice.models import Invoice
from subscription import subscriptions
from subscription.models import Subscription
from tests.fixtures import EPOCH

ASIDE = "customer_setaside"


@pytest.fixture
def vm(make_customer, fake_clock, run_pass):
    """A subscription that was billed at 600; its job was moved back to there, so its account was set aside at 1900."""
    ada = make_customer("ada", credit=1000)
    made = subscriptions.create(customer=ada, name="VM", price=100, isactive=True, by=ada)
    fake_clock.at(600)
    run_pass()
    DjangoJob.objects.filter(pk=str(made.pk)).update(next_run_time=EPOCH.replace(minute=10))
    fake_clock.at(1900)
    run_pass()
    assert SetAside.objects.get().account_id == ada.pk
    Account.objects.update(invoice_count=9)
    return made


def steps(vm):
    job = DjangoJob.objects.get(pk=str(vm.pk)).next_run_time
    assert job == EPOCH.replace(minute=10)
    return [
        "invoice_count becomes 1, not 9: the number of the invoices.",
        f"The job of subscription {vm.pk} moves from 2030-01-01 00:10:00",
        "to 2030-01-01 00:20:00.",
    ]


def rows():
    """What a repair could touch."""
    models = (Account, SetAside, Invoice, LogEntry)
    return [list(model.objects.order_by("pk").values()) for model in models] + [
        list(DjangoJob.objects.values_list("id", "next_run_time"))
    ]


def test_the_page_shows_what_will_be_done_and_does_nothing(vm):
    client = logged_in(superuser())
    before = rows()
    shown = client.post(page(ASIDE, "repair", vm.customer_id)).content.decode()
    for step in [*steps(vm), "The account is opened.", "What is due is billed: 2 instants, if the credit lasts."]:
        assert step in shown
    assert rows() == before


def test_a_repair_is_done_opens_the_account_and_is_logged_with_its_reason(vm):
    expected = steps(vm)
    client = logged_in(superuser())
    answer = act(client, page(ASIDE, "repair", vm.customer_id), {"reason": "moved by a script"}, follow=True)
    assert answer.redirect_chain == [(page(ASIDE, "changelist"), 302)]
    assert not SetAside.objects.exists()
    assert sorted(vm.invoices.values_list("start_time__minute", flat=True)) == [10, 20, 30]
    assert Account.objects.get(pk=vm.customer_id).invoice_count == 3
    who, what = last_log()
    assert who == "root"
    assert what.startswith("Repaired. ")
    assert what.endswith(" Reason: moved by a script")
    for text in (what, answer.content.decode()):
        assert all(step in text for step in expected)


def test_a_pause_that_a_repair_records_carries_its_operator(vm):
    Subscription.objects.filter(pk=vm.pk).update(isactive=False)
    DjangoJob.objects.filter(pk=str(vm.pk)).update(next_run_time=None)
    root = superuser()
    act(logged_in(root), page(ASIDE, "repair", vm.customer_id))
    pause = vm.pauses.get()
    assert (pause.withheld_from, pause.paused_at) == (EPOCH.replace(minute=20), EPOCH.replace(minute=31, second=40))
    assert (pause.paused_because, pause.paused_on, pause.paused_by) == ("deactivated", "repair", root)


def test_what_remains_wrong_is_shown_and_keeps_everything_as_it_is(vm):
    Subscription.objects.filter(pk=vm.pk).update(price=99)
    client = logged_in(superuser())
    before = rows()
    wrong = "takes 100 where the price was 99. Restore the row from a backup."
    shown = client.post(page(ASIDE, "repair", vm.customer_id)).content.decode()
    assert "Nothing is repaired before this is mended by hand:" in shown
    assert wrong in shown
    answer = act(client, page(ASIDE, "repair", vm.customer_id), {"reason": "hope"})
    assert answer.status_code == 200
    assert "Nothing has been changed." in answer.content.decode()
    assert wrong in answer.content.decode()
    assert rows() == before


def test_only_those_who_may_change_accounts_set_aside_repair_them(vm):
    may, looks = "customer.repair_setaside", "customer.view_setaside"
    statuses = {
        operator("nobody"): 403,
        operator("viewer", looks): 403,
        operator("cashier", looks, "customer.retry_setaside", "customer.view_customer"): 403,
        vm.customer: 302,  # a customer is sent to log in
        operator("mechanic", looks, may): 200,
    }
    url = page(ASIDE, "repair", vm.customer_id)
    for member, status in statuses.items():
        client = logged_in(member)
        assert (member.username, client.get(url).status_code) == (member.username, status)
        offered = client.get(page(ASIDE, "change", vm.customer_id)).content.decode()
        assert (f'href="{url}"' in offered) == (status == 200)
        posted = act(client, url)
        assert posted.status_code == (302 if status == 200 else status)
        assert SetAside.objects.exists() == (status != 200)


def test_an_account_that_is_not_set_aside_has_no_such_page(vm):
    SetAside.objects.all().delete()
    assert logged_in(superuser()).get(page(ASIDE, "repair", vm.customer_id)).status_code == 404


def test_only_a_post_with_a_token_repairs(vm, client):
    client.handler.enforce_csrf_checks = True
    client.force_login(superuser())
    assert client.post(page(ASIDE, "repair", vm.customer_id), {}).status_code == 403
    assert SetAside.objects.exists()
