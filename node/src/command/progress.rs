//! How far something is, on a terminal. Elsewhere nothing is shown.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for about `total` things; 0 where nobody knows how many there are.
pub(super) fn bar(total: u64, what: &'static str) -> ProgressBar {
    let (bar, template) = if total == 0 {
        (ProgressBar::new_spinner(), "{spinner} {msg} {human_pos} ({per_sec})")
    } else {
        (ProgressBar::new(total), "{msg} {wide_bar} {human_pos} of about {human_len} ({eta})")
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_message(what)
}
