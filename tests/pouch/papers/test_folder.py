"""What closing a bag gives, as files by name."""

from pouch.papers.folder import BORDEREAU, LABEL, MANIFEST, SEAL_PICTURE, SEAL_TEXT, bag_folder
from pouch.reading import read_image
from pouch.sealed import read_sealed, seal_manifest
from tests.support.papers import levels, text
from tests.support.valise import NONCE, manifest
from tests.vectors.forge import identity


def test_a_folder_holds_the_seal_its_picture_the_manifest_and_both_papers() -> None:
    sealed = seal_manifest(manifest(), sealer=identity("YAOUNDE"), witness=identity("DOUALA"))
    folder = bag_folder(sealed, NONCE.hex(), "fr", levels("fr"), sealers=("MBARGA Jeanne", None))
    assert folder.keys() == {SEAL_TEXT, SEAL_PICTURE, MANIFEST, LABEL, BORDEREAU}
    assert folder[SEAL_TEXT] == sealed.seal.text.encode() + b"\n"
    assert read_image(folder[SEAL_PICTURE]) == sealed.seal.text
    assert read_sealed(folder[MANIFEST]) == sealed
    assert "MBARGA Jeanne" in text(folder[BORDEREAU])
    secret = [name for name in (LABEL, BORDEREAU) if NONCE.hex() in text(folder[name])]
    assert secret == [BORDEREAU]
