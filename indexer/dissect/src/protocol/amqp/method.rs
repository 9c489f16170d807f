//! The classes and methods of AMQP 0-9-1, with RabbitMQ's extensions.
//!
//! From the specification's machine-readable form (amqp0-9-1.xml) and RabbitMQ's extended one: exchange-to-
//! exchange bindings, `basic.nack`, `confirm`, `connection.blocked`, `update-secret`.

use serde::{Deserialize, Serialize};

use super::field::{Field, Fields};
use Carries::{With, Without};
use Kind::{Bit, Long, LongLong, LongString, Octet, Short, ShortString, Table};
use Part::{Alone, Answers, Asks};

/// A method as it was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Method {
    /// Number of the class.
    pub class: u16,
    /// Number of the method in its class.
    pub number: u16,
    /// Its arguments in their order; fewer than it has where it was cut.
    pub args: Vec<Field>,
}

/// What is known of a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Definition {
    /// Number of the class.
    pub class: u16,
    /// Number of the method in its class.
    pub number: u16,
    /// Class and method: `queue.declare-ok`.
    pub name: &'static str,
    /// Whether it asks or answers.
    pub part: Part,
    /// Whether a content follows.
    pub carries: Carries,
    /// Names and types of the arguments.
    pub args: &'static [(&'static str, Kind)],
}

/// Whether a method asks or answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The other side answers, unless asked not to.
    Asks,
    /// It answers the method of this number, of the same class.
    Answers(u16),
    /// Neither.
    Alone,
}

/// Whether a content follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carries {
    /// A content header and bodies follow.
    With,
    /// Nothing follows.
    Without,
}

/// Types of arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Shares a byte with its neighbours.
    Bit,
    /// One byte.
    Octet,
    /// Two bytes.
    Short,
    /// Four bytes.
    Long,
    /// Eight bytes.
    LongLong,
    /// Up to 255 bytes.
    ShortString,
    /// Up to 4 GiB.
    LongString,
    /// A field table.
    Table,
}

impl Method {
    /// Reads a method; what is behind `payload` was cut if an argument is missing. The flags tell whether
    /// all of it was read, and whether a limit of ours left values out.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<(Self, Whole)> {
        let mut fields = Fields::new(payload);
        let (class, number) = (fields.short()?, fields.short()?);
        let definition = definition(class, number)?;
        let mut args = Vec::new();
        for (_, kind) in definition.args {
            let Some(arg) = argument(&mut fields, *kind) else { break };
            args.push(arg);
        }
        let whole = Whole {
            has_all: args.len() == definition.args.len() && fields.is_empty(),
            truncated: fields.truncated,
        };
        Some((Self { class, number, args }, whole))
    }

    /// What is known of it: everything, for only known methods are read.
    #[must_use]
    pub fn definition(&self) -> Option<&'static Definition> {
        definition(self.class, self.number)
    }

    /// Class and method: `queue.declare-ok`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.definition().map_or("", |definition| definition.name)
    }

    /// The argument of this name.
    #[must_use]
    pub fn arg(&self, name: &str) -> Option<&Field> {
        let index = self.definition()?.args.iter().position(|(known, _)| *known == name)?;
        self.args.get(index)
    }

    /// Names and values of the arguments, reserved ones left out.
    pub fn named_args(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        let names = self.definition().map_or(&[][..], |definition| definition.args);
        names
            .iter()
            .zip(&self.args)
            .map(|((name, _), value)| (*name, value))
            .filter(|(name, _)| !name.starts_with("reserved"))
    }

    /// Whether it asks for no answer.
    #[must_use]
    pub fn is_no_wait(&self) -> bool {
        self.arg("noWait") == Some(&Field::Bool(true))
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.args.iter().map(Field::memory_bytes).sum()
    }
}

/// How much of a method was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole {
    /// Whether all arguments are there, and nothing behind them.
    pub has_all: bool,
    /// Whether values of tables were left out.
    pub truncated: bool,
}

fn argument(fields: &mut Fields<'_>, kind: Kind) -> Option<Field> {
    Some(match kind {
        Bit => Field::Bool(fields.bit()?),
        Octet => Field::Unsigned(fields.octet()?.into()),
        Short => Field::Unsigned(fields.short()?.into()),
        Long => Field::Unsigned(fields.long()?.into()),
        LongLong => Field::Unsigned(fields.long_long()?),
        ShortString => Field::Text(fields.short_string()?.to_vec()),
        LongString => Field::Text(fields.long_string()?.to_vec()),
        Table => Field::Table(fields.table()?),
    })
}

