//! What the operations of a document ask for.
//!
//! The parser is `apollo-parser`: it limits tokens and nesting by itself, before it builds anything, and gives
//! what it understood of a document that is cut or wrong. Fragments are expanded, within a budget: a few of
//! them can ask for each other a billion times over.

use std::collections::HashMap;
use std::panic::catch_unwind;

use apollo_parser::Parser;
use apollo_parser::cst::{self, Definition, Selection, SelectionSet};

/// The problem of a document that made the parser panic: its fault, not the document's.
pub const GAVE_UP: &str = "the parser gave up";

/// Most bytes of a document that are parsed.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Most tokens; servers allow some 15,000.
const TOKENS_MAX: usize = 20_000;
/// Most levels of nesting that are parsed; servers allow some 100.
const NESTING_MAX: usize = 100;
/// Most operations told apart.
const OPERATIONS_MAX: usize = 32;
/// Most top-level fields told of one operation.
const FIELDS_MAX: usize = 64;
/// Most paths told of one operation.
const PATHS_MAX: usize = 256;
/// How deep paths go.
const PATH_DEPTH_MAX: usize = 8;
/// Most selections visited for one operation, fragments expanded.
const VISITS_MAX: usize = 4_096;

/// A document.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Document {
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// What is wrong with it, in the parser's words.
    pub problem: Option<String>,
    /// Whether a limit of ours left something out.
    pub truncated: bool,
}

/// An operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// What it does.
    pub kind: Kind,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The fields that it asks of the root, in order, each once.
    pub fields: Vec<Field>,
    /// Every field that it asks for, as a path from the root: `user.orders.id`; fields by their names, not by
    /// their aliases.
    pub paths: Vec<String>,
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Reads.
    Query,
    /// Writes.
    Mutation,
    /// Asks to be told.
    Subscription,
}

impl Kind {
    /// The word for it in a document.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

/// A field of the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// What it is called in the answer, if not by its name.
    pub alias: Option<String>,
    /// Its name in the schema.
    pub name: String,
}

impl Document {
    /// Reads a document. A parser that panics costs this document: the text is hostile.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let kept = text.get(..text.floor_char_boundary(DOCUMENT_BYTES_MAX)).unwrap_or_default();
        let mut document = catch_unwind(|| read(kept))
            .unwrap_or_else(|_| Self { problem: Some(GAVE_UP.to_owned()), ..Self::default() });
        document.truncated |= kept.len() < text.len();
        document
    }
}

fn read(text: &str) -> Document {
    let tree = Parser::new(text).recursion_limit(NESTING_MAX).token_limit(TOKENS_MAX).parse();
    let problem = tree.errors().next().map(|error| error.message().to_owned());
    let mut truncated = tree.errors().any(apollo_parser::Error::is_limit);
    let mut fragments = HashMap::new();
    let mut definitions = Vec::new();
    for definition in tree.document().definitions() {
        match definition {
            Definition::OperationDefinition(operation) if definitions.len() < OPERATIONS_MAX => {
                definitions.push(operation);
            }
            Definition::OperationDefinition(_) => truncated = true,
            Definition::FragmentDefinition(fragment) => {
                let name = fragment.fragment_name().and_then(|name| name.name());
                if let (Some(name), Some(selections)) = (name, fragment.selection_set()) {
                    fragments.entry(name.text().to_string()).or_insert(selections);
                }
            }
            _ => {}
        }
    }
    let operations = definitions.iter().map(|definition| {
        let mut walk = Walk {
            fragments: &fragments,
            spreading: Vec::new(),
            visits_left: VISITS_MAX,
            truncated: false,
            paths: Vec::new(),
        };
        let operation = walk.operation(definition);
        truncated |= walk.truncated;
        operation
    });
    let operations = operations.collect();
    Document { operations, problem, truncated }
}

/// A walk over the selections of one operation.
struct Walk<'a> {
    fragments: &'a HashMap<String, SelectionSet>,
    /// The fragments that the walk is in: one that spreads itself, which is forbidden, adds nothing.
    spreading: Vec<String>,
    visits_left: usize,
    truncated: bool,
    paths: Vec<String>,
}

