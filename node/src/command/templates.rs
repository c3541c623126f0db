//! `doorward templates …`

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, ensure};
use api::page;

use crate::{cli::TemplatesVerb, config::Config, print, templates};

/// Runs a verb.
pub(super) fn run(verb: &TemplatesVerb, config: &Config) -> anyhow::Result<()> {
    match verb {
        TemplatesVerb::Check => check(config),
        TemplatesVerb::Export { out } => export(out),
    }
}

fn check(config: &Config) -> anyhow::Result<()> {
    let pages = templates::check(config)?;
    let mut told = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(told, "the templates are good, in {}", pages.locales().tags().join(", "));
    print::text(&told)
}

fn export(out: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let mut entries = fs::read_dir(out).with_context(|| format!("{} cannot be read", out.display()))?;
    ensure!(entries.next().is_none(), "{} is not empty; name a folder of its own", out.display());
    for (name, source) in page::built_in_files() {
        let path = out.join(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        fs::write(&path, source).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let about = "Keep the files that you change in a folder, name it as templates.folder, and remove the others: what is not there is \
                 built in, and stays that of each release.\n";
    print::text(about)
}
