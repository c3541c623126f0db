//! What happens to the user of a sequence.

/// A command, or time. Numbers pick one of what there is.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Pass(u32),
    Password { right: bool, known: bool },
    Trusted { cookie: u8, right: bool },
    Totp { offset: i8, right: bool, known: bool },
    Backup { index: u8, right: bool },
    Begin(u8),
    Confirm { session: u8, offset: i8, right: bool },
    Remove { session: u8, factor: u8 },
    Rename { session: u8, factor: u8 },
    ResetMfa,
    EndSession(u8),
    EndAll,
    Disable,
    Enable,
    Authorize { session: u8, other: bool, offline: bool },
    Redeem(u8),
    Refresh(u8),
    Revoke(u8),
    ChangePassword { session: u8, right: bool },
    ReplaceBackup(u8),
    ResetPassword,
}
