"""With `Accept-Language: fa` every page of the admin is Persian, from right to left; the API and the log know nothing
of it.
"""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils import timezone, translation
from django_apscheduler.models import DjangoJob

from customer import accounts
from customer.models import Account, SetAside
from customer.tests.operators import act, logged_in, page, superuser
from invoice.models import Checked
from operators import samples
from operators.models import Flapping, RunsDry, SchedulerProcess
from subscription import subscriptions
from subscription_task.formats import times
from tests import visible
from tests.fixtures import EPOCH

FA = {"HTTP_ACCEPT_LANGUAGE": "fa", "HTTP_ACCEPT": "text/html"}
NAMES = {
    # what is called so everywhere
    *(
        "UTC",
        "CSV",
        "API",
        "English",
        "Ctrl",
        "K",
        "esc",
        "JSON",
        "SHA-256",
        "vm",
        "en",
        "fa",
        "Idempotency-Key",
        "md5",
        "SSO",
        "LDAP",
    ),
    # groups are rows, named when they were made
    *("billing", "viewer", "operator"),
}
CODE = re.compile(r"\b[0-9a-f]{32}\b|\w*\*{4,}|\[[a-z_]+\]")
"""The id of a request, a masked hash, the code of a fault."""
FILTERS = "?q=zzz"
pytestmark = pytest.mark.once


@pytest.fixture
def root(db):
    return superuser("ریشه")


@pytest.fixture
def client(root):
    client = logged_in(root)
    client.defaults |= FA
    return client


@pytest.fixture
def provider(make_customer, fake_clock, run_pass, root, client):
    """A bit of everything: invoices, pauses, an account set aside, schedulers, checks, and an entry of each act."""
    ada, broken = make_customer("آدا", credit=1000), make_customer("شکسته", credit=1000)
    vm, disk = (
        subscriptions.create(customer=ada, name=name, price=price, isactive=True, by=root)
        for name, price in (("سرور", 300), ("دیسک", 5))
    )
    torn = subscriptions.create(customer=broken, name="پاره", price=100, isactive=True, by=root)
    for number in range(1, 5):
        fake_clock.at(600 * number)
        run_pass()
        samples.sample()
    DjangoJob.objects.filter(pk=str(torn.pk)).update(next_run_time=EPOCH.replace(minute=10))
    fake_clock.at(3100)
    run_pass()
    assert SetAside.objects.get().account_id == broken.pk
    Account.objects.filter(pk=broken.pk).update(invoice_count=9)
    accounts.top_up(customer_id=ada.pk, amount=12_345, by=root, reason="نقدی")
    at = fake_clock.time
    process = {"started_at": at, "seen_at": at, "passes": 1, "invoices": 2, "seconds": 1.5, "failures": 0, "up_to": []}
    for pid, state in enumerate(SchedulerProcess.State.values, 1):
        SchedulerProcess.objects.create(
            host="vm", pid=pid, state=state, last_at=at, last_invoices=2, last_seconds=0.25, **process
        )
    RunsDry.objects.update_or_create(
        customer_id=ada.pk, defaults={"username": "آدا", "credit": 5, "per_day": 9, "at": at}
    )
    Flapping.objects.create(subscription_id=vm.pk, name="سرور", customer_id=ada.pk, times=7, last_at=at)
    Checked.objects.create(at=at, seconds=1, faults=0, due=0, lines=[])
    for url, said in acts(ada, vm, disk):
        assert act(client, url, said).status_code == 302, (url, said)
    return ada, vm, broken


def acts(ada, vm, disk):
    """Each act once, with what its form wants."""
    return [
        (page("customer_customer", "top-up", ada.pk), {"amount": "۱۲٬۳۴۵", "reason": "واریز"}),
        (page("customer_customer", "adjust", ada.pk), {"amount": "-5", "reason": "اشتباه"}),
        (page("subscription_subscription", "price", vm.pk), {"price": "1,234", "reason": ""}),
        (page("subscription_subscription", "deactivate", disk.pk), {"reason": "خواست مشتری"}),
        (page("subscription_subscription", "activate", disk.pk), {"reason": ""}),
        (
            page("subscription_subscription", "add"),
            {"customer": ada.pk, "name": "تازه", "price": "7", "isactive": "on", "reason": ""},
        ),
    ]


