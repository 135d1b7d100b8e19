"""The worked example that stands before a question: eight replies and what came back, in Freebase's words."""

from __future__ import annotations

from typing import Final

QUESTION: Final = """\
A new question: of the stratovolcanoes that edward whymper was the first to climb, which has the greatest prominence?
Entities: [stratovolcano, edward whymper]"""
REPLIES: Final = (
    """\
Thought: The mountains that Edward Whymper climbed first are one half of the question, so I begin with his relations.
Action: get_relations(edward whymper)""",
    """\
Thought: First ascents are what is asked about. I follow geography.mountaineer.first_ascents.
Action: get_neighbors(edward whymper, geography.mountaineer.first_ascents)""",
    """\
Thought: Variable #0 holds those mountains. The other half is the kind of mountain, so I look at stratovolcano.
Action: get_relations(stratovolcano)""",
    """\
Thought: The relation geography.mountain_type.mountains_of_this_type leads to all mountains of that kind.
Action: get_neighbors(stratovolcano, geography.mountain_type.mountains_of_this_type)""",
    """\
Thought: Both variables are mountains. The ones that meet both conditions are their intersection.
Action: intersection(#0, #1)""",
    """\
Thought: Of the mountains in #2 I need the one with the greatest prominence, so I list what can be compared.
Action: get_attributes(#2)""",
    """\
Thought: geography.mountain.prominence is the measure asked for, and the greatest is wanted.
Action: argmax(#2, geography.mountain.prominence)""",
    """\
Thought: Variable #3 is what the question asks for.
Final Answer: #3""",
)
OBSERVATIONS: Final = (
    "Observation: [geography.mountaineer.first_ascents, people.person.nationality, people.person.profession]",
    "Observation: variable #0, which are instances of geography.mountain",
    "Observation: [geography.mountain_type.mountains_of_this_type]",
    "Observation: variable #1, which are instances of geography.mountain",
    "Observation: variable #2, which are instances of geography.mountain",
    "Observation: [geography.mountain.date_of_first_ascent, geography.mountain.prominence]",
    "Observation: variable #3, which are instances of geography.mountain",
)
"""What follows each reply but the last."""
