//! Bounds per user, and the spans that are no setting.

use std::time::Duration;

/// Live sessions; the oldest ends.
pub const MAX_SESSIONS: usize = 50;
/// Logins after their first accepted proof; the oldest is dropped, of unknown devices before known ones.
pub const MAX_LOGINS: usize = 20;
/// Codes; the oldest of the same client is dropped.
pub const MAX_CODES: usize = 50;
/// Refresh families; the oldest of the same client ends.
pub const MAX_FAMILIES: usize = 200;
/// Known devices; the one not used for longest is forgotten.
pub const MAX_DEVICES: usize = 20;
/// Trusted devices; the one not used for longest is forgotten.
pub const MAX_TRUSTED: usize = 10;
/// Devices of one method (HAZARDS H12), but for those with a hundred failures of their own: another takes their place.
pub const MAX_FACTORS_PER_METHOD: usize = 5;
/// The same with those that were removed and are not collected yet, which takes a day: a bound for who enrols and removes
/// in a loop.
pub const MAX_FACTORS_KEPT: usize = 20;
/// A name that a user gives to a device, in characters.
pub const MAX_FACTOR_NAME: usize = 64;

/// From the first accepted proof to the last.
pub const LOGIN_LIFETIME: Duration = Duration::from_mins(15);
/// A login that a code is sent for lasts as long as the code, but no longer than this after its last proof.
pub const LOGIN_AT_MOST: Duration = Duration::from_mins(30);
/// Challenges that were answered by a user's passkeys, and are kept until a day after their end. Who is beyond it waits.
pub const MAX_CHALLENGES: usize = 500;
/// From showing a TOTP seed, or what a passkey is made for, to its confirmation.
pub const ACTIVATION_LIFETIME: Duration = Duration::from_mins(15);
/// A code that was sent (NIST SP 800-63B-4, 3.1.3.2).
pub const SENT_CODE_LIFETIME: Duration = Duration::from_mins(10);
/// Between two messages for the same thing.
pub const RESEND_AFTER: Duration = Duration::from_mins(1);
/// Messages that one user may cause in an hour and in a day, from known devices and from all others each.
pub const MAX_SENDS: (u32, u32) = (10, 30);
/// Links to set a new password that are sent for one account in an hour and in a day, for known devices and for all others each.
pub const MAX_LINKS: (u32, u32) = (5, 10);
/// Messages that say that an address has an account, to one account in an hour and in a day.
pub const MAX_REGISTERED: (u32, u32) = (5, 10);
/// Notices by text message that are sent to one account in an hour and in a day.
pub const MAX_TEXT_NOTICES: (u32, u32) = (5, 10);
/// Messages that an address may get in an hour and in a day that nobody has confirmed, from all accounts together.
pub const MAX_UNCONFIRMED: (u32, u32) = (5, 10);
/// Text messages with a code to sign in that a number may get in an hour and in a day, from all accounts that confirmed it together; from
/// known devices and from all others each.
pub const MAX_TEXTS_PER_NUMBER: (u32, u32) = (10, 30);
/// How long no code is sent or taken to activate an address after a hundred wrong ones. It ends, for those codes are themselves how a
/// device is bound anew; whoever wants more guesses at a stranger's address than this gives has them by a new account sooner.
pub const ENROLMENT_SUSPENDED_FOR: Duration = Duration::from_hours(24);
/// A notice that something changed is worth sending for this long.
pub const NOTICE_LIFETIME: Duration = Duration::from_hours(4);
/// A message that its committing node has had this long for may be sent by another one.
pub const TAKEN_OVER_AFTER: Duration = Duration::from_secs(30);
/// Who took a message over has this long for it.
pub const TAKEN_FOR: Duration = Duration::from_mins(1);
/// How old proofs may be when a factor or the password is changed (NIST SP 800-63B-4, 4.1.2.1; ecosystem practice).
pub const FRESH_PROOF: Duration = Duration::from_mins(10);
/// A password-reset link.
pub const RESET_LIFETIME: Duration = Duration::from_hours(1);
/// A link that makes an account under an address.
pub const REGISTRATION_LIFETIME: Duration = Duration::from_hours(1);
/// How long a known device is remembered without use.
pub const DEVICE_LIFETIME: Duration = Duration::from_hours(90 * 24);
/// How long the secret before the newest one of a trusted device is taken: two tabs may send it at once.
pub const TRUST_OVERLAP: Duration = Duration::from_mins(1);
/// "Last seen" and "last used" are written at most this often.
pub const TOUCH_INTERVAL: Duration = Duration::from_mins(1);
/// How long nobody is asked again who declined a second step that is recommended.
pub const DECLINED_FOR: Duration = Duration::from_hours(30 * 24);
/// The same where it will be required.
pub const DECLINED_IN_CAMPAIGN_FOR: Duration = Duration::from_hours(24);
/// Times that somebody declined, of which a policy can count all.
pub const MAX_DECLINES: usize = 20;
/// Backup codes in a set.
pub const BACKUP_CODES: usize = 10;
