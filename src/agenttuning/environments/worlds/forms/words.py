"""The vocabulary of the forms."""

from __future__ import annotations

from typing import Final


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


BUTTONS: Final = _listed(
    "Accept Add Apply Back Book Buy Call Cancel Change Check Clear Close Copy Delete Done Edit Exit Find Finish Go "
    "Help Hide Keep Leave Load Login Move Next No Ok Open Order Pay Play Post Print Read Reset Save Search Send Share "
    "Show Sign Skip Start Stop Submit Try Undo Update View Wait Yes"
)
ITEMS: Final = _listed(
    "apple bread cake coat cup door egg fish hat jam key lamp milk nut pan pear pen rice ring rope salt shoe soap sock "
    "spoon tea bear bird cat cow deer dog duck fox frog goat hen horse lion mouse owl pig rabbit sheep snake tiger wolf"
)
NAMES: Final = _listed(
    "amy ben carl dora eva finn gina hugo ida jack kate leo mary nina otto paul rosa sam tina vera will zoe adam bella "
    "cora dean elsa fred gwen hans iris jonas karl lily mona nora oscar petra quinn ruth simon tess uma victor wanda"
)
FIELDS: Final = _listed("Name City Street Country Phone Company Title Email Job School Language Colour Car Team")
PANELS: Final = _listed("General Details Profile Contact Options More")
