//! The example against a simulator, and the texts that show it.

use std::path::Path;
use std::process::{Command, Output};

use linchpin_simulator::model::{IndexLag, PortalOptions};
use linchpin_simulator::{PORTAL_ID_DEFAULT, SimOptions, Simulator, TokenSpec};

const TOKEN: &str = "pat-na1-embedded";

fn embedded(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_embedded")).args(arguments).output().expect("the example starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_creates_batches_lists_and_searches() {
    let tokens = vec![TokenSpec::new(TOKEN, 7)];
    // The index is made to keep up, so that the search finds what was just written.
    let portal = PortalOptions { index_lag: IndexLag::Off, ..PortalOptions::new(PORTAL_ID_DEFAULT) };
    let options = SimOptions { portal, tokens, ..SimOptions::default() };
    let simulator = Simulator::start(&options, ([127, 0, 0, 1], 0).into()).await.expect("a simulator");
    let url = simulator.url();
    let ran = tokio::task::block_in_place(|| embedded(&[&url, TOKEN]));
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    let lines: Vec<&str> = said.lines().skip(1).collect();
    let expected = ["created 250 more in batches, 0 failed", "listed 251", "found 250 in Bergen"];
    assert_eq!(lines, expected, "{said}");
    simulator.stop().await;
}

#[test]
fn without_arguments_it_says_what_it_wants() {
    let ran = embedded(&[]);
    assert!(!ran.status.success());
    assert!(String::from_utf8_lossy(&ran.stderr).contains("usage: embedded BASE_URL TOKEN"));
}

#[test]
fn readme_and_guide_show_the_code_that_is_tested() {
    let main = include_str!("../src/main.rs");
    let (_, code) = main.split_once("\n\n").expect("a header");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for page in ["README.md", "docs/guides/embedded.md"] {
        let text = std::fs::read_to_string(root.join(page)).expect(page);
        assert!(text.contains(&format!("```rust\n{code}```")), "{page} shows another program than examples/embedded");
    }
    // Thirty lines, give or take the imports.
    assert!(code.lines().filter(|line| !line.trim().is_empty()).count() <= 36);
}
