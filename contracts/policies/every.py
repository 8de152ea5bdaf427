"""The parameters of every rule as one type, told apart by `policy`. Adding a policy ends here."""

from typing import Annotated

from pydantic import Field

from contracts.policies.alerting import AlertingPolicy
from contracts.policies.breaks import BreaksPolicy
from contracts.policies.buddy_punching import BuddyPunchingPolicy
from contracts.policies.duplicate_punch import DuplicatePunchPolicy
from contracts.policies.early_leave import EarlyLeavePolicy
from contracts.policies.feed_silence import FeedSilencePolicy
from contracts.policies.late_arrival import LateArrivalPolicy
from contracts.policies.minor_work import MinorWorkPolicy
from contracts.policies.missed_punch import MissedPunchPolicy
from contracts.policies.no_show import NoShowPolicy
from contracts.policies.overtime import OvertimePolicy
from contracts.policies.phantom_stock import PhantomStockPolicy
from contracts.policies.punch_location import PunchLocationPolicy
from contracts.policies.reconciliation import ReconciliationPolicy
from contracts.policies.reorder_point import ReorderPointPolicy
from contracts.policies.sales_deviation import SalesDeviationPolicy
from contracts.policies.shrinkage import ShrinkagePolicy
from contracts.policies.stock_out_risk import StockOutRiskPolicy
from contracts.policies.till_off_shift import TillOffShiftPolicy
from contracts.policies.void_refund_fraud import VoidRefundFraudPolicy

AnyPolicy = Annotated[
    ReorderPointPolicy
    | NoShowPolicy
    | AlertingPolicy
    | SalesDeviationPolicy
    | FeedSilencePolicy
    | BreaksPolicy
    | BuddyPunchingPolicy
    | DuplicatePunchPolicy
    | EarlyLeavePolicy
    | LateArrivalPolicy
    | MinorWorkPolicy
    | MissedPunchPolicy
    | OvertimePolicy
    | PunchLocationPolicy
    | ReconciliationPolicy
    | PhantomStockPolicy
    | ShrinkagePolicy
    | StockOutRiskPolicy
    | TillOffShiftPolicy
    | VoidRefundFraudPolicy,
    Field(discriminator="policy"),
]
