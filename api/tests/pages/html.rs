//! A reader for the HTML that our templates write: tags with quoted attributes, nothing cleverer.

/// A start or end tag.
#[derive(Debug)]
pub(crate) struct Tag {
    /// Its name, with a leading `/` for an end tag.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute, empty if it has none; `None` if the attribute is absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute, empty if absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Names of all attributes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }
}

/// All tags of a document in order. Panics on an attribute without quotes, which our templates never write.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let Some(end) = end_of_tag(after) else { panic!("a tag without an end: {after:.60}") };
        let inside = &after[..end];
        rest = &after[end + 1..];
        if !inside.starts_with('!') {
            tags.push(tag(inside.trim_end_matches('/')));
        }
    }
    tags
}

fn end_of_tag(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, character)| {
        quoted ^= character == '"';
        (character == '>' && !quoted).then_some(at)
    })
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Tag { name: name.to_owned(), attributes };
        }
        let end = rest.find(|character: char| character.is_whitespace() || character == '=').unwrap_or(rest.len());
        let attribute = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = "";
        if let Some(after) = rest.strip_prefix("=\"") {
            (value, rest) = after.split_once('"').expect("the closing quote was seen");
        }
        assert!(!rest.starts_with('='), "attribute {attribute} of {name} has no quotes");
        attributes.push((attribute, value.to_owned()));
    }
}
