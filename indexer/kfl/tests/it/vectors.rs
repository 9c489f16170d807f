//! The conformance vectors of the original engine, where they are at hand.
//!
//! Every vector must give what the original gives, or where that is an accident what is recommended instead.
//! Those few that we answer otherwise stand in `vectors_known.txt`, each group with its reason; that list may only
//! shrink.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::expectations::{self, Given, NOW_MS, read, recommended};

/// What differs from the vector, in a word or two.
fn difference(vector: &Value, entries: &Value) -> Option<String> {
    let text = vector["query"].as_str().expect("a text");
    let own: Vec<(&str, &str)> = vector["macros"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, text)| (name.as_str(), text.as_str().expect("a text")))
        .collect();
    let parsed = kfl::parse_with(text, NOW_MS, &own);
    if let Ok(query) = &parsed
        && !expectations::is_refused(vector)
        && let Some(difference) = of_the_query(vector, query)
    {
        return Some(difference);
    }
    let given = parsed.map_err(|error| error.message).map(|query| {
        let record = expectations::record(vector, entries);
        let answer = query.answer(&record);
        assert_eq!(answer.matches, query.matches(&record), "{text}");
        Given { matches: answer.matches, record: answer.record.into_owned() }
    });
    expectations::difference(vector, given)
}

/// What differs before any record is asked: the limit, or what a macro stands for.
fn of_the_query(vector: &Value, query: &kfl::Query) -> Option<String> {
    let expect = &vector["expect"];
    // Limits that no one can mean have no recommended reading.
    let limit = expect["limit"].as_u64().filter(|limit| *limit > 0 && *limit < u64::MAX);
    if expect.get("limit").is_some() && query.limit() != limit {
        return Some(format!("limit {:?} instead of {limit:?}", query.limit()));
    }
    let expanded = [&vector["expanded"], &expect["expanded"]].into_iter().find_map(Value::as_str);
    let expanded = expanded.and_then(|text| kfl::parse(text, NOW_MS).ok())?;
    (expanded.expression() != query.expression()).then(|| format!("a macro: {}", query.expression()))
}

/// How many vectors of a category went which way.
#[derive(Default)]
struct Row {
    as_original: usize,
    as_recommended: usize,
    no_opinion: usize,
    argued: usize,
}

#[test]
fn every_vector_gives_what_is_recommended() {
    let (Some(vectors), Some(entries)) = (read("kfl_vectors.json"), read("kubeshark_entries.json")) else {
        return;
    };
    let vectors = vectors["vectors"].as_array().expect("a list");
    let mut found = BTreeMap::<String, usize>::new();
    let mut table = BTreeMap::<&str, Row>::new();
    for vector in vectors {
        let row = table.entry(vector["category"].as_str().expect("a category")).or_default();
        if let Some(difference) = difference(vector, &entries) {
            row.argued += 1;
            *found.entry(expectations::line(&difference, vector)).or_default() += 1;
        } else if vector.get("quirk").is_none() {
            row.as_original += 1;
        } else if recommended(vector).is_some() {
            row.as_recommended += 1;
        } else {
            row.no_opinion += 1;
        }
    }
    print(&table);
    let known: Vec<&str> = expectations::known().collect();
    let new: Vec<&String> = found.keys().filter(|line| !known.contains(&line.as_str())).collect();
    assert!(new.is_empty(), "these differ and are not known:\n{}", lines(&new));
    let gone: Vec<&&str> = known.iter().filter(|line| !found.contains_key(**line)).collect();
    assert!(gone.is_empty(), "these are right now, take them off the list:\n{}", lines(&gone));
}

fn print(table: &BTreeMap<&str, Row>) {
    let mut all = Row::default();
    let line = |name: &str, row: &Row| {
        let Row { as_original, as_recommended, no_opinion, argued } = row;
        eprintln!("{name:<10} {as_original:>6} {as_recommended:>11} {no_opinion:>10} {argued:>6}");
    };
    eprintln!("category   passed recommended no opinion argued");
    for (category, row) in table {
        line(category, row);
        all.as_original += row.as_original;
        all.as_recommended += row.as_recommended;
        all.no_opinion += row.no_opinion;
        all.argued += row.argued;
    }
    line("all", &all);
}

fn lines<T: ToString>(lines: &[T]) -> String {
    lines.iter().map(|line| line.to_string() + "\n").collect()
}
