"""A bag whose weight its origin put right, on a telephone without network."""

from playwright.sync_api import Browser, expect

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.pouches import repository
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.pouches import rectification
from cipher_service.storage.unit_of_work import unit_of_work
from tests.console.scanning import checked, telephone_of
from tests.console.sealed_bags import Bag, sealed_bag

RIGHT_G = 9_450


def test_a_telephone_says_that_the_bordereau_was_put_right_and_weighs_against_it(
    ministry: Stage, browser: Browser
) -> None:
    bag = sealed_bag(ministry)
    _put_right(ministry, bag)
    with telephone_of(browser, ministry, "CHIEF-POUCH") as desk:
        desk.kept_offline()
        desk.knows(bag)
        desk.context.set_offline(offline=True)
        facts = desk.page.locator("main")
        for weight, verdict in (
            (RIGHT_G, ("CONFORME", "SEAL_GENUINE_BAG_CHECKED")),
            (8_450, ("À VÉRIFIER", "WEIGHT_OFF")),
        ):
            desk.open()
            desk.answer(*bag.numbers, weight=str(weight))
            desk.scanned(bag.text)
            assert desk.verdict() == verdict
            expect(facts).to_contain_text("rectifié, à lire avec le rectificatif n° 1")
            expect(facts).to_contain_text(f"{RIGHT_G} g")
        checked(desk)
        desk.quiet()


def _put_right(on: Stage, bag: Bag) -> None:
    """Leave the books as the command of the bag's origin leaves them."""
    row = {
        "seal": bag.seal,
        "ordinal": 1,
        "number": f"VAL {bag.seal[:8].upper()}/R1",
        "hash": "a5" * 32,
        "made_at": clock.text(clock.now()),
        "body": b"sealed",
        "first": "OFF-000001",
        "second": "OFF-000002",
    }
    engine = open_existing(on.settings.database)
    try:
        with unit_of_work(engine) as connection:
            connection.execute(rectification.insert().values(**row))
            repository.change_closing(connection, bag.seal, rectified_g=RIGHT_G)
    finally:
        engine.dispose()
