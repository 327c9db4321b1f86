"""The nine endpoints under the production server with two workers, each beside the same request to bench/bare."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import fill
from bench.load import Answers, Request, access_token, load, needs_wrk, refresh_token
from bench.measure import Measured, in_turn
from tests import servers

CUSTOMERS = 2_000
"""Each with two subscriptions and two invoices."""
BLOCK = 200
"""The customers that one turn is about, so that no turn finds what another has left."""
PASSWORD = "correct horse"
REGISTERED = "grace"

GUNICORN = "-m gunicorn {application} --no-control-socket --workers 2 --graceful-timeout 3 --bind 127.0.0.1:{port}"
"""As the README has it."""
OURS, BARE = "subscription_task.wsgi", "bench.bare.wsgi"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What is sent to one of the nine in a turn, again and again."""

    name: str
    requests: Callable[[int], list[Request]]


def register(turn: int) -> list[Request]:
    said = {"password": PASSWORD, "first_name": "ali", "last_name": "fa", "credit": 5}
    return [
        Request(method="POST", path="/customer/register/", body={"username": f"r{turn}-{n}"} | said)
        for n in range(10_000)
    ]


def login(turn: int) -> list[Request]:
    return [Request(method="POST", path="/customer/login/", body={"username": REGISTERED, "password": PASSWORD})]


def refresh(turn: int) -> list[Request]:
    return [
        Request(method="POST", path="/customer/token/refresh/", body={"refresh": refresh_token(customer)})
        for customer in _customers(turn)
    ]


def increasecredit(turn: int) -> list[Request]:
    return [
        Request(method="PUT", path="/customer/increasecredit/", body={"credit": 1}, token=access_token(customer))
        for customer in _customers(turn)
    ]


def create(turn: int) -> list[Request]:
    body = {"name": "VM", "price": 7, "isactive": 1}
    return [
        Request(method="POST", path="/subscription/create/", body=body, token=access_token(customer))
        for customer in _customers(turn)
    ]


def editactivation(turn: int) -> list[Request]:
    """Off and on again, by turns."""
    return [
        Request(
            method="PUT",
            path=f"/subscription/editactivation/{2 * customer}/",
            body={"isactive": isactive},
            token=access_token(customer),
        )
        for isactive in (0, 1)
        for customer in _customers(turn)
    ]


def editactivation_to_the_same(turn: int) -> list[Request]:
    """On, while it is on."""
    return editactivation(turn)[BLOCK:]


def _reading(path: str) -> Callable[[int], list[Request]]:
    def requests(turn: int) -> list[Request]:
        return [Request(method="GET", path=path, token=access_token(customer)) for customer in _customers(turn)]

    return requests


def _customers(turn: int) -> range:
    first = turn * BLOCK % CUSTOMERS + 1
    return range(first, first + BLOCK)


ENDPOINTS = [
    Endpoint(name="register", requests=register),
    Endpoint(name="login", requests=login),
    Endpoint(name="token-refresh", requests=refresh),
    Endpoint(name="increasecredit", requests=increasecredit),
    Endpoint(name="create", requests=create),
    Endpoint(name="editactivation-unchanged", requests=editactivation_to_the_same),
    Endpoint(name="editactivation", requests=editactivation),
    Endpoint(name="subscription-list", requests=_reading("/subscription/list")),
    Endpoint(name="invoice-list", requests=_reading("/invoice/list")),
    Endpoint(name="invoice-statistics", requests=_reading("/invoice/statistics")),
]


@contextmanager
def serving(application: str, command: str = GUNICORN, **settings: str) -> Iterator[str]:
    """The address of a server of `application`, once it answers."""
    port = servers.free_port()
    words = [servers.MANAGE[0], *command.format(application=application, port=port).split()]
    settings = servers.PRODUCTION | {"RATE_LIMITS": "off", "SCHEDULER": "off"} | settings
    url = f"http://127.0.0.1:{port}"
    with servers.Process(words, **settings) as process:

        def answers() -> bool:
            assert process.popen.poll() is None, process.output
            try:
                return servers.request(url, "GET", "/subscription/list")[0] == 401
            except OSError:
                return False

        servers.until(answers, "the server's first answer")
        yield url


def register_for_login(url: str) -> None:
    """Registers the customer who logs in."""
    said = {"username": REGISTERED, "password": PASSWORD}
    assert servers.request(url, "POST", "/customer/register/", said)[0] == 201


@contextmanager
def database() -> Iterator[str]:
    """A database in which nothing is due for half a day."""
    with servers.database() as url:
        fill.fill(url, subscriptions=2 * CUSTOMERS, invoices=1, period=fill.DAY, ahead=fill.DAY // 2)
        yield url


def endpoints(*, quick: bool) -> list[Measured]:
    """B5."""
    needs_wrk()
    seconds, turns = (1, 1) if quick else (3, 5)
    with ExitStack() as stack:
        ours, bare = (
            stack.enter_context(serving(application, DATABASE_URL=stack.enter_context(database())))
            for application in (OURS, BARE)
        )
        for url in (ours, bare):
            register_for_login(url)
        return [_compare(endpoint, ours, bare, seconds, turns) for endpoint in ENDPOINTS]


def _compare(endpoint: Endpoint, ours: str, bare: str, seconds: int, turns: int) -> Measured:
    answers: dict[str, list[Answers]] = {ours: [], bare: []}

    def turn(url: str) -> float:
        requests = endpoint.requests(len(answers[url]))
        answers[url].append(load(url, requests, seconds=seconds))
        return answers[url][-1].rate

    rates = in_turn(turns, f"B5 {endpoint.name}", lambda: turn(ours), lambda: turn(bare))
    series = {
        f"{what} of {whose}, ms": [getattr(each, what) for each in answers[url]]
        for what in ("p50", "p99")
        for whose, url in (("the service", ours), ("the bare view", bare))
    }
    return Measured(
        name=f"B5-{endpoint.name}", work=endpoint.name, compared_with="a bare view", unit="requests/s", reach=0.7,
        ours=rates[0], others=rates[1], series=series,
    )  # fmt: skip


MEASURES: dict[str, Callable[..., list[Measured]]] = {"endpoints": endpoints}
