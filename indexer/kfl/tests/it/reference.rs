//! The examples of the reference are right, and it leaves nothing out.

#[test]
fn every_example_of_the_reference_can_be_read() {
    let reference = include_str!("../../KFL.md");
    let mut examples = 0;
    for block in reference.split("```kfl\n").skip(1) {
        let block = block.split("```").next().expect("split gives one");
        for line in block.lines() {
            kfl::parse(line, 0).unwrap_or_else(|error| panic!("{error}"));
            examples += 1;
        }
    }
    assert!(examples > 10, "{examples}");
}

#[test]
fn the_reference_leaves_nothing_out() {
    let reference = include_str!("../../KFL.md");
    for function in kfl::reference::FUNCTIONS {
        let call = format!("{}(", function.name);
        assert!(reference.contains(&format!("`{call}")) || reference.contains(&format!(".{call}")), "{call}");
        // What is offered can be read.
        let text = function.signature.replace("path", "a");
        kfl::parse(&text, 0).unwrap_or_else(|error| panic!("{error}"));
    }
    for (word, _) in kfl::reference::MACROS {
        assert!(reference.contains(&format!("`{word}`")), "{word}");
        let query = kfl::parse(word, 0).unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(query.expression().to_string(), *word, "a macro stands for something");
    }
    for (sign, _) in kfl::reference::OPERATORS {
        assert!(reference.contains(&format!("`{sign}`")), "{sign}");
    }
}
