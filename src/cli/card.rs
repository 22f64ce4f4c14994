//! `sonolamp card`: the operator's card, one printed page, in the words that are on the screen.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;

use crate::evaluation::report::escape;
use crate::screening::{Advice, Flaw, Reason};
use crate::texts::{Language, Texts};

/// Write the operator's card as HTML: one page, to be printed and hung beside the box.
///
/// For example `sonolamp card --language fr > card.html`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Language of the card (default: the locale's)
    #[arg(long, value_enum)]
    language: Option<Spoken>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Spoken {
    En,
    Zh,
    Es,
    Fr,
}

impl From<Spoken> for Language {
    fn from(spoken: Spoken) -> Language {
        match spoken {
            Spoken::En => Language::English,
            Spoken::Zh => Language::Chinese,
            Spoken::Es => Language::Spanish,
            Spoken::Fr => Language::French,
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let locale = || Language::from_locale(|name| std::env::var(name).ok());
    let language = arguments.language.map_or_else(locale, Language::from);
    std::io::stdout().lock().write_all(page(&Texts::new(language)).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Colours are the lamps' and the dashboard's (Okabe and Ito); each has its shape and word.
const STYLE: &str = "\
@page{size:A4;margin:11mm}*{box-sizing:border-box}\
body{font:10.5pt/1.3 system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif;margin:0 auto;\
max-width:188mm;color:#111}\
h1{font-size:17pt;margin:0 0 2mm}h2{font-size:12pt;margin:4mm 0 1.5mm;border-bottom:.5mm solid #111}\
ol{margin:0;padding-left:6mm}table{border-collapse:collapse;width:100%}\
td{padding:.8mm 2mm;vertical-align:top;border-bottom:.2mm solid #bbb}\
td.face{width:42mm;font-weight:bold;-webkit-print-color-adjust:exact;print-color-adjust:exact}\
.refer{background:#d55e00;color:#000}.clear{background:#009e73;color:#000}\
.ungradable{background:#f0e442;color:#000}.fault{background:#000;color:#fff}\
.off{background:#fff;color:#555}\
div.columns{columns:2;column-gap:8mm}div.columns p{margin:0 0 1mm;break-inside:avoid}\
p.notice{margin:4mm 0 0;font-weight:bold}";

const STEPS: [&str; 5] = ["connect", "start", "sweep", "hold", "next"];
const FACES: [(&str, &str); 4] =
    [("refer", "▲"), ("clear", "●"), ("ungradable", "?"), ("fault", "✖")];

/// The whole page.
fn page(texts: &Texts) -> String {
    let get = |key: &str| escape(&texts.get(key));
    let coded = |kind: &str, code: &str| escape(&texts.coded(kind, code));
    let mut page = String::new();
    let title = get("card-title");
    let _ = write!(
        page,
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style><h1>{title}</h1><h2>{}</h2><ol>",
        texts.language().tag(),
        get("card-steps")
    );
    for step in STEPS {
        let _ = write!(page, "<li>{}", coded("help", step));
    }
    let _ = write!(page, "</ol><h2>{}</h2><table>", get("card-verdicts"));
    for (code, shape) in FACES {
        let (word, means) = (coded("banner", code), coded("means", code));
        let _ = write!(page, "<tr><td class=\"face {code}\">{shape} {word}<td>{means}");
    }
    let _ = write!(page, "</table><h2>{}</h2><div class=\"columns\">", get("card-reasons"));
    for reason in
        Flaw::ALL.map(Reason::Flawed).into_iter().chain([Reason::TooLittle, Reason::Uncertain])
    {
        let _ = write!(page, "<p>{}", coded("reason", reason.code()));
    }
    let _ = write!(page, "</div><h2>{}</h2><div class=\"columns\">", get("card-advice"));
    for advice in Advice::ALL {
        let _ = write!(page, "<p>{}", coded("advice", advice.code()));
    }
    let _ = write!(page, "</div><h2>{}</h2><table>", get("card-lamps"));
    let lamps = [
        ("refer", get("lamp-refer"), get("means-refer")),
        ("clear", get("lamp-clear"), get("means-clear")),
        ("ungradable", get("lamp-attention"), get("card-attention")),
        ("off", get("card-dark-name"), get("card-dark")),
    ];
    for (class, name, means) in lamps {
        let _ = write!(page, "<tr><td class=\"face {class}\">{name}<td>{means}");
    }
    let _ = writeln!(page, "</table><p class=\"notice\">{}</html>", get("card-notice"));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_has_every_reason_in_every_language() {
        for language in Language::ALL {
            let texts = Texts::new(language);
            let page = page(&texts);
            for code in ["blank", "no-sector", "noise", "frozen", "unfamiliar", "uncertain"] {
                assert!(page.contains(&escape(&texts.coded("reason", code))), "{code}");
            }
            let open = page.matches('<').count();
            assert_eq!(open, page.matches('>').count(), "words with < in them are escaped");
            // A key without its text would stand there as it is.
            for key in ["card-", "means-", "help-", "advice-", "banner-", "lamp-", "reason-"] {
                assert!(!page.contains(key), "{language:?}: {key}");
            }
        }
    }
}
