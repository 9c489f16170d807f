//! Progress bars and status lines: on stderr, and only on a terminal.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::escape;

/// Redraws per second: more would only cost.
const REDRAWS_PER_SECOND: u8 = 8;

fn target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    }
}

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("━╸ "))
}

/// A bar over bytes, with rate and time left.
pub fn of_bytes(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), target());
    bar.set_style(styled(
        "{msg} {bar:24} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
    ));
    bar.set_message(escape::line(what).into_owned());
    bar
}

/// A bar over things that are counted.
pub fn of_things(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), target());
    bar.set_style(styled("{msg} {bar:24} {pos}/{len} {eta}"));
    bar.set_message(escape::line(what).into_owned());
    bar
}

/// One line that is rewritten in place.
pub fn status_line() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, target());
    bar.set_style(styled("{wide_msg}"));
    bar
}
