//! State changes as lines of text or JSON, for a box without a screen.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, ErrorKind, plain_words};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::protocol::{Conclusion, DangerSign, Examination, VitalSigns};
use crate::screening::{Advice, Reason, Verdict};
use crate::service::{Journal, Level};
use crate::snapshot::{Fault, FaultKind, Keeping, Light, Lights, Snapshot};

/// What must differ for a new line.
#[derive(PartialEq, Clone)]
struct Shown {
    exam: crate::exam::Exam,
    verdict: Option<Verdict>,
    fault: Option<FaultKind>,
    /// What keeps everything from being screened.
    broken: Option<Arc<str>>,
    keeping: &'static str,
    advice: Option<Advice>,
    source_ended: bool,
    patient: Option<(u32, Conclusion, VitalSigns)>,
}

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    uptime_s: f64,
    source: &'a str,
    demonstration: bool,
    exam: u32,
    state: &'static str,
    verdict: Option<&'static str>,
    reason: Option<&'static str>,
    /// The reason in words, with the next step.
    why: Option<&'static str>,
    /// Calibrated probability of referring.
    score: f32,
    /// The protocol's current zone.
    zone: Option<&'a str>,
    patient: Option<PatientLine<'a>>,
    usable_s: f64,
    heads: Vec<HeadLine<'a>>,
    fault: Option<&'a str>,
    /// A fixed word for it.
    fault_code: Option<&'static str>,
    /// How it stands with keeping the exam, and why it is not kept.
    keeping: &'static str,
    not_kept: Option<&'a str>,
    /// What to do about the picture.
    advice: Option<&'static str>,
    refer_lamp: bool,
    clear_lamp: bool,
    attention_lamp: &'static str,
    captured: u64,
    dropped: u64,
    inferred: u64,
    frames_per_second: f32,
    latency_p50_ms: f32,
    latency_p99_ms: f32,
    source_ended: bool,
}

/// What the protocol's rule says of the patient so far.
#[derive(Serialize)]
struct PatientLine<'a> {
    number: u32,
    verdict: &'static str,
    examined: usize,
    zones: usize,
    vital_signs: VitalSigns,
    danger_signs: Vec<DangerLine<'a>>,
}

/// A danger sign, its limit and whose it is.
#[derive(Serialize)]
struct DangerLine<'a> {
    sign: &'static str,
    meaning: &'a str,
    value: f32,
    unit: &'static str,
    limit: String,
    source: &'a str,
}

impl<'a> From<&'a Examination> for PatientLine<'a> {
    fn from(examination: &'a Examination) -> PatientLine<'a> {
        let danger = |DangerSign { limit, source, value }: DangerSign<'a>| {
            let (edge, beyond) = limit.edge();
            DangerLine {
                sign: limit.sign.code(),
                meaning: &limit.meaning,
                value,
                unit: limit.sign.unit(),
                limit: format!("{edge} {beyond}"),
                source: &source.short,
            }
        };
        PatientLine {
            number: examination.patient(),
            verdict: examination.conclude().verdict.word(),
            examined: examination.examined(),
            zones: examination.zones().len(),
            vital_signs: *examination.vital_signs(),
            danger_signs: examination.danger().map(danger).collect(),
        }
    }
}

/// What the network says beside its verdict.
#[derive(Serialize)]
struct HeadLine<'a> {
    name: &'a str,
    labels: Vec<Share<'a>>,
}

#[derive(Serialize)]
struct Share<'a> {
    name: &'a str,
    probability: f32,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    /// For people; marked with levels where the journal reads them.
    Text(Journal),
}

