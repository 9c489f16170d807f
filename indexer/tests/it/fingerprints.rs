//! JA4 and JA4S of real browsers and servers are those that their inventors published (FoxIO, 2023).

use indexer::entry::Bodies;

use crate::fields::{captures, entries};

/// The example of FoxIO's technical details of JA4: Chrome over HTTP/2.
const CHROME: &str = "t13d1516h2_8daaf6152771_e5627efa2ab1";
/// Servers in its table of applications (Sliver and SoftEther answer so, and many others), and Google's.
const SERVERS: [&str; 3] =
    ["t130200_1301_a56c5b993250", "t130200_1302_a56c5b993250", "t130200_1301_234ea6891581"];

#[test]
fn published_fingerprints_are_found_where_such_clients_spoke() {
    let captures: Vec<_> = captures()
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("-ja4-")))
        .collect();
    if captures.is_empty() {
        return;
    }
    let mut found = std::collections::BTreeSet::new();
    for capture in captures {
        for entry in entries(&capture, Bodies::Left) {
            let of = |side: &str, name: &str| entry[side][name].as_str().map(str::to_owned);
            found.extend(of("request", "ja4"));
            found.extend(of("response", "ja4s"));
        }
    }
    for published in [CHROME].iter().chain(&SERVERS) {
        assert!(found.contains(*published), "{published} is not among {found:?}");
    }
}
