//! One exchange of each protocol, as `remora show` prints it.

use std::fmt::Write;

use expect_test::expect_file;

use crate::command::{Bench, has_recorder};

/// Capture and question; the last exchange that answers it is shown.
const SHOWN: &[(&str, &str)] = &[
    ("http-nginx", r#"http and request.method == "POST""#),
    ("http2-nghttpd", r#"http2 and response.status == 200"#),
    ("grpc", r#"grpc and request.grpc.method == "Get" and response.grpc.status != 0"#),
    ("grpc", r#"grpc and request.grpc.method == "Get" and response.grpc.status == 0"#),
    ("graphql", r#"gql and request.graphql.operationName == "OneOrder""#),
    ("graphql", "gql and response.graphql.errorsCount > 0"),
    ("websocket", r#"ws and request.type == "text" and request.compressed == true"#),
    ("websocket", r#"ws and request.type == "close""#),
    ("amqp", r#"amqp and request.amqpMethod == "basic.publish" and request.properties.messageId == "m-1""#),
    ("kafka", r#"kafka and request.apiKeyName == "Produce" and request.clientID == "fixture-zstd""#),
    ("redis", r#"redis and request.command == "XREAD""#),
    ("redis", r#"redis and response.error == "WRONGTYPE""#),
    ("postgres", "postgresql and response.rowCount > 1"),
    ("postgres", r#"postgresql and response.errorCode == "42883""#),
    ("mysql", r#"mysql and request.command == "COM_STMT_EXECUTE" and response.rowCount > 0"#),
    ("mysql", "mysql and response.errorCode == 1146"),
    ("mongodb", r#"mongodb and request.command == "find" and request.opcode == "OP_MSG""#),
    ("mongodb", "mongodb and response.errorCode == 11000"),
    ("tls", r#"tlsx and request.sni == "www.example.test""#),
    ("dns-dnsmasq", r#"dns and request.questions[0].name == "alias.example.test""#),
    ("flows", r#"tcp and response.resets > 0"#),
    ("flows", "icmp"),
];

/// `None` where nothing can be imported.
fn bench() -> Option<Bench> {
    has_recorder().then(Bench::new)
}

fn capture(name: &str) -> String {
    format!("{}/../fixtures/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn last(bench: &Bench, question: &str) -> String {
    let answer = bench.run(&["query", question, "--json"]).ok().json();
    let entries = answer["entries"].as_array().unwrap();
    let last = entries.last().unwrap_or_else(|| panic!("{question}: nothing"));
    last["id"].as_str().unwrap().to_owned()
}

#[test]
fn each_protocol_is_shown_as_its_users_read_it() {
    let mut shown = String::new();
    let mut under = ("", None);
    for (name, question) in SHOWN {
        if under.0 != *name {
            let Some(bench) = bench() else { return };
            bench.run(&["import", &capture(&format!("{name}.pcapng"))]).ok();
            under = (name, Some(bench));
        }
        let Some(bench) = &under.1 else { return };
        let text = bench.run(&["show", &last(bench, question)]).ok().stdout();
        let _ = writeln!(shown, "──── {name}: {question}\n{text}");
    }
    expect_file![capture("shown.txt")].assert_eq(&shown);
}

#[test]
fn descriptors_give_fields_their_names() {
    let Some(bench) = bench() else { return };
    bench.run(&["import", &capture("grpc.pcapng")]).ok();
    let id = last(&bench, r#"grpc and request.grpc.method == "Get" and response.grpc.status == 0"#);
    let without = bench.run(&["show", &id]).ok().stdout();
    let with = bench.run(&["show", &id, "--proto-descriptors", &capture("grpc.protoset")]).ok().stdout();
    assert!(
        without.contains("\n  1: \"order-1\"\n") && !without.contains("\"id\": \"order-1\""),
        "{without}"
    );
    assert!(with.contains("\n  \"id\": \"order-1\"") && !with.contains("\n  1: \"order-1\"\n"), "{with}");
}
