"""Who and what the invented provider has: its customers, what they order, and what its operators write."""

from dataclasses import dataclass

HOUR, MINUTE = 3600, 60


@dataclass(frozen=True)
class Product:
    """What is sold: its price for each period of so many seconds."""

    name: str
    price: int
    period: int = HOUR


SERVERS = [
    Product("VM 1 GB", 150),
    Product("VM 2 GB", 290),
    Product("VM 4 GB", 560),
    Product("VM 8 GB", 1_090),
    Product("VM 16 GB", 2_150),
]
EXTRAS = [
    Product("Volume 100 GB", 120),
    Product("Volume 500 GB", 540),
    Product("Backup", 60),
    Product("IPv4", 40),
    Product("Load balancer", 250),
    Product("PostgreSQL", 640),
    Product("Object storage", 90),
]
NAMED_BY_THE_CUSTOMER = Product("سرور بازی", 1_090)
"""A server for games, in Persian."""
METERED = [Product("Functions", 4, MINUTE), Product("Build runner", 12, MINUTE), Product("Video encoder", 9, MINUTE)]
"""Billed by the minute: new on offer."""

COMPANIES = [
    *("aurora-hosting", "bäckerei-lindner", "blue.heron", "café-lumière", "cobalt-games", "deltaport", "elk-and-owl"),
    *("fjord.media", "gülsüm-tekstil", "იბერია", "juniper.labs", "kestrel-air", "łódź-studio"),
    *("meridian-maps", "nordlicht", "oaktree.school", "pixel.forge", "quarry-tools", "río-verde", "sable-systems"),
    *("tidewater", "umbra.press", "vinyl-vault", "willow-dental", "xylon", "ýmir-games", "zenith.travel"),
    *("آسمان", "پارس.ابر", "Ηλιος", "северный.ветер"),
]
PEOPLE = [
    *(("نسرین", "نسرین", "احمدی"), ("کیان", "کیان", "رستمی"), ("maryam", "Maryam", "Hosseini")),
    *(("zoë", "Zoë", "van den Berg"), ("søren", "Søren", "Kjær"), ("ines", "Inês", "Carvalho")),
    *(("tomasz", "Tomasz", "Wójcik"), ("amélie", "Amélie", "Dubois"), ("björn", "Björn", "Sjöberg")),
    *(("alifa", "Ali", "Fa"), ("grace", "Grace", "Okafor"), ("jun", "Jun", "Tanaka"), ("елена", "Елена", "Соколова")),
    *(("priya", "Priya", "Nair"), ("niamh", "Niamh", "Ó Briain"), ("diego", "Diego", "Muñoz")),
]

ADJUSTMENTS = [
    (40_000, "Goodwill for the outage of storage in zone B"),
    (-25_000, "Paid twice; the second payment went back to the bank"),
    (12_500, "Billed for a volume that could not be attached"),
    (100_000, "Bonus for paying a year ahead"),
    (-8_000, "Voucher entered twice by mistake"),
    (20_000, "Goodwill for a late answer of the support"),
]
RISES = [("VM 4 GB", 590, "New price list: 590 from this month"), ("IPv4", 45, "Addresses cost us more")]
"""Products that became dearer for those who had them: the price from then on, and why."""
