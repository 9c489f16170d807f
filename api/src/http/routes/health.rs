//! Whether it is well.

use serde_json::json;

use crate::http::answer::Answer;

/// `GET /healthz`: this process answers.
pub async fn alive() -> Answer {
    Answer::of(&json!({ "status": "ok" }))
}
