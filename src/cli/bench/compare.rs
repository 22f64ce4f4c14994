//! Ours and its peers by turns, so that a drift of the machine falls on all of them.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::peer::Peer;
use super::{Progress, Spread, network, percent, spread, turn};
use crate::error::Error;
use crate::inference::Runner;

/// Microseconds that a turn lasts, about.
const TURN: f64 = 20_000.0;
const RUNS: std::ops::RangeInclusive<usize> = 3..=10_000;
const LEAST_ROUNDS: usize = 3;

#[derive(Serialize)]
struct Report {
    network: String,
    path: String,
    rounds: usize,
    inference: Spread,
    /// 10^6 multiply-accumulates a frame.
    mega_macs: Option<f64>,
    peak_giga_macs_per_second: Option<f64>,
    share_of_peak: Option<f64>,
    peers: Vec<Row>,
}

/// A peer's figures, or why there are none.
#[derive(Serialize)]
struct Row {
    command: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Timed {
        /// What it says about itself.
        words: String,
        #[serde(flatten)]
        time: Spread,
        /// Our median over the peer's.
        ratio: f64,
        /// The same of single rounds: the 10th and the 90th percentile.
        ratio_of_rounds: [f64; 2],
    },
    Failed {
        error: String,
    },
}

/// What one contender has done so far.
#[derive(Default)]
struct Record {
    runs: usize,
    times: Vec<f64>,
    /// Of each round.
    medians: Vec<f64>,
}

impl Record {
    /// The first turn decides how many runs make one; returns how long that takes.
    fn begin(times: &mut [f64]) -> (Record, f64) {
        let each = spread(times).p50_us;
        let runs = ((TURN / each) as usize).clamp(*RUNS.start(), *RUNS.end());
        (Record { runs, ..Record::default() }, each * runs as f64)
    }

    fn add(&mut self, mut times: Vec<f64>) {
        // The first runs of a turn find cold caches.
        times.drain(..times.len() / 4);
        self.medians.push(spread(&mut times).p50_us);
        self.times.append(&mut times);
    }
}

/// Compares `runner`, which runs `name`, with the programs that `commands` start.
///
/// A peer that fails is named and left out; the exit code says so.
pub fn run(
    (name, runner): (String, &mut Runner),
    commands: &[String],
    peak: Option<f64>,
    (limit, patience): (Duration, Duration),
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut ours, mut round) = Record::begin(&mut turn(runner, *RUNS.start())?);
    let mut peers: Vec<Result<(Peer, Record), Error>> = Vec::new();
    let starting = Progress::new(commands.len(), "peers started");
    for command in commands {
        let begun = Peer::start(command, patience).and_then(|mut peer| {
            let (record, turn) = Record::begin(&mut peer.turn(*RUNS.start())?);
            round += turn;
            Ok((peer, record))
        });
        peers.push(begun);
        starting.step();
    }
    drop(starting);
    let all = limit.as_secs_f64() * 1e6 * (1 + peers.iter().flatten().count()) as f64;
    let rounds = ((all / round) as usize).max(LEAST_ROUNDS);
    let progress = Progress::new(rounds, "rounds");
    for _ in 0..rounds {
        ours.add(turn(runner, ours.runs)?);
        for contender in &mut peers {
            if let Ok((peer, record)) = contender {
                match peer.turn(record.runs) {
                    Ok(times) => record.add(times),
                    Err(error) => *contender = Err(error),
                }
            }
        }
        progress.step();
    }
    drop(progress);
    let inference = spread(&mut ours.times);
    let rows = commands.iter().zip(peers).map(|(command, contender)| Row {
        command: command.clone(),
        outcome: match contender {
            Ok((peer, record)) => timed(peer, record, inference, &ours.medians),
            Err(error) => Outcome::Failed { error: error.to_string() },
        },
    });
    let mega_macs = network::mega_macs(runner);
    let report = Report {
        network: name,
        path: runner.path().to_string(),
        rounds,
        inference,
        mega_macs,
        peak_giga_macs_per_second: peak,
        share_of_peak: mega_macs.zip(peak).map(|(m, peak)| m / inference.p50_us * 1e3 / peak),
        peers: rows.collect(),
    };
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&mut std::io::stdout().lock(), &report)?;
    }
    let mut failed = false;
    for row in &report.peers {
        if let Outcome::Failed { error } = &row.outcome {
            eprintln!("sonolamp: {error}");
            failed = true;
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn timed(peer: Peer, mut record: Record, ours: Spread, our_medians: &[f64]) -> Outcome {
    let time = spread(&mut record.times);
    let pairs = our_medians.iter().zip(&record.medians);
    let mut ratios: Vec<f64> = pairs.map(|(our, its)| our / its).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
    Outcome::Timed {
        words: peer.words.clone(),
        time,
        ratio: ours.p50_us / time.p50_us,
        ratio_of_rounds: [at(0.1), at(0.9)],
    }
}

fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let Report { network, path, rounds, inference, .. } = report;
    write!(out, "{network}: {path}")?;
    if report.share_of_peak.is_some() {
        write!(out, ", {} of the peak", percent(report.share_of_peak))?;
    }
    writeln!(out, "\n{rounds} rounds by turns; a ratio is our time over the peer's\n")?;
    writeln!(out, "{:>9} {:>9} {:>7}  {:<12} program", "p50 us", "p99 us", "ratio", "of rounds")?;
    let Spread { p50_us, p99_us } = inference;
    writeln!(out, "{p50_us:>9.1} {p99_us:>9.1} {:>7}  {:<12} ours", "", "")?;
    for Row { command, outcome } in &report.peers {
        match outcome {
            Outcome::Timed { words, time, ratio, ratio_of_rounds: [low, high] } => {
                let Spread { p50_us, p99_us } = time;
                let spread = format!("{low:.2}–{high:.2}");
                write!(out, "{p50_us:>9.1} {p99_us:>9.1} {ratio:>7.2}  {spread:<12} {command}")?;
                writeln!(out, "{}{words}", if words.is_empty() { "" } else { ": " })?;
            }
            Outcome::Failed { .. } => {
                writeln!(out, "{:>9} {:>9} {:>7}  {:<12} {command}", "–", "–", "–", "failed")?;
            }
        }
    }
    Ok(())
}
