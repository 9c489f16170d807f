//! What is the same about requests that differ by an id only: `/carts/7f9c/items` → `/carts/{id}/items`.

/// Characters of a template; what is longer is cut.
const CHARS_MAX: usize = 120;
/// A run of letters and digits mixed that is this long is taken for an id.
const MIXED_CHARS_MIN: usize = 8;
/// What stands in place of an id.
const PLACEHOLDER: &str = "{id}";

/// The template of an HTTP path, without query and fragment.
#[must_use]
pub fn of_path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut template = String::with_capacity(path.len());
    for (at, part) in path.split('/').enumerate() {
        if at > 0 {
            template.push('/');
        }
        template.push_str(if is_id(part) { PLACEHOLDER } else { part });
    }
    cut(template)
}

/// The template of any other text: numbers, quoted values and ids are replaced where they stand.
#[must_use]
pub fn of_text(text: &str) -> String {
    let mut template = String::with_capacity(text.len().min(CHARS_MAX));
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if template.len() > CHARS_MAX {
            break;
        }
        let length = match first {
            '\'' => rest.get(1..).and_then(|inner| inner.find('\'')).map_or(rest.len(), |end| end + 2),
            _ if is_of_word(first) => rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        rest = behind;
        let is_value = first == '\'' || is_id(token);
        template.push_str(if is_value { PLACEHOLDER } else { token });
    }
    cut(template)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// Whether a part of a path looks made by a machine: a number, hexadecimal digits, a UUID, or letters and digits mixed.
fn is_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return false;
    }
    let is_plain =
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'));
    let is_number = part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let is_hex =
        part.len() >= MIXED_CHARS_MIN && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_number || is_hex || (is_plain && part.len() >= MIXED_CHARS_MIN && digits * 5 >= part.len())
}

fn cut(mut template: String) -> String {
    if let Some((at, _)) = template.char_indices().nth(CHARS_MAX) {
        template.truncate(at);
        template.push('…');
    }
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_paths_are_one() {
        for (path, template) in [
            ("/carts/57a98d98e4b00679b4a830b2/items?x=1", "/carts/{id}/items"),
            ("/orders/17", "/orders/{id}"),
            ("/u/550e8400-e29b-41d4-a716-446655440000/", "/u/{id}/"),
            ("/v2/recommendations", "/v2/recommendations"),
            (
                "/api/v1/namespaces/kube-system/pods/cart-7d4b9c6f58-2xkqp",
                "/api/v1/namespaces/kube-system/pods/{id}",
            ),
            ("/assets/app.css", "/assets/app.css"),
            ("", ""),
            ("*", "*"),
        ] {
            assert_eq!(of_path(path), template, "{path}");
        }
    }

    #[test]
    fn values_in_statements_are_one() {
        assert_eq!(
            of_text("SELECT * FROM t1 WHERE id = 42 AND name = 'O x'"),
            "SELECT * FROM t1 WHERE id = {id} AND name = {id}"
        );
        assert_eq!(of_text("cart:9a8b7c6d"), "cart:{id}");
        assert_eq!(of_text("it's open"), "it{id}");
        assert_eq!(of_text(&"ü".repeat(1_000)).chars().count(), CHARS_MAX + 1);
    }
}
