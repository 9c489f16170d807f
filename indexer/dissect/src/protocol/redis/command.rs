//! The commands of Redis: which word is the key, and which commands have subcommands.
//!
//! From the documentation of Redis 8 (<https://redis.io/docs/latest/commands/>). What isn't listed is a
//! module's: those name the key first, nearly without exception.

use super::build::HEAD_ITEMS;
use super::message::Command;

/// Where a command's first key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    /// It has none.
    None,
    /// The word at this index; channels count as keys.
    At(usize),
    /// The word behind the number of keys, which is at this index.
    Counted(usize),
    /// The second word is a subcommand, some of which name a key.
    OfSubcommand,
    /// The word behind `STREAMS`.
    BehindStreams,
}

/// Commands whose subcommands name a key behind them.
const KEY_BEHIND_SUBCOMMAND: [&str; 5] = ["DEBUG OBJECT", "MEMORY USAGE", "OBJECT", "XGROUP", "XINFO"];

/// Whether Redis has a command of this name, in whichever case.
#[must_use]
pub fn is_known(name: &[u8]) -> bool {
    key_of(name).is_some()
}

/// Whether the second word of a command of this name is a part of its name.
#[must_use]
pub fn has_subcommands(name: &[u8]) -> bool {
    key_of(name) == Some(Key::OfSubcommand)
}

/// Which word of a command is its first key (or channel); of the first [`HEAD_ITEMS`], which are always kept.
#[must_use]
pub fn key_index(command: &Command) -> Option<usize> {
    let index = match key_of(command.word(0)) {
        Some(Key::None) => return None,
        Some(Key::At(index)) => index,
        None => 1,
        Some(Key::Counted(at)) => {
            let count = std::str::from_utf8(command.word(at)).ok()?.parse::<u64>().ok()?;
            if count == 0 {
                return None;
            }
            at.saturating_add(1)
        }
        Some(Key::OfSubcommand) => {
            let is_listed = KEY_BEHIND_SUBCOMMAND.iter().any(|listed| {
                let (name, subcommand) = listed.split_once(' ').unwrap_or((listed, ""));
                command.is_word(0, name) && (subcommand.is_empty() || command.is_word(1, subcommand))
            });
            if !is_listed || command.is_word(1, "HELP") {
                return None;
            }
            2
        }
        Some(Key::BehindStreams) => {
            let mut head = command.args.iter().take(HEAD_ITEMS);
            let at = head.position(|word| word.bytes.eq_ignore_ascii_case(b"STREAMS"))?;
            at.saturating_add(1)
        }
    };
    (index < command.args.len().min(HEAD_ITEMS)).then_some(index)
}

fn key_of(name: &[u8]) -> Option<Key> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_uppercase();
    let at = COMMANDS.binary_search_by(|(known, _)| (*known).cmp(&name)).ok()?;
    COMMANDS.get(at).map(|(_, key)| *key)
}

