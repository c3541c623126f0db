//! QR codes as inline SVG that needs no style: white ground with its quiet zone in light and dark mode alike.

use std::fmt::{self, Write as _};

use qrcode::{Color, EcLevel, QrCode};
use serde::{Serialize, Serializer};
use thiserror::Error;
use zeroize::Zeroizing;

/// Light modules around the code, ISO/IEC 18004 section 9.1.
const QUIET_ZONE: usize = 4;

/// Width and height on the page in CSS pixels.
const SIDE: u16 = 240;

/// The text is too long for a QR code.
#[derive(Debug, Error)]
#[error("a QR code cannot hold this text: {0}")]
pub struct QrError(#[from] qrcode::types::QrError);

/// A finished `<svg>` element. Only [`QrSvg::new`] makes one, so templates may print it as it is. It holds a secret:
/// `Debug` hides it.
#[derive(Clone)]
pub struct QrSvg(Zeroizing<String>);

impl QrSvg {
    /// The code of `text`, with `title` as its accessible name.
    pub fn new(text: &str, title: &str) -> Result<Self, QrError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
        let side = code.width() + 2 * QUIET_ZONE;
        let title = minijinja::HtmlEscape(title);
        let mut svg = String::new();
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            r##"<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-labelledby="qr-title" width="{SIDE}" height="{SIDE}" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><title id="qr-title">{title}</title><rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>"##,
            path = dark_modules(&code),
        );
        Ok(Self(Zeroizing::new(svg)))
    }

    /// The element.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Path data: one rectangle per horizontal run of dark modules.
fn dark_modules(code: &QrCode) -> String {
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(code.width()).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (left, top, width) = (x + QUIET_ZONE, y + QUIET_ZONE, run.len());
                // Writing to a string does not fail.
                let _ = write!(path, "M{left} {top}h{width}v1h-{width}z");
            }
            x += run.len();
        }
    }
    path
}

impl fmt::Debug for QrSvg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QrSvg(concealed)")
    }
}

impl Serialize for QrSvg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::QrSvg;

    #[test]
    fn the_code_has_a_white_ground_a_title_and_no_style() {
        let svg = QrSvg::new("otpauth://totp/Doorward:amelia?secret=ABCD&issuer=Doorward", "QR code <for> you")
            .expect("a short text fits");
        let text = svg.as_str();
        assert!(text.contains(r##"fill="#fff""##) && text.contains("QR code &lt;for&gt; you"));
        assert!(!text.contains("style") && !format!("{svg:?}").contains("path"));
    }

    #[test]
    fn a_text_that_does_not_fit_is_an_error() {
        assert!(QrSvg::new(&"x".repeat(5000), "too long").is_err());
    }
}
