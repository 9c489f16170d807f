//! Names of the later dialect of Kubeshark's KFL for fields that have other names here.
//!
//! Only names that mean the same are read. `elapsed_time` counts microseconds where `elapsedTime` counts
//! milliseconds, so it is not among them: the check of field names tells.

use crate::path::Step;

/// A name, and the path it stands for; `*` is every element.
pub(crate) const ALIASES: [(&str, &str); 49] = [
    ("method", "request.method"),
    ("url", "request.url"),
    ("path", "request.path"),
    ("status_code", "response.status"),
    ("http_version", "request.httpVersion"),
    ("request_body_size", "request.bodySize"),
    ("response_body_size", "response.bodySize"),
    ("node_name", "node.name"),
    ("node_ip", "node.ip"),
    ("grpc_method", "request.grpc.method"),
    ("grpc_status", "response.grpc.status"),
    ("dns_questions", "request.questions.*.name"),
    ("dns_question_types", "request.questions.*.type"),
    ("dns_answers", "response.answers.*.name"),
    ("ws_opcode", "request.type"),
    ("ws_request_payload_data", "request.payload"),
    ("ws_request_payload_length", "request.payloadSize"),
    ("redis_type", "request.type"),
    ("redis_command", "request.command"),
    ("redis_key", "request.key"),
    ("kafka_api_key", "request.apiKey"),
    ("kafka_api_key_name", "request.apiKeyName"),
    ("kafka_client_id", "request.clientID"),
    ("kafka_size", "request.size"),
    ("amqp_method", "request.amqpMethod"),
    ("mongodb_command", "request.command"),
    ("mongodb_database", "request.database"),
    ("mongodb_collection", "request.collection"),
    ("mongodb_opcode", "request.opcode"),
    ("mongodb_success", "response.success"),
    ("mongodb_error_code", "response.errorCode"),
    ("mongodb_error_message", "response.errorMessage"),
    ("mongodb_error_code_name", "response.errorCodeName"),
    ("mysql_command", "request.command"),
    ("mysql_query", "request.query"),
    ("mysql_database", "request.database"),
    ("mysql_statement_id", "request.statementId"),
    ("mysql_success", "response.success"),
    ("mysql_error_code", "response.errorCode"),
    ("mysql_error_message", "response.errorMessage"),
    ("postgresql_command", "request.command"),
    ("postgresql_query", "request.query"),
    ("postgresql_database", "request.database"),
    ("postgresql_user", "request.user"),
    ("postgresql_success", "response.success"),
    ("postgresql_error_code", "response.errorCode"),
    ("postgresql_error_message", "response.errorMessage"),
    ("icmp_type", "request.type"),
    ("icmp_length", "request.length"),
];

/// The path that `name` stands for.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, path)| *path)
}

/// `steps` with a name of the other dialect at their start replaced by what it stands for.
pub(crate) fn meant(steps: Vec<Step>) -> Vec<Step> {
    let path = match steps.first() {
        Some(Step::Key(name)) => named(name),
        _ => None,
    };
    match path {
        Some(path) => spelled(path).chain(steps.into_iter().skip(1)).collect(),
        None => steps,
    }
}

fn spelled(path: &'static str) -> impl Iterator<Item = Step> {
    path.split('.').map(|part| if part == "*" { Step::Every } else { Step::Key(part.to_owned()) })
}
