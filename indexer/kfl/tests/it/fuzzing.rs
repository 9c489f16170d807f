//! The fuzzers' entry points, for as long as a test may take: any bytes, words in any order, and queries that were
//! right before a few of their bytes changed.

use proptest::prelude::*;

use crate::hostile;

/// Bytes that mean something.
const SEEDS: &[&str] = &[
    "http and response.status >= 400 and src.name == \"till.shop\"\0{\"response\":{\"status\":404}}",
    "a.json().b[0] == r\"^x\" or a.xml().b.*..c in (1..5, 10.0.0.0/8, ::1, 'y')\0{\"a\":\"{\\\"b\\\":[\\\"x\\\"]}\"}",
    "redact(\"a.json()..b\", \"..c\") && !(a[\"k\"].contains('x') || size(a) > 2)\0{\"a\":\"eyJiIjoxfQ==\",\"c\":[1]}",
    "text(\"conn* refusd~\") and trace(\"4bf92f3577b34da6a3ce929d0e0e4736\")\0{\"a\":[\"connection refused\"]}",
    "timestamp > now() - 1h30m * 2 and map_get(a, \"b\", 5) == 5 // remark\0[]",
    "a.xml().b == 1\0{\"a\":\"<b x='1'>&lt;<![CDATA[c]]><!-- d --></b>\"}",
    "rule(description: \"d\", query: http, assert: a not in [1, 2]) == false == true",
];

fn call_all(bytes: &[u8]) {
    for (_, entry) in kfl::fuzz::ALL {
        entry(bytes);
    }
}

#[test]
fn seeds_and_their_beginnings() {
    for seed in SEEDS {
        for end in 0..=seed.len() {
            call_all(&seed.as_bytes()[..end]);
            call_all(&seed.as_bytes()[end..]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_fuzzing_entry_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        call_all(&bytes);
    }

    #[test]
    fn words_in_any_order(text in hostile::soup(), record in hostile::record()) {
        call_all(&[text.as_bytes(), b"\0", record.to_string().as_bytes()].concat());
    }

    #[test]
    fn changed_seeds(
        seed in prop::sample::select(SEEDS),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let mut bytes = seed.as_bytes().to_vec();
        for (place, byte, change) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        call_all(&bytes);
    }
}
