"""By what each command of an officer is decided: its bureau does it, which knows what it is about.

A command that stands in no row here is a defect, and keeps the registrar from starting.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cipher_service.identity.officer_commands import OfficerAct, OfficerDesk
from cipher_service.storage.batch import Handler


class DecidedBy(StrEnum):
    """What lets an officer's command be done, beyond the open session.

    OWN: it reaches the officer's own session, keys, drafts or telephone, and nobody else's.
    POLICIES: the policies, asked in the command's own transaction.
    SIGNATURES: the rules of acts that several sign, at each signature.
    NAMED: the thing names the officer: a ceremony's participant, whom a dispatch awaits.
    GRANT: the officer's own signed grant, which the custodian verifies.
    INTENT: it ends what a command of the same officer was let begin.
    """

    OWN = "own"
    POLICIES = "policies"
    SIGNATURES = "signatures"
    NAMED = "named"
    GRANT = "grant"
    INTENT = "intent"


_OWN: Final = (
    *("officer_seen", "officer_sign_out", "officer_revoke_key", "officer_ask_key"),
    *("officer_prefer", "officer_device", "own_key_begin", "own_key_lost"),
    *("approval_ask", "dispatch_discard", "dispatch_withdraw"),
)
_SIGNATURES: Final = (
    *("act_ask", "act_refuse", "officer_relink", "bag_ask_seal", "bag_ask_open"),
    *("bag_ask_discharge", "bag_ask_find", "bag_ask_stock"),
)
_NAMED: Final = (
    *("ceremony_abandon", "ceremony_close", "ceremony_read"),
    *("dispatch_prepare", "dispatch_propose", "dispatch_refuse"),
)
_GRANT: Final = (
    "grant_ask",
    "grant_take",
    "bag_grant_ask",
    "bag_grant_take",
    *("bag_rectify_ask", "bag_rectify_take"),
)
_INTENT: Final = (
    *("dispatch_open.end", "dispatch_review.end", "dispatch_review_take.end", "dispatch_take.end"),
    *("open_bag_text.end", "open_file_key.end", "open_sealed.end", "rewrap_header.end"),
    *("sign_manifest.end", "sign_seal.end", "sign_slip.end", "dispatch_leave", "bag_announced"),
    *("own_opening", "sign_rectification.end", "bag_rectified_announced"),
)
_POLICIES: Final = (
    *("audit_read", "rights_read", "emergency_review", "policy_propose"),
    *("review_open", "review_answer", "mandate_propose", "mandate_ask", "mandate_end"),
    *("habilitation_propose", "habilitation_withdraw", "function_propose", "function_end"),
    *("need_propose", "need_end", "officer_suspend", "officer_resume_propose"),
    *("ceremony_prepare", "dispatch_save", "dispatch_attach", "dispatch_submit"),
    *("dispatch_redirect", "dispatch_review.intend", "dispatch_review_take.intend"),
    *("dispatch_release", "dispatch_urge", "dispatch_assign"),
    *("dispatch_hand_over", "dispatch_acknowledge", "dispatch_card", "dispatch_open.intend"),
    *("dispatch_depart", "dispatch_print", "dispatch_take.intend", "dispatch_declassify"),
    *("numbers_chase", "open_file_key.intend", "rewrap_header.intend", "open_sealed.intend"),
    *("open_bag_text.intend", "sign_manifest.intend", "sign_slip.intend", "sign_seal.intend"),
    *("bag_route", "bag_plan", "bag_waybill", "bag_count", "bag_hand_in", "bag_hand_in_dispatch"),
    *("bag_new", "bag_begin", "bag_scan", "bag_take_out", "bag_lay", "bag_number", "bag_prepare"),
    *("bag_seal", "bag_announce", "bag_hand_over", "bag_receive", "bag_lose", "bag_recall"),
    *("bag_report", "bag_case", "bag_balance", "bag_take_back", "bag_account"),
    *("bag_papers", "bag_photograph", "bag_picture"),
    *("bag_rectify", "bag_rectified", "bag_rectified_announce", "sign_rectification.intend"),
)
ROWS: Final[Mapping[str, DecidedBy]] = {
    **dict.fromkeys(_OWN, DecidedBy.OWN),
    **dict.fromkeys(_SIGNATURES, DecidedBy.SIGNATURES),
    **dict.fromkeys(_NAMED, DecidedBy.NAMED),
    **dict.fromkeys(_GRANT, DecidedBy.GRANT),
    **dict.fromkeys(_INTENT, DecidedBy.INTENT),
    **dict.fromkeys(_POLICIES, DecidedBy.POLICIES),
}
"""Every command of an officer."""


class RuledDesk(OfficerDesk):
    """The desk of officers that takes no command without a row."""

    def guarded(self, acts: Mapping[str, OfficerAct]) -> dict[str, Handler]:
        """Guard acts, as every desk does. Raises ValueError for one that stands in no row."""
        unknown = [name for name in acts if name not in ROWS]
        if unknown:
            raise ValueError(f"no rule speaks of {', '.join(unknown)}")
        return super().guarded(acts)
