//! Which trace a request belongs to (W3C Trace Context), so that the logs of all nodes that had a part in it can be put
//! together. It decides nothing, so it is taken from whoever calls; what is not well formed is not taken at all.

use std::fmt;

use data_encoding::HEXLOWER;

/// Version, trace, parent and flags, in hexadecimal, with a `-` between.
const LENGTH: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;

/// A `traceparent`: the trace, and the part of it that calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    parent: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// A trace that begins here, with the part that begins it. Both are random.
    pub const fn begin(trace: [u8; 16], part: [u8; 8]) -> Self {
        Self { trace, parent: part, flags: 0 }
    }

    /// Reads the header's value. Of a version after 00 what this one knows is taken, as section 3.2.4 has it.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LENGTH)?;
        let is_dash = |at: usize| head[at] == b'-';
        if !(is_dash(2) && is_dash(35) && is_dash(52)) {
            return None;
        }
        let [version] = hex(&head[..2])?;
        let known = if version == 0 { rest.is_empty() } else { version != 0xff && matches!(rest, [] | [b'-', ..]) };
        let (trace, parent, [flags]) = (hex(&head[3..35])?, hex(&head[36..52])?, hex(&head[53..])?);
        (known && trace != [0; 16] && parent != [0; 8]).then_some(Self { trace, parent, flags })
    }

    /// The same trace, with another part that calls.
    #[must_use]
    pub const fn part(self, part: [u8; 8]) -> Self {
        Self { parent: part, ..self }
    }

    /// The trace, as logs name it.
    pub fn trace_id(&self) -> String {
        HEXLOWER.encode(&self.trace)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the flags only "sampled" and "random" have a meaning in version 00; the others are sent as 0.
        let (trace, parent) = (HEXLOWER.encode(&self.trace), HEXLOWER.encode(&self.parent));
        write!(f, "00-{trace}-{parent}-{:02x}", self.flags & 0b11)
    }
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    // Upper case is not allowed (section 3.2.2).
    HEXLOWER.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read_and_written() {
        let parent = TraceParent::parse(EXAMPLE.as_bytes()).expect("well formed");
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.to_string(), EXAMPLE);
        assert_eq!(
            parent.part([0xab; 8]).to_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-01",
            "the trace goes on"
        );
    }

    #[test]
    fn what_is_not_well_formed_is_not_taken() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let refused = [
            String::new(),
            format!("00-{trace}-{parent}-01-more"),
            format!("00-{trace}-{parent}-01 "),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{trace}-{parent}_01"),
            format!("00-{trace}-{parent}-0"),
            format!("cc-{trace}-{parent}-01.more"),
        ];
        for value in refused {
            assert_eq!(TraceParent::parse(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn of_a_later_version_the_known_part_is_taken() {
        for more in ["", "-what-is-new"] {
            let value = format!("cc{}{more}", &EXAMPLE[2..]);
            let parent = TraceParent::parse(value.as_bytes()).expect("well formed");
            assert_eq!(parent.to_string(), EXAMPLE);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace: [u8; 16], part: [u8; 8]) {
            prop_assume!(trace != [0; 16] && part != [0; 8]);
            let begun = TraceParent::begin(trace, part);
            prop_assert_eq!(TraceParent::parse(begun.to_string().as_bytes()), Some(begun));
        }

        #[test]
        fn hostile_bytes_do_no_harm(bytes: Vec<u8>) {
            let _ = TraceParent::parse(&bytes);
        }
    }
}
