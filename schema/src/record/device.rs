//! Browsers that completed a sign-in.

use super::record;
use crate::{DeviceId, Timestamp};

record! {
    /// Item `device/<id>`: a known device (HAZARDS H11). It has a throttle bucket of its own and is no authenticator.
    pub struct KnownDevice: 1 {
        /// Which browser.
        pub device: DeviceId,
        /// First complete sign-in.
        pub created_at: Timestamp,
        /// Last complete sign-in.
        pub last_used_at: Timestamp,
    }
}
