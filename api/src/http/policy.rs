//! What is kept from being shown and from being taken away, whoever asks. What is recorded stays whole.
//!
//! An answer must not tell what it doesn't show: a filter, a count or a completion that asks for such a field could be
//! used to guess it letter by letter. So where a filter may look at one, it is asked of the entry as it is shown, which
//! KFL's `redact` in front of it does; the others keep their indexes.

use kfl::{Path, Query, Redaction, Step};
use segment::Timestamp;
use serde_json::Value;

use super::problem::{Kind, Problem};

/// What `secrets` stands for.
const SECRETS: [&str; 9] = [
    "request.headers.Authorization",
    "request.headers[\"Proxy-Authorization\"]",
    "request.headers.Cookie",
    "request.cookies",
    "response.headers[\"Set-Cookie\"]",
    "response.cookies",
    "request.trailers.Authorization",
    "response.headers.Authorization",
    "response.trailers[\"Set-Cookie\"]",
];
/// What no label is made of.
const UNLABELLED: [&str; 6] = ["headers", "cookies", "trailers", "content", "postData", "body"];
/// Fields of a policy.
const FIELDS_MAX: usize = 64;

/// The fields.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    redaction: Option<Redaction>,
    /// KFL that takes them out.
    text: String,
}

impl Policy {
    /// Of fields as the command line names them.
    ///
    /// # Errors
    /// When one is no field.
    pub fn new(fields: &[String]) -> Result<Self, String> {
        let named = fields.iter().flat_map(|field| match field.as_str() {
            "secrets" => SECRETS.to_vec(),
            other => vec![other],
        });
        let (mut paths, mut texts) = (Vec::new(), Vec::new());
        for field in named {
            let text = format!("redact({})", Value::from(field));
            let query = kfl::parse(&text, 0).map_err(|error| format!("{field}: {}", error.message))?;
            paths.extend(redacted(query.expression()));
            texts.push(text);
        }
        if paths.len() > FIELDS_MAX {
            return Err(format!("more than {FIELDS_MAX} fields"));
        }
        let redaction = if paths.is_empty() { None } else { Some(Redaction(paths)) };
        Ok(Self { redaction, text: texts.join(" and ") })
    }

    /// Whether there is nothing to keep back.
    pub fn is_empty(&self) -> bool {
        self.redaction.is_none()
    }

    /// Whether labels of what is counted (endpoints, ends, protocols) may tell what is not shown: what lies neither in
    /// headers nor in bodies.
    pub fn hides_labels(&self) -> bool {
        let hidden = self.redaction.iter().flat_map(|redaction| &redaction.0);
        hidden.into_iter().any(|path| match path.0.as_slice() {
            [Step::Key(_), Step::Key(part), ..] => !UNLABELLED.contains(&part.as_str()),
            _ => true,
        })
    }

    /// Takes out of an entry what is not shown.
    pub fn apply(&self, entry: &mut Value) {
        if let Some(redaction) = &self.redaction {
            redaction.apply(entry);
        }
    }

    /// The filter, asked of what is shown where it may look at what isn't.
    ///
    /// # Errors
    /// When both together are too long.
    pub fn veil(&self, query: Query, now: Timestamp) -> Result<Query, Problem> {
        let expression = query.expression();
        let looks = expression.reads_everything()
            || expression.paths().into_iter().any(|path| self.may_be_seen(path));
        if self.is_empty() || !looks {
            return Ok(query);
        }
        self.veiled(&query, now)
    }

    /// The filter, asked of what is shown, whatever it looks at.
    ///
    /// # Errors
    /// When both together are too long.
    pub fn veiled(&self, query: &Query, now: Timestamp) -> Result<Query, Problem> {
        if self.is_empty() {
            return Ok(query.clone());
        }
        let text = match query.text().trim() {
            "" => self.text.clone(),
            text => format!("{} and ({text}\n)", self.text),
        };
        // The text itself was read before: only its length can be wrong now.
        kfl::parse(&text, now.millis()).map_err(|error| Problem::new(Kind::Filter, error.message))
    }

    /// Whether values of a path may be what is not shown, or hold it, or lie in it.
    pub fn may_be_seen(&self, path: &Path) -> bool {
        let hidden = self.redaction.iter().flat_map(|redaction| &redaction.0);
        hidden.into_iter().any(|hidden| overlap(&hidden.0, &path.0))
    }
}

fn redacted(expression: &kfl::Expression) -> Vec<Path> {
    match expression {
        kfl::Expression::Redact(Redaction(paths)) => paths.clone(),
        _ => Vec::new(),
    }
}

/// Whether one path may lead to, above or below what the other leads to.
fn overlap(a: &[Step], b: &[Step]) -> bool {
    match (a, b) {
        ([], _) | (_, []) => true,
        // Anything may lie anywhere below.
        ([Step::Recursive(_), ..], _) | (_, [Step::Recursive(_), ..]) => true,
        // A document in a text is part of the text.
        ([Step::Decoded(_), ..], _) | (_, [Step::Decoded(_), ..]) => true,
        ([Step::Key(one), a @ ..], [Step::Key(other), b @ ..]) => {
            one.eq_ignore_ascii_case(other) && overlap(a, b)
        }
        ([Step::Index(one), a @ ..], [Step::Index(other), b @ ..]) => one == other && overlap(a, b),
        ([_, a @ ..], [_, b @ ..]) => overlap(a, b),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(fields: &[&str]) -> Policy {
        Policy::new(&fields.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        let mut entry = json!({
            "id": "a",
            "request": { "headers": { "Authorization": "Basic eA==", "Cookie": "sid=1", "Host": "shop" }, "cookies": { "sid": "1" } },
            "response": { "headers": { "Set-Cookie": "sid=2" }, "status": 200 },
        });
        policy(&["secrets", "response.status"]).apply(&mut entry);
        let gone = kfl::REDACTED;
        assert_eq!(
            entry,
            json!({
                "id": "a",
                "request": { "headers": { "Authorization": gone, "Cookie": gone, "Host": "shop" }, "cookies": gone },
                "response": { "headers": { "Set-Cookie": gone }, "status": gone },
            })
        );
        assert!(Policy::new(&["no field(".to_owned()]).is_err());
    }

    #[test]
    fn filters_that_could_guess_are_asked_of_what_is_shown() {
        let policy = policy(&["secrets"]);
        let now = Timestamp::from_nanos(0);
        let entry = json!({ "request": { "headers": { "Authorization": "Basic eA==", "Host": "shop" } } });
        let holds = |text: &str| {
            let query = kfl::parse(text, 0).unwrap();
            policy.veil(query, now).unwrap().matches(&entry)
        };
        for guess in [
            "request.headers.Authorization.startsWith(\"Basic\")",
            "request.headers.*.startsWith(\"Basic\")",
            "request..Authorization == r\"^Basic\"",
            "text(\"Basic\")",
            "request.headers.authorization.startsWith(\"Basic\") // so far",
        ] {
            let Ok(query) = kfl::parse(guess, 0) else { continue };
            assert!(!policy.veil(query, now).unwrap().matches(&entry), "{guess}");
        }
        assert!(holds("request.headers.Host == \"shop\""));
        let plain = policy.veil(kfl::parse("request.headers.Host == \"shop\"", 0).unwrap(), now).unwrap();
        assert!(!plain.redacts(), "its index is of use");
    }
}
