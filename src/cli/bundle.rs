//! `sonolamp bundle`: look into a model bundle, check it, sign it, install it.

mod explain;
mod signed;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::bundle::{Activation, Bundle, EvidenceKind};
use crate::inference::Runner;
use crate::inference::kernels::Isa;
use crate::pipeline::Model;

/// Look into a model bundle, check everything in it, sign it, or install it.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Print what a bundle says of itself
    Inspect {
        /// Folder of the bundle (default: the built-in one)
        bundle: Option<PathBuf>,
    },
    /// Check keys, digests, network and known answers
    Verify {
        /// Folder of the bundle (default: the built-in one)
        bundle: Option<PathBuf>,
    },
    /// Check that the activation map points at what phantoms planted
    Explain(explain::Arguments),
    /// Make a key that signs bundles: the secret into a new file, the public line to stdout
    Key {
        /// File to make
        file: PathBuf,
        /// Whose it is, for those who trust it
        #[arg(long, value_name = "NAME")]
        owner: String,
    },
    /// Check a bundle and sign it
    Sign {
        /// Folder of the bundle
        bundle: PathBuf,
        /// File with the secret key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Take a signed bundle into use: signature, digests and known answers first
    ///
    /// The bundle in use until then is kept. One that is older than what this box has had is refused.
    Install {
        /// Folder of the bundle, such as one on a USB stick
        bundle: PathBuf,
        #[command(flatten)]
        place: signed::Place,
    },
    /// Go back to the bundle that was in use before; before the first installed one it is the built-in
    Rollback {
        /// Go back to the bundle inside the program, whatever was in use before
        #[arg(long)]
        built_in: bool,
        #[command(flatten)]
        place: signed::Place,
    },
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.action {
        Action::Explain(arguments) => return explain::run(arguments),
        Action::Key { file, owner } => signed::key(file, owner)?,
        Action::Sign { bundle, key } => signed::sign(bundle, key)?,
        Action::Install { bundle, place } => signed::install(bundle, place)?,
        Action::Rollback { built_in, place } => signed::roll_back(*built_in, place)?,
        Action::Inspect { bundle } => inspect(&Bundle::load(bundle.as_deref())?),
        Action::Verify { bundle } => {
            let model = Model::load(bundle.as_deref())?;
            let known = model.bundle.manifest.known_answers.len();
            println!("{} is whole: {}", model.bundle.origin, model.bundle.title());
            println!("digest {}", model.bundle.digest);
            println!("{known} known answers agree, largest difference {:.4}", model.known_error);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn inspect(bundle: &Bundle) {
    let m = &bundle.manifest;
    let row = |name: &str, value: String| println!("{name:<14} {value}");
    row("bundle", format!("{} ({})", bundle.title(), bundle.origin));
    row("digest", bundle.digest.clone());
    row("task", m.task.clone());
    row("intended use", m.intended_use.clone());
    let evidence = match m.evidence {
        EvidenceKind::Clip => "a clip",
        EvidenceKind::Still => "one picture",
    };
    row("evidence", evidence.to_owned());
    let i = &m.input;
    row("input", format!("{}x{} grey, preprocessing {}", i.width, i.height, i.preprocess));
    for class in &m.classes {
        let what = if class.refer { "refer" } else { "clear" };
        row("class", format!("{} → {what}; also {}", class.name, class.aliases.join(", ")));
    }
    for head in &m.heads {
        let labels: Vec<&str> = head.labels.iter().map(|label| &label.name[..]).collect();
        let how = match head.activation {
            Activation::Softmax => "one of",
            Activation::Sigmoid => "any of",
        };
        row("head", format!("{}: {how} {}", head.name, labels.join(", ")));
    }
    if let Some(familiarity) = &m.familiarity {
        row("familiarity", format!("frames below {} are no evidence", familiarity.least));
    }
    if let Some(map) = &m.map {
        row("map", format!("`{}`, full strength at {} log-odds", map.output, map.full));
    }
    if let Some(mask) = &m.mask {
        row("mask", format!("`{}` outlines: {}", mask.output, mask.name));
    }
    let network = Runner::load(&bundle.model_name(), bundle.model().1, Some(Isa::best()));
    row("computed by", network.map_or_else(|e| e.to_string(), |n| n.path().to_string()));
    let d = &m.decision;
    row("decision", format!("refer from {}, clear to {}", d.refer, d.clear));
    row("calibration", m.calibration.method.clone());
    if let Some(s) = &m.stated {
        let judged = format!("sensitivity {}, specificity {}", s.sensitivity, s.specificity);
        row("stated", format!("coverage {}, {judged} ({})", s.coverage, s.method));
    }
    row("made by", m.provenance.made_by.clone());
    row("trained on", m.provenance.training_data.clone());
    row("licence", format!("{}. {}", m.licence.terms, m.licence.notice));
    for file in &m.files {
        row("file", format!("{} {}", file.sha256, file.path));
    }
}
