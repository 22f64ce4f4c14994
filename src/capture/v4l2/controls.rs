//! A camera's controls by name: what is asked for is checked against what the device offers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A value as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a control takes a whole number, true, false or a menu entry's name")]
pub enum Setting {
    Number(i64),
    Switch(bool),
    /// An entry of a menu, by name.
    Word(String),
}

/// What a control takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Kind {
    Number { least: i64, most: i64, step: u64 },
    Switch,
    Menu { entries: Vec<(u32, String)> },
}

/// A control that the device offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    #[serde(skip)]
    pub id: u32,
    /// As it is written in the configuration.
    pub name: String,
    #[serde(flatten)]
    pub kind: Kind,
    pub default: i64,
    /// Can be read, but not set.
    pub read_only: bool,
}

/// One control to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    pub id: u32,
    pub value: i64,
}

/// A device's name for a control in the form that the configuration uses: `White Balance,
/// Automatic` is `white_balance_automatic`.
pub fn key(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// What to set, in order; or a problem and what is allowed.
///
/// Switches and menus come first: exposure can be set only after automatic exposure is off.
pub fn plan(
    wanted: &BTreeMap<String, Setting>,
    offered: &[Control],
) -> Result<Vec<Step>, (String, String)> {
    let mut steps = Vec::with_capacity(wanted.len());
    for (name, setting) in wanted {
        let Some(control) = offered.iter().find(|control| control.name == key(name)) else {
            let names: Vec<_> =
                offered.iter().filter(|c| !c.read_only).map(|c| c.name.as_str()).collect();
            let list = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err((format!("has no control `{name}`"), format!("its controls: {list}")));
        };
        if control.read_only {
            let problem = format!("does not let its control `{name}` be set");
            return Err((problem, "remove it from [capture.controls]".to_owned()));
        }
        let value = value(setting, &control.kind).ok_or_else(|| {
            let written = match setting {
                Setting::Number(number) => number.to_string(),
                Setting::Switch(switch) => switch.to_string(),
                Setting::Word(word) => format!("\"{word}\""),
            };
            (format!("cannot set its control `{name}` to {written}"), allowed(&control.kind))
        })?;
        let step = Step { name: name.clone(), id: control.id, value };
        steps.push((matches!(control.kind, Kind::Number { .. }), step));
    }
    steps.sort_by_key(|&(number, _)| number);
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

fn value(setting: &Setting, kind: &Kind) -> Option<i64> {
    match (setting, kind) {
        (Setting::Number(number), Kind::Number { least, most, step }) => {
            let steps = number
                .checked_sub(*least)?
                .checked_rem_euclid(i64::try_from(*step).ok()?.max(1))?;
            ((least..=most).contains(&number) && steps == 0).then_some(*number)
        }
        (Setting::Switch(switch), Kind::Switch) => Some(i64::from(*switch)),
        (Setting::Number(number @ (0 | 1)), Kind::Switch) => Some(*number),
        (Setting::Number(number), Kind::Menu { entries }) => {
            entries.iter().find(|(index, _)| i64::from(*index) == *number).map(|_| *number)
        }
        (Setting::Word(word), Kind::Menu { entries }) => {
            entries.iter().find(|(_, entry)| key(entry) == key(word)).map(|(i, _)| i64::from(*i))
        }
        _ => None,
    }
}

/// What a control takes, in words.
pub fn allowed(kind: &Kind) -> String {
    match kind {
        Kind::Number { least, most, step: 0 | 1 } => format!("allowed: {least} to {most}"),
        Kind::Number { least, most, step } => {
            format!("allowed: {least} to {most} in steps of {step}")
        }
        Kind::Switch => "allowed: true or false".to_owned(),
        Kind::Menu { entries } => {
            let list: Vec<_> =
                entries.iter().map(|(i, entry)| format!("{i} \"{entry}\"")).collect();
            format!("allowed: {}", list.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered() -> Vec<Control> {
        let control = |id, name: &str, kind, read_only| Control {
            id,
            name: key(name),
            kind,
            default: 0,
            read_only,
        };
        let entries = vec![(1, "Manual Mode".to_owned()), (3, "Aperture Priority Mode".to_owned())];
        vec![
            control(1, "Brightness", Kind::Number { least: -64, most: 64, step: 1 }, false),
            control(2, "Gain", Kind::Number { least: 0, most: 100, step: 4 }, false),
            control(3, "White Balance, Automatic", Kind::Switch, false),
            control(4, "Auto Exposure", Kind::Menu { entries }, false),
            control(
                5,
                "Exposure Time, Absolute",
                Kind::Number { least: 1, most: 5000, step: 1 },
                false,
            ),
            control(6, "Temperature", Kind::Number { least: 0, most: 99, step: 1 }, true),
        ]
    }

    fn wanted(rows: &[(&str, Setting)]) -> BTreeMap<String, Setting> {
        rows.iter().map(|(name, setting)| ((*name).to_owned(), setting.clone())).collect()
    }

    #[test]
    fn automatic_modes_are_set_before_the_values_that_they_hold() {
        let wanted = wanted(&[
            ("Auto exposure", Setting::Word("manual mode".into())),
            ("auto_exposure_", Setting::Number(1)),
            ("brightness", Setting::Number(-5)),
            ("exposure_time_absolute", Setting::Number(200)),
            ("gain", Setting::Number(8)),
            ("white_balance_automatic", Setting::Switch(false)),
        ]);
        let plan = plan(&wanted, &offered()).unwrap();
        let ids: Vec<_> = plan.iter().map(|step| (step.id, step.value)).collect();
        assert_eq!(ids, [(4, 1), (4, 1), (3, 0), (1, -5), (5, 200), (2, 8)]);
    }

    #[test]
    fn errors_name_the_control_the_value_and_what_is_allowed() {
        let word = |word: &str| Setting::Word(word.to_owned());
        for (name, setting, problem, remedy) in [
            ("sharpness", Setting::Number(1), "no control `sharpness`", "brightness, gain, white"),
            ("brightness", Setting::Number(90), "`brightness` to 90", "-64 to 64"),
            ("brightness", Setting::Number(i64::MIN), "`brightness` to -9", "-64 to 64"),
            ("gain", Setting::Number(3), "`gain` to 3", "0 to 100 in steps of 4"),
            ("gain", Setting::Switch(true), "`gain` to true", "0 to 100"),
            ("white_balance_automatic", word("on"), "to \"on\"", "true or false"),
            ("auto_exposure", Setting::Number(2), "`auto_exposure` to 2", "1 \"Manual Mode\", 3"),
            ("auto_exposure", word("sunny"), "to \"sunny\"", "3 \"Aperture Priority Mode\""),
            ("temperature", Setting::Number(3), "does not let", "remove it"),
        ] {
            let (said, allowed) = plan(&wanted(&[(name, setting)]), &offered()).unwrap_err();
            assert!(said.contains(problem) && allowed.contains(remedy), "{said}; {allowed}");
        }
        let (_, none) = plan(&wanted(&[("gain", Setting::Number(1))]), &[]).unwrap_err();
        assert_eq!(none, "its controls: none");
    }
}