/// What is known of a method.
#[must_use]
pub fn definition(class: u16, number: u16) -> Option<&'static Definition> {
    let at = METHODS.binary_search_by_key(&(class, number), |method| (method.class, method.number)).ok()?;
    METHODS.get(at)
}

const fn method(
    class: u16,
    number: u16,
    name: &'static str,
    part: Part,
    carries: Carries,
    args: &'static [(&'static str, Kind)],
) -> Definition {
    Definition { class, number, name, part, carries, args }
}

/// Sorted by class and number.
#[rustfmt::skip]
pub const METHODS: &[Definition] = &[
    method(10, 10, "connection.start", Asks, Without, &[("versionMajor", Octet), ("versionMinor", Octet), ("serverProperties", Table), ("mechanisms", LongString), ("locales", LongString)]),
    method(10, 11, "connection.start-ok", Answers(10), Without, &[("clientProperties", Table), ("mechanism", ShortString), ("response", LongString), ("locale", ShortString)]),
    method(10, 20, "connection.secure", Asks, Without, &[("challenge", LongString)]),
    method(10, 21, "connection.secure-ok", Answers(20), Without, &[("response", LongString)]),
    method(10, 30, "connection.tune", Asks, Without, &[("channelMax", Short), ("frameMax", Long), ("heartbeat", Short)]),
    method(10, 31, "connection.tune-ok", Answers(30), Without, &[("channelMax", Short), ("frameMax", Long), ("heartbeat", Short)]),
    method(10, 40, "connection.open", Asks, Without, &[("virtualHost", ShortString), ("reserved1", ShortString), ("reserved2", Bit)]),
    method(10, 41, "connection.open-ok", Answers(40), Without, &[("reserved1", ShortString)]),
    method(10, 50, "connection.close", Asks, Without, &[("replyCode", Short), ("replyText", ShortString), ("classId", Short), ("methodId", Short)]),
    method(10, 51, "connection.close-ok", Answers(50), Without, &[]),
    method(10, 60, "connection.blocked", Alone, Without, &[("reason", ShortString)]),
    method(10, 61, "connection.unblocked", Alone, Without, &[]),
    method(10, 70, "connection.update-secret", Asks, Without, &[("newSecret", LongString), ("reason", ShortString)]),
    method(10, 71, "connection.update-secret-ok", Answers(70), Without, &[]),
    method(20, 10, "channel.open", Asks, Without, &[("reserved1", ShortString)]),
    method(20, 11, "channel.open-ok", Answers(10), Without, &[("reserved1", LongString)]),
    method(20, 20, "channel.flow", Asks, Without, &[("active", Bit)]),
    method(20, 21, "channel.flow-ok", Answers(20), Without, &[("active", Bit)]),
    method(20, 40, "channel.close", Asks, Without, &[("replyCode", Short), ("replyText", ShortString), ("classId", Short), ("methodId", Short)]),
    method(20, 41, "channel.close-ok", Answers(40), Without, &[]),
    method(30, 10, "access.request", Asks, Without, &[("realm", ShortString), ("exclusive", Bit), ("passive", Bit), ("active", Bit), ("write", Bit), ("read", Bit)]),
    method(30, 11, "access.request-ok", Answers(10), Without, &[("ticket", Short)]),
    method(40, 10, "exchange.declare", Asks, Without, &[("reserved1", Short), ("exchange", ShortString), ("type", ShortString), ("passive", Bit), ("durable", Bit), ("autoDelete", Bit), ("internal", Bit), ("noWait", Bit), ("arguments", Table)]),
    method(40, 11, "exchange.declare-ok", Answers(10), Without, &[]),
    method(40, 20, "exchange.delete", Asks, Without, &[("reserved1", Short), ("exchange", ShortString), ("ifUnused", Bit), ("noWait", Bit)]),
    method(40, 21, "exchange.delete-ok", Answers(20), Without, &[]),
    method(40, 30, "exchange.bind", Asks, Without, &[("reserved1", Short), ("destination", ShortString), ("source", ShortString), ("routingKey", ShortString), ("noWait", Bit), ("arguments", Table)]),
    method(40, 31, "exchange.bind-ok", Answers(30), Without, &[]),
    method(40, 40, "exchange.unbind", Asks, Without, &[("reserved1", Short), ("destination", ShortString), ("source", ShortString), ("routingKey", ShortString), ("noWait", Bit), ("arguments", Table)]),
    method(40, 51, "exchange.unbind-ok", Answers(40), Without, &[]),
    method(50, 10, "queue.declare", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("passive", Bit), ("durable", Bit), ("exclusive", Bit), ("autoDelete", Bit), ("noWait", Bit), ("arguments", Table)]),
    method(50, 11, "queue.declare-ok", Answers(10), Without, &[("queue", ShortString), ("messageCount", Long), ("consumerCount", Long)]),
    method(50, 20, "queue.bind", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("exchange", ShortString), ("routingKey", ShortString), ("noWait", Bit), ("arguments", Table)]),
    method(50, 21, "queue.bind-ok", Answers(20), Without, &[]),
    method(50, 30, "queue.purge", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("noWait", Bit)]),
    method(50, 31, "queue.purge-ok", Answers(30), Without, &[("messageCount", Long)]),
    method(50, 40, "queue.delete", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("ifUnused", Bit), ("ifEmpty", Bit), ("noWait", Bit)]),
    method(50, 41, "queue.delete-ok", Answers(40), Without, &[("messageCount", Long)]),
    method(50, 50, "queue.unbind", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("exchange", ShortString), ("routingKey", ShortString), ("arguments", Table)]),
    method(50, 51, "queue.unbind-ok", Answers(50), Without, &[]),
    method(60, 10, "basic.qos", Asks, Without, &[("prefetchSize", Long), ("prefetchCount", Short), ("global", Bit)]),
    method(60, 11, "basic.qos-ok", Answers(10), Without, &[]),
    method(60, 20, "basic.consume", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("consumerTag", ShortString), ("noLocal", Bit), ("noAck", Bit), ("exclusive", Bit), ("noWait", Bit), ("arguments", Table)]),
    method(60, 21, "basic.consume-ok", Answers(20), Without, &[("consumerTag", ShortString)]),
    method(60, 30, "basic.cancel", Asks, Without, &[("consumerTag", ShortString), ("noWait", Bit)]),
    method(60, 31, "basic.cancel-ok", Answers(30), Without, &[("consumerTag", ShortString)]),
    method(60, 40, "basic.publish", Alone, With, &[("reserved1", Short), ("exchange", ShortString), ("routingKey", ShortString), ("mandatory", Bit), ("immediate", Bit)]),
    method(60, 50, "basic.return", Alone, With, &[("replyCode", Short), ("replyText", ShortString), ("exchange", ShortString), ("routingKey", ShortString)]),
    method(60, 60, "basic.deliver", Alone, With, &[("consumerTag", ShortString), ("deliveryTag", LongLong), ("redelivered", Bit), ("exchange", ShortString), ("routingKey", ShortString)]),
    method(60, 70, "basic.get", Asks, Without, &[("reserved1", Short), ("queue", ShortString), ("noAck", Bit)]),
    method(60, 71, "basic.get-ok", Answers(70), With, &[("deliveryTag", LongLong), ("redelivered", Bit), ("exchange", ShortString), ("routingKey", ShortString), ("messageCount", Long)]),
    method(60, 72, "basic.get-empty", Answers(70), Without, &[("reserved1", ShortString)]),
    method(60, 80, "basic.ack", Alone, Without, &[("deliveryTag", LongLong), ("multiple", Bit)]),
    method(60, 90, "basic.reject", Alone, Without, &[("deliveryTag", LongLong), ("requeue", Bit)]),
    method(60, 100, "basic.recover-async", Alone, Without, &[("requeue", Bit)]),
    method(60, 110, "basic.recover", Asks, Without, &[("requeue", Bit)]),
    method(60, 111, "basic.recover-ok", Answers(110), Without, &[]),
    method(60, 120, "basic.nack", Alone, Without, &[("deliveryTag", LongLong), ("multiple", Bit), ("requeue", Bit)]),
    method(85, 10, "confirm.select", Asks, Without, &[("noWait", Bit)]),
    method(85, 11, "confirm.select-ok", Answers(10), Without, &[]),
    method(90, 10, "tx.select", Asks, Without, &[]),
    method(90, 11, "tx.select-ok", Answers(10), Without, &[]),
    method(90, 20, "tx.commit", Asks, Without, &[]),
    method(90, 21, "tx.commit-ok", Answers(20), Without, &[]),
    method(90, 30, "tx.rollback", Asks, Without, &[]),
    method(90, 31, "tx.rollback-ok", Answers(30), Without, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_answers_answer_questions() {
        assert!(METHODS.is_sorted_by_key(|method| (method.class, method.number)));
        for method in METHODS {
            if let Answers(number) = method.part {
                assert_eq!(definition(method.class, number).unwrap().part, Asks, "{}", method.name);
            }
        }
    }
}
