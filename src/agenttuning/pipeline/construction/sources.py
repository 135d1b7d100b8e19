"""What a recipe asks of corpora and teachers, carried out, with one log of outcomes for each."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.core.environment import narrow
from agenttuning.pipeline.construction.settling import settle
from agenttuning.pipeline.construction.teacher import Teacher
from agenttuning.pipeline.progress import progress
from agenttuning.policies import open_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agenttuning.core.environment import EnvironmentConfig
    from agenttuning.pipeline.construction.self_instruct import Proposer
    from agenttuning.pipeline.construction.settings import SelfInstruct, SourceName, TaskDerivation, TeacherConfig
    from agenttuning.pipeline.construction.settling import Harvest, Source
    from agenttuning.policies.ledger import Ledger

WORLDS: Final[Mapping[SourceName, tuple[str, ...]]] = {
    "task_derivation": ("database",),
    "self_instruct": ("operating_system", "database"),
}
"""Which worlds a source can serve."""


@dataclass(frozen=True, slots=True)
class Order:
    """Train tasks of one world from one source."""

    world: str
    source: SourceName
    wanted: int | None
    """How many; None takes all."""
    config: EnvironmentConfig
    split: str
    """Of the world itself: where examples for proposals come from."""
    derivation: TaskDerivation | None
    self_instruct: SelfInstruct | None


async def gather(
    orders: Sequence[Order], config: TeacherConfig | None, folder: Path, *, ledger: Ledger, seed: int
) -> dict[str, Harvest]:
    """Carry out the orders one after another; the key is world and source, such as `database.self_instruct`.

    Raises:
        DataError: a corpus is missing or of no known layout.
        StageError: a world does not work here, or the teacher's server answered nothing.
    """
    harvests: dict[str, Harvest] = {}
    async with AsyncExitStack() as stack:
        teacher = None
        if config is not None and orders:
            teacher = Teacher(await stack.enter_async_context(open_model(config, ledger=ledger)), config, seed)
        sources = [await _source(order, teacher, seed=seed) for order in orders]  # all, before anything is paid for
        for order, source in zip(orders, sources, strict=True):
            with progress(f"construct {source.name}", source.size) as advance:
                harvests[source.name] = await settle(source, folder, wanted=order.wanted, advance=advance)
    return harvests


async def _source(order: Order, teacher: Teacher | None, *, seed: int) -> Source:
    """Return the source; its world's modules are imported only now."""
    if order.source == "task_derivation":
        from agenttuning.environments.held_in.database import DatabaseConfig
        from agenttuning.pipeline.construction.task_derivation import Derivation

        assert order.derivation is not None, "the recipe was checked"
        world = narrow(order.config, DatabaseConfig)
        return Derivation(order.derivation, world, seed=seed, teacher=teacher)
    from agenttuning.pipeline.construction.self_instruct import Proposals

    assert teacher is not None, "the recipe was checked"
    assert order.self_instruct is not None, "the recipe was checked"
    proposals = Proposals(
        _proposer(order),
        order.self_instruct,
        world=order.config,
        split=order.split,
        teacher=teacher,
    )
    await proposals.check_world()
    return proposals


def _proposer(order: Order) -> Proposer:
    if order.world == "database":
        from agenttuning.environments.held_in.database import DatabaseConfig
        from agenttuning.pipeline.construction.database_proposals import DatabaseProposals

        return DatabaseProposals(narrow(order.config, DatabaseConfig))
    from agenttuning.environments.held_in.operating_system import OperatingSystemConfig
    from agenttuning.pipeline.construction.system_proposals import SystemProposals

    return SystemProposals(narrow(order.config, OperatingSystemConfig))
