//! Exit statuses, messages and pages: what can be said without a recording.

use crate::command::Bench;

#[test]
fn help_is_a_page_with_examples_for_every_subcommand() {
    let bench = Bench::new();
    let whole = bench.run(&["--help"]).ok().stdout();
    for subcommand in [
        "record", "import", "query", "show", "export", "segments", "stats", "verify", "reindex", "kfl",
        "hunt", "serve",
    ] {
        assert!(whole.contains(&format!("  {subcommand} ")), "{subcommand}: {whole}");
        let page = bench.run(&[subcommand, "--help"]).ok().stdout();
        assert!(page.contains("EXAMPLES") && page.contains("--data") && page.contains("--json"), "{page}");
    }
    assert!(whole.contains("EXIT STATUS"));
}

#[test]
fn pages_and_completions_are_made() {
    let bench = Bench::new();
    assert!(bench.run(&["man"]).ok().stdout().contains(".TH"));
    assert!(bench.run(&["man", "query"]).ok().stdout().contains("remora"));
    assert_eq!(bench.run(&["man", "nonsense"]).status(), 2);
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.run(&["completion", shell]).ok().stdout().contains("reindex"), "{shell}");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    let bench = Bench::new();
    for line in [
        &["nonsense"][..],
        &["query"],
        &["query", "http", "--from", "yesterday"],
        &["query", "http", "--from", "now", "--to", "-1m"],
        &["query", "http", "--format", "json", "--json"],
        &["export", "--bpf", "ip", "--filter", "http", "-o", "x"],
        &["import"],
        &["hunt"],
        &["hunt", "x", "--hex", "--regex"],
        &["hunt", "xy", "--hex"],
        &["hunt", "x*", "--regex"],
        &["hunt", "x", "--time-max", "soon"],
        &["hunt", "x", "--resume", "nonsense"],
        &["hunt", "x", "--filter", "redact(\"id\")"],
    ] {
        let answer = bench.run(line);
        assert_eq!(answer.status(), 2, "{line:?}: {}", answer.stderr());
        assert!(!answer.stderr().is_empty(), "{line:?}");
    }
    assert!(!bench.data().exists());
}

#[test]
fn no_data_directory_is_1_and_says_what_to_do() {
    let bench = Bench::new();
    for line in [&["query", "http"][..], &["segments"], &["stats"], &["verify"], &["show", "x"], &["reindex"]]
    {
        let answer = bench.run(line);
        assert_eq!(answer.status(), 1, "{line:?}");
        let told = answer.stderr();
        assert!(told.contains("remora import") && told.lines().count() == 1, "{told}");
    }
}

#[test]
fn a_missing_recorder_is_1_and_says_where_it_was_sought() {
    let bench = Bench::new();
    let answer = bench
        .remora()
        .env("REMORA_RECORDER", "/nowhere/recorder")
        .args(["import", "x.pcap"])
        .output()
        .unwrap();
    assert_eq!(answer.status.code(), Some(1));
    let told = String::from_utf8(answer.stderr).unwrap();
    assert!(told.contains("/nowhere/recorder") && told.lines().count() == 1, "{told}");
}

#[test]
fn wrong_kfl_is_2_with_the_place_marked() {
    let answer = Bench::new().run(&["query", "request.path.startWith(1)"]);
    assert_eq!(answer.status(), 2);
    let told = answer.stderr();
    assert!(told.contains("request.path.startWith(1)\n") && told.contains(" ^"), "{told}");
}
