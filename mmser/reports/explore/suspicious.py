"""What looks wrong, with a player for the recordings that are worth hearing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmser.reports.explore.findings import Finding
from mmser.reports.figures import row
from mmser.reports.page import Html, element, folded, join, note, section, table
from mmser.reports.players import LONGEST

SHOWN = 8
"""Cases that are in sight; further ones are folded."""
LISTED = 500
"""Cases that the page lists at all."""


def suspicious(found: Sequence[Finding], players: Mapping[str, Html]) -> Html:
    """The findings in their order; ``players`` is {id: player} of what can be heard here."""
    if not found:
        return section("Suspicious", [element("p", "Nothing was found suspicious.")])
    rows = [[each.title, len(each.cases)] for each in found]
    blocks: list[Html] = [table(["What", "Cases"], rows)]
    heard: set[str] = set()
    for each in found:
        blocks += [element("h3", each.title), note(each.why), _cases(each)]
        own = [key for key in each.ids if key in players and key not in heard]
        heard.update(own)
        blocks.append(row([_player(key, players[key]) for key in own]))
    if players:
        blocks.append(note(f"Of recordings above {LONGEST:g} s the players have the beginning."))
    return section("Suspicious", blocks)


def _cases(finding: Finding) -> Html:
    head = ["Which", "What"]
    cases = finding.cases[:LISTED]
    blocks = [table(head, cases[:SHOWN], text=2)]
    if len(cases) > SHOWN:
        more = len(finding.cases) - SHOWN
        blocks.append(folded(f"{more} more", table(head, cases[SHOWN:], text=2)))
    if len(finding.cases) > LISTED:
        blocks.append(note(f"The first {LISTED} of {len(finding.cases)}."))
    return join(blocks)


def _player(key: str, player: Html) -> Html:
    name = element("figcaption", key, "label")
    return Html(f"<figure>{name}{player}</figure>")