/// Follows `snapshots` until they close or shutdown.
pub fn run(
    out: &mut impl Write,
    form: Form,
    snapshots: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let _end = EndsAll(shutdown);
    let mut last = None;
    loop {
        match snapshots.take(&mut snapshot, Duration::from_millis(200)) {
            Taken::Fresh => {}
            Taken::TimedOut if !shutdown.requested() => continue,
            Taken::TimedOut | Taken::Closed => return Ok(()),
        }
        let safe_mode = |fault: &&Fault| fault.kind == FaultKind::SafeMode;
        let broken = snapshot.fault.as_ref().filter(safe_mode);
        let shown = Shown {
            exam: snapshot.exam,
            verdict: snapshot.verdict,
            fault: snapshot.fault.as_ref().map(|fault| fault.kind),
            broken: broken.map(|fault| Arc::clone(&fault.words)),
            keeping: snapshot.keeping.code(),
            advice: snapshot.advice,
            source_ended: snapshot.source_ended,
            patient: snapshot.examination.as_ref().map(|examination| {
                (examination.patient(), examination.conclude(), *examination.vital_signs())
            }),
        };
        if last.as_ref() == Some(&shown) {
            continue;
        }
        last = Some(shown);
        let line = match form {
            Form::Json => json_line(&snapshot),
            Form::Text(journal) => {
                let trouble = snapshot.fault.is_some() || snapshot.keeping.failure().is_some();
                let level = if trouble { Level::Warning } else { Level::Info };
                format!("{}{}", journal.mark(level), text_line(&snapshot))
            }
        };
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| {
            let problem = format!("cannot be written ({})", plain_words(&e));
            Error::new(ErrorKind::Storage, "stdout", problem, "keep its reader running")
        })?;
    }
}

