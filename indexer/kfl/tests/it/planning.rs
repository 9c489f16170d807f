//! What a planner relies on.

use kfl::{Expression, Op, Operand, compare_scalar};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hostile;

#[test]
fn macros_and_times_are_gone_after_parsing() {
    let query = kfl::parse("http and timestamp >= minutes(-1) and limit(5)", 60_000).expect("it is right");
    assert_eq!(query.expression().to_string(), "protocol.abbr == \"HTTP\" and timestamp >= 0 and true");
}

#[test]
fn every_path_is_listed_once() {
    let text = "http and (a.b == c or !(a.b < 1)) and d.contains(e[\"f-g\"]) and -h == 1 and (i == 1) == j";
    let query = kfl::parse(text, 0).expect("it is right");
    let paths: Vec<String> = query.expression().paths().iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["protocol.abbr", "a.b", "c", "d", "e[\"f-g\"]", "h", "i", "j"]);
}

#[test]
fn field_names() {
    let keys = |text: &str| match kfl::parse(text, 0).expect("it is right").expression() {
        Expression::Truth(Operand::Path(path)) => path.keys().map(|keys| keys.join("/")),
        other => panic!("{other}"),
    };
    assert_eq!(keys("request.headers[\"user-agent\"]").as_deref(), Some("request/headers/user-agent"));
    assert_eq!(keys("request.tags[0]"), None);
    assert_eq!(keys("request..a"), None);
    assert_eq!(keys("request.*"), None);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..13i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec!["", "a", "1", "-2", "042", "4.0", "true", "nil", "1e3", "inf", "-"])
            .prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ]
}

fn leaves_of<'v>(value: &'v Value, leaves: &mut Vec<&'v Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| leaves_of(element, leaves)),
        other => leaves.push(other),
    }
}

proptest! {
    /// A planner that asks values one by one gives what the evaluator gives for the whole record.
    #[test]
    fn one_value_compares_as_a_record_of_it(value in scalar(), op in hostile::op(), right in hostile::literal()) {
        let query = kfl::parse(&format!("f {op} {right}"), 0);
        prop_assume!(query.is_ok());
        let query = query.expect("just looked");
        let Expression::Comparison { op, right, .. } = query.expression() else { panic!("{}", query.expression()) };
        prop_assert_eq!(compare_scalar(&value, *op, right), query.matches(&json!({"f": value})));
    }

    /// The same for many values: any, or none for `!=`.
    #[test]
    fn many_values_compare_one_by_one(
        values in prop::collection::vec(scalar(), 1..5), op in hostile::op(), right in hostile::literal(),
    ) {
        let query = kfl::parse(&format!("f.* {op} {right}"), 0);
        prop_assume!(query.is_ok());
        let query = query.expect("just looked");
        let Expression::Comparison { op, right, .. } = query.expression() else { panic!("{}", query.expression()) };
        let holds = |value: &Value| compare_scalar(value, *op, right);
        let expected = if *op == Op::Ne { values.iter().all(holds) } else { values.iter().any(holds) };
        prop_assert_eq!(expected, query.matches(&json!({"f": values})));
    }

    /// What is decided by any value is decided by the values one by one, however they are nested.
    #[test]
    fn a_predicate_decided_by_any_needs_no_more(text in hostile::predicate(), values in hostile::record()) {
        let query = kfl::parse(&text, 0);
        prop_assume!(query.is_ok());
        let query = query.expect("just looked");
        let expression = query.expression();
        if let Some(path) = expression.decided_by_any() {
            prop_assert_eq!(expression.paths(), [path]);
            let text = path.to_string();
            let mut leaves = Vec::new();
            leaves_of(&values, &mut leaves);
            if text == "a" {
                let any = leaves.iter().any(|leaf| expression.matches(&json!({"a": leaf})));
                prop_assert_eq!(any, expression.matches(&json!({"a": values})));
            }
            for empty in [json!({}), json!({"a": [], "b": []})] {
                prop_assert!(!expression.matches(&empty), "{}", empty);
            }
        }
    }

    /// Swapping the sides with the sign changes nothing.
    #[test]
    fn sides_can_be_swapped(value in scalar(), op in hostile::op(), right in hostile::literal()) {
        let query = kfl::parse(&format!("f {op} {right}"), 0);
        prop_assume!(query.is_ok());
        let query = query.expect("just looked");
        let Expression::Comparison { op, .. } = query.expression() else { panic!("{}", query.expression()) };
        let swapped = kfl::parse(&format!("{right} {} f", op.swapped()), 0).expect("only the sides differ");
        let record = json!({"f": value});
        prop_assert_eq!(query.matches(&record), swapped.matches(&record));
    }
}
