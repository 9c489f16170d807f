//! The examples of the reference are right.

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
