"""The tills of a store on a day: periods that open and close with a Z report, heartbeats, and movements of the drawer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from contracts.events.registry import (
    CASH_PAID_IN,
    CASH_PAID_OUT,
    DRAWER_OPENED,
    TILL_CLOSED,
    TILL_HEARTBEAT,
    TILL_OPENED,
)
from contracts.events.till import CashPaidIn, CashPaidOut, DrawerOpened, TillHeartbeat, TillOpened
from contracts.fields import Model
from producers.simulator.agenda import Agenda
from producers.simulator.business_day import BusinessDay
from producers.simulator.roster import RosterDay
from producers.simulator.streams import stream
from producers.simulator.till_period import TillPeriod
from producers.simulator.troubles import Troubles
from producers.simulator.unchecked import unchecked
from producers.simulator.world import TILLS, Happened, SimulatedStore, World
from producers.simulator.writer import StoreWriter

HEARTBEAT_SECONDS = 900.0
SOFTWARE = "4.18.2"
_OPEN_EARLY, _CLOSE_LATE = 600.0, 480.0


@dataclass(slots=True)
class Tills:
    """The tills of one store and business date. A silent till rings up nothing: customers go to the other."""

    world: World
    store: SimulatedStore
    day: BusinessDay
    writer: StoreWriter
    roster: RosterDay
    troubles: Troubles
    note: int
    periods: dict[str, TillPeriod] = field(default_factory=dict)
    _serials: dict[str, int] = field(default_factory=dict)

    def plan(self, agenda: Agenda) -> None:
        """Put opening, heartbeats, closing and movements of the drawer on the agenda."""
        rng = stream(self.world.options.seed, "drawer", self.store.number, self.day.number)
        opens, closes = self.store.opens * 3600.0, self.store.closes * 3600.0
        for number, till in enumerate(TILLS):
            miscounted = rng.choice((0, 0, 0, 0, -1, 1)) * self.note
            agenda.add(opens - _OPEN_EARLY + number * 20, partial(self._open, till=till))
            agenda.add(opens - _OPEN_EARLY + number * 20 + 5, partial(self._heartbeat, till=till, agenda=agenda))
            agenda.add(closes + _CLOSE_LATE + number * 60, partial(self._close, till=till, miscounted=miscounted))
        for number in range(rng.randrange(3)):
            agenda.add(
                rng.uniform(opens, closes), partial(self.open_drawer, till=TILLS[number % 2], key=f"change/{number}", reason="change")
            )
        agenda.add(opens + 6 * 3600, lambda at: self._pay_in(at, rng))
        agenda.add(closes - 4 * 3600, self._drop)

    def till_for(self, chance: float, seconds: float) -> str:
        """Return the till that a customer chooses, of those that work."""
        return self.working(TILLS[int(chance * len(TILLS))], seconds)

    def working(self, till: str, seconds: float) -> str:
        """Return a till, or the other one while it is silent."""
        if self.troubles.at("silent_tills", till, seconds) is None:
            return till
        return next(other for other in TILLS if other != till)

    def number(self, till: str) -> str:
        """Return the next receipt number of a till."""
        self._serials[till] = self._serials.get(till, 0) + 1
        return f"{till}-{self.day.label}-{self._serials[till]:05}"

    def write(self, at: float, event_type: str, key: object, content: Model, till: str, subject: str | None = None) -> Happened:
        """Write an event of a till."""
        event = self.writer.write(self.day, at, event_type, key, content, till, subject, numbered=event_type != TILL_HEARTBEAT)
        return Happened(event.envelope.occurred_at, event, till)

    def open_drawer(self, at: float, till: str, key: str, reason: str, cashier: str | None = None) -> Iterator[Happened]:
        """Open the drawer without a sale."""
        till = self.working(till, at)
        period = self.periods[till]
        period.no_sales += 1
        person = cashier or self.roster.on_duty(at)[0]
        content = unchecked(DrawerOpened, till_id=till, reason=reason, period_id=period.period_id, employee_id=person)
        yield self.write(at, DRAWER_OPENED, key, content, till)

    def _open(self, at: float, till: str) -> Iterator[Happened]:
        period = f"{self.day.label}-{till}"
        options, amount = self.world.options, 100 * self.note
        self.periods[till] = TillPeriod(till, period, self.day.moment(at), options.currency, amount)
        person = self.roster.on_duty(at)[0]
        content = unchecked(TillOpened, till_id=till, period_id=period, currency=options.currency, float_amount=amount, employee_id=person)
        yield self.write(at, TILL_OPENED, period, content, till, period)

    def _heartbeat(self, at: float, till: str, agenda: Agenda) -> Iterator[Happened]:
        if at + HEARTBEAT_SECONDS < self.store.closes * 3600 + _CLOSE_LATE:
            agenda.add(at + HEARTBEAT_SECONDS, partial(self._heartbeat, till=till, agenda=agenda))
        if self.troubles.at("silent_tills", till, at) is None:
            content = unchecked(TillHeartbeat, till_id=till, last_device_seq=self.writer.numbers[till], software_version=SOFTWARE)
            yield self.write(at, TILL_HEARTBEAT, f"{till}/{int(at)}", content, till)

    def _close(self, at: float, till: str, miscounted: int) -> Iterator[Happened]:
        period = self.periods[till]
        content = period.report(self.roster.on_duty(at)[0], miscounted)
        yield self.write(at, TILL_CLOSED, period.period_id, content, till, period.period_id)

    def _pay_in(self, at: float, rng: Random) -> Iterator[Happened]:
        if rng.random() < 0.5:
            yield from self._move(at, CashPaidIn, CASH_PAID_IN, 50 * self.note, reason="change")

    def _drop(self, at: float) -> Iterator[Happened]:
        """Bring the cash of the day to the bank once there is enough of it."""
        drawer = self.periods[TILLS[0]].tenders.get("cash")
        amount = drawer.amount // (50 * self.note) * 50 * self.note if drawer else 0
        if amount > 0:
            yield from self._move(at, CashPaidOut, CASH_PAID_OUT, amount, purpose="bank_drop", reason="evening drop")

    def _move(
        self, at: float, model: type[CashPaidIn] | type[CashPaidOut], event_type: str, amount: int, **more: str
    ) -> Iterator[Happened]:
        till = TILLS[0]
        period = self.periods[till]
        period.moved_cash += amount if model is CashPaidIn else -amount
        content = unchecked(
            model,
            till_id=till,
            currency=self.world.options.currency,
            amount=amount,
            period_id=period.period_id,
            employee_id=self.roster.on_duty(at)[0],
            **more,
        )
        yield self.write(at, event_type, event_type, content, till)
