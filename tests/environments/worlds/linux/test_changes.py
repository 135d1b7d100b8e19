"""The judge of changes: another way to the same state wins, a near miss loses."""

import re
from functools import cache
from itertools import islice

import pytest
from tests.environments.worlds.linux.conftest import Act

from agenttuning.environments.held_in.operating_system import OperatingSystem, OperatingSystemTask

WAYS = {
    r"In (?P<path>\S+), set (?P<key>\w+) to (?P<value>\d+) and": (
        "awk -F= -v OFS== '$1 == \"{key}\" {{$2 = {value}}} 1' {path} > /tmp/new && cat /tmp/new > {path}",
        "echo {key}={value} >> {path}",
    ),
    r"Delete every line that contains the word (?P<word>\w+) from (?P<path>\S+)\.$": (
        "grep -v {word} {path} > /tmp/new; cp /tmp/new {path}",
        ": > {path}",
    ),
    r"Append the line '(?P<line>[^']+)' to the end of every \.md file under (?P<root>\S+),": (
        "shopt -s globstar; for f in {root}/**/*.md; do echo '{line}' >> $f; done",
        "shopt -s globstar; for f in {root}/**/*.*; do echo '{line}' >> $f; done",
    ),
    r"Rename every file under (?P<root>\S+) that ends": (
        "shopt -s globstar; cd {root}; for f in **/*.bak; do mv $f ${{f/%.bak/.old}}; done",
        "shopt -s globstar; cd {root}; for f in **/*.bak; do cp $f ${{f/%.bak/.old}}; done",
    ),
    r"Set the permissions of (?P<path>\S+) to (?P<mode>\d+)\.$": (
        "chmod 000 {path} && chmod 0{mode} {path}",
        "chmod 777 {path}",
    ),
    r"Make all \.sh files under (?P<root>\S+) executable": (
        "find {root} -name '*.sh' | while read f; do chmod u=rwx $f; done",
        "find {root} -name '*.sh' | while read f; do chmod a+x $f; done",
    ),
    r"End all processes of the program (?P<name>[\w-]+); every": (
        "for p in $(pgrep -x {name}); do kill -9 $p; done",
        "kill $(pgrep -f /bin/)",
    ),
    r"Pack the folder (?P<folder>\S+) into the gzip-compressed archive (?P<archive>\S+), .* (?P<name>\S+)/\. Keep": (
        "cd $(dirname {folder}) && tar -cf /tmp/new.tar ./{name} && gzip -c /tmp/new.tar > {archive}",
        "tar -C {folder} -czf {archive} .",
    ),
    r"Add (?P<account>\w+) to the members of the group (?P<group>\S+) in": (
        "sed -i 's/^\\({group}:x:[0-9]*:\\)/\\1{account},/' /etc/group",
        "echo {group}:x:61000:{account} >> /etc/group",
    ),
    r"Write the different items of (?P<path>\S+) to (?P<target>\S+), one on": (
        "awk -F, 'NR > 1 {{print $2}}' {path} | sort | uniq > {target}",
        "cut -d , -f 2 {path} | sort -u > {target}",
    ),
}
"""What a request says, another right way than the expert's, and a wrong one."""


@cache
def requests() -> list[OperatingSystemTask]:
    return list(islice(OperatingSystem.load("train"), 400))


@pytest.mark.parametrize("words", WAYS)
def test_another_way_wins_and_a_near_miss_loses(act: Act, words: str) -> None:
    found = ((re.match(words, asked.description), asked.problem) for asked in requests())
    said, problem = next((match, problem) for match, problem in found if match)
    right, wrong = (way.format(**said.groupdict()) for way in WAYS[words])
    for commands, verdict in (((right,), True), ((wrong,), False), ((), False)):
        judged, outputs = act(problem, *commands)
        assert judged is verdict, (commands, outputs)
