"""Why a neutral stance is neutral: counted from the claims that are shown, never trained."""

from collections.abc import Sequence

from govwire.core.records import Claim, Neutrality, StanceLabel

_SIDES = {"favor", "against"}


def with_neutrality(stance: Sequence[StanceLabel], claims: Sequence[Claim]) -> tuple[StanceLabel, ...]:
    """The stances, each neutral one with its reason; it has none where only one side is heard."""
    return tuple(each.model_copy(update={"neutrality": _reason(each, claims)}) for each in stance)


def _reason(stance: StanceLabel, claims: Sequence[Claim]) -> Neutrality | None:
    if stance.label != "neutral":
        return None
    sides = {claim.label for claim in claims if claim.shown and claim.target == stance.target} & _SIDES
    if not sides:
        return "only_reported"
    return "contested" if sides == _SIDES else None
