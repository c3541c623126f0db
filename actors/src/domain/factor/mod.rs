//! What a user proves identity with, one method a file: the rules of each, without throttles and without storage.

pub mod backup_code;
pub mod password;
pub mod totp;
