"""How far the annotators agree."""

from __future__ import annotations

import math

from mmser.metrics.agreement import krippendorff_alpha
from mmser.reports.explore.material import Material
from mmser.reports.page import Html, note, section, table


def judgements(material: Material) -> Html:
    """Krippendorff's alpha of each attribute that several annotators judged."""
    rows = []
    for name, units in material.votes.items():
        several = [unit for unit in units if len(unit) > 1]
        if not several:
            continue
        alpha = krippendorff_alpha(several, "nominal" if name == "emotion" else "interval")
        equal = sum(len(set(unit)) == 1 for unit in several) / len(several)
        each = sum(map(len, several)) / len(several)
        shown = "undefined" if math.isnan(alpha) else f"{alpha:.3f}"
        rows.append([name, len(several), f"{each:.1f}", f"{equal:.1%}", shown])
    if not rows:
        return section("Annotators", [note("No utterance has the votes of two annotators.")])
    head = ["Attribute", "Utterances", "Votes each", "All agree", "Krippendorff's alpha"]
    remark = (
        "Alpha is 1 for full agreement and 0 for chance: nominal for emotions, of votes that name "
        "one; interval for dimensions. A system cannot agree with people more than they do with "
        "one another."
    )
    return section("Annotators", [table(head, rows), note(remark)])
