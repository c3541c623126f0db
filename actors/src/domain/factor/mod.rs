//! What a user proves identity with, one method a file: the rules of each, without throttles and without storage.

pub mod backup_code;
pub mod passkey;
pub mod password;
pub mod sent_code;
pub mod totp;

/// A text of ASCII characters in groups of four, for reading and typing. Grows no buffer, so it leaves no copy behind.
fn in_fours(text: &str, separator: char) -> String {
    let mut grouped = String::with_capacity(text.len() * 5 / 4 + 1);
    for (index, c) in text.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push(separator);
        }
        grouped.push(c);
    }
    grouped
}
