"""Who may still try a password after others have failed: the table of docs/decisions/14."""

import pytest
from rest_framework.test import APIClient

from customer import throttling
from customer.models import Customer, LoginCounter
from customer.throttling import ACCOUNT, FIRST, PAIR, PLACE
from tests.fixtures import PASSWORD

HOME, CAFE, NEIGHBOUR = "192.0.2.1", "198.51.100.1", "192.0.2.2"


class Clock:
    now = 1_900_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The throttle's time, which stands still."""
    clock = Clock()
    monkeypatch.setattr("customer.throttling.time.time", clock)
    return clock


@pytest.fixture(autouse=True)
def _ada(make_customer):
    make_customer("ada")
    make_customer("grace")


def login(username="ada", password=PASSWORD, address=HOME):
    body = {"username": username, "password": password}
    return APIClient().post("/customer/login/", body, format="json", REMOTE_ADDR=address).status_code


def fails(times, *, username="ada", address=HOME, clock=None):
    """Wrong passwords one after the other; with a clock, spread so that no minute is too full."""
    for number in range(times):
        if clock is not None and number % PAIR.failures == 0:
            clock.now += PAIR.seconds
        status = login(username, "wrong horse", address)
        assert status == 401, f"failure {number} was answered {status}"


def elsewhere(number):
    """An address of the attacker's, one in each network."""
    return f"203.0.{number}.7"


def attack(failures=ACCOUNT.failures, username="ada"):
    """As many failures of one name, each from a place of its own."""
    for number in range(failures):
        assert login(username, "wrong horse", elsewhere(number)) == 401


def test_a_pair_that_failed_ten_times_waits_out_its_minute(clock):
    fails(PAIR.failures)
    assert login() == 429
    clock.now += PAIR.seconds - 1
    assert login() == 429
    clock.now += 1
    assert login() == 200


def test_the_answer_says_how_long_to_wait(clock):
    fails(PAIR.failures)
    clock.now += 13
    answer = APIClient().post("/customer/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR=HOME)
    assert (answer.status_code, answer["Retry-After"]) == (429, str(PAIR.seconds - 13))


def test_a_change_of_password_says_how_long_to_wait_too(client_of, clock):
    ada = Customer.objects.get(username="ada")
    said = {"old_password": "wrong horse", "new_password": "another horse"}
    answers = [client_of(ada).put("/customer/password/", said, REMOTE_ADDR=HOME) for _ in range(PAIR.failures + 1)]
    assert [answer.status_code for answer in answers] == [400] * PAIR.failures + [429]
    assert answers[-1]["Retry-After"] == str(PAIR.seconds)
    assert list(answers[-1].json()) == ["detail"]


def test_who_sprays_names_from_one_address_is_refused_for_all_that_never_logged_in_there(clock):
    for number in range(PLACE.failures):
        fails(1, username=f"name{number}")
    assert login("ada") == 429
    assert login("ada", address=CAFE) == 200
    clock.now += PLACE.seconds
    assert login("ada") == 200


def test_who_logged_in_from_an_address_before_is_not_refused_for_what_others_spray_there():
    assert login("ada") == 200
    for number in range(PLACE.failures):
        fails(1, username=f"name{number}")
    assert login("ada") == 200
    assert login("grace") == 429


def test_what_a_known_customer_mistypes_is_not_held_against_the_address_or_the_account(clock):
    assert login("ada") == 200
    fails(2 * max(PLACE.failures, ACCOUNT.failures), clock=clock)
    clock.now += PAIR.seconds
    assert login("grace") == 200
    fails(FIRST.failures + 1, address=CAFE)


def test_an_account_under_attack_from_everywhere_is_open_to_its_owner_anywhere():
    attack()
    assert login(address=HOME) == 200
    assert login(address=CAFE) == 200


def test_an_account_under_attack_leaves_each_new_place_three_failures_an_hour(clock):
    attack()
    fails(FIRST.failures, address=CAFE)
    assert login(address=CAFE) == 429
    clock.now += FIRST.seconds
    assert login(address=CAFE) == 200


def test_an_account_under_attack_takes_nothing_from_a_place_that_it_knows(clock):
    assert login(address=HOME) == 200
    attack()
    fails(PAIR.failures - 1, address=HOME)
    assert login(address=HOME) == 200


def test_one_place_alone_comes_to_three_an_hour_too(clock):
    fails(ACCOUNT.failures, address=CAFE, clock=clock)
    clock.now += PLACE.seconds
    assert login(address=CAFE) == 429


def test_an_attack_on_one_account_is_none_on_another():
    attack()
    fails(PAIR.failures - 1, username="grace", address=CAFE)
    assert login("grace", address=CAFE) == 200


def test_nobody_can_make_somebody_elsewhere_wait(clock):
    """Whatever an attacker does from other places, for an hour: the owner's next attempt is judged by the password."""
    for _ in range(3):
        for number in range(60):
            for _ in range(PAIR.failures):
                login("ada", "wrong horse", elsewhere(number))
            login("ada", "wrong horse", f"2001:db8:{number}::1")
        clock.now += 20 * 60
    assert login(address=HOME) == 200
    assert login(address=NEIGHBOUR) == 200


def test_places_are_known_for_ninety_days_after_the_last_login(clock):
    assert login() == 200
    clock.now += throttling.KNOWN_FOR - 1
    attack()
    fails(FIRST.failures + 1)
    clock.now += 1
    attack(failures=ACCOUNT.failures)
    fails(FIRST.failures)
    assert login() == 429


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),  # whoever has one address of a /64 has all of them
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),  # a neighbour, perhaps the attacker
        ("", "", True),  # a Unix socket
    ],
)
def test_a_place_is_an_address_or_a_64_of_ipv6(first, second, same):
    fails(PAIR.failures, address=first)
    assert login(address=second) == (429 if same else 200)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", ""])
def test_a_proxy_of_this_host_that_nobody_declared_shuts_nobody_out(address):
    for number in range(PLACE.failures + 5):
        fails(1, username=f"name{number}", address=address)
    assert login("ada", address=address) == 200


def test_logins_that_succeed_write_once_a_day(clock):
    login()
    before = list(LoginCounter.objects.values())
    clock.now += throttling.DAY - 1
    login()
    assert list(LoginCounter.objects.values()) == before
    clock.now += 2
    login()
    (row,) = LoginCounter.objects.values()
    assert row["until"] == int(clock.now) + throttling.KNOWN_FOR


def test_what_has_expired_is_removed(clock):
    for number in range(30):
        fails(1, username=f"name{number}")
    clock.now += max(PLACE.seconds, ACCOUNT.seconds)
    for _ in range(6):
        fails(1)
    assert not LoginCounter.objects.filter(until__lte=int(clock.now)).exists()
    assert LoginCounter.objects.count() == 4


def test_a_name_that_nobody_has_is_throttled_as_one_that_somebody_has():
    fails(PAIR.failures, username="nobody")
    assert login("nobody") == 429


def test_the_table_says_neither_names_nor_addresses():
    login()
    fails(1)
    for row in LoginCounter.objects.values():
        assert "ada" not in str(row)
        assert HOME not in str(row)