def pages(ada, vm, broken):
    """Every page of the admin, one row of each kind: the address, and what is posted to it, if anything."""
    yield from [("/admin/", None), ("/admin/password_change/", None), ("/admin/password_change/done/", None)]
    yield from [(page("customer_customer", "change", ada.pk), None), (page("auth_group", "add"), None)]
    yield f"/admin/customer/customer/{ada.pk}/password/", None
    yield "/admin/search/?s=آدا&extended=1", None
    for label in ("customer", "subscription", "invoice", "auth", "admin", "django_apscheduler"):
        yield f"/admin/{label}/", None
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        row = model._base_manager.order_by("pk").first()
        yield page(name, "changelist"), None
        yield page(name, "changelist") + FILTERS, None
        if row is None:
            continue
        yield from [(page(name, each, row.pk), None) for each in ("change", "history")]
        yield page(name, "delete", row.pk), None
    for each in ("customer_customer", "subscription_subscription"):
        yield page(each, "add"), None
        yield page(each, "add"), {}
    for url, said in acts(ada, vm, vm):
        if not url.endswith("/activate/"):
            yield from [(url, None), (url, {**said, "amount": "0", "price": "x", "name": "", "customer": ""})]
            yield url, said
    for each in ("repair", "retry"):
        yield from [
            (page("customer_setaside", each, broken.pk), None),
            (page("customer_setaside", each, broken.pk), {}),
        ]
    chosen = {"action": "deactivate", "_selected_action": [vm.pk], "index": "0"}
    yield page("subscription_subscription", "changelist"), chosen
    yield page("customer_customer", "change", ada.pk), {"username": "", "email": "x"}
    yield "/admin/password_change/", {"old_password": "x", "new_password1": "1", "new_password2": "2"}
    yield "/admin/nope/", None


def test_no_page_has_a_word_that_is_not_persian(provider, client):
    left, seen = {}, 0
    for url, said in pages(*provider):
        answer = client.get(url, follow=True) if said is None else client.post(url, said)
        html = answer.content.decode()
        if answer.status_code in (302, 403):
            continue
        assert answer.status_code in (200, 404), (url, answer.status_code)
        assert re.search(r'<html lang="fa" dir="rtl"', html) or "/search/" in url, url
        seen += 1
        for text in visible.latin(CODE.sub("", html), but=NAMES):
            left.setdefault(text, f"{url} {said or ''}")
    assert not left, "\n".join(f"{text!r} at {url}" for text, url in left.items())
    assert seen > 60


MARKS = dict.fromkeys(map(ord, "\u200e\u2067\u2068\u2069"))


def said(answer):
    return " ".join(visible.texts(answer.content.decode())).translate(MARKS)


def test_amounts_and_dates_follow_the_language(provider, client, root):
    url = page("customer_ledgerentry", "changelist")
    persian, english = said(client.get(url)), said(logged_in(root).get(url))
    assert "۱۲٬۳۴۵" in persian
    assert "۱۲ دی ۱۴۰۸ ۰۰:۵۱:۴۰ UTC" in persian
    assert "12,345" in english
    assert "2030-01-01 00:51:40" in english


def test_the_instant_is_there_for_programs(provider, client):
    html = client.get(page("customer_ledgerentry", "changelist")).content.decode()
    assert '<time datetime="2030-01-01T00:51:40+00:00" title="2030-01-01T00:51:40+00:00">' in html


def test_no_address_style_or_plot_has_persian_digits(provider, client):
    for url, posted in pages(*provider):
        if posted is None:
            html = client.get(url, follow=True).content.decode()
            for attribute in re.findall(
                r'(?:href|action|src|id|name|class|style|width|height|[xydr]|colspan|value)="([^"]*)"', html
            ):
                assert not re.search("[۰-۹٬٫]", attribute), (url, attribute)


def test_csv_is_for_programs_and_so_the_same_in_every_language(provider, client, root):
    for model in ("customer_customer", "customer_ledgerentry", "subscription_subscription", "invoice_invoice"):
        url = page(model, "export")
        persian, english = client.get(url), logged_in(root).get(url)
        assert b"".join(persian) == b"".join(english)
        assert persian["Content-Disposition"] == english["Content-Disposition"]


def test_times_in_csv_are_instants(provider, client):
    for model in ("django_apscheduler_djangojob", "subscription_subscription"):
        lines = b"".join(client.get(page(model, "export"))).decode()
        assert "2030-01-01 01:00:00+00:00" in lines


def test_the_log_is_kept_in_english_and_shown_in_the_language_of_the_page(provider, client):
    ada, vm, _ = provider
    kept = LogEntry.objects.get(object_id=str(ada.pk), change_message__startswith="Topped up by 12345; the credit is ")
    assert "Reason: واریز [from " in kept.change_message
    assert "مبلغ ۱۲٬۳۴۵ به اعتبار افزوده شد" in said(client.get(page("admin_logentry", "changelist")))
    client.post(page("customer_customer", "change", ada.pk), {"username": "آدا", "first_name": "ن", "is_active": "on"})
    (latest,) = LogEntry.objects.order_by("-pk")[:1]
    assert latest.change_message.startswith("Changed First name")
    assert latest.object_repr == "آدا"
    assert "تغییر کرد: نام" in said(client.get(page("admin_logentry", "changelist")))


