"""How the repair of what a reconciliation found is run for the command line."""

from rich.console import Console

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.reconcile.plan import Repair
from projections.reconcile.repair import Repaired, carry_out
from tillstream.proving import kept_run
from tillstream.replaying import ProgressTeller


async def repair_run(console: Console, addresses: Addresses, number: int | None, is_dry: bool) -> bool:
    """Show the plan of a run, and carry it out unless it is only to be shown; tell whether there was anything to do."""
    engine = async_engine(addresses.postgres_dsn, "tillstream-reconcile", pool_size=1)
    try:
        run = await kept_run(engine, number)
    finally:
        await engine.dispose()
    steps = [Repair.of_json(found) for found in (run.report or {}).get("repairs", [])]
    if not steps:
        console.print(f"run {run.id}: nothing to repair")
    for step in steps:
        console.print(f"  {'' if step.is_automatic else '[yellow]for a person:[/] '}{step.command}  ({step.why})", soft_wrap=True)
    if is_dry:
        return bool(steps)

    def tell(done: Repaired) -> None:
        said = f"[red]not done:[/] {done.error}" if done.error else f"rows taken out or put in: {done.changed_rows:,}"
        console.print(f"  {done.step.command}: {said}", soft_wrap=True)

    with console.status("repairing") as status:
        tellers = {step: ProgressTeller(console, step.command, status) for step in steps}
        return bool(await carry_out(addresses, steps, tell, lambda step, news: tellers[step](news)))
