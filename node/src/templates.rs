//! The folder of an operator's own templates and messages: what is in it, and whether a server can start with it.
//!
//! Names that begin with a dot are left alone, as editors and version control use them. Every other file must be one that something
//! shows: a name with a mistake in it would otherwise leave the built-in words in place without a sign.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use api::{
    locale::Fault,
    page::{self, PageOptions, Pages},
};

use crate::config::Config;

/// The most bytes of a file.
const MAX_FILE: u64 = 1 << 20;
/// How deep files lie: `mail/NAME.txt`.
const MAX_DEPTH: usize = 2;

/// What is wrong with the templates.
#[derive(Debug)]
pub struct Faulty {
    /// The folder that the files are in; none for those that are built in.
    pub folder: Option<PathBuf>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(f, "the templates in {} cannot be used:", folder.display())?,
            None => write!(f, "the templates cannot be used:")?,
        }
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faulty {}

/// The pages that a server starts with, and what can be lived with in them. Everything is rendered once if there are files of the
/// operator's, so that a fault shows here and not before somebody who signs in.
pub fn load(config: &Config) -> Result<(Arc<Pages>, Vec<Fault>), Faulty> {
    let pages = parse(config)?;
    if config.templates.folder.is_none() {
        return Ok((pages, Vec::new()));
    }
    let (remarks, faults): (Vec<Fault>, Vec<Fault>) =
        page::check(&pages, config.issuer.as_str()).into_iter().partition(|fault| fault.bearable);
    if faults.is_empty() { Ok((pages, remarks)) } else { Err(faulty(config, faults)) }
}

/// The pages that are configured, if everything in them holds, also what a server would start with.
pub fn check(config: &Config) -> Result<Arc<Pages>, Faulty> {
    let pages = parse(config)?;
    let faults = page::check(&pages, config.issuer.as_str());
    if faults.is_empty() { Ok(pages) } else { Err(faulty(config, faults)) }
}

fn parse(config: &Config) -> Result<Arc<Pages>, Faulty> {
    let files = match &config.templates.folder {
        Some(folder) => read(folder).map_err(|faults| faulty(config, faults))?,
        None => BTreeMap::new(),
    };
    let options = PageOptions { offer: config.locale.offer(), files, ..PageOptions::default() };
    Pages::load(options).map(Arc::new).map_err(|faults| faulty(config, faults))
}

fn faulty(config: &Config, faults: Vec<Fault>) -> Faulty {
    Faulty { folder: config.templates.folder.clone(), faults }
}

/// Every file of a folder, by its name below it.
fn read(folder: &Path) -> Result<BTreeMap<String, String>, Vec<Fault>> {
    let (mut files, mut faults) = (BTreeMap::new(), Vec::new());
    walk(folder, "", 1, &mut |name, path| match text(path) {
        Ok(text) => {
            files.insert(name.to_owned(), text);
        }
        Err(error) => faults.push(Fault::whole(name, error.to_string())),
    })
    .map_err(|(name, error)| vec![Fault::whole(&name, error.to_string())])?;
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut dyn FnMut(&str, &Path),
) -> Result<(), (String, io::Error)> {
    let place = || if prefix.is_empty() { ".".to_owned() } else { prefix.to_owned() };
    for entry in fs::read_dir(folder).map_err(|error| (place(), error))? {
        let path = entry.map_err(|error| (place(), error))?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        if path.is_dir() && depth < MAX_DEPTH {
            walk(&path, &format!("{name}/"), depth + 1, found)?;
        } else {
            found(&name, &path);
        }
    }
    Ok(())
}

fn text(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_FILE {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(files: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        let mut config = Config::default();
        config.templates.folder = Some(folder.path().to_owned());
        change(&mut config);
        match load(&config) {
            Ok((_, remarks)) => Ok(remarks.iter().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_empty_folder_and_what_is_exported_change_nothing() {
        assert_eq!(loaded(&[(".git/x", "y"), ("mail/.swp", "z")], |_| {}), Ok(Vec::new()));
        let built_in: Vec<_> = page::built_in_files().collect();
        let files: Vec<(&str, &str)> = built_in.iter().map(|(name, source)| (name.as_str(), *source)).collect();
        assert!(files.len() > 40, "templates and messages");
        assert_eq!(loaded(&files, |_| {}), Ok(Vec::new()));
    }

    #[test]
    fn a_fault_is_told_with_folder_file_and_line() {
        let error = loaded(&[("login.html", "one\n{{ nobody }}"), ("mail/hello.txt", "")], |_| {}).expect_err("faults");
        assert!(
            error.starts_with("the templates in /") && error.contains("mail/hello.txt: there is no built-in"),
            "{error}"
        );
        let error = loaded(&[("login.html", "one\n{{ nobody }}")], |_| {}).expect_err("a fault");
        assert!(error.contains("\n  login.html:2: in de: undefined value"), "{error}");
        let error = loaded(&[("a/b/c.html", "")], |_| {}).expect_err("a fault");
        assert!(error.contains("\n  a/b: "), "{error}");
    }

    #[test]
    fn a_text_message_that_is_too_long_is_sent_all_the_same() {
        let long = "sms-sign-in = { $code } “completes” your sign-in to { $product }, and nobody else may ever see it. { $code }";
        let remarks = loaded(&[("locales/en.ftl", long)], |_| {}).expect("bearable");
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert!(remarks[0].starts_with("sms/sign_in_code.txt: in en: "), "{remarks:?}");
    }

    #[test]
    fn a_language_of_ones_own_is_offered_where_it_is_whole() {
        let (_, english) = page::built_in_files().find(|(name, _)| name == "locales/en.ftl").expect("English");
        let offer = |config: &mut Config| config.locale.offered = vec!["en".to_owned(), "fr".to_owned()];
        assert_eq!(loaded(&[("locales/fr.ftl", english)], offer), Ok(Vec::new()));
        let error = loaded(&[("locales/fr.ftl", "sign-in = x")], offer).expect_err("not whole");
        assert!(error.contains("locales/fr.ftl: message sign-out is missing"), "{error}");
    }
}
