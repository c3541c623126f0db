//! `/`: the front page.

use serde::Serialize;

use super::Page;
use crate::locale::{Text, text};

/// `GET /`: where to go from here. Whether someone is signed in comes from [`super::Chrome`].
#[derive(Clone, Debug, Default, Serialize)]
pub struct FrontPage {}

impl Page for FrontPage {
    const TEMPLATE: &'static str = "front.html";

    fn title(&self) -> Text {
        text("front-title")
    }
}