impl Walk<'_> {
    fn operation(&mut self, definition: &cst::OperationDefinition) -> Operation {
        let kind = match definition.operation_type() {
            Some(kind) if kind.mutation_token().is_some() => Kind::Mutation,
            Some(kind) if kind.subscription_token().is_some() => Kind::Subscription,
            // `{ a }` is short for a query (GraphQL §2.3).
            _ => Kind::Query,
        };
        let mut fields = Vec::new();
        if let Some(selections) = definition.selection_set() {
            self.select(&selections, "", 1, NESTING_MAX, &mut |field| {
                if fields.len() < FIELDS_MAX && !fields.contains(&field) {
                    fields.push(field);
                }
            });
        }
        let name = definition.name().map(|name| name.text().to_string());
        Operation { kind, name, fields, paths: std::mem::take(&mut self.paths) }
    }

    /// Visits what a set selects of the object at `path`; fragments count as part of the set that spreads them.
    fn select(
        &mut self,
        selections: &SelectionSet,
        path: &str,
        depth: usize,
        nesting_left: usize,
        found: &mut dyn FnMut(Field),
    ) {
        let Some(nesting_left) = nesting_left.checked_sub(1) else {
            self.truncated = true;
            return;
        };
        for selection in selections.selections() {
            if self.visits_left == 0 {
                self.truncated = true;
                return;
            }
            self.visits_left -= 1;
            match selection {
                Selection::Field(field) => self.field(&field, path, depth, nesting_left, found),
                Selection::FragmentSpread(spread) => {
                    let Some(name) = spread.fragment_name().and_then(|name| name.name()) else { continue };
                    let name = name.text().to_string();
                    let fragments = self.fragments;
                    let fragment = fragments.get(&name).filter(|_| !self.spreading.contains(&name));
                    if let Some(selections) = fragment {
                        self.spreading.push(name);
                        self.select(selections, path, depth, nesting_left, found);
                        self.spreading.pop();
                    }
                }
                Selection::InlineFragment(fragment) => {
                    if let Some(selections) = fragment.selection_set() {
                        self.select(&selections, path, depth, nesting_left, found);
                    }
                }
            }
        }
    }

    fn field(
        &mut self,
        field: &cst::Field,
        path: &str,
        depth: usize,
        nesting_left: usize,
        found: &mut dyn FnMut(Field),
    ) {
        let Some(name) = field.name().map(|name| name.text().to_string()) else { return };
        let alias = field.alias().and_then(|alias| alias.name()).map(|alias| alias.text().to_string());
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if !self.paths.contains(&path) {
            if self.paths.len() >= PATHS_MAX {
                self.truncated = true;
                return;
            }
            self.paths.push(path.clone());
        }
        found(Field { alias, name });
        let Some(selections) = field.selection_set() else { return };
        if depth >= PATH_DEPTH_MAX {
            self.truncated = true;
            return;
        }
        self.select(&selections, &path, depth + 1, nesting_left, &mut |_| {});
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        let document = Document::parse(text);
        let mut shown = String::new();
        for operation in &document.operations {
            let fields = operation.fields.iter().map(|field| match &field.alias {
                Some(alias) => format!("{alias}={}", field.name),
                None => field.name.clone(),
            });
            writeln!(
                shown,
                "{} {}: {} | {}",
                operation.kind.name(),
                operation.name.as_deref().unwrap_or("-"),
                fields.collect::<Vec<_>>().join(" "),
                operation.paths.join(" ")
            )
            .unwrap();
        }
        if let Some(problem) = &document.problem {
            writeln!(shown, "problem: {problem}").unwrap();
        }
        if document.truncated {
            shown.push_str("truncated\n");
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn operations_and_their_fields_are_told() {
        check(
            "{ me { name } }",
            expect![[r#"
            query -: me | me me.name
        "#]],
        );
        check(
            "query Q($id: ID! = \"{\") @live { item(id: $id, in: {a: [1]}) { name } other: item { id } }",
            expect![[r#"
            query Q: item other=item | item item.name item.id
        "#]],
        );
        check(
            "mutation Add { add(n: 1) { id } } subscription { ticks }",
            expect![[r#"
            mutation Add: add | add add.id
            subscription -: ticks | ticks
        "#]],
        );
        check("type Query { a: Int }", expect![[""]]);
    }

    #[test]
    fn fragments_are_expanded() {
        check(
            "query Q { ...root user { ...u ... on Admin { rights } ... @include(if: $x) { mail } } }
             fragment root on Query { version } fragment u on User { name orders { ...o } } fragment o on Order { id }",
            expect![[r#"
                query Q: version user | version user user.name user.orders user.orders.id user.rights user.mail
            "#]],
        );
        check(
            "{ ...missing a }",
            expect![[r#"
            query -: a | a
        "#]],
        );
        check(
            "{ ...a } fragment a on Q { x ...b } fragment b on Q { y ...a }",
            expect![[r#"
                query -: x y | x y
            "#]],
        );
    }

    #[test]
    fn what_is_cut_or_wrong_gives_what_is_there() {
        check(
            "query Q { user { name ord",
            expect![[r#"
            query Q: user | user user.name user.ord
            problem: expected R_CURLY, got EOF
        "#]],
        );
        check(
            "SELECT 1",
            expect![[r#"
            problem: expected definition
        "#]],
        );
        check(
            "",
            expect![[r#"
            problem: Unexpected <EOF>.
        "#]],
        );
    }

    #[test]
    fn hostile_documents_stop_at_a_limit() {
        let deep = "{a".repeat(100_000);
        assert!(Document::parse(&deep).problem.is_some());
        for nested in ["[", "{a:", "[[", "{a:["] {
            assert!(Document::parse(&format!("{{ a(b: {}", nested.repeat(50_000))).problem.is_some());
            assert!(Document::parse(&format!("query Q($a: {}", nested.repeat(50_000))).problem.is_some());
        }
        assert!(Document::parse(&"{a} ".repeat(50_000)).truncated);
        let mut laughs = String::from("{ ...f0 }");
        for n in 0..60 {
            write!(laughs, " fragment f{n} on Q {{ a{n} {{ ...f{m} ...f{m} }} ...f{m} ...f{m} }}", m = n + 1)
                .unwrap();
        }
        let document = Document::parse(&laughs);
        assert!(document.truncated && document.operations[0].paths.len() <= PATHS_MAX);
        assert!(Document::parse(&"\"\"\"".repeat(50_000)).problem.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[{}()\\[\\]:!$@.\"#, \na-c0-9\u{e9}|&=-]{0,80}") {
            for text in [format!("query {{ {text}"), text] {
                let document = Document::parse(&text);
                prop_assert_ne!(document.problem.as_deref(), Some(GAVE_UP));
            }
        }
    }
}
