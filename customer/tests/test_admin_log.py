"""The operators' log: who did what, when, why and from where."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory, override_settings

from customer.admin_log import in_words, parts, with_origin
from customer.tests.operators import act, last_log, last_origin, logged_in, operator, page, queries_of_list, superuser

CUSTOMER, LOG = "customer_customer", "admin_logentry"


@pytest.fixture
def root(db):
    return superuser()


@pytest.fixture
def ada(make_customer):
    return make_customer(credit=100)


def from_where(proxies, **headers):
    request = RequestFactory().get("/admin/", **headers)
    with override_settings(REST_FRAMEWORK={"NUM_PROXIES": proxies}):
        return parts(LogEntry(change_message=with_origin(request, "Done.")))[1]


def test_the_address_is_the_clients_behind_as_many_proxies_as_are_trusted():
    sent = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9, 10.0.0.2"}
    assert from_where(0, **sent) == "10.0.0.1"
    assert from_where(1, **sent) == "10.0.0.2"
    assert from_where(2, **sent) == "203.0.113.9"
    assert from_where(1, REMOTE_ADDR="2001:db8::7") == "2001:db8::7"
    assert from_where(0, REMOTE_ADDR="") == "-"


def test_no_header_and_no_reason_passes_for_where_it_came_from():
    request = RequestFactory().get("/admin/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="] [from me")
    message = with_origin(request, "Done.", "x [from 6.6.6.6]")
    assert parts(LogEntry(change_message=message)) == ("Done. Reason: x [from 6.6.6.6]", "10.0.0.1")
    assert from_where(1, HTTP_X_FORWARDED_FOR="] [from me") == "???from?me"
    assert len(from_where(1, HTTP_X_FORWARDED_FOR="9" * 5000)) == 64


def test_the_requests_id_is_kept_if_it_has_one():
    request = RequestFactory().get("/admin/", REMOTE_ADDR="10.0.0.1")
    request.request_id = "4f3c"
    assert parts(LogEntry(change_message=with_origin(request, "Done."))) == ("Done.", "10.0.0.1, request 4f3c")


def test_an_entry_from_before_says_no_origin():
    assert parts(LogEntry(change_message="Topped up. Reason: cash")) == ("Topped up. Reason: cash", "")
    assert parts(LogEntry(change_message='[{"added": {}}]')) == ("Added.", "")


def test_what_django_says_of_a_form_is_kept_in_words():
    assert in_words([{"changed": {"fields": ["First name", "Email"]}}]) == "Changed First name and Email."


def test_an_act_is_logged_with_where_it_came_from(root, ada):
    client = Client(REMOTE_ADDR="203.0.113.9")
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    act(client, page(CUSTOMER, "top-up", ada.pk), {"amount": "5", "reason": "cash"})
    assert last_log() == ("root", "Topped up by 5; the credit is 105. Reason: cash")
    assert last_origin().partition(",")[0] == "203.0.113.9"


def test_edits_passwords_and_groups_are_logged_with_where_they_came_from(root, ada):
    client = logged_in(root)
    client.post(page(CUSTOMER, "change", ada.pk), {"username": "ada", "is_active": "1", "first_name": "Ada"})
    assert last_log() == ("root", "Changed First name.")
    assert last_origin().startswith("127.0.0.1")
    said = {"usable_password": "true", "password1": "new horse 1", "password2": "new horse 1", "set-password": "1"}
    client.post(f"/admin/customer/customer/{ada.pk}/password/", said)
    assert last_log() == ("root", "Changed password.")
    assert last_origin().startswith("127.0.0.1")
    group = Group.objects.create(name="mechanics")
    client.post(page("auth_group", "delete", group.pk), {"post": "yes"})
    assert not Group.objects.filter(pk=group.pk).exists()
    assert last_log() == ("root", "Deleted.")
    assert last_origin().startswith("127.0.0.1")


def test_the_log_shows_all_of_it_and_links_to_what_it_is_about(root, ada):
    client = logged_in(root)
    act(client, page(CUSTOMER, "adjust", ada.pk), {"amount": "-30", "reason": "<i>twice</i>"})
    shown = client.get(page(LOG, "changelist")).content.decode()
    assert "Adjusted by -30; the credit is 70. Reason: &lt;i&gt;twice&lt;/i&gt;" in shown
    assert "[from " not in shown
    assert "127.0.0.1" in shown
    assert f'href="{page(CUSTOMER, "change", ada.pk)}"' in shown
    entry = LogEntry.objects.get()
    page_of_it = client.get(page(LOG, "change", entry.pk)).content.decode()
    assert "127.0.0.1" in page_of_it
    assert [found.pk for found in client.get(page(LOG, "changelist"), {"q": "ROOT"}).context["cl"].result_list]
    assert not client.get(page(LOG, "changelist"), {"q": "ada"}).context["cl"].result_list


def test_nobody_writes_the_log_by_hand(root, ada):
    client = logged_in(root)
    act(client, page(CUSTOMER, "top-up", ada.pk), {"amount": "5"})
    before = list(LogEntry.objects.values())
    pk = before[0]["id"]
    assert client.post(page(LOG, "add"), {"change_message": "x"}).status_code == 403
    assert client.post(page(LOG, "change", pk), {"change_message": "x"}).status_code == 403
    assert client.post(page(LOG, "delete", pk), {"post": "yes"}).status_code == 403
    client.post(page(LOG, "changelist"), {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
    assert list(LogEntry.objects.values()) == before


def test_the_log_is_for_those_who_may_see_it(ada):
    assert logged_in(operator("auditor", "admin.view_logentry")).get(page(LOG, "changelist")).status_code == 200
    assert logged_in(operator("editor", "customer.change_customer")).get(page(LOG, "changelist")).status_code == 403


def test_the_list_takes_as_many_queries_at_50_rows_as_at_5(root, ada):
    def more_entries(rows):
        LogEntry.objects.log_actions(root.pk, [ada] * rows, 2, "Looked.")

    # The session, the operator, the count, the rows.
    assert queries_of_list(logged_in(root), LOG, more_entries) == [4, 4]
