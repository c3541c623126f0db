//! The reference of all keys as Markdown, which is checked in as `docs/config.md`.

use std::fmt::Write as _;

use super::keys::{Key, Keys, Shape, environment_name};

const HEAD: &str = "\
# Configuration

One TOML file (`doorward serve --config FILE`, or `DOORWARD_CONFIG`), and every key also as an environment variable. The
environment wins over the file, the file over the defaults. `doorward config check` tells everything that is wrong with
a configuration, `doorward config dump` shows the effective values and where each came from.

Refused, with file and line: an unknown key, a key twice, a value of the wrong type or out of bounds, an unknown
variable that begins with `DOORWARD__`, and a secret given both as text and as a file.

`NAME` in a key stands for a name that you choose, of small letters and digits: there may be as many such sections as you like, and
in the environment the name is written in capitals.

Lists are separated by commas in the environment. Spans of time are written with their unit: `500ms`, `60s`, `5m`,
`24h`, `30d`, `1h30m`.

This page is written by `doorward config schema --output markdown`; `--output json` gives the JSON schema.
";

/// The page.
pub fn reference(keys: &Keys) -> String {
    let mut page = HEAD.to_owned();
    let mut section = None;
    for (table, path, key) in keys.by_section() {
        if section != Some(table) {
            section = Some(table);
            head(&mut page, table, keys.table(table).unwrap_or_default());
        }
        entry(&mut page, path, key);
    }
    page
}

fn head(page: &mut String, table: &str, about: &str) {
    if table.is_empty() {
        page.push_str("\n## Top level\n");
    } else {
        let _ = write!(page, "\n## `[{table}]`\n\n{about}\n");
    }
}

fn entry(page: &mut String, path: &str, key: &Key) {
    let default = key.default_text().map_or_else(|| "unset".to_owned(), |default| format!("`{default}`"));
    let bounds = match key.shape {
        Shape::Integer(min, max) if max < i64::MAX => format!(", {min} to {max}"),
        _ if !key.choices.is_empty() => format!(", one of {}", listed(&key.choices)),
        _ if key.secret => ", secret".to_owned(),
        _ => String::new(),
    };
    let _ = write!(
        page,
        "\n### `{path}`\n\n{}\n\n- Default: {default}\n- Type: {}{bounds}\n- Environment: `{}`\n",
        key.description,
        key.shape.name(),
        environment_name(path),
    );
}

fn listed(choices: &[String]) -> String {
    choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ")
}
