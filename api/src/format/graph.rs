//! A service map as text that draws itself: Graphviz' DOT, and Mermaid for Markdown.
//!
//! Names come from the wire: what either language would act on is written so that it shows as it is.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::terminal::escape;
use crate::terminal::quantity::{count, counted, micros};
use indexer::{Edge, ServiceMap, Tally};

/// For Graphviz.
pub fn dot(map: &ServiceMap) -> String {
    let mut text = String::from("digraph remora {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    let quoted = |name: &str| {
        let name = escape::line(name).replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{name}\"")
    };
    for (Edge { source, destination, protocol }, tally) in &map.edges {
        let label = quoted(&label(protocol, tally));
        let colour = if tally.errors > 0 { ", color=red" } else { "" };
        let _ = writeln!(text, "  {} -> {} [label={label}{colour}];", quoted(source), quoted(destination));
    }
    text.push_str("}\n");
    text
}

/// For Markdown.
pub fn mermaid(map: &ServiceMap) -> String {
    let mut text = String::from("flowchart LR\n");
    // Mermaid reads entities; a name has none of its own, then.
    let quoted = |name: &str| {
        let name = escape::line(name).replace('#', "#35;").replace('&', "#amp;").replace('"', "#quot;");
        format!("\"{}\"", name.replace('<', "#lt;").replace('>', "#gt;"))
    };
    let mut numbers = BTreeMap::new();
    for (at, node) in map.nodes.iter().enumerate() {
        numbers.insert(node.name.as_str(), at);
        let _ = writeln!(text, "  n{at}[{}]", quoted(&node.name));
    }
    for (Edge { source, destination, protocol }, tally) in &map.edges {
        let ends = (numbers.get(source.as_str()), numbers.get(destination.as_str()));
        if let (Some(source), Some(destination)) = ends {
            let _ = writeln!(text, "  n{source} -->|{}| n{destination}", quoted(&label(protocol, tally)));
        }
    }
    text
}

/// `HTTP 1 200, 3 errors, p95 12ms`; of flows their number.
fn label(protocol: &str, tally: &Tally) -> String {
    if tally.count == 0 {
        return format!("{protocol} {}", counted(tally.flows, "flow"));
    }
    let mut label = format!("{protocol} {}", count(tally.count));
    if tally.errors > 0 {
        let _ = write!(label, ", {}", counted(tally.errors, "error"));
    }
    if let Some(p95) = tally.latencies.quantile_us(0.95) {
        let _ = write!(label, ", p95 {}", micros(p95));
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexer::{Coverage, NodeTotals};

    fn map() -> ServiceMap {
        let edge = Edge { source: "a\"]b".into(), destination: "c\\d".into(), protocol: "HTTP".into() };
        let node = |name: &str| NodeTotals { name: name.into(), ..NodeTotals::default() };
        ServiceMap {
            edges: vec![(edge, Tally { count: 1_200, errors: 1, ..Tally::default() })],
            nodes: vec![node("a\"]b"), node("c\\d")],
            others: None,
            coverage: Coverage::default(),
        }
    }

    #[test]
    fn names_stay_names() {
        assert_eq!(
            dot(&map()),
            "digraph remora {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n  \
             \"a\\\"]b\" -> \"c\\\\d\" [label=\"HTTP 1 200, 1 error\", color=red];\n}\n"
        );
        assert_eq!(
            mermaid(&map()),
            "flowchart LR\n  n0[\"a#quot;]b\"]\n  n1[\"c\\d\"]\n  n0 -->|\"HTTP 1 200, 1 error\"| n1\n"
        );
    }
}
