//! What happens because time passes: holes and answers that do not come, flows that fall silent.

use std::cmp::Reverse;

use segment::Timestamp;
use segment::time::NANOS_PER_SECOND;

use super::tapping::tap;
use super::{ALARM_NS, Dissector, Sink};
use crate::flow::report::Cause;
use crate::flow::table::{Kind, PATIENCES, Patience, Slot};
use crate::flow::{recognition, udp};
use crate::protocol::Mark;

/// A packet that is older than the clock by more than this sets it back; less is disorder of the capture.
const CLOCK_BACK_NS: i64 = 60 * NANOS_PER_SECOND;
/// Fewer alarms than this are never worth tidying up.
const ALARMS_MIN: usize = 1024;

impl Dissector {
    /// Alarms outlive their flows until they are due; when they are too many, those are let go at once.
    pub(super) fn forget_alarms(&mut self) {
        if self.alarms.len() > 2 * self.limits.flows_max + ALARMS_MIN {
            let table = &mut self.table;
            self.alarms.retain(|Reverse((_, number, slot))| {
                table.flow(*slot).is_some_and(|flow| flow.number == *number)
            });
        }
    }

    /// The clock moves: late holes, late answers and silent flows are dealt with.
    pub(super) fn tick(&mut self, time: Timestamp, sink: Sink<'_>) {
        if time <= self.now {
            if self.now.since(time) > CLOCK_BACK_NS {
                self.now = time;
            }
            return;
        }
        self.now = time;
        while let Some(&Reverse((due, number, slot))) = self.alarms.peek() {
            if due > time {
                break;
            }
            self.alarms.pop();
            self.alarm(slot, number, sink);
        }
        self.defragmenter.expire(time);
        self.counters.fragments_given_up = self.defragmenter.given_up();
        for patience in PATIENCES {
            let idle_ns = match patience {
                Patience::OpenTcp => self.limits.tcp_idle_ns,
                Patience::ClosedTcp => self.limits.tcp_closed_ns,
                Patience::Udp => self.limits.udp_idle_ns,
            };
            while let Some((slot, last_seen)) = self.table.front(patience) {
                if time.since(last_seen) <= idle_ns {
                    break;
                }
                self.counters.flows_expired += 1;
                self.end(slot, Cause::Silent, sink);
            }
        }
    }

    fn alarm(&mut self, slot: Slot, number: u64, sink: Sink<'_>) {
        let now = self.now;
        let mark = Mark { timestamp: now, packet: self.last };
        let Some(flow) = self.table.flow(slot).filter(|flow| flow.number == number) else { return };
        let wants_alarm = match &mut flow.kind {
            Kind::Tcp(tcp) => {
                let mut around = recognition::Surroundings::new(
                    flow.key,
                    &self.limits,
                    self.stream_protocols,
                    &mut self.pairs,
                );
                around.tap = tap(&mut self.parts, number, flow.key, flow.account.opener);
                tcp.settle_both(mark, &mut self.counters, &mut around);
                tcp.has_hole()
            }
            Kind::Udp(udp) => {
                let mut around =
                    udp::Surroundings::new(&self.limits, self.datagram_protocols, self.hash, &mut self.pairs);
                udp.expire(now, &mut self.counters, &mut around);
                udp.is_recognised()
            }
        };
        flow.hand_out(&mut self.pairs, &mut self.counters, sink);
        flow.has_alarm = wants_alarm;
        if wants_alarm {
            // Twice as long each time, so a silent flow costs little until it expires.
            let silent_ns = now.since(flow.last_seen).max(ALARM_NS);
            self.alarms.push(Reverse((now.plus_nanos(silent_ns), number, slot)));
        }
    }
}
