"""What the founding ceremony says, in French and English: cause, what was lost, what to do."""

from __future__ import annotations

from typing import Final

_PHRASES: Final = {
    "begun": (
        "Le registre des officiers est ouvert pour {party}. Inscrivez maintenant les personnes.",
        "The roll of officers is open for {party}. Now enter the persons.",
    ),
    "person": (
        "{number} est au registre. Il lui faut {keys} clés de sécurité au moins.",
        "{number} is on the roll. They need at least {keys} security keys.",
    ),
    "key": (
        (
            "Clé enregistrée pour {number} ; clés à ce jour : {keys}. Pour le registre des objets "
            "contrôlés :\n"
            "  cipher-service items enter --kind token --holder {number} --reference {act} "
            '"{token}"'
        ),
        (
            "Key recorded for {number}; keys so far: {keys}. For the register of controlled "
            "items:\n"
            "  cipher-service items enter --kind token --holder {number} --reference {act} "
            '"{token}"'
        ),
    ),
    "fingerprint": ("Empreinte : {fingerprint}", "Fingerprint: {fingerprint}"),
    "read_out": (
        "Une autre personne lit l'empreinte à haute voix sur sa copie. Tapez ce qu'elle lit :",
        "Another person reads the fingerprint aloud from their copy. Type what they read:",
    ),
    "closed": (
        "La cérémonie est close. Désormais, deux officiers en admettent un troisième.",
        "The ceremony is closed. From now on two officers admit a third.",
    ),
}
_NOTHING_FR: Final = "Rien n'a changé au registre."
_NOTHING_EN: Final = "Nothing changed on the roll."
_FAILURES: Final = {
    "PASSKEY_INVALID": (
        "La réponse de la clé de sécurité ne vaut pas pour cette demande.",
        "Refaites l'étape avec la clé ; si elle échoue encore, prenez-en une autre.",
        "The security key's answer does not hold for this request.",
        "Repeat the step with the key; if it fails again, take another one.",
    ),
    "PASSKEY_UNVERIFIED": (
        "La clé n'a demandé ni code ni empreinte digitale à son porteur.",
        "Donnez un code à la clé, puis refaites l'étape.",
        "The key asked its holder for neither PIN nor finger.",
        "Set a PIN on the key, then repeat the step.",
    ),
    "PASSKEY_MODEL_REFUSED": (
        "Cette clé n'est pas d'un modèle délivré par le ministère, ou elle se copie ailleurs.",
        "Prenez une clé délivrée par le ministère.",
        "This key is not of a model that the ministry issues, or it copies itself elsewhere.",
        "Take a key that the ministry issued.",
    ),
    "KEY_UNKNOWN": (
        "Cette clé est déjà celle d'un officier.",
        "Prenez une clé neuve.",
        "This key is an officer's already.",
        "Take a new key.",
    ),
    "LEVEL_UNKNOWN": (
        "Le niveau des séances n'est pas l'un des niveaux du registre.",
        "Refaites « begin » avec un niveau de --level.",
        "The level of sessions is none of the roll's levels.",
        "Repeat `begin` with one of --level.",
    ),
    "PERSON_UNKNOWN": (
        "Cette personne n'est pas au registre, ou elle a assez de clés.",
        "Voyez le registre par « show » ; inscrivez-la par « person ».",
        "This person is not on the roll, or has enough keys.",
        'See the roll with "show"; enter them with "person".',
    ),
    "CEREMONY_NOT_BEGUN": (
        "La cérémonie de fondation n'a pas commencé.",
        "Commencez par « begin ».",
        "The founding ceremony was not begun.",
        'Begin with "begin".',
    ),
    "CEREMONY_INCOMPLETE": (
        "Ces officiers ne pourraient pas en admettre un autre, ou l'un n'a pas deux clés.",
        "Il faut un officier de sécurité et le Secrétaire Général, chacun avec deux clés.",
        "These officers could not admit another one, or one of them lacks a second key.",
        "A security officer and the Secretary-General are needed, each with two keys.",
    ),
    "FINGERPRINT_DIFFERS": (
        "L'empreinte lue n'est pas celle du registre.",
        "Relisez-la. Si elle diffère vraiment, arrêtez : quelqu'un a changé le registre.",
        "The fingerprint that was read is not the roll's.",
        "Read it again. If it really differs, stop: somebody changed the roll.",
    ),
    "OFFICERS_FOUNDED": (
        "La cérémonie est close : elle ne se rouvre pas.",
        "Deux officiers admettent les suivants.",
        "The ceremony is closed: it does not open again.",
        "Two officers admit the next ones.",
    ),
    "CUSTODY_STORE_INVALID": (
        "Le registre ou la clé d'enveloppe n'est pas celui de ce dépositaire, ou il est abîmé.",
        "Vérifiez le dossier et la clé d'enveloppe ; sinon reprenez la sauvegarde.",
        "The roll or the credential is not this custodian's, or is damaged.",
        "Check the folder and the credential; otherwise restore the backup.",
    ),
    "CUSTODY_STORE_UNSAFE": (
        "Un fichier du dépositaire est ouvert à d'autres utilisateurs.",
        "Fermez-le (0600, dossier 0700) et cherchez qui l'a ouvert.",
        "A file of the custodian is open to other users.",
        "Close it (0600, folder 0700) and find out who opened it.",
    ),
}


def phrase(name: str, language: str, **values: str) -> str:
    """Gives a sentence in `fr` or `en`."""
    french, english = _PHRASES[name]
    return (french if language == "fr" else english).format(**values)


def explain(code: str, language: str) -> str:
    """Gives the lines that explain a refusal, its name first."""
    cause_fr, remedy_fr, cause_en, remedy_en = _FAILURES[code]
    if language == "fr":
        return f"{code}\n{cause_fr}\n{_NOTHING_FR}\n{remedy_fr}"
    return f"{code}\n{cause_en}\n{_NOTHING_EN}\n{remedy_en}"
