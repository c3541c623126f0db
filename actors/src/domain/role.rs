//! Names of roles.

/// Who operates the server.
pub const ADMIN: &str = "admin";
/// Characters of a name, at most.
pub const MAX: usize = 64;
/// Roles of one user, at most.
pub const MAX_OF_A_USER: usize = 20;

/// Can a role have this name?
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    (1..=MAX).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert!(is_name("admin") && is_name("on-call_2") && is_name(&"a".repeat(MAX)));
        let long = "a".repeat(MAX + 1);
        for wrong in ["", "Admin", "a b", "a/b", "ö", long.as_str()] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
    }
}