def test_what_was_acted_on_is_named_in_english_too(provider, client):
    *_, broken = provider
    act(client, page("customer_setaside", "retry", broken.pk), {"reason": ""})
    assert LogEntry.objects.latest("pk").object_repr == f"account {broken.pk}"
    assert f"حساب {broken.pk}" in said(client.get(page("admin_logentry", "changelist")))


def test_an_amount_in_persian_digits_is_that_amount(provider, client):
    ada, *_ = provider
    before = Account.objects.get(pk=ada.pk).credit
    act(client, page("customer_customer", "top-up", ada.pk), {"amount": "۱٬۰۰۰", "reason": ""})
    assert Account.objects.get(pk=ada.pk).credit == before + 1000


def test_an_id_in_persian_digits_finds_its_row(provider, client):
    ada, *_ = provider
    digits = str(ada.pk).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    found = client.get(page("customer_customer", "changelist"), {"q": digits}).context["cl"].result_list
    assert [row.pk for row in found] == [ada.pk]


@pytest.mark.parametrize("ask", ["۱", "١", "1"])
def test_a_job_is_found_by_an_id_in_any_digits(provider, client, root, ask):
    for model in ("django_apscheduler_djangojob", "subscription_subscription"):
        lines = logged_in(root).get(page(model, "export"), {"q": ask}).getvalue().decode().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["1"]


@pytest.mark.parametrize("ask", ["كيان", "کیان"])
def test_a_name_is_found_with_the_letters_of_either_keyboard(make_customer, root, ask):
    for name in ("کیان", "كيان ٢", "دیگر"):
        make_customer(name.replace(" ", "."))
    lines = logged_in(root).get(page("customer_customer", "export"), {"q": ask}).getvalue().decode().splitlines()
    assert len(lines) == 1 + 2


def test_an_error_and_a_help_have_the_digits_of_the_page(provider, client):
    told = client.post(page("customer_customer", "top-up", provider[0].pk), {"amount": "0", "reason": "x" * 201})
    errors = "".join(re.findall(r'<ul class="errorlist".*?</ul>', told.content.decode(), re.DOTALL))
    assert re.search("۱", errors)
    assert re.search("۲۰۱", errors)
    assert not re.search(r"\d", re.sub(r"[۰-۹]|<[^>]*>", "", errors))
    help_text = client.get("/admin/password_change/").content.decode()
    assert "دست‌کم ۷ نویسه" in help_text


def test_a_language_that_was_chosen_holds_in_the_admin_alone(root, client):
    answer = client.post("/admin/language/", {"language": "en", "next": "/admin/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    cookie = answer.cookies["admin_language"]
    assert (cookie.value, cookie["path"], cookie["samesite"]) == ("en", "/admin/", "Lax")
    assert cookie["httponly"]
    assert '<html lang="en" dir="ltr"' in client.get("/admin/").content.decode()
    client.cookies["admin_language"] = "fa"
    plain = client.get("/customer/profile/", HTTP_ACCEPT_LANGUAGE="en", HTTP_ACCEPT="*/*").json()
    assert plain == {"detail": "Authentication credentials were not provided."}


def test_a_stranger_is_sent_nowhere_else_by_the_choice_of_a_language(client):
    answer = client.post("/admin/language/", {"language": "fa", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"


def test_an_unknown_page_of_the_admin_is_a_page_for_browsers_and_json_for_programs(db, client):
    page_of_it = client.get("/admin/nope/")
    assert page_of_it.status_code == 404
    assert "چنین صفحه‌ای وجود ندارد" in said(page_of_it)
    assert client.get("/admin/nope/", HTTP_ACCEPT="application/json").json() == {"detail": "پیدا نشد."}
    assert client.get("/nope/").json() == {"detail": "پیدا نشد."}


def test_a_username_keeps_its_case_in_the_heading(make_customer, root):
    ada = make_customer("ada", credit=1)
    html = logged_in(root).get(page("customer_customer", "change", ada.pk)).content.decode()
    assert "<bdi>ada</bdi>" in html
    assert not re.search(r"<h1.*?Ada.*?</h1>", html, re.DOTALL)


def test_a_filter_by_month_is_one_of_the_solar_hijri_month(provider, client):
    html = client.get(page("invoice_invoice", "changelist")).content.decode()
    since = re.findall(r"start_time__gte=(\d{4}-\d\d-\d\d)", html)
    with translation.override("fa"):
        today = timezone.now().date()
        assert {str(times.month_of(today)[0]), str(times.year_of(today)[0])} <= set(since)
