//! Words for people in four languages, from Fluent files that are part of the program.
//!
//! A text is found by its key. Words of verdicts, reasons, flaws, states and faults have their
//! code as the end of the key, so that the modules which decide know no language. Fluent's marks
//! around variables are left out: terminals would draw them.

use std::borrow::Cow;

pub use fluent_bundle::FluentValue as Value;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    /// Simplified Chinese.
    Chinese,
    Spanish,
    French,
}

impl Language {
    pub const ALL: [Language; 4] =
        [Language::English, Language::Chinese, Language::Spanish, Language::French];

    /// From the locale that counts for messages, as POSIX has it: the first of these variables
    /// that is not empty. Unknown languages are English.
    pub fn from_locale(variable: impl Fn(&str) -> Option<String>) -> Language {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
        let code = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
        match code {
            "zh" => Language::Chinese,
            "es" => Language::Spanish,
            "fr" => Language::French,
            _ => Language::English,
        }
    }

    /// By BCP 47, e.g. `zh-Hans`.
    pub fn tag(self) -> &'static str {
        self.source().1
    }

    /// Its file, and its tag by BCP 47.
    fn source(self) -> (&'static str, &'static str) {
        match self {
            Language::English => (include_str!("texts/en.ftl"), "en"),
            Language::Chinese => (include_str!("texts/zh.ftl"), "zh-Hans"),
            Language::Spanish => (include_str!("texts/es.ftl"), "es"),
            Language::French => (include_str!("texts/fr.ftl"), "fr"),
        }
    }
}

/// The texts of one language, with English behind them.
pub struct Texts {
    language: Language,
    own: FluentBundle<FluentResource>,
    english: Option<FluentBundle<FluentResource>>,
}

impl Texts {
    pub fn new(language: Language) -> Texts {
        let english = (language != Language::English).then(|| bundle(Language::English));
        Texts { language, own: bundle(language), english }
    }

    pub fn language(&self) -> Language {
        self.language
    }

    /// The text of `key`; borrowed, so that it may be asked for at every draw.
    pub fn get<'a>(&'a self, key: &'a str) -> Cow<'a, str> {
        self.find(key, None).unwrap_or(Cow::Borrowed(key))
    }

    /// The text of `key` with its variables filled in. Integers are [`Value`]s; decimals come
    /// through [`Texts::decimal`].
    pub fn with(&self, key: &str, variables: &[(&str, Value)]) -> String {
        let arguments: FluentArgs = variables.iter().cloned().collect();
        self.find(key, Some(&arguments)).map_or(key.to_owned(), Cow::into_owned)
    }

    /// The text of what begins with `kind` and ends with a code: `("reason", "frozen")`.
    pub fn coded(&self, kind: &str, code: &str) -> String {
        let key = format!("{kind}-{code}");
        self.get(&key).into_owned()
    }

    /// A word of a bundle or of a limit: translated if it is known, or as it is.
    pub fn term<'a>(&'a self, word: &'a str) -> Cow<'a, str> {
        let key = format!("term-{}", word.to_ascii_lowercase().replace(' ', "-"));
        match self.find(&key, None) {
            Some(text) => Cow::Owned(text.into_owned()),
            None => Cow::Borrowed(word),
        }
    }

    /// The name of a protocol's zone: translated if it is known, or as it is. A number in it is *n*
    /// in the key and a variable of the text.
    pub fn zone<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        let mut key = "zone".to_owned();
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
        let mut number = "";
        for part in parts.filter(|part| !part.is_empty()) {
            number = if digits(part) { part } else { number };
            key = format!("{key}-{}", if digits(part) { "n" } else { part });
        }
        let arguments: FluentArgs = [("number", Value::from(number))].into_iter().collect();
        match self.find(&key.to_ascii_lowercase(), Some(&arguments)) {
            Some(text) if name.is_ascii() => Cow::Owned(text.into_owned()),
            _ => Cow::Borrowed(name),
        }
    }

    /// A number in as few digits as it has, with this language's decimal mark.
    pub fn number(&self, value: f32) -> String {
        value.to_string().replace('.', &self.get("decimal-mark"))
    }

    /// A number with this language's decimal mark.
    pub fn decimal(&self, value: f32, digits: usize) -> String {
        format!("{value:.digits$}").replace('.', &self.get("decimal-mark"))
    }

    fn find<'a>(&'a self, key: &str, arguments: Option<&'a FluentArgs>) -> Option<Cow<'a, str>> {
        [Some(&self.own), self.english.as_ref()].into_iter().flatten().find_map(|bundle| {
            let pattern = bundle.get_message(key)?.value()?;
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, arguments, &mut errors);
            errors.is_empty().then_some(text)
        })
    }
}

/// What cannot be read in an embedded file is left out; tests hold that there is nothing.
fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let (source, tag) = language.source();
    let identifier: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
    bundle.set_use_isolating(false);
    let resource = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    bundle.add_resource_overriding(resource);
    bundle
}

#[cfg(test)]
mod tests;
