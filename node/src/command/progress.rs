//! How far something is, on a terminal. Elsewhere nothing is shown.

use indicatif::{ProgressBar, ProgressStyle};

use super::course::Shown;

/// A bar for about `total` things; 0 where nobody knows how many there are.
pub(super) fn bar(total: u64, what: &'static str) -> ProgressBar {
    let bar = if total == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(total) };
    dress(&bar, total);
    bar.with_message(what)
}

/// Shows how far something is that has several steps, each with a time of its own.
pub(super) fn show(bar: &ProgressBar, shown: Shown) {
    if shown.of > 0 {
        bar.set_length(shown.of);
    }
    if shown.begins {
        dress(bar, shown.of);
        bar.set_message(shown.what);
        bar.reset();
    }
    bar.set_position(shown.done);
    if shown.begins {
        // What was there before was not done in this time.
        bar.reset_eta();
    }
}

fn dress(bar: &ProgressBar, total: u64) {
    let template = if total == 0 {
        "{spinner} {msg} {human_pos} ({per_sec})"
    } else {
        "{msg} {wide_bar} {human_pos} of about {human_len} ({elapsed}, {eta} to go)"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