/// Sorted by name.
#[rustfmt::skip]
const COMMANDS: &[(&str, Key)] = &[
    ("ACL", Key::OfSubcommand), ("APPEND", Key::At(1)), ("ASKING", Key::None), ("AUTH", Key::None),
    ("BGREWRITEAOF", Key::None), ("BGSAVE", Key::None), ("BITCOUNT", Key::At(1)), ("BITFIELD", Key::At(1)),
    ("BITFIELD_RO", Key::At(1)), ("BITOP", Key::At(2)), ("BITPOS", Key::At(1)), ("BLMOVE", Key::At(1)),
    ("BLMPOP", Key::Counted(2)), ("BLPOP", Key::At(1)), ("BRPOP", Key::At(1)), ("BRPOPLPUSH", Key::At(1)),
    ("BZMPOP", Key::Counted(2)), ("BZPOPMAX", Key::At(1)), ("BZPOPMIN", Key::At(1)),
    ("CLIENT", Key::OfSubcommand), ("CLUSTER", Key::OfSubcommand), ("COMMAND", Key::OfSubcommand),
    ("CONFIG", Key::OfSubcommand), ("COPY", Key::At(1)), ("DBSIZE", Key::None),
    ("DEBUG", Key::OfSubcommand), ("DECR", Key::At(1)), ("DECRBY", Key::At(1)), ("DEL", Key::At(1)),
    ("DELEX", Key::At(1)), ("DIGEST", Key::At(1)), ("DISCARD", Key::None), ("DUMP", Key::At(1)),
    ("ECHO", Key::None), ("EVAL", Key::Counted(2)), ("EVALSHA", Key::Counted(2)),
    ("EVALSHA_RO", Key::Counted(2)), ("EVAL_RO", Key::Counted(2)), ("EXEC", Key::None),
    ("EXISTS", Key::At(1)), ("EXPIRE", Key::At(1)), ("EXPIREAT", Key::At(1)), ("EXPIRETIME", Key::At(1)),
    ("FAILOVER", Key::None), ("FCALL", Key::Counted(2)), ("FCALL_RO", Key::Counted(2)),
    ("FLUSHALL", Key::None), ("FLUSHDB", Key::None), ("FUNCTION", Key::OfSubcommand),
    ("GEOADD", Key::At(1)), ("GEODIST", Key::At(1)), ("GEOHASH", Key::At(1)), ("GEOPOS", Key::At(1)),
    ("GEORADIUS", Key::At(1)), ("GEORADIUSBYMEMBER", Key::At(1)), ("GEORADIUSBYMEMBER_RO", Key::At(1)),
    ("GEORADIUS_RO", Key::At(1)), ("GEOSEARCH", Key::At(1)), ("GEOSEARCHSTORE", Key::At(1)),
    ("GET", Key::At(1)), ("GETBIT", Key::At(1)), ("GETDEL", Key::At(1)), ("GETEX", Key::At(1)),
    ("GETRANGE", Key::At(1)), ("GETSET", Key::At(1)), ("HDEL", Key::At(1)), ("HELLO", Key::None),
    ("HEXISTS", Key::At(1)), ("HEXPIRE", Key::At(1)), ("HEXPIREAT", Key::At(1)),
    ("HEXPIRETIME", Key::At(1)), ("HGET", Key::At(1)), ("HGETALL", Key::At(1)), ("HGETDEL", Key::At(1)),
    ("HGETEX", Key::At(1)), ("HINCRBY", Key::At(1)), ("HINCRBYFLOAT", Key::At(1)), ("HKEYS", Key::At(1)),
    ("HLEN", Key::At(1)), ("HMGET", Key::At(1)), ("HMSET", Key::At(1)), ("HPERSIST", Key::At(1)),
    ("HPEXPIRE", Key::At(1)), ("HPEXPIREAT", Key::At(1)), ("HPEXPIRETIME", Key::At(1)),
    ("HPTTL", Key::At(1)), ("HRANDFIELD", Key::At(1)), ("HSCAN", Key::At(1)), ("HSET", Key::At(1)),
    ("HSETEX", Key::At(1)), ("HSETNX", Key::At(1)), ("HSTRLEN", Key::At(1)), ("HTTL", Key::At(1)),
    ("HVALS", Key::At(1)), ("INCR", Key::At(1)), ("INCRBY", Key::At(1)), ("INCRBYFLOAT", Key::At(1)),
    ("INFO", Key::None), ("KEYS", Key::None), ("LASTSAVE", Key::None), ("LATENCY", Key::OfSubcommand),
    ("LCS", Key::At(1)), ("LINDEX", Key::At(1)), ("LINSERT", Key::At(1)), ("LLEN", Key::At(1)),
    ("LMOVE", Key::At(1)), ("LMPOP", Key::Counted(1)), ("LOLWUT", Key::None), ("LPOP", Key::At(1)),
    ("LPOS", Key::At(1)), ("LPUSH", Key::At(1)), ("LPUSHX", Key::At(1)), ("LRANGE", Key::At(1)),
    ("LREM", Key::At(1)), ("LSET", Key::At(1)), ("LTRIM", Key::At(1)), ("MEMORY", Key::OfSubcommand),
    ("MGET", Key::At(1)), ("MIGRATE", Key::At(3)), ("MODULE", Key::OfSubcommand), ("MONITOR", Key::None),
    ("MOVE", Key::At(1)), ("MSET", Key::At(1)), ("MSETEX", Key::Counted(1)), ("MSETNX", Key::At(1)),
    ("MULTI", Key::None), ("OBJECT", Key::OfSubcommand), ("PERSIST", Key::At(1)), ("PEXPIRE", Key::At(1)),
    ("PEXPIREAT", Key::At(1)), ("PEXPIRETIME", Key::At(1)), ("PFADD", Key::At(1)), ("PFCOUNT", Key::At(1)),
    ("PFDEBUG", Key::At(1)), ("PFMERGE", Key::At(1)), ("PING", Key::None), ("PSETEX", Key::At(1)),
    ("PSUBSCRIBE", Key::At(1)), ("PSYNC", Key::None), ("PTTL", Key::At(1)), ("PUBLISH", Key::At(1)),
    ("PUBSUB", Key::OfSubcommand), ("PUNSUBSCRIBE", Key::At(1)), ("QUIT", Key::None),
    ("RANDOMKEY", Key::None), ("READONLY", Key::None), ("READWRITE", Key::None), ("RENAME", Key::At(1)),
    ("RENAMENX", Key::At(1)), ("REPLCONF", Key::None), ("REPLICAOF", Key::None), ("RESET", Key::None),
    ("RESTORE", Key::At(1)), ("RESTORE-ASKING", Key::At(1)), ("ROLE", Key::None), ("RPOP", Key::At(1)),
    ("RPOPLPUSH", Key::At(1)), ("RPUSH", Key::At(1)), ("RPUSHX", Key::At(1)), ("SADD", Key::At(1)),
    ("SAVE", Key::None), ("SCAN", Key::None), ("SCARD", Key::At(1)), ("SCRIPT", Key::OfSubcommand),
    ("SDIFF", Key::At(1)), ("SDIFFSTORE", Key::At(1)), ("SELECT", Key::None),
    ("SENTINEL", Key::OfSubcommand), ("SET", Key::At(1)), ("SETBIT", Key::At(1)), ("SETEX", Key::At(1)),
    ("SETNX", Key::At(1)), ("SETRANGE", Key::At(1)), ("SHUTDOWN", Key::None), ("SINTER", Key::At(1)),
    ("SINTERCARD", Key::Counted(1)), ("SINTERSTORE", Key::At(1)), ("SISMEMBER", Key::At(1)),
    ("SLAVEOF", Key::None), ("SLOWLOG", Key::OfSubcommand), ("SMEMBERS", Key::At(1)),
    ("SMISMEMBER", Key::At(1)), ("SMOVE", Key::At(1)), ("SORT", Key::At(1)), ("SORT_RO", Key::At(1)),
    ("SPOP", Key::At(1)), ("SPUBLISH", Key::At(1)), ("SRANDMEMBER", Key::At(1)), ("SREM", Key::At(1)),
    ("SSCAN", Key::At(1)), ("SSUBSCRIBE", Key::At(1)), ("STRLEN", Key::At(1)), ("SUBSCRIBE", Key::At(1)),
    ("SUBSTR", Key::At(1)), ("SUNION", Key::At(1)), ("SUNIONSTORE", Key::At(1)),
    ("SUNSUBSCRIBE", Key::At(1)), ("SWAPDB", Key::None), ("SYNC", Key::None), ("TIME", Key::None),
    ("TOUCH", Key::At(1)), ("TTL", Key::At(1)), ("TYPE", Key::At(1)), ("UNLINK", Key::At(1)),
    ("UNSUBSCRIBE", Key::At(1)), ("UNWATCH", Key::None), ("VADD", Key::At(1)), ("VCARD", Key::At(1)),
    ("VDIM", Key::At(1)), ("VEMB", Key::At(1)), ("VGETATTR", Key::At(1)), ("VINFO", Key::At(1)),
    ("VISMEMBER", Key::At(1)), ("VLINKS", Key::At(1)), ("VRANDMEMBER", Key::At(1)), ("VREM", Key::At(1)),
    ("VSETATTR", Key::At(1)), ("VSIM", Key::At(1)), ("WAIT", Key::None), ("WAITAOF", Key::None),
    ("WATCH", Key::At(1)), ("XACK", Key::At(1)), ("XACKDEL", Key::At(1)), ("XADD", Key::At(1)),
    ("XAUTOCLAIM", Key::At(1)), ("XCLAIM", Key::At(1)), ("XDEL", Key::At(1)), ("XDELEX", Key::At(1)),
    ("XGROUP", Key::OfSubcommand), ("XINFO", Key::OfSubcommand), ("XLEN", Key::At(1)),
    ("XPENDING", Key::At(1)), ("XRANGE", Key::At(1)), ("XREAD", Key::BehindStreams),
    ("XREADGROUP", Key::BehindStreams), ("XREVRANGE", Key::At(1)), ("XSETID", Key::At(1)),
    ("XTRIM", Key::At(1)), ("ZADD", Key::At(1)), ("ZCARD", Key::At(1)), ("ZCOUNT", Key::At(1)),
    ("ZDIFF", Key::Counted(1)), ("ZDIFFSTORE", Key::At(1)), ("ZINCRBY", Key::At(1)),
    ("ZINTER", Key::Counted(1)), ("ZINTERCARD", Key::Counted(1)), ("ZINTERSTORE", Key::At(1)),
    ("ZLEXCOUNT", Key::At(1)), ("ZMPOP", Key::Counted(1)), ("ZMSCORE", Key::At(1)), ("ZPOPMAX", Key::At(1)),
    ("ZPOPMIN", Key::At(1)), ("ZRANDMEMBER", Key::At(1)), ("ZRANGE", Key::At(1)),
    ("ZRANGEBYLEX", Key::At(1)), ("ZRANGEBYSCORE", Key::At(1)), ("ZRANGESTORE", Key::At(1)),
    ("ZRANK", Key::At(1)), ("ZREM", Key::At(1)), ("ZREMRANGEBYLEX", Key::At(1)),
    ("ZREMRANGEBYRANK", Key::At(1)), ("ZREMRANGEBYSCORE", Key::At(1)), ("ZREVRANGE", Key::At(1)),
    ("ZREVRANGEBYLEX", Key::At(1)), ("ZREVRANGEBYSCORE", Key::At(1)), ("ZREVRANK", Key::At(1)),
    ("ZSCAN", Key::At(1)), ("ZSCORE", Key::At(1)), ("ZUNION", Key::Counted(1)), ("ZUNIONSTORE", Key::At(1)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::redis::message::Blob;

    #[test]
    fn the_table_is_sorted() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn keys_are_found() {
        for (text, expected) in [
            ("GET k", Some("k")),
            ("get k", Some("k")),
            ("PING", None),
            ("PING hello", None),
            ("EVAL script 2 k1 k2 a", Some("k1")),
            ("EVAL script 0", None),
            ("FCALL f 1 k", Some("k")),
            ("XREAD COUNT 2 STREAMS s1 s2 0 0", Some("s1")),
            ("XGROUP CREATE s g $", Some("s")),
            ("XGROUP HELP", None),
            ("CONFIG GET dir", None),
            ("MEMORY USAGE k", Some("k")),
            ("MEMORY DOCTOR x", None),
            ("BITOP AND dest a b", Some("dest")),
            ("SUBSCRIBE news", Some("news")),
            ("JSON.GET doc $", Some("doc")),
            ("GET", None),
        ] {
            let args: Vec<Blob> = text.split(' ').map(|word| Blob::whole(word.as_bytes())).collect();
            let command = Command { args, ..Command::default() };
            let key =
                key_index(&command).map(|index| String::from_utf8_lossy(command.word(index)).into_owned());
            assert_eq!(key.as_deref(), expected, "{text}");
        }
    }
}