pub(crate) fn json_line(snapshot: &Snapshot) -> String {
    let lights = snapshot.lights();
    let examination = snapshot.examination.as_ref();
    let line = Line {
        uptime_s: snapshot.uptime.as_millis() as f64 / 1000.0,
        source: &snapshot.identity.source,
        demonstration: snapshot.identity.demonstration,
        exam: snapshot.exam.number,
        state: snapshot.exam.state.word(),
        verdict: snapshot.verdict.map(Verdict::word),
        reason: snapshot.verdict.and_then(Verdict::reason).map(Reason::code),
        why: snapshot.verdict.and_then(Verdict::reason).map(Reason::words),
        score: snapshot.evidence.probability,
        zone: examination.and_then(Examination::current_zone).map(|(zone, _)| &*zone.id),
        patient: examination.map(PatientLine::from),
        usable_s: snapshot.evidence.usable.as_millis() as f64 / 1000.0,
        heads: heads(snapshot),
        fault: snapshot.fault.as_ref().map(|fault| &*fault.words),
        fault_code: snapshot.fault.as_ref().map(|fault| fault.kind.code()),
        keeping: snapshot.keeping.code(),
        not_kept: snapshot.keeping.failure(),
        advice: snapshot.advice.map(Advice::code),
        refer_lamp: lights.refer == Light::On,
        clear_lamp: lights.clear == Light::On,
        attention_lamp: match lights.attention {
            Light::Off => "off",
            Light::On => "on",
            Light::Blinking => "blinking",
        },
        captured: snapshot.counts.captured,
        dropped: snapshot.counts.dropped,
        inferred: snapshot.counts.inferred,
        frames_per_second: snapshot.speed.frames_per_second,
        latency_p50_ms: snapshot.speed.latency_p50_ms,
        latency_p99_ms: snapshot.speed.latency_p99_ms,
        source_ended: snapshot.source_ended,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// None while there is no verdict.
fn heads(snapshot: &Snapshot) -> Vec<HeadLine<'_>> {
    let heads = snapshot.identity.heads.iter().filter(|_| snapshot.verdict.is_some());
    heads
        .map(|head| {
            let shares = head.shares(&snapshot.evidence.scores);
            let labels = shares.map(|(name, probability)| Share { name, probability }).collect();
            HeadLine { name: &head.name, labels }
        })
        .collect()
}

fn text_line(snapshot: &Snapshot) -> String {
    let uptime = snapshot.uptime.as_secs_f64();
    let demo = if snapshot.identity.demonstration { "DEMO " } else { "" };
    let exam = format!("exam {} {}", snapshot.exam.number, snapshot.exam.state.word());
    let state = match (&snapshot.fault, snapshot.verdict) {
        (Some(fault), _) => format!("FAULT {} ({})", fault.kind.word(), fault.words),
        (None, None) => "no verdict".to_owned(),
        (None, Some(verdict)) => {
            let score = snapshot.evidence.probability;
            let usable = snapshot.evidence.usable.as_secs_f64();
            let mut text = format!("{} (score {score:.2}, {usable:.1} s)", verdict.word());
            if let Some(reason) = verdict.reason() {
                text += &format!(": {}", reason.words());
            }
            text
        }
    };
    let advice = snapshot.advice.map_or(String::new(), |a| format!("; picture {}", a.words()));
    let patient = snapshot.examination.as_ref().map_or(String::new(), patient);
    let kept = match &snapshot.keeping {
        Keeping::Failed(words) => format!("; NOT KEPT: {words}"),
        Keeping::Kept => "; kept".to_owned(),
        _ => String::new(),
    };
    let ended = if snapshot.source_ended { "; source ended" } else { "" };
    let lamps = lamps(snapshot.lights());
    format!("{uptime:7.1} s  {demo}{exam}: {state}; lamps {lamps}{advice}{patient}{kept}{ended}")
}

/// The patient's verdict, and danger signs that decide it.
fn patient(examination: &Examination) -> String {
    let danger = examination.danger().map(|sign| format!(" ({})", sign.words()));
    let danger: String = danger.collect();
    format!("; patient {}{danger}", examination.conclude().verdict.word())
}

/// `refer off, clear on, attention blinking` in short.
fn lamps(lights: Lights) -> String {
    let lit = [("refer", lights.refer), ("clear", lights.clear), ("attention", lights.attention)]
        .into_iter()
        .filter_map(|(name, light)| match light {
            Light::Off => None,
            Light::On => Some(name.to_owned()),
            Light::Blinking => Some(format!("{name} blinking")),
        });
    let lit: Vec<String> = lit.collect();
    if lit.is_empty() { "dark".to_owned() } else { lit.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Choice;

    #[test]
    fn a_danger_sign_stands_with_its_limit_and_guideline_in_every_line() {
        let protocol = "lung-8".parse::<Choice>().unwrap().load().unwrap();
        let mut examination = Examination::new(protocol.into());
        (0..8).for_each(|zone| examination.set_verdict(zone, Verdict::Clear, 0.1).unwrap());
        let mut snapshot = Snapshot::new(Default::default());
        snapshot.examination = Some(examination.clone());
        assert!(text_line(&snapshot).ends_with("; patient clear"), "{}", text_line(&snapshot));
        let signs = VitalSigns { age_months: Some(7), spo2: Some(88.5), ..VitalSigns::default() };
        examination.set_vital_signs(signs).unwrap();
        snapshot.examination = Some(examination);
        let text = text_line(&snapshot);
        let words = "; patient refer (low oxygen saturation: SpO2 88.5 %, below 90 (WHO ";
        assert!(text.contains(words), "{text}");
        let line: serde_json::Value = serde_json::from_str(&json_line(&snapshot)).unwrap();
        let patient = &line["patient"];
        assert_eq!((&patient["verdict"], &patient["examined"]), (&"refer".into(), &8.into()));
        assert_eq!(patient["vital_signs"]["age_months"], 7);
        let danger = &patient["danger_signs"][0];
        assert_eq!((&danger["sign"], &danger["limit"]), (&"spo2".into(), &"below 90".into()));
        assert_eq!(danger["value"], 88.5);
        assert!(danger["source"].as_str().unwrap().starts_with("WHO"), "{danger}");
    }
}
