//! KFL, the filter language: text → checked expression → answer.
//!
//! A person writes what to look for; the crate says of each entry whether that is it. An entry
//! is JSON: one exchange with its protocol, its two ends, request and response.
//!
//! ```
//! use serde_json::json;
//!
//! let now_ms = 1_704_110_400_000;
//! let query = kfl::parse(r#"http and response.status >= 400 and timestamp >= minutes(-5)"#, now_ms)?;
//!
//! assert!(query.matches(&json!({
//!     "protocol": {"name": "http", "abbr": "HTTP"},
//!     "timestamp": now_ms - 1000,
//!     "response": {"status": 404},
//! })));
//! # Ok::<(), kfl::SyntaxError>(())
//! ```
//!
//! # The language
//!
//! `KFL.md` beside this crate is the reference for its users. In short:
//!
//! | | |
//! |---|---|
//! | paths | `request.method`, `headers["user-agent"]`, `lines[0]`, `lines.*.count`, `request..name` |
//! | documents | `response.content.text.json().id`, `body.xml().order.line[1]` |
//! | values | `"text"`, `'text'`, `` `raw` ``, `42`, `-1.5`, `0x1f`, `true`, `false`, `nil`, `r"regex"`, `250ms`, `1MiB` |
//! | compare | `==` `!=` `<` `<=` `>` `>=`, also `400 <= response.status < 500` |
//! | belong | `status in (200, 404, 500..599)`, `src.ip in 10.0.0.0/8`, `not in` |
//! | join | `or`, then `and`, then `not`, each tighter than the one before; also `\|\|`, `&&`, `!` |
//! | ask texts | `path.startsWith("x")`, `path.endsWith("x")`, `path.contains("x")`, `path.matches("regex")` |
//! | ask everything | `text("connection refus*")`, `trace("4bf92f3577b34da6a3ce929d0e0e4736")` |
//! | times | `now() - 5m`, `minutes(-5)` … `years(-1)`, `datetime("2024-01-01T12:00:00Z")` |
//! | hide | `redact("request.headers.Authorization")`, see [`Query::answer`] |
//! | protocols | `http` `http2` `https` `grpc` `gql` `ws` `amqp` `kafka` `redis` `dns` `tlsx` `postgresql` `mysql` `mongodb` `tcp` `udp` `icmp` |
//! | stop | `limit(100)` |
//!
//! ```
//! # use serde_json::json;
//! let holds = |text: &str, entry| kfl::parse(text, 0).unwrap().matches(&entry);
//!
//! // Numbers compare with texts that spell them; other kinds don't mix.
//! assert!(holds("port == 80 and port < 443", json!({"port": "80"})));
//!
//! // A list stands for its elements: any of them, or for != none of them.
//! assert!(holds("tags == \"b\" and tags != \"c\"", json!({"tags": ["a", "b"]})));
//!
//! // What is missing equals nil, and is otherwise only ever false.
//! assert!(holds("user == nil and !(user == 1) and !(user != 1)", json!({})));
//!
//! // A regular expression may match anywhere.
//! assert!(holds(r#"target == r"/items/\d+$""#, json!({"target": "/api/items/7"})));
//! ```
//!
//! # How it works
//!
//! 1. `scan` looks once over the text: its length, how deep it nests, what is never closed.
//! 2. `kfl.pest` recognises it; `explain` says in a person's words what did not fit.
//! 3. `parse`, `compare`, `operand` and `call` give it meaning: macros and times become what they stand for, paths
//!    are split, regular expressions compiled. Whatever can be wrong is found by now, as a [`SyntaxError`].
//! 4. `evaluate` answers. It can't fail, allocates nothing for a path compared with a value, and
//!    says at its head what lists and missing fields mean; `resolve` finds what is at a path, `document`
//!    reads JSON and XML on the way, `scalar` says what equal and less mean.
//! 5. `redact` takes out what an answer must not show.
//!
//! Beside that, `format`, `complete` and `check` help who writes a query; fields come from a [`Catalog`] of the caller's.
//!
//! There is no clock in here and nothing is kept: a [`Query`] is a value, and means the same for ever.
//!
//! # For planners
//!
//! An index that knows fields by name can prune before entries are read:
//! [`Query::expression`] is a tree of comparisons, [`Expression::paths`] all that it reads,
//! [`Expression::decided_by_any`] says where values can be asked one by one, and [`compare_scalar`] decides for
//! one value what the evaluator would decide. Where [`Expression::reads_everything`], no path tells what is read; behind a
//! part that [`Expression::redacts`], nothing that an index knows is sure.
//!
//! ```
//! use kfl::{Expression, compare_scalar};
//! use serde_json::json;
//!
//! let query = kfl::parse(r#"response.status == r"^5""#, 0)?;
//! let Expression::Comparison { op, right, .. } = query.expression() else { unreachable!() };
//! let terms = [json!(200), json!(404), json!(502), json!(503)];
//! let wanted = terms.iter().filter(|term| compare_scalar(term, *op, right)).count();
//! assert_eq!(wanted, 2);
//! # Ok::<(), kfl::SyntaxError>(())
//! ```
//!
//! An expression prints as text that parses to the same expression:
//!
//! ```
//! let query = kfl::parse("dns == false && !(a < 1 || b)", 0)?;
//! let printed = query.expression().to_string();
//! assert_eq!(printed, r#"(protocol.abbr == "DNS") == false and !(a < 1 or b)"#);
//! assert_eq!(kfl::parse(&printed, 0)?.expression(), query.expression());
//! # Ok::<(), kfl::SyntaxError>(())
//! ```
//!
//! # Limits
//!
//! Queries come from anyone who may ask. A text has at most [`TEXT_BYTES_MAX`] bytes, nests at most
//! [`NESTING_MAX`] deep and has at most [`REGEXES_MAX`] regular expressions, each of bounded size and matched in
//! linear time. What looks through much of a record is counted too. Beyond that it is refused, with the place marked.
//! Documents in records are bounded in size, depth and number. [`fuzz`] has an entry point for each way in.
#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod alias;
mod arithmetic;
mod call;
mod catalog;
mod check;
mod compare;
mod complete;
mod document;
mod error;
mod evaluate;
mod explain;
mod expression;
mod format;
mod functions;
pub mod fuzz;
mod grammar;
mod literal;
mod macros;
mod operand;
mod parse;
mod path;
mod pattern;
mod print;
mod quantity;
mod query;
mod redact;
pub mod reference;
mod resolve;
mod scalar;
mod scan;
mod text;
mod time;
mod trace;
mod values;
mod xml;

pub use catalog::{Catalog, Field};
pub use check::UnknownField;
pub use complete::{Completion, CompletionKind, Completions, complete};
pub use error::SyntaxError;
pub use evaluate::compare_scalar;
pub use expression::{Call, Expression, Literal, Op, Operand, TextFunction};
pub use format::format;
pub use parse::{NESTING_MAX, REGEXES_MAX};
pub use path::{Encoding, Path, Step};
pub use pattern::{Network, Range, Regex};
pub use query::{Answer, Directives, Query, parse, parse_with};
pub use redact::{REDACTED, Redaction};
pub use scan::TEXT_BYTES_MAX;
pub use text::{Reach, TextSearch, Word, texts_said, words};
pub use trace::TraceId;
