"""A second engine, written straight from the rules with plain dictionaries: slow, obvious, and sharing no code."""

from __future__ import annotations

from math import floor

Card = dict[str, int]


class Model:
    """Takes the same messages as the engine; `events` are those of the latest action."""

    def __init__(self, first: list[int], second: list[int]) -> None:
        self.teams = [
            [{"id": kind, "hp": 400, "atk": 200, "wound": 0, "dead": 0, "exposed": 0, "team": team, "pos": pos}
             for pos, kind in enumerate(kinds)]
            for team, kinds in enumerate((first, second))
        ]  # fmt: skip
        self.state = 3
        self.winner: int | None = None
        self.events: list[tuple[object, ...]] = []

    @property
    def player(self) -> int:
        return (self.state - 3) // 2 % 2

    def others(self, fish: Card) -> list[Card]:
        return [other for other in self.teams[fish["team"]] if other["pos"] != fish["pos"] and not other["dead"]]

    def send(self, said: dict[str, object]) -> None:
        mine, theirs = self.teams[self.player], self.teams[1 - self.player]
        self.events = []
        if said["Action"] == "Assert":
            self.judge(theirs[said["Pos"]], said["ID"], mine, theirs)
        elif said["Action"] == "Action":
            self.act(said, mine, theirs)
        for fish in mine + theirs:
            fish["dead"] |= fish["hp"] <= 0
        mover, self.state = self.player, self.state + 1
        if self.state > 128:
            self.winner = self.leader()
        elif all(fish["dead"] for fish in theirs):
            self.winner = mover
        elif all(fish["dead"] for fish in mine):
            self.winner = 1 - mover

    def judge(self, target: Card, kind: object, mine: list[Card], theirs: list[Card]) -> None:
        if target["id"] == kind:
            target["exposed"] = 1
            for fish in theirs:
                fish["hp"] = 0 if fish["hp"] < 50 else fish["hp"] - 50
        else:
            for fish in mine:
                fish["hp"] = max(0, fish["hp"])

    def act(self, said: dict[str, object], mine: list[Card], theirs: list[Card]) -> None:
        actor = mine[said["MyPos"]]
        if said["Type"] == 0:
            self.strike(actor, theirs[said["EnemyPos"]], actor["atk"] // 2)
        elif actor["id"] in (1, 3):
            damage = 70 if actor["id"] == 1 else floor(actor["atk"] * 0.35)
            for position in sorted(said["EnemyList"]):
                self.strike(actor, theirs[position], damage)
        else:
            self.hurt(mine[said["MyList"][0]], None, 75)
            actor["atk"] += 140

    def leader(self) -> int:
        alive = [[fish["hp"] for fish in team if fish["hp"] > 0] for team in self.teams]
        keys = [(len(held), sum(held), max(held or [0])) for held in alive]
        return int(keys[1] >= keys[0])

    def strike(self, source: Card, target: Card, damage: int) -> None:
        self.hurt(target, source, damage)
        if target["hp"] < 120:
            for other in self.others(target):
                if other["id"] in (1, 2):
                    self.events.append(("counter", target["team"], target["pos"], 30))
                    self.hurt(source, None, 30)

    def hurt(self, fish: Card, source: Card | None, damage: int) -> None:
        others = self.others(fish)
        if fish["id"] in (3, 4) and source is not None and others:
            self.events.append(("deflect", fish["team"], fish["pos"], floor(damage * 0.7)))
            for other in others:
                self.hurt(other, None, floor(damage * 0.3) // len(others))
            damage = floor(damage * 0.7)
        fish["hp"] -= damage
        fish["wound"] += damage
        self.events.append(("hit", fish["team"], fish["pos"], damage, source is not None))
        if fish["id"] in (3, 4) and fish["wound"] >= 200:
            fish["atk"] += 40 * (fish["wound"] // 200)
            fish["wound"] %= 200
